#!/usr/bin/env -S node --max-semi-space-size=2
// Starts the bundle beside it from V8's compiled form, which is kept for the next start: Pulumi starts a plugin
// afresh for each phase, and compiling is half of what a start costs. Without a writable folder it starts all the same.
const { readFileSync, renameSync, statSync, writeFileSync } = require("node:fs");
const { createRequire, wrap } = require("node:module");
const { join } = require("node:path");
const { setFlagsFromString } = require("node:v8");
const { Script } = require("node:vm");

// A plugin lives for seconds, and V8 would rather grow than collect: with a thousand resources to twice the size. The
// first line keeps the space for young objects small as well (megabytes), which can only be said at the start.
setFlagsFromString("--heap-growing-percent=30");

const bundle = join(__dirname, "plugin.js");
const { mtimeMs, size } = statSync(bundle);
const compiled = join(__dirname, `plugin-${process.version}-${size}-${mtimeMs}.compiled`);
const cachedData = read(compiled);
const script = new Script(wrap(readFileSync(bundle, "utf8")), { filename: bundle, cachedData });
const bundled = { exports: {} };
script.runInThisContext()(bundled.exports, createRequire(bundle), bundled, bundle, __dirname);

if (cachedData === undefined || script.cachedDataRejected) process.on("exit", keep);

function read(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function keep() {
  try {
    const draft = `${compiled}.${process.pid}`;
    writeFileSync(draft, script.createCachedData());
    renameSync(draft, compiled);
  } catch {}
}
