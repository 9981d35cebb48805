/** The recorded previews. */

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = resolve("test", "golden", "preview-comment");

/** What `pulumi preview --json` printed, by the name of the case. */
export function readPreviews(): ReadonlyMap<string, string> {
  const files = readdirSync(folder).filter((file) => /\.(json|txt)$/.test(file));
  return new Map(files.map((file) => [file.replace(/\.\w+$/, ""), readGolden(file)]));
}

export function readGolden(file: string): string {
  return readFileSync(join(folder, file), "utf8");
}

export function goldenPath(file: string): string {
  return join(folder, file);
}
