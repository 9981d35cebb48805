/** What a folder of this machine holds, as a version: the same content is the same version, on every machine. */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";

export interface HashOptions {
  /** Files and folders of these names count nowhere in it. */
  readonly excludedNames: readonly string[];
  /** A folder within that does not count: what is built from the rest. */
  readonly excludedFolder?: string;
  /** What else makes another version. */
  readonly salt?: string;
}

/** 16 hexadecimal digits. Of the modes only the one that git keeps counts: executable or not. */
export function hashFolder(folder: string, options: HashOptions): string {
  if (!existsSync(folder)) {
    throw new pulumi.RunError(`the folder of the application does not exist: ${resolve(folder)}`);
  }
  const hash = createHash("sha256").update(options.salt ?? "");
  for (const path of listFiles(folder, options)) {
    const { mode, content } = readEntry(path);
    hash.update(`\0${relative(folder, path)}\0${mode}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 16);
}

/** The address of the first file in a folder of static files. */
export function firstFile(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const paths = listFiles(folder, { excludedNames: [] });
  const [first] = paths.map((path) => `/${relative(folder, path)}`).filter(isShown);
  return first;
}

function isShown(path: string): boolean {
  return !path.includes("/.") && !path.endsWith(".map");
}

function listFiles(folder: string, options: HashOptions): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      const isBuilt =
        options.excludedFolder !== undefined && resolve(path) === resolve(options.excludedFolder);
      if (isBuilt || options.excludedNames.includes(entry.name)) return [];
      return entry.isDirectory() ? listFiles(path, options) : [path];
    });
}

function readEntry(path: string): { readonly mode: string; readonly content: Buffer } {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return { mode: "link", content: Buffer.from(readlinkSync(path)) };
  if (!stat.isFile()) return { mode: "other", content: Buffer.alloc(0) };
  return { mode: stat.mode & 0o100 ? "executable" : "file", content: readFileSync(path) };
}
