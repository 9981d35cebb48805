/** Units that change together with a service's own: the workers of an application. */
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import {
  renderUnitStatuses,
  unitFunctions,
  unitObservation,
} from "../../../../provider/kinds/service/unit-status";
import { lines, sh } from "../../../../provider/ssh/shell";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { TestResource } from "../../../support/resource";
import { type WireMap, wire } from "../../../support/wire";

const statusOf = (state: string, command = "/bin/a") =>
  `MainPID=0\nExecStart={ path=/bin/a ; argv[]=${command} ; }\nActiveState=${state}\nUnitFileState=enabled`;

/** What is read where systemd answers that. */
function readUnits(units: readonly string[], answer: string): readonly (readonly string[])[] {
  const systemctl = sh`systemctl() { printf '%s\n' ${answer}; return 1; }`;
  const asked = units.map((unit) => sh`unit ${unit} ''; echo end`);
  const all = lines(systemctl, unitFunctions, unitObservation, renderUnitStatuses(units), ...asked);
  const { stdout } = spawnSync("sh", ["-c", all.text], { encoding: "utf8" });
  const states = stdout.split("end\n").map((one) => one.match(/^(?:Active|UnitFile)State=.*$/gm));
  return states.slice(0, -1).map((one) => one ?? []);
}

test("a command with an empty line in it ends no status", (t) => {
  const read = readUnits(["a.service"], statusOf("active", "/bin/a one\n\ntwo"));
  t.deepEqual(read, [["ActiveState=active", "UnitFileState=enabled"]]);
});

test("a unit that systemd says nothing of has no other one's status", (t) => {
  const units = ["a.service", "b.service", "c.service"];
  const [a, b] = [statusOf("active"), statusOf("failed")];
  const found = (state: string) => [`ActiveState=${state}`, "UnitFileState=enabled"];
  t.deepEqual(readUnits(units, `${a}\n\n${b}\n\n${a}`), ["active", "failed", "active"].map(found));
  t.deepEqual(readUnits(units, `${a}\n\n${b}`), [found("active"), found("failed"), []]);
  t.deepEqual(readUnits(units, a), [found("active"), [], []]);
});

interface Working extends Machine {
  readonly app: TestResource;
  readonly paths: Readonly<Record<"web" | "mail" | "environment", string>>;
  inputs(changes?: Changes): WireMap;
}

interface Changes {
  readonly web?: string;
  /** `null`: there is no such worker. */
  readonly mail?: string | null;
  readonly environment?: string;
  readonly version?: string;
}

/** `app-mail` is never ready with a file that says `sick`. */
async function working(t: ExecutionContext): Promise<Working> {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const unitFile = (name: string) => sandbox.path(`/etc/systemd/system/${name}`);
  const paths = {
    web: unitFile("app.service"),
    mail: unitFile("app-mail.service"),
    environment: sandbox.path("/etc/app/environment"),
  };
  const root = sandbox.path("/srv/app");
  const reads = [paths.environment, `${root}/current/server.js`];
  await sandbox.unit("app.service", { reads: [paths.web, ...reads] });
  await sandbox.unit("app-mail.service", {
    reads: [paths.mail, ...reads],
    journal: "mail: no such queue\n",
  });
  for (const version of ["one", "two", "sick"]) {
    await mkdir(join(sandbox.path("/source"), version), { recursive: true });
    await writeFile(join(sandbox.path("/source"), version, "server.js"), `${version}\n`);
  }
  return {
    ...machine,
    paths,
    app: machine.resource("trilithon:index:Release"),
    inputs: ({ web = "web 1", mail = "mail 1", environment = "A=1", version = "one" } = {}) => ({
      host: wireHost(server.host()),
      ...wire({
        ...{ unit: "app.service", root, source: sandbox.path(`/source/${version}`), version },
        files: {
          [paths.web]: { content: `${web}\n` },
          [paths.environment]: { content: `${environment}\n` },
          ...(mail !== null && { [paths.mail]: { content: `${mail}\n` } }),
        },
        ...(mail !== null && {
          moreUnits: {
            "app-mail.service": {
              ready: {
                command: ["sh", "-c", `! grep sick ${paths.mail} ${root}/current/server.js`],
                deadlineSeconds: 1,
              },
            },
          },
        }),
      }),
    }),
  };
}

const actions = async ({ sandbox }: Machine) =>
  (await sandbox.log()).filter((line) => line !== "daemon-reload");

onLinux("they start and are enabled with the service's own unit", async (t) => {
  const machine = await working(t);
  const { app, inputs, sandbox } = machine;
  const previewed = await app.preview(inputs());
  const { told } = await app.up(inputs());
  t.deepEqual(told, previewed.told);
  t.regex(
    told[0] ?? "",
    /start app, start app-mail, wait until app-mail is ready, wait until it is ready, enable app at boot, enable app-mail at boot \[new\]$/,
  );
  t.deepEqual(await actions(machine), [
    "start app.service",
    "start app-mail.service",
    "enable app.service",
    "enable app-mail.service",
  ]);
  const { roundTrips } = machine.server;
  t.deepEqual((await app.up(inputs())).told, []);
  t.is(machine.server.roundTrips - roundTrips, 1);
  t.is(await sandbox.loaded("app-mail.service", "server.js"), "one\n");
});

onLinux("a version and a shared file restart all, a unit's own file that unit alone", async (t) => {
  const machine = await working(t);
  const { app, inputs, sandbox } = machine;
  await app.up(inputs());
  const restarted = async (changes: Changes) => {
    await sandbox.clearLog();
    await app.up(inputs(changes));
    return actions(machine);
  };
  t.deepEqual(await restarted({ mail: "mail 2" }), ["restart app-mail.service"]);
  t.deepEqual(await restarted({ mail: "mail 2", web: "web 2" }), ["restart app.service"]);
  const both = ["restart app.service", "restart app-mail.service"];
  t.deepEqual(await restarted({ mail: "mail 2", web: "web 2", environment: "A=2" }), both);
  t.deepEqual(await restarted({ version: "two" }), both);
  t.is(await sandbox.loaded("app-mail.service", "server.js"), "two\n");
});

onLinux("where one does not become ready, all is taken back", async (t) => {
  const machine = await working(t);
  const { app, inputs, sandbox } = machine;
  await app.up(inputs());
  await sandbox.clearLog();
  await t.throwsAsync(app.up(inputs({ version: "sick", environment: "A=2" })), {
    message:
      /app-mail was not ready within 1 seconds .*; all is put back as it was:\nmail: no such queue\n/,
  });
  t.deepEqual(await actions(machine), [
    "restart app.service",
    "restart app-mail.service",
    "restart app.service",
    "restart app-mail.service",
  ]);
  for (const unit of ["app.service", "app-mail.service"]) {
    t.is(await sandbox.loaded(unit, "server.js"), "one\n");
    t.is(await sandbox.loaded(unit, "environment"), "A=1\n");
  }
  t.deepEqual((await app.preview(inputs())).told, []);
});

onLinux("a new one that does not become ready is stopped, and the others run on", async (t) => {
  const machine = await working(t);
  const { app, inputs, sandbox } = machine;
  await app.up(inputs({ mail: null }));
  await sandbox.clearLog();
  await t.throwsAsync(app.up(inputs({ mail: "sick" })), { message: /app-mail was not ready/ });
  t.deepEqual(await actions(machine), ["start app-mail.service", "stop app-mail.service"]);
  t.false(await sandbox.exists("/etc/systemd/system/app-mail.service"));
  // That it cannot be enabled is a failure as well: what was enabled before it is not afterwards.
  await sandbox.unit("app-mail.service", { failsTo: ["enable"] });
  await app.destroy();
  await sandbox.unit("app.service", { active: "inactive", enabled: "disabled" });
  await t.throwsAsync(app.up(inputs()), { message: /cannot enable app-mail/ });
  t.is(await sandbox.read("state/units/app.service/enabled"), "disabled");
  t.is(await sandbox.read("state/units/app-mail.service/active"), "inactive");
});

const drifts: readonly (readonly [
  string,
  Parameters<Machine["sandbox"]["unit"]>[1],
  string,
  readonly string[],
])[] = [
  [
    "stopped",
    { active: "inactive" },
    "start app-mail, wait until app-mail is ready",
    ["start app-mail.service"],
  ],
  [
    "failed",
    { active: "failed" },
    "start app-mail, wait until app-mail is ready",
    ["start app-mail.service"],
  ],
  ["disabled", { enabled: "disabled" }, "enable app-mail at boot", ["enable app-mail.service"]],
  [
    "masked",
    { active: "inactive", enabled: "masked", properties: "LoadState=masked\n" },
    "unmask app-mail, start app-mail, wait until app-mail is ready, enable app-mail at boot",
    ["unmask app-mail.service", "start app-mail.service", "enable app-mail.service"],
  ],
];

for (const [what, state, sentence, done] of drifts) {
  onLinux(`one that is ${what} is drift, and is mended alone`, async (t) => {
    const machine = await working(t);
    const { app, inputs, sandbox } = machine;
    await app.up(inputs());
    await sandbox.unit("app-mail.service", state);
    await sandbox.clearLog();
    const { told } = await app.preview(inputs());
    t.deepEqual(told, [`web-01: ${sentence} [drift]`]);
    t.deepEqual((await app.up(inputs())).told, told);
    t.deepEqual(await actions(machine), done);
    t.deepEqual((await app.preview(inputs())).told, []);
  });
}

onLinux("one that runs with an older file is restarted alone", async (t) => {
  const machine = await working(t);
  const { app, inputs, sandbox, paths } = machine;
  await app.up(inputs());
  await sandbox.unit("app-mail.service", { entered: 1000, changed: 1000 });
  await sandbox.write("/etc/systemd/system/app-mail.service", "mail 1\n");
  const { told } = await app.preview(inputs());
  t.deepEqual(told, ["web-01: restart app-mail, wait until app-mail is ready [drift]"]);
  await sandbox.write("/etc/systemd/system/app-mail.service", "by hand\n");
  await sandbox.clearLog();
  t.deepEqual((await app.up(inputs())).told, [
    `web-01: write ${paths.mail} (1 line), restart app-mail, wait until app-mail is ready [drift]`,
  ]);
  t.deepEqual(await actions(machine), ["restart app-mail.service"]);
});

onLinux("one that was started with another version is restarted alone", async (t) => {
  const machine = await working(t);
  const { app, inputs, sandbox } = machine;
  await app.up(inputs());
  // Somebody restarted it while the link led elsewhere.
  await sandbox.unit("app-mail.service", { entered: 1000, changed: 1000 });
  await sandbox.delete("/srv/app/current");
  await sandbox.link("/srv/app/current", "releases/one");
  const { told, diff } = await app.preview(inputs());
  t.deepEqual(told, ["web-01: restart app-mail, wait until app-mail is ready [drift]"]);
  t.deepEqual(Object.keys(diff?.detailed ?? {}), ['moreUnits["app-mail.service"].configuration']);
  await app.up(inputs());
  t.deepEqual((await app.preview(inputs())).told, []);
});

onLinux("one that is taken out is stopped, disabled and gone", async (t) => {
  const machine = await working(t);
  const { app, inputs, sandbox, paths } = machine;
  await app.up(inputs());
  await sandbox.clearLog();
  const { told, diff } = await app.up(inputs({ mail: null }));
  t.deepEqual(told, [
    `web-01: stop app-mail, disable app-mail at boot, remove ${paths.mail} [change]`,
  ]);
  t.deepEqual(Object.keys(diff?.detailed ?? {}).sort(), [
    `files[${JSON.stringify(paths.mail)}]`,
    'moreUnits["app-mail.service"]',
  ]);
  t.deepEqual(await sandbox.log(), [
    "daemon-reload",
    "stop app-mail.service",
    "disable app-mail.service",
    "daemon-reload",
  ]);
  t.deepEqual((await app.up(inputs({ mail: null }))).told, []);
  t.false(await sandbox.exists("/var/lib/trilithon/loaded/app-mail.service"));
  t.false(await sandbox.exists("/var/lib/trilithon/units/app-mail.service"));
});

onLinux("one that cannot be taken out runs on", async (t) => {
  const machine = await working(t);
  const { app, inputs, sandbox } = machine;
  await app.up(inputs());
  await sandbox.unit("app.service", { failsTo: ["restart"] });
  await t.throwsAsync(app.up(inputs({ mail: null, version: "two" })), {
    message: /app did not restart/,
  });
  t.is(await sandbox.read("state/units/app-mail.service/active"), "active");
  t.is(await sandbox.read("state/units/app-mail.service/enabled"), "enabled");
  t.true(await sandbox.exists("/etc/systemd/system/app-mail.service"));
});

onLinux("a destroy stops all of them", async (t) => {
  const { app, inputs, sandbox } = await working(t);
  await app.up(inputs());
  await app.destroy();
  for (const unit of ["app.service", "app-mail.service"]) {
    t.is(await sandbox.read(`state/units/${unit}/active`), "inactive");
    t.is(await sandbox.read(`state/units/${unit}/enabled`), "disabled");
  }
  t.deepEqual(await sandbox.entries("/etc"), {});
  t.deepEqual(await sandbox.entries("/var/lib/trilithon"), {});
});

onLinux("several of one kind have one file, a template", async (t) => {
  const machine = await working(t);
  const { app, inputs, sandbox } = machine;
  const names = ["app-sms@1.service", "app-sms@2.service"];
  for (const name of names) await sandbox.unit(name, {});
  const template = sandbox.path("/etc/systemd/system/app-sms@.service");
  const several = (content: string, units: readonly string[]) => ({
    ...inputs({ mail: null }),
    ...wire({
      files: { [template]: { content } },
      moreUnits: Object.fromEntries(units.map((name) => [name, { ready: { command: ["true"] } }])),
    }),
  });
  await app.up(several("one\n", names));
  await sandbox.clearLog();
  await app.up(several("two\n", names));
  t.deepEqual(
    await actions(machine),
    names.map((name) => `restart ${name}`),
  );
  await sandbox.clearLog();
  await app.up(several("two\n", names.slice(0, 1)));
  t.deepEqual(await actions(machine), ["stop app-sms@2.service", "disable app-sms@2.service"]);
});

onLinux("one is ready when it was up for a while", async (t) => {
  const { app, inputs, sandbox } = await working(t);
  const staying = (deadlineSeconds: number) => ({
    ...inputs(),
    ...wire({ moreUnits: { "app-mail.service": { ready: { staySeconds: 1, deadlineSeconds } } } }),
  });
  await app.up(staying(60));
  // Somebody restarts it again and again: here, its start lies ever in the future.
  await sandbox.write(
    "/bin/systemctl",
    `#!/bin/sh
case "$*" in *ActiveEnterTimestampMonotonic*app-mail*) echo 99999999999999 ;; *) exec ${join(__dirname, "../../../support/stubs/systemctl")} "$@" ;; esac
`,
  );
  await sandbox.chmod("/bin/systemctl", 0o755);
  await sandbox.unit("app-mail.service", { active: "failed" });
  await t.throwsAsync(app.up(staying(1)), {
    message:
      /app-mail was not ready within 1 seconds[\s\S]*it is not up for 1 seconds without a restart/,
  });
});

onLinux(
  "a timer goes on whatever changes but its own files, and its service goes with it",
  async (t) => {
    const machine = await working(t);
    const { app, inputs, sandbox } = machine;
    for (const name of ["app-report.timer", "app-report.service"]) await sandbox.unit(name, {});
    const file = (name: string) => sandbox.path(`/etc/systemd/system/app-report.${name}`);
    const timed = (change: { readonly command?: string; readonly version?: string } = {}) => ({
      ...inputs({ mail: null, ...change }),
      ...wire({
        files: {
          [file("timer")]: { content: "OnCalendar=daily\n" },
          [file("service")]: { content: `ExecStart=${change.command ?? "one"}\n` },
        },
        moreUnits: { "app-report.timer": { ready: {} } },
      }),
    });
    const { told } = await app.up(timed());
    t.regex(told[0] ?? "", /start app-report\.timer, wait until app-report\.timer is ready, /);
    await sandbox.clearLog();
    await app.up(timed({ version: "two" }));
    t.deepEqual(await actions(machine), ["restart app.service"]);
    await sandbox.clearLog();
    await app.up(timed({ version: "two", command: "two" }));
    t.deepEqual(await actions(machine), ["restart app-report.timer"]);
    await sandbox.clearLog();
    const storage = { folder: sandbox.path("/kept/storage"), owner: "app" };
    const kept = {
      ...timed({ version: "two", command: "two" }),
      ...wire({ persistent: { storage } }),
    };
    await app.up(kept);
    t.deepEqual(await actions(machine), ["restart app.service"]);
    t.deepEqual((await app.preview(kept)).told, []);
    await sandbox.unit("app-report.service", { active: "active" });
    await sandbox.clearLog();
    await app.up(inputs({ mail: null, version: "two" }));
    t.deepEqual(await actions(machine), [
      "stop app-report.timer",
      "stop app-report.service",
      "disable app-report.timer",
      // The file of the environment is written anew.
      "restart app.service",
    ]);
    await app.up(timed({ version: "two" }));
    await sandbox.unit("app-report.service", { active: "active" });
    await app.destroy();
    t.is(await sandbox.read("state/units/app-report.service/active"), "inactive");
    t.is(await sandbox.read("state/units/app-report.timer/active"), "inactive");
  },
);
