/** Installs system packages, which set-up does only as root on Debian or Ubuntu. */
import { readFileSync } from "node:fs";
import { must } from "./run";
import { say } from "./say";

export function canInstallPackages(): boolean {
  return process.getuid?.() === 0 && ["debian", "ubuntu"].includes(systemId());
}

/** `debian`, `ubuntu` ...; empty where unknown. */
export function systemId(): string {
  try {
    const text = readFileSync("/etc/os-release", "utf8");
    return /^ID="?([^"\n]*)"?$/m.exec(text)?.[1] ?? "";
  } catch {
    return "";
  }
}

export async function installPackages(packages: readonly string[]): Promise<void> {
  say("system packages", `installing ${packages.join(", ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  const waitForLock = ["-o", "DPkg::Lock::Timeout=300", "-q"];
  await must("system packages: updating the lists", "apt-get", [...waitForLock, "update"], { env });
  await must(
    "system packages: installing",
    "apt-get",
    [...waitForLock, "install", "--yes", "--no-install-recommends", ...packages],
    { env },
  );
}
