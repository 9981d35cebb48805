/** Ansible and pyinfra, from PyPI by version, in an environment that is kept for the next run. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { say } from "../../scripts/setup/say";

export interface Python {
  /** The folder of the environment's commands. */
  readonly bin: string;
}

const requirements = ["ansible==12.3.0", "pyinfra==3.10.0"];

export async function preparePython(): Promise<Python> {
  const folder = join(cacheFolder, "benchmark-python");
  const bin = join(folder, "bin");
  const installed = join(folder, "requirements.txt");
  const wanted = requirements.join("\n");
  if ((await readFile(installed, "utf8").catch(() => "")) === wanted) return { bin };
  say("Ansible and pyinfra", "installing them from PyPI (about two minutes, once)");
  // Its scripts hold its path, so that it is made in its place; the list of what is in it comes last.
  await rm(folder, { recursive: true, force: true });
  await mkdir(cacheFolder, { recursive: true });
  await must("Python", "python3", ["-m", "venv", folder]);
  await must("Ansible and pyinfra", join(bin, "pip"), ["install", "--quiet", ...requirements]);
  await writeFile(installed, wanted);
  return { bin };
}

export async function versionOf({ bin }: Python, name: string): Promise<string> {
  const code = `import importlib.metadata; print(importlib.metadata.version("${name}"))`;
  return (await must(name, join(bin, "python"), ["-c", code])).trim();
}
