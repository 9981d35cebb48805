/** Hosts that take a version while the site is closed. Two machines, and a Release on each. */
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { TestResource } from "../../../support/resource";
import type { Sandbox } from "../../../support/sandbox";
import { startTwoMachines } from "../../../support/two-machines";
import { wire } from "../../../support/wire";

const root = "/srv/together";
const drain = "/run/together.drain";

/** Both have version `one`; `sick` does not become ready on the second. */
async function pair(t: ExecutionContext) {
  const { machine, sandboxes, machines, folder } = await startTwoMachines(t, [
    "one",
    "two",
    "sick",
  ]);
  const inputs = (at: 0 | 1, version: string, changes = {}) => ({
    host: wireHost(machines[at]),
    ...wire({
      unit: "app.service",
      root,
      source: join(folder, version),
      version,
      ready: {
        command: at === 0 ? ["true"] : ["sh", "-c", `! grep sick ${root}/current/server.js`],
        deadlineSeconds: 1,
      },
      drain: { file: drain, seconds: 1 },
      together: { hosts: machines },
      ...changes,
    }),
  });
  const apps: TestResource[] = [];
  for (const [at, sandbox] of sandboxes.entries()) {
    await sandbox.unit("app.service", {
      reads: [`${root}/current/server.js`, drain].map((path) => sandbox.path(path)),
    });
    apps.push(machine.resource("trilithon:index:Release", { name: `app-${at}` }));
  }
  const [first, second] = apps;
  if (first === undefined || second === undefined) throw new Error("no resources");
  const firstUp = await first.up(inputs(0, "one"));
  await second.up(inputs(1, "one"));
  return { ...machine, sandboxes, first, second, inputs, firstUp };
}

const all = <Value>(sandboxes: readonly Sandbox[], ask: (sandbox: Sandbox) => Promise<Value>) =>
  Promise.all(sandboxes.map(ask));
const closed = (sandboxes: readonly Sandbox[]) => all(sandboxes, (one) => one.exists(drain));
const serving = (sandboxes: readonly Sandbox[]) =>
  all(sandboxes, (one) => one.loaded("app.service", "server.js"));

onLinux("all are closed before the first has it, and opened after the last", async (t) => {
  const { sandboxes, first, second, inputs, firstUp } = await pair(t);
  t.notRegex(firstUp.told.join(), /close/);
  const { told } = await first.preview(inputs(0, "two"));
  t.regex(
    told.join(),
    /web-01: close the site until all hosts have version two \(503 with Retry-After; what is under way ends before\), send version two, switch .*, restart app, wait/,
  );
  t.deepEqual((await first.up(inputs(0, "two"))).told, told);
  t.deepEqual(await closed(sandboxes), [true, true]);
  t.deepEqual(await serving(sandboxes), ["two\n", "one\n"]);
  t.is(await sandboxes[0].loaded("app.service", "together.drain"), "");
  const last = await second.up(inputs(1, "two"));
  t.regex(last.told.join(), /close the site/);
  t.notRegex(last.told.join(), /end the drain/);
  t.deepEqual(await closed(sandboxes), [false, false]);
  t.deepEqual(await serving(sandboxes), ["two\n", "two\n"]);
  t.is(await sandboxes[1].loaded("app.service", "together.drain"), "");
  t.deepEqual((await first.preview(inputs(0, "two"))).told, []);
  t.deepEqual((await second.preview(inputs(1, "two"))).told, []);
});

onLinux(
  "where the last one fails, all return to the version before, and the site opens",
  async (t) => {
    const { sandboxes, first, second, inputs, plugin } = await pair(t);
    await first.up(inputs(0, "sick"));
    await t.throwsAsync(second.up(inputs(1, "sick")), { message: /web-02: .*\napp was not ready/ });
    t.deepEqual(await serving(sandboxes), ["one\n", "one\n"]);
    t.deepEqual(await closed(sandboxes), [false, false]);
    t.true(
      plugin.engine.messages.some(
        ({ text }) => text === "web-01: back at the version before, since web-02 failed",
      ),
    );
    const log = await sandboxes[0].read("/var/lib/trilithon/releases/app");
    t.regex(log.trim().split("\n").at(-1) ?? "", /\tone\tsick\t\S+@\S+\t-\trolled back$/);
    t.regex(
      (await first.preview(inputs(0, "sick"))).told.join("\n"),
      /web-01: version sick was rolled back to one by /,
    );
  },
);

onLinux("what is under way ends on all before the first has it, whoever tells that", async (t) => {
  const { sandboxes, first, inputs } = await pair(t);
  await all(sandboxes, (one) => one.clearLog());
  const finishedCommand = ["does", "ended", "true"];
  await first.up(inputs(0, "two", { drain: { file: drain, seconds: 1, finishedCommand } }));
  const logs = await all(sandboxes, (one) => one.log());
  t.deepEqual(logs[1], ["sleep 1", "ended"]);
  t.deepEqual(logs[0]?.slice(0, 2), ["sleep 1", "ended"]);
  t.true(logs[0]?.includes("restart app.service"));
});

onLinux("where the first one fails, the others never had it, and the site opens", async (t) => {
  const { sandboxes, first, inputs } = await pair(t);
  await sandboxes[1].clearLog();
  const failing = { ready: { command: ["false"], deadlineSeconds: 1 } };
  await t.throwsAsync(first.up(inputs(0, "two", failing)), { message: /app was not ready/ });
  t.deepEqual(await serving(sandboxes), ["one\n", "one\n"]);
  t.deepEqual(await closed(sandboxes), [false, false]);
  t.deepEqual(
    (await sandboxes[1].log()).filter((line) => !line.startsWith("sleep")),
    [],
  );
});

onLinux("a host that cannot be closed stops it before anything is switched", async (t) => {
  const { sandboxes, first, inputs } = await pair(t);
  const drainBelow = { drain: { file: "/run/together.drain/file", seconds: 1 } };
  await sandboxes[1].write(drain, "a file");
  await t.throwsAsync(first.up(inputs(0, "two", drainBelow)), { message: /web-02: closing app/ });
  t.deepEqual(await serving(sandboxes), ["one\n", "one\n"]);
});

onLinux("a change without another version closes nothing", async (t) => {
  const { sandboxes, first, inputs } = await pair(t);
  const files = { [sandboxes[0].path("/etc/app")]: { content: "x" } };
  const { told } = await first.up(inputs(0, "one", { files }));
  t.regex(told.join(), /drain the host and restart app/);
  t.deepEqual(await closed(sandboxes), [false, false]);
});

onLinux(
  "a site that was left closed is opened where it has the version, and is opened by the rest",
  async (t) => {
    const { sandboxes, first, second, inputs } = await pair(t);
    // As after an `up` that was killed between the two.
    await first.up(inputs(0, "two"));
    await first.refresh();
    const { told } = await first.up(inputs(0, "two"));
    t.regex(told.join(), /end the drain that was left behind/);
    t.deepEqual(await closed(sandboxes), [false, true]);
    await second.up(inputs(1, "two"));
    t.deepEqual(await closed(sandboxes), [false, false]);
  },
);
