/** A stack of the checkout's program with a project folder and a backend of its own, for tests and the benchmark. */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { root, type StackPlace } from "./environment";

export interface SideStackArgs {
  readonly stack: string;
  /** Made where it is missing; the caller removes it. */
  readonly folder: string;
  /** By full key: `trilithon:domain`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The folder of the program to run; default: the checkout's own. */
  readonly program?: string;
}

/** May be called again to change the settings; what Pulumi keeps in the stack's file stays. */
export async function writeSideStack(args: SideStackArgs): Promise<StackPlace> {
  const { stack, folder, settings, program = root } = args;
  await mkdir(folder, { recursive: true });
  const ours = await readFile(join(root, "Pulumi.yaml"), "utf8");
  const plugin = `path: ${relative(folder, join(root, "dist", "plugin"))}`;
  await writeFile(
    join(folder, "Pulumi.yaml"),
    `${ours.replace("path: dist/plugin", plugin)}main: ${relative(folder, entryOf(program))}\n`,
  );
  const file = join(folder, `Pulumi.${stack}.yaml`);
  const former = await readFile(file, "utf8").catch(() => "");
  const salt = /^encryptionsalt: .*$/m.exec(former)?.[0] ?? "";
  await writeFile(file, `${salt}\nconfig: ${JSON.stringify(settings)}\n`);
  return { stack, project: folder, backend: join(folder, "state") };
}

/** Of a folder without a package.json of its own Pulumi takes the checkout's entry, unless the file itself is named. */
function entryOf(program: string): string {
  const entry = ["index.ts", "index.js"]
    .map((name) => join(program, name))
    .find((path) => existsSync(path));
  return program === root || entry === undefined ? program : entry;
}
