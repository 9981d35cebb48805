import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import test from "ava";

const launcher = resolve(__dirname, "..", "..", "scripts", "launch.mjs");
const wanted = {
  "": { name: "checkout" },
  "node_modules/one": { version: "1.0.0" },
  "node_modules/fits-other-systems": { version: "1.0.0", optional: true },
};

const cases: readonly [string, object | undefined, boolean][] = [
  ["installs the packages of a fresh clone", undefined, true],
  [
    "leaves packages alone that are those of the lock file",
    { "node_modules/one": { version: "1.0.0" } },
    false,
  ],
  [
    "installs where the lock file has another version",
    { "node_modules/one": { version: "0.9.0" } },
    true,
  ],
  ["installs where one is missing", {}, true],
];

for (const [title, installed, isInstalling] of cases) {
  test(title, (t) => {
    const checkout = mkdtempSync(join(tmpdir(), "checkout-"));
    mkdirSync(join(checkout, "scripts"));
    mkdirSync(join(checkout, "bin"));
    cpSync(launcher, join(checkout, "scripts", "launch.mjs"));
    writeFileSync(join(checkout, "package-lock.json"), JSON.stringify({ packages: wanted }));
    if (installed) {
      mkdirSync(join(checkout, "node_modules"));
      const file = join(checkout, "node_modules", ".package-lock.json");
      writeFileSync(file, JSON.stringify({ packages: installed }));
    }
    writeFileSync(join(checkout, "bin", "npm"), '#!/bin/sh\necho "$@" > npm-called\n');
    chmodSync(join(checkout, "bin", "npm"), 0o755);
    spawnSync(process.execPath, [join(checkout, "scripts", "launch.mjs"), "start"], {
      env: { ...process.env, PATH: [join(checkout, "bin"), process.env.PATH].join(delimiter) },
    });
    t.is(existsSync(join(checkout, "npm-called")), isInstalling);
  });
}

test("each npm script has its program", (t) => {
  const checkout = resolve(__dirname, "..", "..");
  const manifest: { readonly scripts: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(checkout, "package.json"), "utf8"),
  );
  const programs = Object.values(manifest.scripts)
    .map((script) => /^node scripts\/launch\.mjs (\S+)$/.exec(script)?.[1])
    .filter((program) => program !== undefined);
  t.true(programs.length > 5);
  t.deepEqual(
    programs.filter((program) => !existsSync(join(checkout, "scripts", `${program}.ts`))),
    [],
  );
});
