import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import {
  CheckRequest,
  type CheckResponse,
  ConfigureRequest,
  type ConfigureResponse,
  DiffRequest,
  DiffResponse,
  GetSchemaRequest,
  ProviderHandshakeRequest,
  type ProviderHandshakeResponse,
} from "@pulumi/pulumi/proto/provider_pb";
import test from "ava";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { anyKind } from "../../../provider/kind";
import { password } from "../../../provider/kinds/password";
import { startMachine, wireHost } from "../../support/machine";
import { onLinux } from "../../support/on-linux";
import { TestPlugin } from "../../support/plugin";
import {
  fromStruct,
  plain,
  secret,
  toStruct,
  unknownValue,
  type WireMap,
  wire,
} from "../../support/wire";

const longAgo = new Date("2020-01-01");
const service = { type: "trilithon:index:Service" };

test("says what it can: secrets, outputs, resources, previews", async (t) => {
  const { plugin, server } = await startMachine(t);
  const { raw } = plugin;
  const handshake = await plugin.call<ProviderHandshakeResponse>((done) =>
    raw.handshake(new ProviderHandshakeRequest(), done),
  );
  t.true(
    handshake.getAcceptSecrets() && handshake.getAcceptOutputs() && handshake.getAcceptResources(),
  );
  const configured = await plugin.call<ConfigureResponse>((done) =>
    raw.configure(new ConfigureRequest(), done),
  );
  t.true(
    configured.getAcceptsecrets() &&
      configured.getAcceptoutputs() &&
      configured.getSupportspreview(),
  );
  const version = await plugin.call<PluginInfo>((done) => raw.getPluginInfo(new Empty(), done));
  t.is(version.getVersion(), "0.0.0");
  const news = toStruct({ a: secret("b") });
  const checked = await plugin.call<CheckResponse>((done) =>
    raw.checkConfig(new CheckRequest().setNews(news), done),
  );
  t.deepEqual(fromStruct(checked.getInputs()), { a: secret("b") });
  const diffed = await plugin.call<DiffResponse>((done) => raw.diffConfig(new DiffRequest(), done));
  t.is(diffed.getChanges(), DiffResponse.DiffChanges.DIFF_NONE);
  t.is(server.connections, 0);
});

test("what it does not serve is unimplemented, which the engine understands", async (t) => {
  const { plugin } = await startMachine(t);
  await t.throwsAsync(
    plugin.call<unknown>((done) => plugin.raw.getSchema(new GetSchemaRequest(), done)),
    { message: /does not implement/ },
  );
});

test("an unknown type is named", async (t) => {
  const { plugin } = await startMachine(t);
  await t.throwsAsync(plugin.check({ type: "trilithon:index:Sevrice" }, {}), {
    message: "trilithon: there is no resource type trilithon:index:Sevrice",
  });
});

test("a type below a component is found", async (t) => {
  const { plugin, server } = await startMachine(t);
  const { failures } = await plugin.check(
    { type: "trilithon:index:WebServer$trilithon:index:Service" },
    { host: wireHost(server.host()), unit: "nginx.service" },
  );
  t.deepEqual(failures, []);
});

test("checking and comparing touch no host", async (t) => {
  const { plugin, server } = await startMachine(t);
  const inputs = { host: wireHost(server.host()), unit: "nginx.service" };
  const { inputs: checked } = await plugin.check(service, inputs);
  const diff = await plugin.diff(service, checked, checked);
  t.false(diff.hasChanges);
  t.is(server.connections, 0);
});

test("checked inputs have every default, and secrets and unknowns stay what they are", async (t) => {
  const { plugin, server } = await startMachine(t);
  const { inputs, failures } = await plugin.check(service, {
    host: wireHost(server.host()),
    unit: "nginx.service",
    files: { "/etc/a": { content: secret("s") }, "/etc/b": { content: unknownValue } },
  });
  t.deepEqual(failures, []);
  const { files, name, state } = inputs;
  const rest = { mode: "0644", owner: "root", group: "root", onChange: "restart" };
  t.like({ files, name, state }, { name: "nginx", state: "running" });
  t.deepEqual(files, {
    "/etc/a": { ...rest, content: secret("s") },
    "/etc/b": { ...rest, content: unknownValue },
  });
});

onLinux(
  "a resource's life: previewed, made, unchanged, drifted, mended, changed, removed",
  async (t) => {
    const machine = await startMachine(t);
    const { sandbox, server } = machine;
    const path = sandbox.path("/etc/nginx.conf");
    const inputs = (content: string): WireMap => ({
      host: wireHost(server.host()),
      ...wire({ unit: "nginx.service", onChange: "reload", files: { [path]: { content } } }),
    });
    await sandbox.unit("nginx.service", {});
    const resource = machine.resource();

    const previewed = await resource.preview(inputs("one\n"));
    t.is(resource.state, undefined);
    t.deepEqual(await sandbox.log(), []);
    const made = await resource.up(inputs("one\n"));
    const sentence = `web-01: write ${path} (new, 1 line), start nginx, wait until it is ready, enable nginx at boot [new]`;
    t.deepEqual(previewed.told, [sentence]);
    t.deepEqual(made.told, [sentence]);
    t.is(resource.state?.id, "web-01/nginx.service");
    t.true(resource.state?.isReadBeforeUpdate);

    const unchanged = await resource.preview(inputs("one\n"));
    t.false(unchanged.diff?.hasChanges);
    t.deepEqual(unchanged.told, []);

    await sandbox.write("/etc/nginx.conf", "edited by hand\n", longAgo);
    const drifted = await resource.preview(inputs("one\n"));
    // Whatever the date of the file: it is another one than the unit was started with.
    t.deepEqual(drifted.diff?.detailed, {
      [`files["${path}"].content`]: "update",
      configuration: "update",
    });
    t.deepEqual(drifted.diff?.diffs, ["files", "configuration"]);
    const mend = `web-01: write ${path} (1 line), reload nginx (no connection dropped), wait until it is ready`;
    t.deepEqual(drifted.told, [`${mend} [drift]`]);
    t.deepEqual((await resource.preview(inputs("two\n"))).told, [`${mend} [drift and change]`]);
    t.deepEqual((await resource.up(inputs("one\n"))).told, [`${mend} [drift]`]);
    t.is(await sandbox.read("/etc/nginx.conf"), "one\n");
    t.true(resource.state?.isReadBeforeUpdate);

    t.deepEqual((await resource.preview(inputs("two\n"))).told, [`${mend} [change]`]);
    t.is(await sandbox.read("/etc/nginx.conf"), "one\n");
    await resource.up(inputs("two\n"));
    t.is(await sandbox.read("/etc/nginx.conf"), "two\n");
    t.false((await resource.up(inputs("two\n"))).diff?.hasChanges);

    await resource.destroy();
    t.deepEqual(await sandbox.entries("/etc"), {});
    t.is(await sandbox.read("state/units/nginx.service/active"), "inactive");
    // Nothing stood there before, so nothing is left behind.
    t.is(machine.plugin.engine.told("info").at(-1), undefined);
    t.deepEqual(await sandbox.entries("/var/lib/trilithon"), {});
  },
);

onLinux("what was removed from the machine altogether is found gone, and made again", async (t) => {
  const machine = await startMachine(t);
  const path = machine.sandbox.path("/etc/motd");
  const inputs = {
    host: wireHost(machine.server.host()),
    ...wire({ name: "motd", files: { [path]: { content: "hi\n" } } }),
  };
  const resource = machine.resource();
  await resource.up(inputs);
  await machine.sandbox.remove();
  await machine.sandbox.write("/state/owners/none", "");
  await resource.refresh();
  t.is(resource.state, undefined);
});

onLinux(
  "a refresh answers live values in the inputs that the user had set, and no others",
  async (t) => {
    const machine = await startMachine(t);
    const path = machine.sandbox.path("/etc/motd");
    const inputs = {
      host: wireHost(machine.server.host()),
      ...wire({ name: "motd", files: { [path]: { content: "hi\n" } } }),
    };
    const resource = machine.resource();
    await resource.up(inputs);
    const { state } = resource;
    if (state === undefined) return t.fail();
    await machine.sandbox.write("/etc/motd", "live\n");
    const found = await machine.plugin.read(service, { ...state, inputs });
    t.deepEqual(Object.keys(found.inputs).sort(), ["files", "host", "name"]);
    t.like(plain(found.inputs), { files: { [path]: { content: "live\n" } } });
    t.deepEqual(found.inputs.host, wireHost(machine.server.host()));
  },
);

onLinux("a change of how a host is reached is no difference", async (t) => {
  const machine = await startMachine(t);
  const path = machine.sandbox.path("/etc/motd");
  const inputs = (host: WireMap): WireMap => ({
    host,
    ...wire({ name: "motd", files: { [path]: { content: "hi\n" } } }),
  });
  const resource = machine.resource();
  await resource.up(inputs(wireHost(machine.server.host())));
  const moved = {
    ...wireHost(machine.server.host()),
    address: "localhost",
    user: "admin",
  };
  t.false((await resource.preview(inputs(moved))).diff?.hasChanges);
});

onLinux("another host, unit or name is another resource; the old one goes first", async (t) => {
  const machine = await startMachine(t);
  await machine.sandbox.unit("a.service", {});
  const host = machine.server.host();
  const resource = machine.resource();
  await resource.up({ host: wireHost(host), unit: "a.service" });
  const olds = resource.state?.properties ?? {};
  const replaces = async (news: WireMap) => {
    const { inputs } = await machine.plugin.check(service, news);
    const diff = await machine.plugin.diff(service, olds, inputs);
    t.true(diff.isRemovedBeforeReplaced);
    return diff.replaces;
  };
  t.deepEqual(await replaces({ host: wireHost(host), unit: "b.service" }), ["name", "unit"]);
  const elsewhere = wireHost({ ...host, name: "web-02", address: "10.0.0.9" });
  t.deepEqual(await replaces({ host: elsewhere, unit: "a.service" }), ["host"]);
  t.deepEqual(await replaces({ host: wireHost(host), unit: "a.service", name: "other" }), ["name"]);
});

onLinux("a machine that is called otherwise now is the same machine", async (t) => {
  const machine = await startMachine(t);
  await machine.sandbox.unit("a.service", {});
  const host = machine.server.host();
  const resource = machine.resource();
  await resource.up({ host: wireHost(host), unit: "a.service" });
  const renamed = { host: wireHost({ ...host, name: "web-02" }), unit: "a.service" };
  const { diff, told } = await resource.preview(renamed);
  t.false(diff?.hasChanges);
  t.deepEqual(told, []);
});

test("what lives in the state only is not read before an update", async (t) => {
  const plugin = await TestPlugin.start({ kinds: [anyKind(password)] });
  t.teardown(() => plugin.stop());
  const named = { type: "trilithon:index:Password" };
  const { inputs } = await plugin.check(named, {});
  const state = await plugin.create(named, inputs);
  t.false(state.isReadBeforeUpdate);
  t.regex(String(plain(state.properties.value ?? null)), /^[A-Za-z0-9]{32}$/);
  t.false(plugin.seen.join().includes(String(plain(state.properties.value ?? null))));
});

onLinux("cancel lets go of the hosts", async (t) => {
  const { plugin, server, sandbox, resource } = await startMachine(t);
  await sandbox.unit("a.service", {});
  await resource().up({ host: wireHost(server.host()), unit: "a.service" });
  t.is(server.openConnections, 1);
  await plugin.cancel();
  while (server.openConnections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.pass();
});
