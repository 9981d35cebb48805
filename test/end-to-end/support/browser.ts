/** A real browser: the one on this machine, else Debian's, installed. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { canInstallPackages, installPackages } from "../../../scripts/setup/debian";

const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

export async function openBrowser(): Promise<Browser> {
  const executablePath = findBrowser() ?? (await installBrowser());
  // Chromium's own sandbox does not start as root.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args, timeout: 120_000 });
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
