/** Pulumi's plugins for Docker and for commands: the official ones, else the stand-ins of the same names from `offline/`. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { preventDebugLogs } from "./debug-logs";
import { canReach } from "./download";
import {
  cliFolder,
  devStack,
  pulumiEnvironment,
  pulumiHome,
  root,
  standInsMarker,
} from "./environment";
import { capture } from "./run";
import { pluginVersions } from "./versions";

type Plugin = keyof typeof pluginVersions;
const plugins: readonly Plugin[] = ["docker", "command"];

export async function preparePlugins(): Promise<string> {
  await mkdir(pulumiHome, { recursive: true });
  await preventDebugLogs(join(pulumiHome, "logs"));
  if (!existsSync(standInsMarker) && (await haveOfficial())) return titles;
  await installStandIns();
  return `${titles}: offline stand-ins, as the official ones cannot be downloaded`;
}

const titles = plugins.map((plugin) => `${plugin} ${pluginVersions[plugin]}`).join(", ");

async function haveOfficial(): Promise<boolean> {
  const missing = plugins.filter((plugin) => !existsSync(installedFolder(plugin)));
  if (missing.length === 0) return true;
  if (!(await canReach("https://get.pulumi.com/"))) return false;
  const results = await Promise.all(missing.map((plugin) => install(plugin)));
  return results.every(({ status }) => status === 0);
}

function installedFolder(plugin: Plugin): string {
  return join(pulumiHome, "plugins", `resource-${plugin}-v${pluginVersions[plugin]}`);
}

const installDeadlineSeconds = 600;

function install(plugin: Plugin, ...args: readonly string[]) {
  return capture(
    join(cliFolder, "pulumi"),
    ["plugin", "install", "resource", plugin, pluginVersions[plugin], ...args],
    { env: pulumiEnvironment(devStack), deadlineSeconds: installDeadlineSeconds },
  );
}

/** Installs those whose bundle is another than the one installed last. */
async function installStandIns(): Promise<void> {
  const installed = existsSync(standInsMarker) ? readFileSync(standInsMarker, "utf8") : "";
  const present = JSON.stringify(Object.fromEntries(plugins.map((name) => [name, address(name)])));
  if (installed === present) return;
  for (const plugin of plugins) {
    const { status, stderr } = await install(
      plugin,
      "--reinstall",
      "--file",
      standInFolder(plugin),
    );
    if (status !== 0)
      throw new Error(`Pulumi plugins: installing the stand-in for ${plugin}: ${stderr}`);
  }
  await writeFile(standInsMarker, present);
}

function standInFolder(plugin: Plugin): string {
  return join(root, "dist", "offline", plugin);
}

function address(plugin: Plugin): string {
  const hash = createHash("sha256");
  for (const file of ["plugin.js", `pulumi-resource-${plugin}`]) {
    hash.update(readFileSync(join(standInFolder(plugin), file)));
  }
  return hash.digest("hex").slice(0, 16);
}
