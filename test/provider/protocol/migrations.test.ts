import test, { type ExecutionContext } from "ava";
import { compare } from "../../../provider/difference";
import {
  type AnyKind,
  anyKind,
  type Kind,
  type Owner,
  type Properties,
} from "../../../provider/kind";
import { TestPlugin } from "../../support/plugin";
import { TestResource } from "../../support/resource";
import { plain, secret, type WireMap } from "../../support/wire";

const named = { type: "test:index:Door" };

interface Door extends Properties {
  readonly lock?: { readonly code?: string; readonly label?: string };
  readonly color?: string;
}

/** Version 0 had `code` and `colour`; version 1 has `lock.code`; version 2 has `color` and a label made of the code. */
const migrations: AnyKind["migrations"] = [
  ({ code, ...rest }) => (code === undefined ? rest : { ...rest, lock: { code } }),
  ({ colour, lock, ...rest }) => ({
    ...rest,
    ...(colour !== undefined && { color: colour }),
    ...(isLock(lock) && { lock: { ...lock, label: `lock ${lock.code}` } }),
  }),
];

function isLock(lock: unknown): lock is Properties {
  return typeof lock === "object" && lock !== null;
}

function doors(
  version: 0 | 1 | 2,
  seen: { read: Properties[]; owners: Owner[]; removed: Properties[] } = {
    read: [],
    owners: [],
    removed: [],
  },
): AnyKind {
  const kind: Kind<Door> = {
    type: named.type,
    check: (inputs) => ({ args: inputs, failures: [] }),
    id: () => "door",
    hosts: () => [],
    read: async (expected, { owner }) => {
      seen.read.push(expected);
      seen.owners.push(owner);
      return expected;
    },
    diff: (live, wanted) => compare(live, wanted),
    plan: (live, wanted, owner) => {
      seen.owners.push(owner);
      return live !== undefined && compare(live, wanted).length === 0
        ? []
        : [{ action: "paint", sentence: `paint it ${wanted.color}` }];
    },
    apply: async (_, __, wanted) => wanted,
    remove: async (live) => void seen.removed.push(live),
    migrations: migrations?.slice(0, version) ?? [],
  };
  return anyKind(kind);
}

async function start(t: ExecutionContext, kind: AnyKind): Promise<TestPlugin> {
  const plugin = await TestPlugin.start({ kinds: [kind] });
  t.teardown(() => plugin.stop());
  return plugin;
}

const oldInputs = { code: secret("1234-5678"), colour: "red" };
const newInputs = {
  color: "red",
  lock: { code: secret("1234-5678"), label: secret("lock 1234-5678") },
};

test("a state of an older version is read, compared, updated and removed in the present form", async (t) => {
  const old = await (await start(t, doors(0))).create(named, oldInputs);
  t.is(old.properties.stateVersion, 0);
  const { stateVersion: _, claim: __, plan: ___, ...asOf010 } = old.properties;
  const seen = { read: [], owners: [], removed: [] as Properties[] };
  const plugin = await start(t, doors(2, seen));
  const recorded = {
    id: "door",
    inputs: oldInputs,
    properties: asOf010,
    isReadBeforeUpdate: false,
  };

  t.false((await plugin.diff(named, asOf010, newInputs)).hasChanges);
  const found = await plugin.read(named, recorded);
  t.deepEqual(found.inputs, newInputs);
  t.like(found.properties, { ...newInputs, stateVersion: 2 });
  t.false("code" in found.properties);
  t.false((await plugin.diff(named, found.properties, newInputs)).hasChanges);

  const updated = await plugin.update(named, recorded, { ...newInputs, color: "blue" });
  t.like(updated.properties, { color: "blue", stateVersion: 2 });
  await plugin.delete(named, recorded);
  t.like(seen.removed[0], { color: "red", lock: { code: "1234-5678" } });
  t.false(plugin.seen.join("\n").includes("1234-5678"), "the secret moved along");
});

test("what was applied is known after a migration: a change is no drift", async (t) => {
  const old = await (await start(t, doors(0))).create(named, oldInputs);
  const plugin = await start(t, doors(2));
  const found = await plugin.read(named, { ...old, inputs: oldInputs });
  const { properties } = await plugin.update(named, found, { ...newInputs, color: "blue" });
  t.like(plain(properties), { plan: [{ why: "change" }] });
  const moved = { ...found, properties: { ...found.properties, color: "green" } };
  const mended = await plugin.update(named, moved, newInputs);
  t.like(plain(mended.properties), { plan: [{ why: "drift" }] });
});

test("only the migrations that a state lacks are applied", async (t) => {
  const middle = await (await start(t, doors(1))).create(named, {
    lock: { code: "1234" },
    colour: "red",
  });
  t.is(middle.properties.stateVersion, 1);
  const plugin = await start(t, doors(2));
  const { properties } = await plugin.read(named, { ...middle, inputs: {} });
  t.like(properties, { lock: { code: "1234", label: "lock 1234" }, color: "red", stateVersion: 2 });
});

test("a state of a later version is refused by every call, and says so", async (t) => {
  const later = await (await start(t, doors(2))).create(named, newInputs);
  const plugin = await start(t, doors(1));
  const message =
    /^test:index:Door: the state was written by a later version of this plugin \(version of the state: 2, known here: 1\)/;
  await t.throwsAsync(plugin.diff(named, later.properties, {}), { message });
  await t.throwsAsync(plugin.read(named, { ...later, inputs: {} }), { message });
  await t.throwsAsync(plugin.update(named, later, {}), { message });
  await t.throwsAsync(plugin.delete(named, later), { message });
});

test("a resource keeps the claim of its creation, and hands it to its kind with its names", async (t) => {
  const seen = { read: [], owners: [] as Owner[], removed: [] };
  const plugin = await start(t, doors(0, seen));
  const resource = new TestResource(plugin, named);
  await resource.preview({ colour: "red" });
  await resource.up({ colour: "red" });
  const claim = String(resource.state?.properties.claim);
  t.regex(claim, /^[0-9a-f]{32}$/);
  await resource.up({ colour: "blue" });
  await resource.refresh();
  t.is(resource.state?.properties.claim, claim);
  const [previewed, ...later] = seen.owners;
  t.not(previewed?.claim, claim);
  const names = { project: "test", stack: "dev", resource: "it" };
  for (const owner of later.slice(-4)) t.like(owner, { ...names, claim });
  const other = new TestResource(plugin, named);
  await other.up({ colour: "red" });
  t.not(other.state?.properties.claim, claim);
});

test("a state of 0.1.0 is read as it is, and gets a claim and a version as it is changed", async (t) => {
  const plugin = await start(t, doors(0));
  const { properties, ...rest } = await plugin.create(named, { colour: "red" });
  const { claim: _, plan: __, stateVersion: ___, ...asOf010 } = properties;
  const found = await plugin.read(named, { ...rest, properties: asOf010, inputs: {} });
  t.deepEqual(found.properties, asOf010);
  const changed = await plugin.update(named, found, { colour: "blue" });
  t.regex(String(changed.properties.claim), /^[0-9a-f]{32}$/);
  t.like(changed.properties, { stateVersion: 0, plan: [{ action: "paint" }] });
  const again = await plugin.read(named, { ...changed, inputs: {} });
  t.deepEqual(again.properties, changed.properties);
});

test("a kind that keeps its properties only has nothing else in its state", async (t) => {
  const plugin = await start(t, { ...doors(0), keeps: "properties only" });
  const previewed = await plugin.create(named, { colour: "red" }, "preview");
  t.like(previewed.properties, { plan: [{ action: "paint", why: "new" }] });
  const state: { properties: WireMap; id: string } = await plugin.create(named, { colour: "red" });
  t.deepEqual(state.properties, { colour: "red" });
  const found = await plugin.read(named, { ...state, inputs: { colour: "red" } });
  t.deepEqual(found.properties, { colour: "red" });
});
