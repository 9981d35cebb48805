import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { TestResource } from "../../../support/resource";
import { type WireMap, wire } from "../../../support/wire";

interface Released extends Machine {
  readonly app: TestResource;
  inputs(version: string, changes?: object): WireMap;
}

/** `app.service` runs what `current/server.js` says; it never becomes ready with `sick`. */
async function released(t: ExecutionContext): Promise<Released> {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const root = sandbox.path("/srv/app");
  await sandbox.unit("app.service", { reads: [`${root}/current/server.js`] });
  for (const version of ["one", "two", "three", "sick"]) {
    const folder = join(sandbox.path("/source"), version, "lib");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "..", "server.js"), `${version}\n`, { mode: 0o600 });
    await writeFile(join(folder, "a file's name"), Buffer.from([0, 255, 10]));
  }
  return {
    ...machine,
    app: machine.resource("trilithon:index:Release"),
    inputs: (version, changes = {}) => ({
      host: wireHost(server.host()),
      ...wire({
        unit: "app.service",
        root,
        source: sandbox.path(`/source/${version}`),
        version,
        keep: 1,
        ready: {
          command: ["sh", "-c", `! grep sick ${root}/current/server.js`],
          deadlineSeconds: 1,
        },
        ...changes,
      }),
    }),
  };
}

async function versions({ sandbox }: Machine): Promise<string[]> {
  const paths = Object.keys(await sandbox.entries("/srv/app/releases"));
  return [...new Set(paths.map((path) => path.split("/")[4] ?? ""))].sort();
}

onLinux(
  "a version is sent once, switched to, and the former ones go but for those to keep",
  async (t) => {
    const machine = await released(t);
    const { app, inputs, sandbox } = machine;
    const first = await app.up(inputs("one"));
    t.deepEqual(first.told, [
      `web-01: send version one, switch ${sandbox.path("/srv/app")}/current to one, start app, wait until it is ready, enable app at boot [new]`,
    ]);
    const second = await app.up(inputs("two"));
    t.deepEqual(second.diff?.detailed, { version: "update" });
    t.deepEqual(second.told, [
      `web-01: send version two, switch ${sandbox.path("/srv/app")}/current to two (now one), restart app, wait until it is ready [change]`,
    ]);
    await app.up(inputs("three"));
    t.is(await sandbox.read("/srv/app/current/server.js"), "three\n");
    t.is(await sandbox.loaded("app.service", "server.js"), "three\n");
    t.deepEqual(await versions(machine), ["three", "two"]);
    const entries = await sandbox.entries("/srv/app/releases/three");
    t.is(entries["/srv/app/releases/three/server.js"]?.mode, "0644");
    t.is(entries["/srv/app/current"], undefined);
    t.false((await app.up(inputs("three"))).diff?.hasChanges);
  },
);

onLinux("going back to a version that is still there sends nothing", async (t) => {
  const { app, inputs, sandbox, server } = await released(t);
  await app.up(inputs("one"));
  await app.up(inputs("two"));
  const { told } = await app.up(inputs("one"));
  t.deepEqual(told, [
    `web-01: switch ${sandbox.path("/srv/app")}/current to one (now two), restart app, wait until it is ready [change]`,
  ]);
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
  t.false(server.commands.at(-1)?.script.includes("tar -xzf"));
});

onLinux("a version that does not become ready is taken back: link, files and unit", async (t) => {
  const machine = await released(t);
  const { app, inputs, sandbox } = machine;
  const file = (content: string) => ({ files: { [sandbox.path("/etc/app.env")]: { content } } });
  await app.up(inputs("one", file("old\n")));
  const before = {
    ...(await sandbox.entries("/etc")),
    ...(await sandbox.entries("/srv/app/current")),
  };
  await sandbox.clearLog();
  await t.throwsAsync(app.up(inputs("sick", file("new\n"))), {
    message:
      /^web-01: applying app: exit 1\napp was not ready within 1 seconds; all is put back as it was:\nsick\n/,
  });
  t.deepEqual(
    { ...(await sandbox.entries("/etc")), ...(await sandbox.entries("/srv/app/current")) },
    before,
  );
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
  t.deepEqual(await sandbox.log(), [
    "daemon-reload",
    "restart app.service",
    "daemon-reload",
    "restart app.service",
  ]);
  t.false((await app.preview(inputs("one", file("old\n")))).diff?.hasChanges);
});

onLinux("a first version that does not become ready can be followed by a good one", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await t.throwsAsync(app.up(inputs("sick")), { message: /was not ready/ });
  t.false(await sandbox.exists("/srv/app/current"));
  t.is(await sandbox.read("state/units/app.service/active"), "inactive");
  await t.throwsAsync(app.up(inputs("sick")), { message: /was not ready/ });
  await app.up(inputs("one"));
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
});

onLinux("a link that was moved by hand is drift", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  await app.up(inputs("two"));
  await sandbox.delete("/srv/app/current");
  await sandbox.link("/srv/app/current", "releases/one");
  const moved = await app.preview(inputs("two"));
  t.deepEqual(moved.diff?.detailed, { version: "update" });
  t.regex(
    moved.told[0] ?? "",
    /switch .* to two \(now one\), restart app, wait until it is ready \[drift\]$/,
  );
  await sandbox.delete("/srv/app/current");
  const gone = await app.preview(inputs("two"));
  t.deepEqual(gone.diff?.detailed, { version: "add" });
  await app.up(inputs("two"));
  t.is(await sandbox.loaded("app.service", "server.js"), "two\n");
});

onLinux("a version that is gone, or only looks like one, is drift and is sent again", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  const broken = [
    () => sandbox.delete("/srv/app/releases/one"),
    async () => {
      await sandbox.delete("/srv/app/releases/one");
      await sandbox.write("/srv/app/releases/one", "");
    },
  ];
  for (const breakIt of broken) {
    await breakIt();
    const { diff, told } = await app.preview(inputs("one"));
    t.deepEqual(diff?.detailed, { version: "add" });
    t.regex(told[0] ?? "", /send version one, switch .* to one, restart app, .* \[drift\]$/);
    await app.up(inputs("one"));
    t.is(await sandbox.read("/srv/app/current/server.js"), "one\n");
    t.deepEqual((await app.preview(inputs("one"))).told, []);
  }
});

onLinux("a link that leads to another folder of the same name is drift", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  await sandbox.write("/srv/old/one/server.js", "an older one\n");
  await sandbox.delete("/srv/app/current");
  await sandbox.link("/srv/app/current", sandbox.path("/srv/old/one"));
  t.deepEqual((await app.preview(inputs("one"))).diff?.detailed, { version: "add" });
  await app.up(inputs("one"));
  t.is(await sandbox.read("/srv/app/current/server.js"), "one\n");
});

onLinux("a source that is not there is told before anything is changed", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  const source = sandbox.path("/nowhere");
  await t.throwsAsync(app.up(inputs("one", { source })), { message: /nowhere/ });
  t.deepEqual(await sandbox.log(), []);
});

onLinux("destroying it stops the unit, and removes files and versions", async (t) => {
  const machine = await released(t);
  const { app, inputs, sandbox } = machine;
  await app.up(inputs("one", { files: { [sandbox.path("/etc/app.env")]: { content: "x" } } }));
  await app.destroy();
  t.deepEqual(await sandbox.entries("/etc"), {});
  t.deepEqual(await sandbox.entries("/srv"), {});
  t.deepEqual((await sandbox.log()).slice(-3), [
    "disable app.service",
    "stop app.service",
    "daemon-reload",
  ]);
});
