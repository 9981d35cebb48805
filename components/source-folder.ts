/** The folder of an application on this machine. */
import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type ContentOptions, hashContent, listFiles } from "../provider/resources/folder-content";
import { sourceNames } from "./render/nginx";

/** Its content as a version, of 16 hexadecimal digits: the same content is the same version, on every machine. */
export function hashFolder(folder: string, options: ContentOptions): string {
  if (!existsSync(folder)) {
    throw new pulumi.RunError(`the folder of the application does not exist: ${resolve(folder)}`);
  }
  try {
    return hashContent(folder, options);
  } catch (error) {
    throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
  }
}

/** The address of the first file in a folder of static files that is not below `writtenPaths`. */
export function firstFile(
  folder: string,
  writtenPaths: readonly string[] = [],
): string | undefined {
  if (!existsSync(folder)) return undefined;
  const paths = listFiles(folder, { excludedNames: [] });
  const isWritten = (path: string) => writtenPaths.some((place) => path.startsWith(`${place}/`));
  return paths
    .map((path) => `/${relative(folder, path)}`)
    .find((path) => isShown(path) && !isWritten(path));
}

/** Its `verify.json` says so: an application of one's own has none. */
export function isGuestBook(folder: string): boolean {
  const file = join(folder, "verify.json");
  return existsSync(file) && /"checks":\s*"guest-book"/.test(readFileSync(file, "utf8"));
}

/** The web server hides some files, and leaves sources to the application. */
function isShown(path: string): boolean {
  return !path.includes("/.") && !path.endsWith(".map") && !isSource(path);
}

function isSource(path: string): boolean {
  return new RegExp(sourceNames, "i").test(path);
}
