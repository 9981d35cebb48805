/**
 * The states of each released version, as recorded: the plugin of today brings them forward and finds no change where
 * the machines are as they were and the program wants what it wanted.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { localCommand } from "../../offline/command/local-command";
import { container } from "../../offline/docker/container";
import { network } from "../../offline/docker/network";
import { type AnyKind, anyKind } from "../../provider/kind";
import { kinds } from "../../provider/kinds";
import { type Exported, type ExportedResource, wireOf } from "../golden/states/exported";
import { TestPlugin } from "../support/plugin";
import { plain, type WireMap } from "../support/wire";

const folder = join(__dirname, "..", "golden", "states");
const served = [...kinds, anyKind(container), anyKind(network), anyKind(localCommand)];
/** What a read finds is what was recorded, in the form of today. */
const unmoved = served.map((kind): AnyKind => ({ ...kind, read: async (expected) => expected }));

for (const version of readdirSync(folder).filter((name) => /^\d/.test(name))) {
  for (const file of readdirSync(join(folder, version))) {
    const exported: Exported = JSON.parse(readFileSync(join(folder, version, file), "utf8"));
    const resources = exported.deployment.resources.filter(({ type }) =>
      served.some((kind) => kind.type === type),
    );

    test(`${version}, ${file}: there are resources of every sort`, (t) => {
      const types = new Set(resources.map(({ type }) => type.split(":").at(-1)));
      for (const type of ["Machine", "Service", "Release", "MysqlReplication", "Password"]) {
        t.true(types.has(type), type);
      }
      t.true(resources.length >= 20);
    });

    for (const resource of resources) {
      const name = resource.urn.split("::").at(-1);
      const type = resource.type.split(":").at(-1);
      test(`${version}, ${file}: ${type} ${name} is read, compared and previewed as unchanged`, (t) =>
        isUnchanged(t, resource));
    }

    test(`${version}, ${file}: a change is found`, async (t) => {
      const plugin = await start(t);
      for (const resource of resources.filter(({ type }) => type === "trilithon:index:Service")) {
        const { named, state } = opened(resource);
        const found = await plugin.read(named, state);
        const isPackages = named.type === "trilithon:index:Packages";
        const stranger = isPackages
          ? { packages: { stranger: "present" } }
          : { users: { stranger: "/srv/stranger" } };
        const changed = { ...found.inputs, ...stranger };
        const { inputs } = await plugin.check(named, changed);
        t.true((await plugin.diff(named, found.properties, inputs)).hasChanges, resource.urn);
      }
    });
  }
}

async function isUnchanged(t: ExecutionContext, resource: ExportedResource) {
  const plugin = await start(t);
  const { named, state } = opened(resource);
  const found = await plugin.read(named, state);
  t.is(found.id, state.id);
  const { inputs, failures } = await plugin.check(named, found.inputs);
  t.deepEqual(failures, []);
  const { detailed } = await plugin.diff(named, found.properties, inputs);
  t.deepEqual(detailed, {}, "after a refresh");
  const unread = await plugin.diff(named, state.properties, inputs);
  t.deepEqual(unread.detailed, {}, "without one");
  const previewed = await plugin.update(named, found, inputs, "preview");
  t.deepEqual(previewed.properties.plan, [], "no step is planned");
  t.deepEqual(plugin.engine.told(), []);
  const seen = plugin.seen.join("\n");
  for (const secret of secretsIn({ ...state.inputs, ...state.properties })) {
    t.false(seen.includes(secret), "no secret is answered in plain");
  }
}

async function start(t: ExecutionContext): Promise<TestPlugin> {
  const plugin = await TestPlugin.start({ kinds: unmoved });
  t.teardown(() => plugin.stop());
  return plugin;
}

function opened({ urn, type, id = "", inputs, outputs, refreshBeforeUpdate }: ExportedResource) {
  const name = urn.split("::").at(-1) ?? "";
  const isReadBeforeUpdate = refreshBeforeUpdate ?? false;
  const state = { id, inputs: wireOf(inputs), properties: wireOf(outputs), isReadBeforeUpdate };
  // A set of packages was a Service then, and is wanted as a set of packages now.
  const isPackages = type === "trilithon:index:Service" && inputs?.unit === undefined;
  return { named: { type: isPackages ? "trilithon:index:Packages" : type, name }, state };
}

/** Passwords and keys: what is long enough not to stand elsewhere by chance. */
function secretsIn(map: WireMap): string[] {
  const text = JSON.stringify(plain(map));
  return [...text.matchAll(/Fake\d{28}|-----BEGIN[^"]*?-----END/g)].map(([found]) => found);
}
