/** What runs, not what lies on the disk: known by what was started or reloaded, whatever the dates of files say. */

import { lstat, rm, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExecutionContext } from "ava";
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { type WireMap, wire } from "../../../support/wire";

async function running(t: ExecutionContext, onChange = "reload") {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const conf = sandbox.path("/etc/it.conf");
  await sandbox.unit("it.service", { active: "inactive", reads: [conf] });
  const inputs = (more: WireMap = {}, content = "good\n"): WireMap => ({
    host: wireHost(server.host()),
    ...wire({ unit: "it.service", onChange, files: { [conf]: { content } } }),
    ...more,
  });
  const it = machine.resource();
  await it.up(inputs());
  await sandbox.clearLog();
  return { ...machine, inputs, it };
}

/** A moment ago: the clock of the boot ticks a hundred times a second only. */
const now = () => Date.now() / 1000 - 0.1;

for (const [name, date] of [
  ["two hours ahead", new Date(Date.now() + 7_200_000)],
  ["of long ago", new Date("2020-01-01")],
] as const) {
  onLinux(`a file dated ${name} is not read anew: it is what was loaded`, async (t) => {
    const { sandbox, it, inputs } = await running(t, "restart");
    await sandbox.write("/etc/it.conf", "good\n", date);
    t.deepEqual((await it.preview(inputs())).told, []);
  });

  onLinux(
    `a file that somebody else's reload took in and that was put back, dated ${name}, is reloaded once`,
    async (t) => {
      const { sandbox, it, inputs } = await running(t);
      await sandbox.unit("it.service", { changed: now() });
      await sandbox.write("/etc/it.conf", "good\n", date);
      const { told, diff } = await it.up(inputs());
      t.deepEqual(diff?.detailed, { configuration: "update" });
      t.regex(
        told[0] ?? "",
        /^web-01: reload it \(no connection dropped\), wait until it is ready \[drift\]$/,
      );
      t.deepEqual((await it.up(inputs())).told, []);
    },
  );
}

/** A unit whose command is a link, and that was started as it led to `tool-1`. */
async function runningTool(t: ExecutionContext, more: WireMap = {}) {
  const machine = await running(t, "restart");
  const { sandbox, it, inputs } = machine;
  const path = sandbox.path("/usr/bin/tool");
  const leadTo = async (name: string) => {
    await sandbox.write(`/usr/bin/${name}`, "");
    await rm(path, { force: true });
    await symlink(name, path);
  };
  await leadTo("tool-1");
  const command = `ExecStart={ path=${path} ; argv[]=${path} ; ignore_errors=no }`;
  await sandbox.unit("it.service", { properties: `MainPID=${process.pid}\n${command}\n` });
  const wanted = inputs(more, "two\n");
  await it.up(wanted);
  return { ...machine, wanted, path, leadTo };
}

onLinux(
  "a program whose path leads to another one by now is restarted, though it is still there",
  async (t) => {
    const { sandbox, it, wanted, path, leadTo } = await runningTool(t);
    t.deepEqual((await it.preview(wanted)).told, []);
    await leadTo("tool-2");
    const { told } = await it.up(wanted);
    t.true(told[0]?.startsWith(`web-01: restart it (it runs a former ${path}-1), wait`), told[0]);
    t.deepEqual((await it.up(wanted)).told, []);
    // Whoever started it knows with what.
    await leadTo("tool-1");
    await sandbox.unit("it.service", { entered: now(), changed: now() });
    t.deepEqual((await it.preview(wanted)).told, []);
  },
);

onLinux(
  "with which program a reload has made it anew is not known, and nothing is said",
  async (t) => {
    const { it, wanted, leadTo } = await runningTool(t, wire({ onUpgrade: "reload" }));
    await leadTo("tool-2");
    t.deepEqual((await it.preview(wanted)).told, []);
  },
);

onLinux("somebody else's restart took in what was on the disk", async (t) => {
  const { sandbox, it, inputs } = await running(t, "restart");
  await sandbox.unit("it.service", { entered: now() + 5, changed: now() + 5 });
  t.deepEqual((await it.preview(inputs())).told, []);
});

onLinux("a file that a restart took in and that was put back is restarted once", async (t) => {
  const { sandbox, it, inputs } = await running(t, "restart");
  await sandbox.unit("it.service", { entered: now(), changed: now() });
  await sandbox.write("/etc/it.conf", "good\n");
  t.regex((await it.up(inputs())).told[0] ?? "", /^web-01: restart it, wait/);
  t.deepEqual((await it.up(inputs())).told, []);
});

onLinux("a reload that the unit did not take is taken back, with what it says of it", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  await sandbox.unit("it.service", { keepsItsConfiguration: true, journal: "cannot bind\n" });
  await t.throwsAsync(it.up(inputs({}, "new\n")), {
    message: /it did not take the new configuration; all is put back as it was:\ncannot bind/,
  });
  t.is(await sandbox.read("/etc/it.conf"), "good\n");
});

for (const change of ["reload", "restart"] as const) {
  onLinux(`a ${change} that fails is told with what the daemon then said in its log`, async (t) => {
    const { sandbox, it, inputs } = await running(t, change);
    const log = sandbox.path("/log");
    await sandbox.write("/log", "before\n");
    await sandbox.unit("it.service", { failsTo: [change], journal: "ended\n", log });
    const error = await t.throwsAsync(it.up(inputs({ log } as unknown as WireMap, "new\n")));
    t.regex(
      error?.message ?? "",
      new RegExp(`ended\n${change} it.service\n${change}: its own words`),
    );
    t.notRegex(error?.message ?? "", /before/);
  });
}

onLinux("another port says what it costs, in the preview and in up", async (t) => {
  const { it, inputs } = await running(t);
  await it.up(inputs(wire({ port: 80 }) as WireMap, "two\n"));
  const moved = inputs(wire({ port: 8081 }) as WireMap, "three\n");
  const note = /reload it \(from port 80 to 8081: requests fail until/;
  t.regex((await it.preview(moved)).told[0] ?? "", note);
  t.regex((await it.up(moved)).told[0] ?? "", note);
  t.deepEqual((await it.preview(moved)).told, []);
});

onLinux("without a new worker a reload was not taken", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  const more = wire({ reloaded: { newWorker: true }, ready: { deadlineSeconds: 1 } });
  await t.throwsAsync(it.up(inputs(more as WireMap, "new\n")), {
    message: /it did not take the new configuration/,
  });
  t.is(await sandbox.read("/etc/it.conf"), "good\n");
});

onLinux("a masked unit is unmasked and started", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  await sandbox.unit("it.service", {
    active: "inactive",
    enabled: "masked",
    properties: "LoadState=masked\n",
  });
  const { diff, told } = await it.up(inputs());
  t.deepEqual(Object.keys(diff?.detailed ?? {}).sort(), ["enabled", "masked", "state"]);
  t.regex(
    told[0] ?? "",
    /^web-01: unmask it, start it, wait until it is ready, enable it at boot \[drift\]$/,
  );
  t.deepEqual((await it.up(inputs())).told, []);
});

for (const state of ["activating", "deactivating"]) {
  onLinux(`a unit that is stuck ${state} is restarted`, async (t) => {
    const { sandbox, it, inputs } = await running(t);
    await sandbox.unit("it.service", { active: state });
    t.regex(
      (await it.up(inputs())).told[0] ?? "",
      /^web-01: restart it, wait until it is ready \[drift\]$/,
    );
  });
}

onLinux("a unit that systemd cannot read is refused before the host is drained", async (t) => {
  const { sandbox, it, inputs } = await running(t, "restart");
  const drain = wire({ file: sandbox.path("/run/drain"), seconds: 3 });
  await sandbox.unit("it.service", { properties: "LoadState=bad-setting\n" });
  await t.throwsAsync(it.up(inputs({ drain }, "new\n")), {
    message: /systemd does not take the unit of it, nothing was changed:/,
  });
  t.false((await sandbox.log()).includes("sleep 3"));
  t.is(await sandbox.read("/etc/it.conf"), "good\n");
});

onLinux("a drain that was left behind is ended", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  const drain = wire({ file: sandbox.path("/run/drain"), seconds: 3 });
  await it.up(inputs({ drain }, "two\n"));
  await sandbox.write("/run/drain", "");
  const { told, diff } = await it.up(inputs({ drain }, "two\n"));
  t.deepEqual(diff?.detailed, { drained: "delete" });
  t.deepEqual(told, [
    `web-01: end the drain that was left behind (${sandbox.path("/run/drain")}) [drift]`,
  ]);
  t.false(await sandbox.exists("/run/drain"));
});

onLinux("what was set in the running daemon is put back, and shown as it was set", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  const set = sandbox.path("/set");
  const overrides = wire({ find: ["sh", "-c", `cat ${set}`], reset: ["rm", "-f", set] });
  await it.up(inputs({ overrides }, "two\n"));
  t.deepEqual((await it.preview(inputs({ overrides }, "two\n"))).told, []);
  await sandbox.write("/set", "a is 7, not 200\nb is off\n");
  await sandbox.clearLog();
  const { told, diff } = await it.up(inputs({ overrides }, "two\n"));
  t.deepEqual(diff?.detailed, { overridden: "delete" });
  t.deepEqual(told, [
    "web-01: put back what was set at run time (a is 7, not 200, b is off) [drift]",
  ]);
  t.false(await sandbox.exists("/set"));
  t.deepEqual(await sandbox.log(), []);
  t.deepEqual((await it.up(inputs({ overrides }, "two\n"))).told, []);
});

onLinux("what a daemon keeps of it comes with its start, and is put back with it", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  const set = sandbox.path("/set");
  const overrides = wire({ find: ["sh", "-c", `cat ${set}`], reset: ["rm", "-f", set] });
  await it.up(inputs({ overrides }, "two\n"));
  await sandbox.write("/set", "a is 7, not 200\n");
  await sandbox.unit("it.service", { active: "inactive" });
  const { told } = await it.up(inputs({ overrides }, "two\n"));
  t.deepEqual(told, ["web-01: start it, wait until it is ready [drift]"]);
  t.false(await sandbox.exists("/set"));
});

onLinux("what cannot be put back fails the change, in the command's own words", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  const set = sandbox.path("/set");
  const reset = ["sh", "-c", `test ! -e ${set} || { echo 'access denied' >&2; exit 1; }`];
  const overrides = wire({ find: ["sh", "-c", `cat ${set}`], reset });
  await it.up(inputs({ overrides }, "two\n"));
  await sandbox.write("/set", "a is 7, not 200\n");
  await t.throwsAsync(it.up(inputs({ overrides }, "two\n")), {
    message: /cannot put back what was set in it at run time:\naccess denied/,
  });
});

onLinux("a link in place of a file is replaced, whatever it leads to", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  const conf = sandbox.path("/etc/it.conf");
  await sandbox.write("/elsewhere.conf", "good\n");
  await sandbox.delete("/etc/it.conf");
  await symlink(sandbox.path("/elsewhere.conf"), conf);
  const { told } = await it.up(inputs());
  t.is(
    told[0],
    `web-01: write ${conf} (in place of a link, 1 line), reload it (no connection dropped), wait until it is ready [drift]`,
  );
  t.false((await lstat(conf)).isSymbolicLink());
  t.deepEqual((await it.up(inputs())).told, []);
});

onLinux("a daemon that cannot be asked for its configuration is no difference", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  const silent = sandbox.path("/silent");
  const configurationCommand = wire(["sh", "-c", `test ! -e ${silent} || exit 75`]);
  await it.up(inputs({ configurationCommand }, "two\n"));
  await sandbox.write("/silent", "");
  t.deepEqual((await it.preview(inputs({ configurationCommand }, "two\n"))).told, []);
});

onLinux(
  "one that does not answer any longer is restarted; what answers badly is left alone",
  async (t) => {
    const server = createServer((_, response) => response.writeHead(200).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    // A server that listens on TCP has such an address.
    const { port } = server.address() as AddressInfo;
    const { it, inputs } = await running(t);
    const ready = wire({ http: `http://127.0.0.1:${port}/`, deadlineSeconds: 1 });
    await it.up(inputs({ ready }, "two\n"));
    server
      .removeAllListeners("request")
      .on("request", (_, response) => response.writeHead(503).end());
    t.deepEqual((await it.preview(inputs({ ready }, "two\n"))).told, []);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const { diff, told } = await it.preview(inputs({ ready }, "two\n"));
    t.deepEqual(diff?.detailed, { answers: "delete" });
    t.deepEqual(told, ["web-01: restart it (it does not answer), wait until it is ready [drift]"]);
  },
);

onLinux(
  "configuration that is not the service's own is told with its lines, once, and left as it is",
  async (t) => {
    const { sandbox, it, inputs } = await running(t);
    const main = sandbox.path("/etc/main.conf");
    const conf = sandbox.path("/etc/it.conf");
    await sandbox.write("/etc/main.conf", "a\nb\n");
    const print = `for f in ${main} ${conf}; do echo "# configuration file $f:"; cat $f; done`;
    const configurationCommand = wire(["sh", "-c", print]);
    await it.up(inputs({ configurationCommand }, "two\n"));
    t.deepEqual((await it.preview(inputs({ configurationCommand }, "two\n"))).told, []);
    await sandbox.write("/etc/main.conf", "a\nc\n");
    await sandbox.clearLog();
    const { diff, told } = await it.up(inputs({ configurationCommand }, "two\n"));
    t.deepEqual(diff?.detailed, { foreign: "delete" });
    t.is(told[0], `web-01: take note of ${main} (not of this stack: left as it is) [drift]`);
    t.true(told[1]?.endsWith(`${main} (changed)\n- b\n+ c`), told[1]);
    t.deepEqual(await sandbox.log(), []);
    t.is(await sandbox.read("/etc/main.conf"), "a\nc\n");
    t.deepEqual((await it.up(inputs({ configurationCommand }, "two\n"))).told, []);
  },
);

onLinux("files that the unit also loads are told like that, without their passwords", async (t) => {
  const { sandbox, it, inputs } = await running(t);
  const other = sandbox.path("/etc/more/other.cnf");
  await sandbox.write("/etc/more/own.cnf", "own\n");
  const configurationFiles = wire([sandbox.path("/etc/more/*.cnf"), sandbox.path("/etc/none")]);
  await it.up(inputs({ configurationFiles }, "two\n"));
  await sandbox.write("/etc/more/other.cnf", "a\npassword = s3cret\n");
  const { told } = await it.up(inputs({ configurationFiles }, "two\n"));
  t.is(told[0], `web-01: take note of ${other} (not of this stack: left as it is) [drift]`);
  t.true(told[1]?.endsWith(`${other} (new)\n+ a\n+ password  (hidden)`), told[1]);
  t.deepEqual((await it.up(inputs({ configurationFiles }, "two\n"))).told, []);
});

onLinux(
  "configuration that cannot be loaded is refused, with why, unless the service's own files are changed",
  async (t) => {
    const { sandbox, it, inputs } = await running(t);
    const broken = sandbox.path("/broken");
    const command = [
      "sh",
      "-c",
      `test ! -e ${broken} || { echo 'unknown directive' >&2; exit 1; }`,
    ];
    const configurationCommand = wire(command);
    await it.up(inputs({ configurationCommand }, "two\n"));
    await sandbox.write("/broken", "");
    const { told } = await it.preview(inputs({ configurationCommand }, "two\n"));
    t.is(told[0], "web-01: refuse, since it cannot load its configuration [drift]");
    t.regex(
      told[1] ?? "",
      /^web-01: it cannot load its configuration: unknown directive; nothing will be changed/,
    );
  },
);
