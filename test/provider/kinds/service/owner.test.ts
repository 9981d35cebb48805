/** What stands on a machine has one owner: it is neither taken from another stack nor removed with a resource that gave it away. */

import { mkdir, rm } from "node:fs/promises";
import type { ExecutionContext } from "ava";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { type WireMap, wire } from "../../../support/wire";

interface Site extends Machine {
  readonly named: (name: string, stack?: string) => ReturnType<Machine["resource"]>;
  readonly inputs: (content: string, hostName?: string) => WireMap;
  readonly config: string;
}

async function site(t: ExecutionContext): Promise<Site> {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  await sandbox.unit("nginx.service", { active: "inactive", enabled: "disabled" });
  const config = sandbox.path("/etc/nginx/site.conf");
  const inputs = (content: string, name = "web-01") => ({
    host: wireHost({ ...server.host(), name }),
    ...wire({ unit: "nginx.service", files: { [config]: { content } } }),
  });
  const named = (name: string, stack = "dev") => machine.resource(undefined, { name, stack });
  return { ...machine, named, inputs, config };
}

const records = async ({ sandbox }: Machine) =>
  Object.values(await sandbox.entries("/var/lib/trilithon/owners")).map(({ content }) => content);

onLinux(
  "a host that is called otherwise keeps everything running: what it has is adopted, not removed",
  async (t) => {
    const machine = await site(t);
    const { sandbox, named, inputs, config, plugin } = machine;
    const former = named("web-01-nginx");
    await former.up(inputs("one\n"));
    await sandbox.clearLog();
    const renamed = named("www-01-nginx");
    const sentence = `www-01: adopt nginx.service and ${config} from web-01-nginx [new]`;
    t.deepEqual((await renamed.preview(inputs("one\n", "www-01"))).told, [sentence]);
    t.deepEqual((await renamed.up(inputs("one\n", "www-01"))).told, [sentence]);
    plugin.engine.clear();
    await former.destroy();
    t.deepEqual(plugin.engine.told("info"), [
      `web-01: left to www-01-nginx, which has it by now: nginx.service, ${config}`,
    ]);
    t.deepEqual(await sandbox.log(), ["daemon-reload"]);
    t.is(await sandbox.read("/etc/nginx/site.conf"), "one\n");
    t.deepEqual((await renamed.preview(inputs("one\n", "www-01"))).told, []);
    await renamed.destroy();
    t.false(await sandbox.exists("/etc/nginx/site.conf"));
    t.is(await sandbox.read("state/units/nginx.service/active"), "inactive");
  },
);

onLinux("what cannot be recorded, as on a full disk, is put back", async (t) => {
  const { sandbox, named, inputs } = await site(t);
  const nginx = named("web-01-nginx");
  await nginx.up(inputs("one\n"));
  const folder = sandbox.path("/var/lib/trilithon/owners/.new");
  await mkdir(folder);
  await t.throwsAsync(nginx.up(inputs("two\n")), { message: /cannot record what nginx has/ });
  t.is(await sandbox.read("/etc/nginx/site.conf"), "one\n");
  await rm(folder, { recursive: true });
  await nginx.up(inputs("two\n"));
  await nginx.destroy();
  t.false(await sandbox.exists("/etc/nginx/site.conf"), "its own file is no original");
});

onLinux(
  "removed before it is adopted, or after: what the other has made since stays",
  async (t) => {
    const machine = await site(t);
    const { sandbox, named, inputs } = machine;
    const former = named("web-01-nginx");
    await former.up(inputs("one\n"));
    const renamed = named("www-01-nginx");
    await renamed.up(inputs("two\n", "www-01"));
    await former.destroy();
    t.is(await sandbox.read("/etc/nginx/site.conf"), "two\n");
    t.is(await sandbox.read("state/units/nginx.service/active"), "active");
  },
);

onLinux(
  "another stack that wants the same unit or file is refused in the preview and in up, by name",
  async (t) => {
    const machine = await site(t);
    const { sandbox, named, inputs, config } = machine;
    await named("nginx", "prod").up(inputs("one\n"));
    const before = await sandbox.entries("/");
    const other = named("web-server", "trial");
    const message = new RegExp(
      `^web-01: nginx.service and ${config} belongs to nginx of the stack test/prod; nothing will be changed. ` +
        "To go on, take it out of that stack .*, or, if that stack is gone for good, remove " +
        "/var/lib/trilithon/owners/[0-9a-f]{32} on web-01$",
    );
    await t.throwsAsync(other.preview(inputs("two\n")), { message });
    await t.throwsAsync(other.up(inputs("two\n")), { message });
    t.deepEqual(await sandbox.entries("/etc"), pick(before, "/etc/"));
    const file = {
      host: wireHost(machine.server.host()),
      ...wire({ name: "motd", files: { [config]: { content: "" } } }),
    };
    await t.throwsAsync(other.up(file), { message: /belongs to nginx of the stack test\/prod/ });
    const away = {
      host: wireHost(machine.server.host()),
      ...wire({ name: "away", absent: [config] }),
    };
    await t.throwsAsync(other.up(away), { message: /belongs to nginx of the stack test\/prod/ });
  },
);

onLinux(
  "a stack that is called otherwise has what it had, since its state has the claim",
  async (t) => {
    const machine = await site(t);
    const { named, inputs, sandbox } = machine;
    const former = named("nginx", "dev");
    await former.up(inputs("one\n"));
    const renamed = named("nginx", "live");
    renamed.state = former.state;
    t.deepEqual((await renamed.preview(inputs("one\n"))).told, []);
    await renamed.up(inputs("two\n"));
    t.is((await records(machine)).length, 1);
    t.regex((await records(machine))[0] ?? "", /^owner test\/live nginx\n/);
    await renamed.destroy();
    t.deepEqual(await sandbox.entries("/var/lib/trilithon"), {});
  },
);

onLinux("a state that was lost is made anew: what is there is taken over, and told", async (t) => {
  const machine = await site(t);
  const { named, inputs, config, sandbox } = machine;
  await named("nginx").up(inputs("one\n"));
  await sandbox.clearLog();
  const { told } = await named("nginx").up(inputs("one\n"));
  t.deepEqual(told, [`web-01: adopt nginx.service and ${config} from nginx [new]`]);
  t.deepEqual(await sandbox.log(), []);
  t.is((await records(machine)).length, 1);
});

onLinux("a file that moves from one resource to another is not removed by the first", async (t) => {
  const machine = await site(t);
  const { named, inputs, config, sandbox, server } = machine;
  const first = named("first");
  await first.up(inputs("one\n"));
  // Another run begins: what the program wanted in the one before is no matter.
  await first.refresh();
  const second = named("second");
  const motd = {
    host: wireHost(server.host()),
    ...wire({ name: "motd", files: { [config]: { content: "one\n" } } }),
  };
  t.deepEqual((await second.up(motd)).told, [`web-01: adopt ${config} from first [new]`]);
  const without = { host: wireHost(server.host()), ...wire({ unit: "nginx.service" }) };
  t.deepEqual((await first.up(without)).told, []);
  t.is(await sandbox.read("/etc/nginx/site.conf"), "one\n");
  await first.destroy();
  t.is(await sandbox.read("/etc/nginx/site.conf"), "one\n");
  t.is(await sandbox.read("state/units/nginx.service/active"), "inactive");
});

onLinux("two resources of one program that want one thing are refused, both by name", async (t) => {
  const machine = await site(t);
  const { named, inputs, config, sandbox, server } = machine;
  await named("first").up(inputs("one\n"));
  const before = await sandbox.log();
  const second = {
    host: wireHost(server.host()),
    ...wire({ unit: "nginx.service", files: { [config]: { content: "two\n" } } }),
  };
  const expected = "expected one that no other resource has on web-01, got";
  for (const phase of ["preview", "up"] as const) {
    const { message } = (await t.throwsAsync(named("second")[phase](second))) ?? { message: "" };
    t.true(message.includes(`unit: ${expected} nginx.service: first has it`), message);
    t.true(message.includes(`file: ${expected} ${config}: first has it`), message);
  }
  t.deepEqual(await sandbox.log(), before);
  t.is(await sandbox.read("/etc/nginx/site.conf"), "one\n");
});

onLinux("names that are only alike are nobody's else", async (t) => {
  const machine = await site(t);
  const { named, config, sandbox, server } = machine;
  const files = (paths: readonly string[]) => ({
    host: wireHost(server.host()),
    ...wire({
      name: "motd",
      files: Object.fromEntries(paths.map((path) => [path, { content: "ours\n" }])),
    }),
  });
  const first = named("first");
  await first.up(files([config, `${config}.more`]));
  await first.refresh();
  await sandbox.write("/etc/nginx/site", "by hand\n");
  const second = named("second");
  await second.up(files([config, config.replace(".conf", "")]));
  const [one, two] = (await records(machine)).sort();
  t.regex(one ?? "", /^owner test\/dev first\nfile .*site\.conf\.more\nfolder /);
  t.regex(two ?? "", /^owner test\/dev second\nfile .*site\nfile .*site\.conf\n$/);
  await second.destroy();
  t.is(await sandbox.read("/etc/nginx/site"), "by hand\n");
  t.true(await sandbox.exists("/etc/nginx/site.conf.more"));
});

function pick<Value>(all: Readonly<Record<string, Value>>, prefix: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(all).filter(([path]) => path.startsWith(prefix)));
}
