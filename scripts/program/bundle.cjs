/** The program as one file, made anew where a source changed. Pulumi's SDK stays outside: there must be one of it. */
const { createHash } = require("node:crypto");
const { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

/** Answers the bundle's path, or `undefined` where it cannot be made: then the sources are run. */
exports.bundleProgram = (root) => {
  const folder = join(root, "dist", "program");
  try {
    return current(root, folder) ?? bundle(root, folder);
  } catch {
    return undefined;
  }
};

/** The bundle whose sources are as they were. */
function current(root, folder) {
  const made = read(join(folder, "made.json"));
  return made !== undefined && stamp(root, made.sources) === made.stamp
    ? join(folder, made.file)
    : undefined;
}

function bundle(root, folder) {
  const { buildSync } = require("esbuild");
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: ["index.ts"],
    outdir: folder,
    bundle: true,
    external: ["@pulumi/pulumi", "@pulumi/pulumi/*"],
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    sourcesContent: false,
    metafile: true,
    logLevel: "silent",
    write: false,
  });
  const [{ contents }] = outputFiles;
  const file = `${createHash("sha256").update(contents).digest("hex").slice(0, 16)}.js`;
  const inputs = Object.keys(metafile.inputs).filter((path) => !path.includes("node_modules/"));
  const sources = [...inputs, "package-lock.json", "tsconfig.json"];
  mkdirSync(folder, { recursive: true });
  write(join(folder, file), contents);
  write(join(folder, "made.json"), JSON.stringify({ file, sources, stamp: stamp(root, sources) }));
  return join(folder, file);
}

/** Changes when any of the files does. */
function stamp(root, sources) {
  return sources
    .map((path) => statSync(join(root, path)))
    .map(({ mtimeMs, size }) => `${mtimeMs} ${size}`)
    .join("\n");
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** Whole at any moment: two programs may start at once. */
function write(path, contents) {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, contents);
  renameSync(draft, path);
}
