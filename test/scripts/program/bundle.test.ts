import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { root } from "../../../scripts/setup/environment";

const { bundleProgram } = require("../../../scripts/program/bundle.cjs");

function project(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-program-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const file of ["package-lock.json", "tsconfig.json"])
    cpSync(join(root, file), join(folder, file));
  writeFileSync(
    join(folder, "index.ts"),
    'import { name } from "./name";\nexport const said = name;\n',
  );
  writeFileSync(join(folder, "name.ts"), 'export const name: string = "one";\n');
  return folder;
}

test("a program is bundled once for each state of its sources", (t) => {
  const folder = project(t);
  const first = bundleProgram(folder);
  t.is(require(first).said, "one");
  t.is(bundleProgram(folder), first);

  writeFileSync(join(folder, "name.ts"), 'export const name: string = "another";\n');
  const second = bundleProgram(folder);
  t.not(second, first);
  t.is(require(second).said, "another");
});

test("a source that was touched but not changed gives the same bundle", (t) => {
  const folder = project(t);
  const first = bundleProgram(folder);
  utimesSync(join(folder, "name.ts"), new Date(), new Date(0));
  t.is(bundleProgram(folder), first);
});

test("Pulumi's SDK stays outside: there must be one of it", (t) => {
  const folder = project(t);
  writeFileSync(join(folder, "index.ts"), 'export { Config } from "@pulumi/pulumi";\n');
  t.true(readFileSync(bundleProgram(folder), "utf8").includes('require("@pulumi/pulumi")'));
});

test("sources that cannot be bundled are left to Pulumi, which says what is wrong", (t) => {
  const folder = project(t);
  writeFileSync(join(folder, "index.ts"), "export const = 1;\n");
  t.is(bundleProgram(folder), undefined);
});

test("Pulumi takes the program, and not the package's entry, out of package.json", (t) => {
  const about = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  t.is(about.main, undefined);
  const { default: program, require: required, import: imported } = about.exports["."];
  t.deepEqual([program, required, imported], ["./index.ts", undefined, undefined]);
});
