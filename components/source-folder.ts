/** The folder of an application on this machine. */
import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type ContentOptions, hashContent, listFiles } from "../provider/resources/folder-content";

/** Its content as a version, of 16 hexadecimal digits: the same content is the same version, on every machine. */
export function hashFolder(folder: string, options: ContentOptions): string {
  if (!existsSync(folder)) {
    throw new pulumi.RunError(`the folder of the application does not exist: ${resolve(folder)}`);
  }
  return hashContent(folder, options);
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
