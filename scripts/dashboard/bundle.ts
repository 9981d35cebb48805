/** The page's files, bundled when the command starts. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../setup/environment";

export interface PageFile {
  readonly type: string;
  readonly text: string;
}

const folder = join(root, "scripts", "dashboard", "page");

/** By the end of their path. */
export async function bundlePage(): Promise<ReadonlyMap<string, PageFile>> {
  const [html, icon, { outputFiles }] = await Promise.all([
    readFile(join(folder, "page.html"), "utf8"),
    readFile(join(folder, "icon.svg"), "utf8"),
    build({
      absWorkingDir: folder,
      entryPoints: ["page.ts", "page.css"],
      outdir: folder,
      bundle: true,
      format: "iife",
      target: ["chrome123", "firefox121", "safari17.5"],
      logLevel: "error",
      write: false,
    }),
  ]);
  const text = (ending: string) =>
    outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  return new Map([
    ["", { type: "text/html; charset=utf-8", text: html }],
    ["icon.svg", { type: "image/svg+xml", text: icon }],
    ["page.js", { type: "text/javascript; charset=utf-8", text: text(".js") }],
    ["page.css", { type: "text/css; charset=utf-8", text: text(".css") }],
  ]);
}
