/** Hosts that do not answer, or not as they should, and what asking them costs. */
import { writeFileSync } from "node:fs";
import { ReadTimedOut } from "../../../provider/errors";
import { anyKind } from "../../../provider/kind";
import { machine } from "../../../provider/kinds/machine";
import { service } from "../../../provider/kinds/service/kind";
import { startMachine, wireHost } from "../../support/machine";
import { onLinux } from "../../support/on-linux";
import { TestPlugin } from "../../support/plugin";
import { TestResource } from "../../support/resource";
import { newKeyPair } from "../../support/ssh-keys";
import { answering, SshServer } from "../../support/ssh-server";
import { unknownValue, type WireMap, wire } from "../../support/wire";

const motd = (host: WireMap, path: string, content = "hi\n"): WireMap => ({
  host,
  ...wire({ name: "motd", files: { [path]: { content } } }),
});

onLinux(
  "a host that does not answer keeps its state, with a warning, and an up fails on it",
  async (t) => {
    const { sandbox, server, plugin, resource } = await startMachine(t);
    const inputs = motd(wireHost(server.host()), sandbox.path("/etc/motd"));
    const motdOf = resource();
    await motdOf.up(inputs);
    const before = motdOf.state;
    await server.stop();

    const { told, diff } = await motdOf.preview(inputs);
    const where = `web-01 (root@127.0.0.1:${server.port}): no answer over SSH: connect ECONNREFUSED 127.0.0.1:${server.port}`;
    const advice =
      "check that the machine is up, that address and port are right, and that no firewall is in between";
    const concerned =
      "this concerns it: `up` fails on those that the program still wants there, and forgets the others without taking them away";
    t.deepEqual(told, [`drift was not checked: ${where}; ${advice}; ${concerned}`]);
    t.deepEqual(plugin.engine.told("warning"), told);
    t.deepEqual(diff?.detailed, { unreachable: "delete" });
    t.deepEqual(motdOf.state, before);

    await motdOf.refresh();
    t.is(motdOf.state?.properties.unreachable, `${where}; ${advice}`);
    t.deepEqual(
      { ...motdOf.state?.properties, unreachable: undefined },
      { ...before?.properties, unreachable: undefined },
    );
    await t.throwsAsync(motdOf.up(inputs), { message: `${where}; ${advice}` });
  },
);

onLinux("a host that answers again differs no longer, once it was asked", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  const inputs = (host: WireMap) => motd(host, sandbox.path("/etc/motd"));
  const motdOf = resource();
  await motdOf.up(inputs(wireHost(server.host())));
  if (motdOf.state === undefined) return t.fail();
  const elsewhere = wireHost(server.host({ port: 1 }));
  const { inputs: former, properties } = motdOf.state;
  motdOf.state = {
    ...motdOf.state,
    inputs: { ...former, host: elsewhere },
    properties: { ...properties, host: elsewhere },
  };
  await motdOf.refresh();
  t.truthy(motdOf.state?.properties.unreachable);
  const { told } = await motdOf.up(inputs(wireHost(server.host())));
  t.is(told.length, 1);
  t.is(motdOf.state?.properties.unreachable, undefined);
  t.false((await motdOf.preview(inputs(wireHost(server.host())))).diff?.hasChanges);
});

onLinux(
  "a preview of something new on a host that does not answer plans as for an empty machine",
  async (t) => {
    const { sandbox, server, resource } = await startMachine(t);
    const path = sandbox.path("/etc/motd");
    await server.stop();
    const { told } = await resource().preview(motd(wireHost(server.host()), path));
    t.regex(
      told[0] ?? "",
      /^planned as for an empty machine: web-01 \(root@127\.0\.0\.1:\d+\): no answer/,
    );
    t.is(told[1], `web-01: write ${path} (new, 1 line) [new]`);
    await t.throwsAsync(resource().up(motd(wireHost(server.host()), path)), {
      message: /^web-01 .*: no answer over SSH/,
    });
  },
);

onLinux("a host with another key stops everything until the program knows that key", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  const path = sandbox.path("/etc/motd");
  const wrong = wireHost(server.host({ hostKey: newKeyPair().public }));
  const message =
    /^web-01 .*: the host key is not the pinned one: expected SHA256:.*, got SHA256:.*; if the machine was installed anew/;
  await t.throwsAsync(resource().preview(motd(wrong, path)), { message });
  await t.throwsAsync(resource().up(motd(wrong, path)), { message });
  const motdOf = resource();
  await motdOf.up(motd(wireHost(server.host()), path));
  if (motdOf.state === undefined) return t.fail();
  const { inputs, properties } = motdOf.state;
  motdOf.state = {
    ...motdOf.state,
    inputs: { ...inputs, host: wrong },
    properties: { ...properties, host: wrong },
  };
  const { told } = await motdOf.preview(motd(wrong, path));
  t.regex(told.join("\n"), /^drift was not checked: web-01 .*: the host key is not the pinned one/);
  await t.throwsAsync(motdOf.up(motd(wrong, path)), { message });
  await motdOf.up(motd(wireHost(server.host()), path));
  t.is(motdOf.state?.properties.unreachable, undefined);
  t.deepEqual((await motdOf.preview(motd(wireHost(server.host()), path))).told, []);
});

onLinux("a user without sudo is told what to add, before anything is changed", async (t) => {
  const { sandbox, server, resource } = await startMachine(t, { ssh: { user: "admin" } });
  await sandbox.write("state/no-sudo", "");
  const inputs = motd(wireHost(server.host()), sandbox.path("/etc/motd"));
  const message =
    'web-01: admin may not use sudo without a password: sudo: a password is required; add a line "admin ALL=(ALL) NOPASSWD: ALL" with visudo';
  await t.throwsAsync(resource().preview(inputs), { message });
  await t.throwsAsync(resource().up(inputs), { message });
  t.deepEqual(await sandbox.entries("/etc"), {});
});

onLinux("a user with sudo does the same as root", async (t) => {
  const { sandbox, server, resource } = await startMachine(t, { ssh: { user: "admin" } });
  await resource().up(motd(wireHost(server.host()), sandbox.path("/etc/motd")));
  t.is(await sandbox.read("/etc/motd"), "hi\n");
  t.true(
    server.commands.every(({ commandLine }) => commandLine.includes("; exec sudo -n -- perl ")),
  );
});

onLinux("a wrong client key is told in reading and in applying", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  const wrong = wireHost(server.host({ privateKey: newKeyPair().private }));
  const message =
    /^web-01 \(root@.*\): not let in: .*; check the user, and that its authorized_keys/;
  await t.throwsAsync(resource().preview(motd(wrong, sandbox.path("/etc/motd"))), { message });
  await t.throwsAsync(resource().up(motd(wrong, sandbox.path("/etc/motd"))), { message });
});

onLinux("50 resources of a host are read in one round trip over one connection", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  const host = wireHost(server.host());
  const named = { type: "trilithon:index:Service" };
  const first = resource();
  await first.up(motd(host, sandbox.path("/etc/motd")));
  if (first.state === undefined) return t.fail();
  const { state } = first;
  const phase = await TestPlugin.start();
  t.teardown(() => phase.stop());
  const { connections, roundTrips } = server;
  const found = await Promise.all(Array.from({ length: 50 }, () => phase.read(named, state)));
  t.true(found.every(({ id }) => id === "web-01/motd"));
  t.is(server.connections - connections, 1);
  t.is(server.roundTrips - roundTrips, 1);
});

onLinux(
  "an update is two round trips, its preview is one, and so is a phase with nothing to do",
  async (t) => {
    const { sandbox, server, plugin, resource } = await startMachine(t);
    const inputs = (content: string) =>
      motd(wireHost(server.host()), sandbox.path("/etc/motd"), content);
    const motdOf = resource();
    await motdOf.up(inputs("one\n"));
    t.is(server.roundTrips, 2);
    await motdOf.up(inputs("one\n"));
    t.is(server.roundTrips, 3);
    const { inputs: news } = await plugin.check(motdOf.named, inputs("two\n"));
    if (motdOf.state === undefined) return t.fail();
    await plugin.update(motdOf.named, motdOf.state, news, "preview");
    t.is(server.roundTrips, 4);
    await plugin.update(motdOf.named, motdOf.state, news);
    t.is(server.roundTrips, 6);
    t.is(server.connections, 1);
  },
);

onLinux("a delay on the way changes no answer", async (t) => {
  const { sandbox, server, resource } = await startMachine(t, { ssh: { delayMilliseconds: 5 } });
  await resource().up(motd(wireHost(server.host()), sandbox.path("/etc/motd")));
  t.is(await sandbox.read("/etc/motd"), "hi\n");
});

onLinux(
  "what is on one host that does not answer is one warning, and names all of it",
  async (t) => {
    const { sandbox, server, plugin } = await startMachine(t);
    const resources = ["one", "two", "three"].map(
      (name) => new TestResource(plugin, { type: "trilithon:index:Service", name }),
    );
    for (const one of resources) {
      const path = sandbox.path(`/etc/${one.named.name}`);
      await one.up({ ...motd(wireHost(server.host()), path), name: String(one.named.name) });
    }
    await server.stop();
    plugin.engine.clear();
    await Promise.all(resources.map((one) => one.refresh()));
    const [warning, ...others] = plugin.engine.told("warning");
    t.deepEqual(others, []);
    t.regex(warning ?? "", /^drift was not checked: web-01 .*; this concerns one, three, two: /);
  },
);

onLinux(
  "one read that is late costs its own resource only, in a refresh and in a preview",
  async (t) => {
    const { sandbox, server } = await startMachine(t);
    let isLate = false;
    const late = new ReadTimedOut({ host: "web-01", doing: "reading motd", what: "no answer" });
    const kind: typeof service = {
      ...service,
      read: async (...args) => {
        if (isLate && args[0].name === "motd") throw late;
        return service.read(...args);
      },
    };
    const plugin = await TestPlugin.start({ kinds: [anyKind(kind)] });
    t.teardown(() => plugin.stop());
    const inputs = (name: string, content: string) => ({
      ...motd(wireHost(server.host()), sandbox.path(`/etc/${name}`), content),
      name,
    });
    const [motdOf, other] = ["motd", "other"].map(
      (name) => new TestResource(plugin, { type: "trilithon:index:Service", name }),
    );
    if (motdOf === undefined || other === undefined) return t.fail();
    await motdOf.up(inputs("motd", "one\n"));
    await other.up(inputs("other", "one\n"));
    const before = motdOf.state;
    isLate = true;
    const { told, diff } = await motdOf.preview(inputs("motd", "one\n"));
    t.deepEqual(told, ["drift was not checked: web-01: reading motd: no answer"]);
    t.deepEqual(diff?.detailed, { unreachable: "delete" });
    t.deepEqual((await other.preview(inputs("other", "one\n"))).told, []);
    if (before === undefined) return t.fail();
    const { inputs: news } = await plugin.check(motdOf.named, inputs("motd", "two\n"));
    plugin.engine.clear();
    const previewed = await plugin.update(motdOf.named, before, news, "preview");
    t.like(previewed.properties, { plan: [{ action: "write", why: "change" }] });
    t.deepEqual(plugin.engine.told("warning"), [
      "planned from what was read before: web-01: reading motd: no answer",
    ]);
    await t.throwsAsync(plugin.update(motdOf.named, before, news), { message: late.message });
  },
);

onLinux(
  "another machine that takes a name over is read before anything is said of it",
  async (t) => {
    const { sandbox, server, resource } = await startMachine(t);
    const path = sandbox.path("/etc/motd");
    const next = await SshServer.start({
      key: newKeyPair(),
      execute: (execution) => {
        writeFileSync(path, "its own\n");
        sandbox.execute(execution);
      },
    });
    t.teardown(() => next.stop());
    const motdOf = resource();
    await motdOf.up(motd(wireHost(server.host()), path));
    const { diff, told } = await motdOf.preview(motd(wireHost(next.host()), path));
    t.deepEqual(diff?.detailed, { "host.hostKey": "update" });
    t.deepEqual(told, [`web-01: write ${path} (1 line) [change]`]);
    await motdOf.up(motd(wireHost(next.host()), path));
    t.is(await sandbox.read("/etc/motd"), "hi\n");
  },
);

onLinux(
  "a machine that takes the place of a dead one is read in the preview, which says what up does",
  async (t) => {
    const { sandbox, server, resource } = await startMachine(t);
    const path = sandbox.path("/etc/motd");
    const next = await SshServer.start({ key: newKeyPair(), execute: sandbox.execute });
    t.teardown(() => next.stop());
    const motdOf = resource();
    await motdOf.up(motd(wireHost(server.host()), path));
    await server.stop();
    await sandbox.write("/etc/motd", "its own\n");
    const wanted = motd(wireHost(next.host()), path);
    const previewed = await motdOf.preview(wanted);
    t.deepEqual(previewed.diff?.detailed, { "host.hostKey": "update", unreachable: "delete" });
    t.is(previewed.told.at(-1), `web-01: write ${path} (1 line) [change]`);
    t.deepEqual((await motdOf.up(wanted)).told, previewed.told);
    t.deepEqual((await motdOf.up(wanted)).told, []);
  },
);

onLinux("a machine that answers tells its facts in the preview that makes it known", async (t) => {
  const facts = "os Debian\nmemory 2147483648\nprocessors 2\n";
  const { server, plugin } = await startMachine(t, {
    ssh: { execute: answering(() => ({ stdout: facts })) },
    plugin: { kinds: [anyKind(machine)] },
  });
  const named = { type: "trilithon:index:Machine", name: "web-01" };
  const previewOf = async (host: WireMap) =>
    (await plugin.create(named, { host }, "preview")).properties;
  const known = { os: "Debian", memoryMegabytes: 2048, processors: 2 };
  const { os, memoryMegabytes, processors } = await previewOf(wireHost(server.host()));
  t.deepEqual({ os, memoryMegabytes, processors }, known);
  await server.stop();
  t.is((await previewOf(wireHost(server.host()))).os, unknownValue);
});
