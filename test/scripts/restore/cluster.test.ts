import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { differences, loadScript, planCluster, renderPlan } from "../../../scripts/restore/cluster";
import { readKeysFile } from "../../../scripts/restore/keys-file";

const table = (name: string, rows: number, checksum = "1") => ({ name, rows, checksum });
const restored = [table("shop.orders", 5), table("shop.people", 2), table("trilithon.cluster", 0)];
const databases = ["shop", "trilithon"];
const live = [
  ...[table("shop.orders", 9), table("shop.later", 1), table("wiki.pages", 3)],
  table("trilithon.cluster", 0),
];

test("a whole copy replaces its databases, drops what came later in them, and leaves the others", (t) => {
  const plan = planCluster({ tables: restored, databases }, live, undefined);
  t.deepEqual(plan, {
    replaces: ["shop"],
    changes: [
      { name: "shop.later", live: 1, restored: undefined },
      { name: "shop.orders", live: 9, restored: 5 },
      { name: "shop.people", live: undefined, restored: 2 },
    ],
    leaves: ["wiki"],
  });
  const definers = ["'shop'@'10.0.0.9'"];
  const text = renderPlan(plan, "web-01", { rounded: ["shop.orders"], definers });
  t.regex(text, /shop\.later {3}1 -> dropped\n {2}shop\.orders {2}9 -> 5\n.*not there -> 2\n/);
  t.regex(
    text,
    /left as they are: wiki\nrounded to 6 digits.*: shop\.orders\nmade anew, locked.*: 'shop'@'10\.0\.0\.9'\n/,
  );
});

test("a database that has views or routines alone is restored as well", (t) => {
  const copy = { tables: restored, databases: [...databases, "reports"] };
  const { replaces, leaves } = planCluster(copy, [...live, table("reports.old", 1)], undefined);
  t.deepEqual({ replaces, leaves }, { replaces: ["shop", "reports"], leaves: ["wiki"] });
  t.deepEqual(planCluster(copy, live, "reports").replaces, ["reports"]);
  t.deepEqual(planCluster(copy, live, "shop").replaces, ["shop"]);
  t.deepEqual(planCluster(copy, live, "shop.orders").replaces, ["shop.orders"]);
});

test("one table replaces itself alone", (t) => {
  t.deepEqual(planCluster({ tables: restored, databases }, live, "shop.orders"), {
    ...{ replaces: ["shop.orders"], leaves: [] },
    changes: [{ name: "shop.orders", live: 9, restored: 5 }],
  });
  t.throws(() => planCluster({ tables: restored, databases }, live, "shop.order"), {
    message: "shop.order: the copy has none such; it has shop.orders, shop.people",
  });
  t.throws(() => planCluster({ tables: restored, databases }, live, "trilithon"), {
    message: /the copy has none such/,
  });
});

test("rows are compared with what was restored, and a table that is rounded by their number", (t) => {
  const { changes } = planCluster({ tables: restored, databases }, live, undefined);
  const after = [table("shop.orders", 5, "2"), table("shop.people", 2), table("wiki.pages", 4)];
  t.deepEqual(differences(restored, after, { changes, rounded: [] }), ["shop.orders"]);
  t.deepEqual(differences(restored, after, { changes, rounded: ["shop.orders"] }), []);
  const more = [...after, table("shop.later", 1)];
  t.deepEqual(differences(restored, more, { changes, rounded: ["shop.orders"] }), ["shop.later"]);
});

function load(t: ExecutionContext, replaces: readonly string[], dump: string, mysql = "cat") {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-load-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [name, lines] of Object.entries({ mysqldump: dump, mysql })) {
    writeFileSync(join(folder, name), `#!/bin/sh\necho "${name} $*" >>${folder}/calls\n${lines}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const input = loadScript("/s", replaces).text;
  const { status, stdout, stderr } = spawnSync("sh", ["-s"], { encoding: "utf8", env, input });
  return { status, stdout, stderr, calls: readFileSync(join(folder, "calls"), "utf8") };
}

test("databases are made anew, and a table in its database", (t) => {
  const all = load(t, ["shop", "wiki"], "echo INSERT");
  t.is(all.status, 0, all.stderr);
  t.is(all.stdout, "INSERT\n");
  t.regex(all.calls, /^mysqldump .*--add-drop-database --databases -- shop wiki$/m);
  t.regex(all.calls, /^mysql .*utf8mb4$/m);
  const one = load(t, ["shop.orders"], "echo INSERT");
  t.regex(one.calls, /^mysqldump .*utf8mb4 -- shop orders$/m);
  t.regex(one.calls, /^mysql .*utf8mb4 -- shop$/m);
});

test("a dump that ends early is an error, as is a statement that is refused", (t) => {
  const early = load(t, ["shop"], "echo INSERT; exit 2");
  t.is(early.status, 1);
  t.regex(early.stderr, /the dump of what was restored did not end well/);
  t.not(load(t, ["shop"], "echo INSERT", "cat >/dev/null; exit 1").status, 0);
});

test("keys that were kept apart are read, and never shown", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-keys-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "keys.json");
  const keys = { "web-01": { "lb-01": { repository: "rest:x", password: "hidden" } } };
  writeFileSync(file, JSON.stringify(keys));
  t.is((await readKeysFile(file))["web-01"]?.["lb-01"]?.password, "hidden");
  writeFileSync(file, '{"web-01": {"lb-01": {"password": "hidden"}}}');
  const error = await t.throwsAsync(readKeysFile(file));
  t.regex(error?.message ?? "", /^--keys .*: expected what npm run pulumi -- stack output/);
  t.notRegex(error?.message ?? "", /hidden/);
  await t.throwsAsync(readKeysFile(join(folder, "none")));
});
