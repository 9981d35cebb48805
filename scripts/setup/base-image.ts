/** The images of the container hosts: a suite of Debian with systemd and sshd, named after the recipe's content. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canInstallPackages, installPackages, systemId } from "./debian";
import { debianMirror } from "./debian-mirror";
import { root } from "./environment";
import { capture, must } from "./run";
import { say } from "./say";

/** Debian 12, 13, and the one in the making, which alone has MySQL. */
export const suites = ["bookworm", "trixie", "sid"] as const;
export type Suite = (typeof suites)[number];

/** What a stack names; always the image of the checkout's own recipe. */
export const imageNames: Readonly<Record<Suite, string>> = {
  bookworm: "trilithon-host:bookworm",
  trixie: "trilithon-host:trixie",
  sid: "trilithon-host:latest",
};

const recipeFolder = join(root, "scripts", "setup", "host-image");

/** The suites of the images that a stack's settings name; sid where they name none. */
export function suitesIn(settings: string): readonly Suite[] {
  const named = suites.filter((suite) =>
    new RegExp(`\\b${imageNames[suite]}(?![\\w.-])`).test(settings),
  );
  return named.length === 0 ? ["sid"] : named;
}

export async function prepareImage(suite: Suite = "sid"): Promise<string> {
  const name = `trilithon-host:${suite}-${recipeAddress()}`;
  const isThere = (await capture("docker", ["image", "inspect", name])).status === 0;
  if (!isThere) await makeImage(name, suite);
  await must("base image", "docker", ["tag", name, imageNames[suite]]);
  return name;
}

export function recipeAddress(folder = recipeFolder): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(folder).sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(folder, file)))
      .update("\0");
  }
  return hash.digest("hex").slice(0, 12);
}

async function makeImage(name: string, suite: Suite): Promise<void> {
  const mirror = canInstallPackages() && systemId() === "debian" && debianMirror();
  if (mirror) {
    say("base image", `making it from Debian ${suite}'s packages (about half a minute, once)`);
    await makeFromPackages(name, suite, mirror);
  } else {
    say("base image", `making it with docker build from debian:${suite} (about a minute, once)`);
    const args = ["build", "--build-arg", `SUITE=${suite}`, "--tag", name, recipeFolder];
    await must("base image", "docker", args);
  }
}

async function makeFromPackages(name: string, suite: Suite, mirror: string): Promise<void> {
  const isInstalled = (await capture("mmdebstrap", ["--version"])).status === 0;
  if (!isInstalled) await installPackages(["mmdebstrap"]);
  const packages = readFileSync(join(recipeFolder, "packages"), "utf8").trim().split("\n");
  const folder = await mkdtemp(join(tmpdir(), "trilithon-image-"));
  const archive = join(folder, "root.tar");
  try {
    await must("base image", "mmdebstrap", [
      ...["--quiet", "--variant=minbase", `--include=${packages.join(",")}`],
      // Mirrors may be frozen snapshots.
      ...['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Check-Date "false"'],
      `--customize-hook=upload ${join(recipeFolder, "finish.sh")} /finish.sh`,
      '--customize-hook=chroot "$1" sh /finish.sh',
      ...[suite, archive, mirror],
    ]);
    await writeFile(join(folder, "Dockerfile"), `FROM scratch\nADD root.tar /\n${imageSettings()}`);
    await must("base image", "docker", ["build", "--tag", name, folder]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a container of the image runs, as the recipe's own Dockerfile has it. */
function imageSettings(): string {
  const recipe = readFileSync(join(recipeFolder, "Dockerfile"), "utf8");
  return recipe.slice(recipe.indexOf("ENV "));
}
