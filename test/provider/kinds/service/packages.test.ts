import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { type WireMap, wire } from "../../../support/wire";

function packagesOn({ server }: Machine, name: string, packages: Record<string, string>): WireMap {
  return { host: wireHost(server.host()), ...wire({ name, packages }) };
}

async function withSources(machine: Machine): Promise<Machine> {
  for (const name of ["nginx", "haproxy", "perl"]) {
    await machine.sandbox.write(`state/available/${name}`, "2.0-1");
  }
  return machine;
}

onLinux("packages of several resources of a host become one apt transaction", async (t) => {
  const machine = await withSources(await startMachine(t));
  const { sandbox, plugin } = machine;
  const named = ["one", "two", "three"].map((name) => ({ type: "trilithon:index:Service", name }));
  const wanted = [{ nginx: "present" }, { haproxy: "2.*" }, { nginx: "2.0-1", perl: "present" }];
  await Promise.all(
    named.map(async (resource, at) => {
      const { inputs } = await plugin.check(
        resource,
        packagesOn(machine, resource.name, { ...wanted[at] } as Record<string, string>),
      );
      await plugin.create(resource, inputs);
    }),
  );
  const log = await sandbox.log();
  t.is(log.length, 2);
  t.is(log[0], "apt-get update");
  t.deepEqual(log[1]?.split(" ").slice(2).sort(), ["haproxy=2.*", "nginx=2.0-1", "perl"]);
  t.false(await sandbox.exists("/usr/sbin/policy-rc.d"));
  const progress = plugin.engine.messages.filter(({ isPassing }) => isPassing);
  for (const { name } of named) {
    const seen = progress.filter(({ urn }) => urn.endsWith(`::${name}`)).map(({ text }) => text);
    t.true(seen.includes("web-01: reading the package lists (apt-get update)"));
    t.true(seen.includes("web-01: Unpacking perl (50 %)"));
    t.is(seen.at(-1), "");
  }
});

onLinux("package lists that are fresh are not read again", async (t) => {
  const machine = await withSources(await startMachine(t));
  await machine.sandbox.write("/var/lib/apt/lists/sid_Packages", "");
  await machine.resource().up(packagesOn(machine, "tools", { perl: "present" }));
  t.deepEqual(await machine.sandbox.log(), ["apt-get install perl"]);
});

onLinux("what the sources have not is named, and nothing is changed", async (t) => {
  const machine = await withSources(await startMachine(t));
  const wanted = packagesOn(machine, "tools", { perl: "present", mysql: "present", redis: "7.*" });
  await t.throwsAsync(machine.resource().up(wanted), {
    message:
      "web-01: installing mysql, perl, redis: exit 1\nthe package sources of this host have no mysql redis=7.*; " +
      "add a source that has them (Debian sid or 14 has MySQL), nothing was changed",
  });
  t.deepEqual(await machine.sandbox.log(), ["apt-get update"]);
});

onLinux("sources that cannot be reached are told as such", async (t) => {
  const machine = await withSources(await startMachine(t));
  await machine.sandbox.write("state/no-sources", "");
  await t.throwsAsync(machine.resource().up(packagesOn(machine, "tools", { perl: "present" })), {
    message:
      "web-01: installing perl: exit 1\napt-get update failed: are the package sources of this host reachable?\nE: cannot reach the sources",
  });
});

onLinux(
  "an installation that fails tells apt's own words, and takes its policy away",
  async (t) => {
    const machine = await withSources(await startMachine(t));
    await machine.sandbox.write("state/broken-archive", "");
    await t.throwsAsync(machine.resource().up(packagesOn(machine, "tools", { perl: "present" })), {
      message:
        "web-01: installing perl: exit 1\napt-get install failed\nE: a package could not be unpacked",
    });
    t.false(await machine.sandbox.exists("/usr/sbin/policy-rc.d"));
  },
);

onLinux("a policy of the machine's own stays as it is", async (t) => {
  const machine = await withSources(await startMachine(t));
  await machine.sandbox.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");
  await machine.resource().up(packagesOn(machine, "tools", { perl: "present" }));
  t.is(await machine.sandbox.read("/usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n");
});

onLinux("an interrupted installation is completed first", async (t) => {
  const machine = await withSources(await startMachine(t));
  await machine.sandbox.write("state/half-installed", "perl\n");
  await machine.resource().up(packagesOn(machine, "tools", { perl: "present" }));
  t.is((await machine.sandbox.log())[0], "complete an interrupted installation");
});

onLinux("an installation that is asked to end goes on", async (t) => {
  const machine = await withSources(await startMachine(t));
  const { sandbox, plugin, server } = machine;
  await sandbox.write("state/slow-archive", "");
  const up = machine.resource().up(packagesOn(machine, "tools", { perl: "present" }));
  while (!(await sandbox.log()).includes("apt-get install perl")) await soon();
  const canceled = plugin.cancel();
  while (!server.commands.some(({ signals }) => signals.includes("TERM"))) await soon();
  await sandbox.delete("state/slow-archive");
  await t.throwsAsync(up, { message: "web-01: canceled" });
  await canceled;
  t.is(await sandbox.read("state/packages/perl"), "2.0-1");
});

onLinux(
  "a package that is older than it was is drift, and a pinned one keeps its version",
  async (t) => {
    const machine = await withSources(await startMachine(t));
    const { sandbox } = machine;
    const wanted = packagesOn(machine, "tools", { perl: "present", nginx: "1.0-1" });
    const tools = machine.resource();
    await tools.up(wanted);
    t.is(await sandbox.read("state/packages/nginx"), "1.0-1");
    await sandbox.downgrade("perl", "1.9-1");
    await sandbox.downgrade("nginx", "2.0-1");
    const { told } = await tools.preview(wanted);
    t.deepEqual(told, [
      "web-01: install nginx 1.0-1 (now 2.0-1), install perl (now 1.9-1, older than 2.0-1) [drift]",
    ]);
    await tools.up(wanted);
    t.false((await tools.preview(wanted)).diff?.hasChanges);
    await sandbox.downgrade("perl", "3.0-1");
    t.false((await tools.preview(wanted)).diff?.hasChanges);
  },
);

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
