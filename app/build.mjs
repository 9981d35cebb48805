/** Builds app/dist: `server.js`, which needs nothing but Node, and `public/static/`, for the web server. The same sources give the same bytes. */

import { rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "dist");
rmSync(out, { recursive: true, force: true });

const files = await build({
  absWorkingDir: here,
  entryPoints: ["public/guestbook.css", "public/guestbook.js"],
  entryNames: "[name]-[hash]",
  outdir: join(out, "public/static"),
  minify: true,
  target: ["chrome123", "firefox121", "safari17.5"],
  metafile: true,
});
const addresses = Object.keys(files.metafile.outputs).map((path) => `/static/${basename(path)}`);
const address = (extension) => addresses.find((path) => path.endsWith(extension));

await build({
  absWorkingDir: here,
  entryPoints: ["server.ts"],
  outfile: join(out, "server.js"),
  bundle: true,
  platform: "node",
  target: "node20",
  legalComments: "none",
  define: { ASSETS: JSON.stringify({ style: address(".css"), script: address(".js") }) },
});
