/** What a folder of this machine holds, as a name: the same content has the same name, on every machine. */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative, resolve } from "node:path";

export interface ContentOptions {
  /** Files and folders of these names count nowhere in it. */
  readonly excludedNames: readonly string[];
  /** A folder within that does not count: what is built from the rest. */
  readonly excludedFolder?: string;
  /** What else makes another content. */
  readonly salt?: string;
}

/** 16 hexadecimal digits. Of the modes only the one that git keeps counts: executable or not. */
export function hashContent(folder: string, options: ContentOptions): string {
  const hash = createHash("sha256").update(options.salt ?? "");
  for (const path of listFiles(folder, options)) {
    const { mode, content } = readEntry(path);
    hash.update(`\0${relative(folder, path)}\0${mode}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 16);
}

/** All files and links below, but no folders, in one order on every machine. */
export function listFiles(folder: string, options: ContentOptions): string[] {
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
