/** The way back that a release leaves on its host, run as `npm run rollback` runs it. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { wire } from "../../../support/wire";

/** `sick` does not become ready; the others do. */
async function released(t: ExecutionContext, versions: readonly string[]) {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const root = sandbox.path("/srv/app");
  const drain = sandbox.path("/run/drain");
  await sandbox.unit("app.service", { reads: [`${root}/current/server.js`, drain] });
  await sandbox.unit("app-mail.service", { reads: [`${root}/current/server.js`] });
  await sandbox.unit("app-tick.timer", {});
  const app = machine.resource("trilithon:index:Release");
  const inputs = (version: string, changes = {}) => ({
    host: wireHost(server.host()),
    ...wire({
      unit: "app.service",
      moreUnits: { "app-mail.service": { ready: { command: ["true"] } }, "app-tick.timer": {} },
      root,
      source: sandbox.path(`/source/${version}`),
      version,
      files: { [sandbox.path("/etc/app/secrets")]: { content: "TOKEN=hush\n", mode: "0600" } },
      ready: { command: ["sh", "-c", `! grep sick ${root}/current/server.js`], deadlineSeconds: 1 },
      releaseCommand: {
        command: ["true"],
        unit: `[Service]\nExecStart=sh -c 'echo x >>${sandbox.path("/commanded")}'\nWorkingDirectory=/\n`,
      },
      drain: { file: drain, seconds: 1 },
      ...changes,
    }),
  });
  for (const version of versions) {
    const folder = join(sandbox.path("/source"), version);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "server.js"), `${version}\n`);
    await app.up(inputs(version, { ready: { command: ["true"] } }));
  }
  const rollback = async (version: string) => {
    const text = await sandbox.read("/var/lib/trilithon/rollback/app");
    const blanks = { VERSION: version, WHO: "ada@laptop", COMMIT: "0123" };
    return sandbox.run(text.replace(/@(VERSION|WHO|COMMIT)@/g, (_, name) => Object(blanks)[name]));
  };
  const log = async () =>
    (await sandbox.read("/var/lib/trilithon/releases/app"))
      .trim()
      .split("\n")
      .map((line) => line.split("\t").slice(1));
  return { ...machine, app, inputs, rollback, log };
}

onLinux("it switches, drained, restarts all units but timers, and is recorded", async (t) => {
  const { sandbox, rollback, log } = await released(t, ["one", "two"]);
  await sandbox.clearLog();
  const { status, stdout, stderr } = await rollback("one");
  t.is(status, 0, stderr);
  t.regex(stdout, /@progress draining\n[\s\S]*@progress restart app\n/);
  t.deepEqual(
    (await sandbox.log()).filter((line) => line.startsWith("restart")),
    ["restart app.service", "restart app-mail.service"],
  );
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
  t.is(await sandbox.loaded("app.service", "drain"), "");
  t.is(await sandbox.loaded("app-mail.service", "server.js"), "one\n");
  t.false(await sandbox.exists("/run/drain"));
  t.deepEqual((await log()).at(-1), ["one", "two", "ada@laptop", "0123", "rolled back"]);
  t.is((await sandbox.read("/commanded")).split("\n").length, 3);
});

onLinux(
  "the preview after it says who did it, and a newer version goes on without a word",
  async (t) => {
    const { app, inputs, rollback, sandbox } = await released(t, ["one", "two"]);
    await rollback("one");
    const again = await app.preview(inputs("two"));
    t.regex(
      again.told.join("\n"),
      /web-01: version two was rolled back to one by ada@laptop at \d{4}-\d\d-\d\dT[\d:]+Z; `up` releases two again/,
    );
    await mkdir(sandbox.path("/source/three"));
    await writeFile(sandbox.path("/source/three/server.js"), "three\n");
    t.notRegex((await app.preview(inputs("three"))).told.join("\n"), /rolled back/);
    t.deepEqual((await app.preview(inputs("one"))).told, []);
    await app.up(inputs("two"));
    t.is(await sandbox.loaded("app.service", "server.js"), "two\n");
    t.is((await sandbox.read("/commanded")).split("\n").length, 3);
    t.deepEqual((await app.preview(inputs("two"))).told, []);
  },
);

onLinux("a version that does not become ready is taken back", async (t) => {
  const { app, inputs, rollback, log, sandbox } = await released(t, ["sick", "two"]);
  // The way back has the probe of the last change.
  const more = { files: { [sandbox.path("/etc/app/more")]: { content: "x" } } };
  await app.up(inputs("two", more));
  const { status, stderr } = await rollback("sick");
  t.is(status, 1);
  t.regex(stderr, /app was not ready within 1 seconds/);
  t.is(await sandbox.loaded("app.service", "server.js"), "two\n");
  t.is(await sandbox.loaded("app-mail.service", "server.js"), "two\n");
  t.deepEqual((await log()).at(-1)?.slice(0, 5), [
    "sick",
    "two",
    "ada@laptop",
    "0123",
    "taken back",
  ]);
  t.deepEqual((await app.preview(inputs("two", more))).told, []);
});

onLinux("a version that is not there is refused with those that are", async (t) => {
  const { rollback, sandbox } = await released(t, ["one", "two"]);
  await sandbox.clearLog();
  const { status, stderr } = await rollback("none");
  t.is(status, 1);
  t.regex(stderr, /^version none is not on this host; there are: one two /);
  t.deepEqual(await sandbox.log(), []);
});

onLinux("a version that has not its persistent folders is refused", async (t) => {
  const { app, inputs, rollback, sandbox } = await released(t, ["one"]);
  await mkdir(sandbox.path("/source/two"));
  await writeFile(sandbox.path("/source/two/server.js"), "two\n");
  const persistent = { storage: { folder: sandbox.path("/var/lib/app/storage"), owner: "root" } };
  await app.up(inputs("two", { persistent }));
  const { status, stderr } = await rollback("one");
  t.is(status, 1);
  t.regex(stderr, /^version one came before storage was persistent, and would not see what is in /);
  t.is(await sandbox.loaded("app.service", "server.js"), "two\n");
});

onLinux("only root reads it, no secret is in it, and it goes with the application", async (t) => {
  const { app, sandbox } = await released(t, ["one"]);
  t.is(await sandbox.mode("/var/lib/trilithon/rollback/app"), "0600");
  t.notRegex(await sandbox.read("/var/lib/trilithon/rollback/app"), /hush/);
  await app.destroy();
  t.false(await sandbox.exists("/var/lib/trilithon/rollback"));
});
