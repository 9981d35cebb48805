/** All of a change or nothing of it, whatever happens meanwhile. */

import { spawn } from "node:child_process";
import type { ExecutionContext } from "ava";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { TestResource } from "../../../support/resource";
import type { SshServerOptions } from "../../../support/ssh-server";
import { secret, type Wire, type WireMap, wire } from "../../../support/wire";

const longAgo = new Date("2020-01-01T12:34:56.789Z");

interface Running extends Machine {
  readonly resource: () => TestResource;
  readonly it: TestResource;
  readonly inputs: (changes?: WireMap) => WireMap;
}

/** A machine on which `it.service` runs with /etc/it.conf, /etc/it.env and, to be removed later, /etc/it.old. */
async function running(t: ExecutionContext, ssh: SshServerOptions = {}): Promise<Running> {
  const machine = await startMachine(t, { ssh });
  const { sandbox, server } = machine;
  const [conf, env, old] = ["/etc/it.conf", "/etc/it.env", "/etc/it.old"].map((path) =>
    sandbox.path(path),
  );
  await sandbox.unit("it.service", { reads: [conf ?? "", env ?? ""], journal: "it: last words\n" });
  const inputs = (changes: WireMap = {}): WireMap => ({
    host: wireHost(server.host()),
    ...wire({
      unit: "it.service",
      check: ["does", "check", "sh", "-c", `! grep bad ${conf}`],
      ready: { command: ["does", "ready", "sh", "-c", `! grep sick ${conf}`], deadlineSeconds: 1 },
      files: files(sandbox.path("/etc"), "good\n"),
    }),
    ...changes,
  });
  const it = machine.resource();
  await it.up({ ...inputs(), files: { ...filesOf(inputs()), [old ?? ""]: { content: "old\n" } } });
  for (const path of ["/etc/it.conf", "/etc/it.env", "/etc/it.old"]) {
    await sandbox.write(path, await sandbox.read(path), longAgo);
  }
  await sandbox.clearLog();
  return { ...machine, resource: () => machine.resource(), it, inputs };
}

function files(folder: string, content: string, mode = "0640"): WireMap {
  return {
    [`${folder}/it.conf`]: { content, mode: "0644" },
    [`${folder}/it.env`]: { content: `of ${content}`, mode, owner: "app", group: "app" },
  };
}

function filesOf({ files: all }: WireMap): Record<string, Wire> {
  return JSON.parse(JSON.stringify(all));
}

onLinux(
  "a refused check changes nothing: no byte, mode, owner or time, and the unit is left alone",
  async (t) => {
    const { sandbox, it, inputs } = await running(t);
    const before = await sandbox.entries("/etc");
    const changed = inputs({ files: files(sandbox.path("/etc"), "bad\n", "0600") });
    await t.throwsAsync(it.up(changed), {
      message:
        "web-01: applying it: exit 1\nthe new configuration of it is refused by its check, nothing was changed:\nbad",
    });
    t.deepEqual(await sandbox.entries("/etc"), before);
    t.deepEqual(await sandbox.log(), ["check", "daemon-reload"]);
    t.is(await sandbox.loaded("it.service", "it.conf"), "good\n");
    t.deepEqual(await sandbox.entries("/var/lib/trilithon/undo"), {});
  },
);

onLinux("a refused check puts a mode back that was all that changed", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  await sandbox.write("/etc/it.conf", "bad\n", longAgo);
  const before = await sandbox.entries("/etc");
  const [conf] = [sandbox.path("/etc/it.conf")];
  const env = {
    ...filesOf(inputs()),
    [conf]: { content: "bad\n", mode: "0600" },
    [sandbox.path("/etc/new")]: { content: "x" },
  };
  await t.throwsAsync(it.up(inputs({ files: env })), { message: /refused by its check/ });
  t.deepEqual(await sandbox.entries("/etc"), before);
});

onLinux("a first creation that is refused leaves nothing behind", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  await sandbox.unit("it.service", {});
  const inputs = {
    host: wireHost(server.host()),
    ...wire({
      unit: "it.service",
      check: ["false"],
      files: { [sandbox.path("/etc/deep/er/it.conf")]: { content: "x" } },
    }),
  };
  await t.throwsAsync(resource().up(inputs), { message: /refused by its check/ });
  t.deepEqual(await sandbox.entries("/etc"), {});
  t.false((await sandbox.log()).includes("start it.service"));
});

onLinux("a unit that does not become ready runs again with the old files", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  const before = await sandbox.entries("/etc");
  const error = await t.throwsAsync(
    it.up(inputs({ files: files(sandbox.path("/etc"), "sick\n") })),
  );
  t.is(
    error?.message,
    "web-01: applying it: exit 1\nit was not ready within 1 seconds (ready.deadlineSeconds, an application's readySeconds); all is put back as it was:\nit: last words\nactive\nsick",
  );
  t.deepEqual(await sandbox.entries("/etc"), before);
  const log = (await sandbox.log()).filter((line) => line !== "ready");
  t.deepEqual(log, [
    "check",
    "daemon-reload",
    "restart it.service",
    "daemon-reload",
    "restart it.service",
  ]);
  t.is(await sandbox.loaded("it.service", "it.conf"), "good\n");
  t.is(await sandbox.read("state/units/it.service/active"), "active");
});

onLinux("a reload that is refused is taken back by a reload", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  const before = await sandbox.entries("/etc");
  await sandbox.unit("it.service", { failsTo: ["reload"] });
  const old = { [sandbox.path("/etc/it.old")]: { content: "old\n" } };
  const content = { ...files(sandbox.path("/etc"), "new\n"), ...old };
  const changed = inputs({ onChange: "reload", files: content });
  await t.throwsAsync(it.up(changed), {
    message:
      /^web-01: applying it: exit 1\nit did not reload; all is put back as it was:\nJob for it.service failed.\nit: last words/,
  });
  t.deepEqual(await sandbox.entries("/etc"), before);
});

onLinux("a first start that fails leaves the unit stopped and nothing behind", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  await sandbox.unit("it.service", { failsTo: ["start"] });
  const inputs = {
    host: wireHost(server.host()),
    ...wire({ unit: "it.service", files: { [sandbox.path("/etc/it.conf")]: { content: "x" } } }),
  };
  await t.throwsAsync(resource().up(inputs), {
    message: /it did not start; all is put back as it was/,
  });
  t.deepEqual(await sandbox.entries("/etc"), {});
  t.deepEqual((await sandbox.log()).at(-1), "stop it.service");
});

onLinux("a unit that fails in the end is as enabled as it was", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  await sandbox.unit("it.service", {});
  const inputs = {
    host: wireHost(server.host()),
    ...wire({
      unit: "it.service",
      ready: { command: ["false"], deadlineSeconds: 1 },
      files: { [sandbox.path("/etc/it.conf")]: { content: "x" } },
    }),
  };
  await t.throwsAsync(resource().up(inputs), { message: /was not ready within 1 seconds/ });
  t.not(await sandbox.read("state/units/it.service/enabled").catch(() => ""), "enabled");
});

/** A check that waits until the test has seen it. */
const slowCheck = (flag: string) => [
  "does",
  "check",
  "sh",
  "-c",
  `: >${flag}; while [ -e ${flag} ]; do sleep 0.05; done`,
];

async function during(
  machine: Running,
  flag: string,
  act: () => void | Promise<void>,
): Promise<void> {
  while (!(await machine.sandbox.exists(flag)))
    await new Promise((resolve) => setTimeout(resolve, 5));
  await act();
}

onLinux("a command that is asked to end midway takes back what it began", async (t) => {
  const machine = await running(t);
  const { sandbox, it, inputs, plugin } = machine;
  const before = await sandbox.entries("/etc");
  const changed = inputs({
    check: slowCheck(sandbox.path("/tmp/flag")),
    files: files(sandbox.path("/etc"), "new\n"),
  });
  const failed = t.throwsAsync(it.up(changed), {
    message: /^web-01: applying it: exit 1\n(.*\n)*interrupted$/,
  });
  await during(machine, "/tmp/flag", () => plugin.cancel());
  await failed;
  t.deepEqual(await sandbox.entries("/etc"), before);
  t.false((await sandbox.log()).includes("restart it.service"));
});

onLinux(
  "a connection that is lost midway does not stop it: the change is completed, and found by the next phase",
  async (t) => {
    const machine = await running(t);
    const { sandbox, it, inputs, server } = machine;
    const content = files(sandbox.path("/etc"), "new\n");
    const changed = inputs({ check: slowCheck(sandbox.path("/tmp/flag")), files: content });
    const failed = t.throwsAsync(it.up(changed), {
      message: /^web-01: applying it: the connection was lost/,
    });
    await during(machine, "/tmp/flag", () => server.dropConnections());
    await failed;
    await sandbox.delete("/tmp/flag");
    while (await sandbox.exists("/var/lib/trilithon/undo/it"))
      await new Promise((resolve) => setTimeout(resolve, 5));
    t.is(await sandbox.read("/etc/it.conf"), "new\n");
    t.is(await sandbox.loaded("it.service", "it.conf"), "new\n");
    t.false((await it.preview(inputs({ files: content }))).diff?.hasChanges);
  },
);

onLinux("a machine that lost its power midway is completed by the next up", async (t) => {
  const machine = await running(t);
  const { sandbox, it, inputs, server } = machine;
  const content = files(sandbox.path("/etc"), "new\n");
  const changed = inputs({ check: slowCheck(sandbox.path("/tmp/flag")), files: content });
  const failed = t.throwsAsync(it.up(changed));
  await during(machine, "/tmp/flag", () => sandbox.kill());
  await failed;
  await sandbox.delete("/tmp/flag");
  await it.up(inputs({ files: content }));
  t.is(await sandbox.loaded("it.service", "it.conf"), "new\n");
  t.false((await it.preview(inputs({ files: content }))).diff?.hasChanges);
  t.true(server.connections >= 1);
});

onLinux(
  "a host that is drained is drained before the restart, and takes part again only when ready",
  async (t) => {
    const { sandbox, it, inputs } = await running(t);
    const file = sandbox.path("/run/drain");
    const drained = inputs({
      drain: { file, seconds: 3 },
      files: files(sandbox.path("/etc"), "new\n"),
    });
    const { told } = await it.up({
      ...drained,
      check: ["does", "check"],
      ready: { command: ["sh", "-c", `test -e ${file} && does ready`], deadlineSeconds: 5 },
    });
    t.regex(
      told[0] ?? "",
      /drain the host and restart it \(no request lost\), wait until it is ready \[/,
    );
    t.deepEqual(await sandbox.log(), [
      "check",
      "daemon-reload",
      "sleep 3",
      "restart it.service",
      "ready",
      "sleep 3",
    ]);
    t.false(await sandbox.exists("/run/drain"));
  },
);

onLinux(
  "a drained host that does not become ready takes part again with the old version",
  async (t) => {
    const { sandbox, it, inputs } = await running(t);
    const drain = { file: sandbox.path("/run/drain"), seconds: 3 };
    await t.throwsAsync(it.up(inputs({ drain, files: files(sandbox.path("/etc"), "sick\n") })), {
      message: /was not ready/,
    });
    t.false(await sandbox.exists("/run/drain"));
    t.is(await sandbox.loaded("it.service", "it.conf"), "good\n");
  },
);

onLinux("the first thing that stood at a path is kept for good", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  await sandbox.write("/etc/motd", "by hand\n", longAgo);
  const inputs = (content: string) => ({
    host: wireHost(server.host()),
    ...wire({ name: "motd", files: { [sandbox.path("/etc/motd")]: { content } } }),
  });
  const motd = resource();
  await motd.up(inputs("one\n"));
  await motd.up(inputs("two\n"));
  t.is(await sandbox.read(`/var/lib/trilithon/originals${sandbox.path("/etc/motd")}`), "by hand\n");
});

onLinux(
  "a file in place of a link, and in a folder that is not there yet, is written",
  async (t) => {
    const { sandbox, server, resource } = await startMachine(t);
    await sandbox.write("/etc/real", "real\n");
    await sandbox.link("/etc/motd", sandbox.path("/etc/real"));
    const content = 'it\'s $HOME `id` \\ "x"\n\n  ünï\t\n';
    const paths = ["/etc/motd", "/etc/a b/c'd/$e"].map((path) => sandbox.path(path));
    await resource().up({
      host: wireHost(server.host()),
      ...wire({
        name: "motd",
        files: Object.fromEntries(paths.map((path) => [path, { content }])),
      }),
    });
    t.is(await sandbox.read("/etc/motd"), content);
    t.is(await sandbox.read("/etc/a b/c'd/$e"), content);
  },
);

onLinux(
  "a secret file is in no command line, environment, error text or log; the same search finds a planted one",
  async (t) => {
    const { sandbox, it, inputs, server, plugin } = await running(t);
    const planted = "planted-7d1f9c2e";
    const spy = (words: string) =>
      `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -a ${words} >>${sandbox.path("/tmp/seen")}`;
    const conf = { content: secret(`PASSWORD=${planted}\n`), mode: "0600" };
    const changed = inputs({
      check: [
        "sh",
        "-c",
        `${spy("-e planted- -e control-")}; cat ${sandbox.path("/etc/it.conf")}; exit 1`,
      ],
      files: { ...filesOf(inputs()), [sandbox.path("/etc/it.conf")]: conf },
    });
    const control = spawn("sh", ["-c", "read line", "control-in-argv"], {
      stdio: ["pipe", "ignore", "ignore"],
      env: { ...process.env, CONTROL: "control-in-environment" },
    });
    t.teardown(() => control.stdin.end());
    const error = await t.throwsAsync(it.up(changed));
    t.regex(error?.message ?? "", /refused by its check, nothing was changed:\n\[secret\]$/);
    const seen = await sandbox.read("/tmp/seen");
    t.true(seen.includes("control-in-argv") && seen.includes("control-in-environment"));
    t.false(seen.includes(planted));
    t.false(server.commands.some(({ commandLine }) => commandLine.includes(planted)));
    t.false(plugin.seen.join("\n").includes(planted));
    t.false(plugin.engine.messages.some(({ text }) => text.includes(planted)));
    t.true(server.commands.some(({ script }) => script.includes(planted)));
  },
);
