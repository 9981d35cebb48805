/** Bundles each plugin into one file, so that starting it loads one file. */
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./environment";

export interface Bundle {
  readonly entry: string;
  readonly folder: string;
  readonly executable: string;
}

const bundles: readonly Bundle[] = [
  {
    entry: "provider/plugin.ts",
    folder: "dist/plugin",
    executable: "pulumi-resource-trilithon",
  },
  {
    entry: "offline/docker/plugin.ts",
    folder: "dist/offline/docker",
    executable: "pulumi-resource-docker",
  },
  {
    entry: "offline/command/plugin.ts",
    folder: "dist/offline/command",
    executable: "pulumi-resource-command",
  },
];

/** Writes only what changed, so that an unchanged plugin can be in use meanwhile. */
export async function buildPlugins(): Promise<void> {
  const present = bundles.filter(({ entry }) => existsSync(join(root, entry)));
  await Promise.all(present.map(buildPlugin));
}

/** Pulumi's name for the plugin is in that of the executable. */
export async function buildPlugin({ entry, folder, executable }: Bundle): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir: folder,
    entryNames: "plugin",
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    // ssh2 tries these native parts and does without them.
    external: ["cpu-features", "*.node"],
    sourcemap: "linked",
    sourcesContent: false,
    logLevel: "error",
    write: false,
  });
  await mkdir(join(root, folder), { recursive: true });
  const areChanged = await Promise.all([
    ...outputFiles.map(({ path, contents }) => writeIfChanged(path, contents, 0o644)),
    writeIfChanged(join(root, folder, executable), await readFile(join(root, launcher)), 0o755),
  ]);
  if (areChanged.includes(true)) await removeCompiledForms(join(root, folder));
}

/** The launcher keeps one beside the plugin for each form of it that ever ran. */
async function removeCompiledForms(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".compiled"));
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
}

const launcher = "provider/launcher.cjs";

async function writeIfChanged(path: string, contents: Uint8Array, mode: number): Promise<boolean> {
  const former = await readFile(path).catch(() => undefined);
  if (former && Buffer.compare(former, contents) === 0) return false;
  const draft = `${path}.${process.pid}`;
  try {
    await writeFile(draft, contents);
    await chmod(draft, mode);
    await rename(draft, path);
    return true;
  } finally {
    await rm(draft, { force: true });
  }
}
