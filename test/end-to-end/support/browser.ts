/** A real browser: the one on this machine, else Debian's, installed. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { canInstallPackages, installPackages } from "../../../scripts/setup/debian";
import { must } from "../../../scripts/setup/run";

const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

export interface Outside {
  /** The address of the name server that it asks, and no other one. */
  readonly nameServer: string;
  /** PEM: whom it trusts besides. */
  readonly ca: string;
  /** Chromium speaks HTTP/3 with these at once, and with nobody else whose root is one of ours: `www.foobar.com:443`. */
  readonly overHttp3?: readonly string[];
}

/** `outside`: how it sees the network. Default: as this machine does. */
export async function openBrowser(outside?: Outside): Promise<Browser> {
  const found = findBrowser() ?? (await installBrowser());
  const executablePath = outside ? await wrapBrowser(found, outside) : found;
  // Chromium's own sandbox does not start as root.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const { overHttp3 = [] } = outside ?? {};
  if (overHttp3.length > 0) args.push(`--origin-to-force-quic-on=${overHttp3.join(",")}`);
  return chromium.launch({ executablePath, args, timeout: 120_000 });
}

/** A program that starts it with files of its own in place of the system's, as root. */
async function wrapBrowser(browser: string, { nameServer, ca }: Outside): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "trilithon-browser-"));
  const store = join(folder, ".pki", "nssdb");
  await mkdir(store, { recursive: true });
  await writeFile(join(folder, "resolv.conf"), `nameserver ${nameServer}\n`);
  await writeFile(join(folder, "ca.pem"), ca);
  if (!existsSync("/usr/bin/certutil")) await installPackages(["libnss3-tools"]);
  const at = ["-d", `sql:${store}`];
  await must("certutil", "certutil", [...at, "-N", "--empty-password"]);
  const trusted = ["-A", "-n", "trilithon", "-t", "C,,", "-i", join(folder, "ca.pem")];
  await must("certutil", "certutil", [...at, ...trusted]);
  const path = join(folder, "browser");
  await writeFile(
    path,
    `#!/bin/sh
export HOME=${folder}
exec unshare --mount sh -c 'mount --bind ${folder}/resolv.conf /etc/resolv.conf && exec ${browser} "$@"' sh "$@"
`,
    { mode: 0o755 },
  );
  return path;
}

function findBrowser(): string | undefined {
  return [process.env.CHROMIUM ?? "", ...places].find((path) => path !== "" && existsSync(path));
}

async function installBrowser(): Promise<string> {
  if (!canInstallPackages()) {
    throw new Error(
      `browser: expected Chromium or Chrome at ${places.join(" or ")}; install one, or set CHROMIUM to its path`,
    );
  }
  await installPackages(["chromium"]);
  const found = findBrowser();
  if (found === undefined) throw new Error("browser: the package chromium has none");
  return found;
}
