import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import ts from "typescript";
import { readArguments, withTables } from "../../scripts/components-page/tables";
import { root } from "../../scripts/setup/environment";

const page = readFileSync(join(root, "docs", "components.md"), "utf8");

/** Every interface of arguments that another program can import. */
const interfaces = publicFiles().flatMap((file) =>
  namesOf(file)
    .filter((name) => /(Args|Server|Application)$/.test(name))
    .map((name) => ({ file, name })),
);

test("the page has every argument as its interface has it; `npm run docs` writes it", (t) => {
  t.is(withTables(page), page);
});

for (const { file, name } of interfaces) {
  test(`${name} is on the page, and each of its arguments is explained`, (t) => {
    t.true(page.includes(`<!-- arguments: ${name} in ${file} -->`));
    const mute = readArguments(file, name).filter(({ meaning }) => meaning === "");
    t.deepEqual(
      mute.map((one) => one.name),
      [],
    );
  });
}

function publicFiles(): readonly string[] {
  const { config } = ts.readConfigFile(join(root, "tsconfig.package.json"), ts.sys.readFile);
  const { fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  return fileNames.map((name) => name.slice(root.length + 1));
}

function namesOf(file: string): readonly string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/^export interface (\w+)/gm)].map(([, name = ""]) => name);
}
