/** Hosts that the settings say are away: nothing is asked of them, nothing on them changes, and nothing is forgotten. */
import test from "ava";
import { HostAway } from "../../../provider/errors";
import { anyKind, type Host } from "../../../provider/kind";
import { mysqlReplication } from "../../../provider/kinds/mysql-replication/kind";
import { service } from "../../../provider/kinds/service/kind";
import { contextOf } from "../../../provider/protocol/context";
import { Run } from "../../../provider/protocol/run";
import { Pool } from "../../../provider/ssh/pool";
import { startMachine, wireHost } from "../../support/machine";
import { onLinux } from "../../support/on-linux";
import { TestPlugin } from "../../support/plugin";
import { TestResource } from "../../support/resource";
import { type WireMap, wire } from "../../support/wire";

const motd = (host: WireMap, path: string, content: string): WireMap => ({
  host,
  ...wire({ name: "motd", files: { [path]: { content } } }),
});

const named = { type: "trilithon:index:Service" };

/** The plugin of a run whose settings list the host as away, or not. */
async function startRun(isAway: boolean): Promise<TestPlugin> {
  return TestPlugin.start({
    kinds: [anyKind(service)],
    listedHosts: [{ name: "web-01", isAway }],
  });
}

onLinux(
  "what is on a host that is away keeps its state, differs in nothing and costs no connection",
  async (t) => {
    const { sandbox, server, resource } = await startMachine(t);
    const inputs = (content: string) =>
      motd(wireHost(server.host()), sandbox.path("/etc/motd"), content);
    const before = resource();
    await before.up(inputs("one\n"));
    const { connections } = server;
    const plugin = await startRun(true);
    t.teardown(() => plugin.stop());
    const away = new TestResource(plugin, named);
    away.state = before.state;
    const { told, diff } = await away.preview(inputs("two\n"));
    t.deepEqual(told, []);
    t.false(diff?.hasChanges);
    await away.up(inputs("two\n"));
    await away.refresh();
    t.deepEqual(away.state?.properties, before.state?.properties);
    t.is(server.connections, connections);
    t.is(await sandbox.read("/etc/motd"), "one\n");
  },
);

onLinux("a host that is back is read, and what was changed meanwhile is a change", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  const path = sandbox.path("/etc/motd");
  const inputs = (content: string) => motd(wireHost(server.host()), path, content);
  const before = resource();
  await before.up(inputs("one\n"));
  const away = await startRun(true);
  const back = await startRun(false);
  t.teardown(() => Promise.all([away.stop(), back.stop()]));
  const meanwhile = new TestResource(away, named);
  meanwhile.state = before.state;
  await meanwhile.up(inputs("two\n"));
  const after = new TestResource(back, named);
  after.state = meanwhile.state;
  const { told } = await after.preview(inputs("two\n"));
  t.deepEqual(told, [`web-01: write ${path} (1 line) [change]`]);
  await after.up(inputs("two\n"));
  t.is(await sandbox.read("/etc/motd"), "two\n");
  t.is(after.state?.properties.claim, before.state?.properties.claim);
});

onLinux("what was unreachable is so no longer once its host is away", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  const inputs = motd(wireHost(server.host()), sandbox.path("/etc/motd"), "one\n");
  const before = resource();
  await before.up(inputs);
  await server.stop();
  await before.refresh();
  t.truthy(before.state?.properties.unreachable);
  const plugin = await startRun(true);
  t.teardown(() => plugin.stop());
  const away = new TestResource(plugin, named);
  away.state = before.state;
  const { told, diff } = await away.up(inputs);
  t.deepEqual(told, []);
  t.false(diff?.hasChanges);
  t.is(away.state?.properties.unreachable, undefined);
});

onLinux("what is new on a host that is away is made once the host is back", async (t) => {
  const { sandbox, server } = await startMachine(t);
  const path = sandbox.path("/etc/motd");
  const inputs = motd(wireHost(server.host()), path, "one\n");
  const away = await startRun(true);
  const back = await startRun(false);
  t.teardown(() => Promise.all([away.stop(), back.stop()]));
  const meanwhile = new TestResource(away, named);
  t.deepEqual((await meanwhile.preview(inputs)).told, ["web-01: made once it is no longer away"]);
  await meanwhile.up(inputs);
  t.deepEqual((await meanwhile.preview(inputs)).told, []);
  t.deepEqual(await sandbox.entries("/etc"), {});
  t.is(server.connections, 0);
  const after = new TestResource(back, named);
  after.state = meanwhile.state;
  const { told } = await after.preview(inputs);
  t.deepEqual(told, [`web-01: write ${path} (new, 1 line) [new]`]);
  await after.up(inputs);
  t.is(await sandbox.read("/etc/motd"), "one\n");
  t.false((await after.preview(inputs)).diff?.hasChanges);
});

onLinux("a removal leaves what is on a host that is away as it is, and says so", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  const inputs = motd(wireHost(server.host()), sandbox.path("/etc/motd"), "one\n");
  const before = resource();
  await before.up(inputs);
  const plugin = await startRun(true);
  t.teardown(() => plugin.stop());
  const away = new TestResource(plugin, named);
  away.state = before.state;
  await away.destroy();
  t.deepEqual(plugin.engine.told(), ["left as it is on web-01, which is away: web-01/motd"]);
  t.is(await sandbox.read("/etc/motd"), "one\n");
});

test("a kind over several hosts reaches none that is away", async (t) => {
  const host = { name: "web-01", address: "127.0.0.1", port: 1 } as Host;
  const run = new Run([
    { name: "web-01", isAway: true },
    { name: "web-02", isAway: false },
  ]);
  const context = contextOf(
    {
      kind: anyKind(mysqlReplication),
      urn: "urn:pulumi:dev::test::trilithon:index:MysqlReplication::database",
      engine: undefined,
      pool: new Pool(),
      run,
      signal: AbortSignal.abort(),
    },
    { known: { properties: {}, secrets: [] } },
  );
  const message = "web-01: it is away, as the settings say";
  await t.throwsAsync(context.ask(host, "true", "reading"), { instanceOf: HostAway, message });
  await t.throwsAsync(context.run(host, { script: "true", doing: "writing" }), { message });
  t.is(run.areAway([host]), "web-01");
  t.is(run.areAway([host, { ...host, name: "web-02" }]), undefined);
  t.is(run.areAway([]), undefined);
});
