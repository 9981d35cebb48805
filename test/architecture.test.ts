import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import test from "ava";
import { cycles, forbiddenImports, importsOf } from "./support/imports";

const root = join(__dirname, "..");
const folders = ["app", "benchmark", "components", "offline", "provider", "scripts", "test"];

function sources(): Map<string, string> {
  const found = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => relative(root, join(entry.parentPath, entry.name))),
  );
  const files = ["index.ts", ...found].filter((file) => !file.includes("node_modules"));
  return new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
}

test("imports run one way", (t) => {
  const files = sources();
  t.true(files.size > 100);
  t.deepEqual(
    [...files].flatMap(([file, text]) => forbiddenImports(file, text)),
    [],
  );
});

test("no files load each other in a circle", (t) => {
  t.deepEqual(cycles(sources()), []);
});

const forbidden: [file: string, text: string][] = [
  ["index.ts", 'import { Session } from "./provider/ssh/session";'],
  ["index.ts", 'import { run } from "./scripts/setup/run";'],
  ["components/web-server.ts", 'import { Pool } from "../provider/ssh/pool";'],
  ["components/web-server.ts", 'import type { Kind } from "../provider/kind";'],
  ["components/web-server.ts", 'import { root } from "../scripts/setup/environment";'],
  ["components/web-server.ts", 'import "../index";'],
  ["components/settings/hosts.ts", 'export * from "../../test/support/wire";'],
  ["components/render/nginx.ts", 'import { WebServer } from "../web-server";'],
  ["components/render/nginx.ts", 'import { type Args, WebServer } from "../web-server";'],
  [
    "components/render/nginx.ts",
    'import type { FileArgs } from "../../provider/resources/service";',
  ],
  ["provider/schema/values.ts", 'import { text } from "../check";'],
  ["provider/kinds.ts", 'import { renderNginx } from "../components/render/nginx";'],
  ["provider/plugin.ts", 'const served = await import("../offline/served");'],
  ["provider/plugin.ts", 'const { run } = require("../scripts/setup/run");'],
  ["provider/plugin.ts", 'import run = require("../scripts/setup/run");'],
  ["provider/plugin.ts", 'type Settings = import("../components/settings").Settings;'],
  ["scripts/verify.ts", 'import { readSettings } from "../components/settings";'],
  ["scripts/verify.ts", 'import { kinds } from "../provider/kinds";'],
  ["offline/served.ts", 'import { Host } from "../components/host";'],
  ["app/server.ts", 'import { sh } from "../provider/ssh/shell";'],
  ["elsewhere/file.ts", ""],
];

for (const [file, text] of forbidden) {
  test(`${file} is told of ${text || "having no room"}`, (t) => {
    t.is(forbiddenImports(file, text).length, 1);
  });
}

const allowed: [file: string, text: string][] = [
  [
    "index.ts",
    'import * as pulumi from "@pulumi/pulumi";\nimport { Host } from "./components/host";',
  ],
  ["components/host.ts", 'import type { HostArgs } from "../provider/resources/host";'],
  ["components/rules.ts", 'import { port } from "../provider/schema/values";'],
  ["components/render/nginx.ts", 'import type { WebServerArgs } from "../web-server";'],
  ["components/render/nginx.ts", 'import { type WebServerArgs } from "../web-server";'],
  [
    "provider/plugin.ts",
    'import { version } from "../package.json";\nimport { kinds } from "./kinds";',
  ],
  ["offline/served.ts", 'import { serve } from "../provider/protocol/serve";'],
  [
    "scripts/verify.ts",
    '// import "../components/host";\nconst text = \'import "../components/host"\';',
  ],
  ["test/architecture.test.ts", 'import { sh } from "../provider/ssh/shell";'],
];

for (const [file, text] of allowed) {
  test(`${file} may ${text.split("\n").at(-1)}`, (t) =>
    t.deepEqual(forbiddenImports(file, text), []));
}

test("a circle is found, but not through types", (t) => {
  const circle = new Map([
    ["a.ts", 'import "./b";'],
    ["b.ts", 'import { c } from "./c";'],
    ["c.ts", 'export { a } from "./a";'],
  ]);
  t.deepEqual(cycles(circle), ["a -> b -> c -> a"]);
  t.deepEqual(cycles(new Map([...circle, ["c.ts", 'import type { A } from "./a";']])), []);
});

test("an import is resolved from where it stands", (t) => {
  t.deepEqual(importsOf("provider/ssh/session.ts", 'import { a } from "../kind";'), [
    { target: "provider/kind", isTypeOnly: false },
  ]);
});
