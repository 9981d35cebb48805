/** What is run once for a version, on whichever host: before the first has it, and when the last has it. Two machines. */
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { startTwoMachines } from "../../../support/two-machines";
import { wire } from "../../../support/wire";

/** Of both machines: see `sandbox.ts`. */
const root = "/srv/together";

/** The first host migrates, the last one warms up; each notes that in a file. */
async function pair(t: ExecutionContext) {
  const { machine, sandboxes, machines, folder } = await startTwoMachines(t, [
    "one",
    "two",
    "three",
  ]);
  const noting = (at: number, what: string, version: string, end = "") => {
    const [note, current] = [`/${what}`, `${root}/current`].map((path) =>
      sandboxes[at]?.path(path),
    );
    return {
      command: [`bin/${what}`],
      unit: `[Service]\nExecStart=sh -c 'echo ${version} at $(basename $(readlink ${current})) >>${note}; ${end}'\nWorkingDirectory=/\n`,
      deadlineSeconds: 60,
    };
  };
  const migration = (at: number, version: string, elsewhere: number) => ({
    releaseCommand: { ...noting(at, "migrate", version), elsewhere: [machines[elsewhere]] },
  });
  const warming = (at: number, version: string, elsewhere: number, end?: string) => ({
    afterCommand: { ...noting(at, "warm", version, end), elsewhere: [machines[elsewhere]] },
  });
  const inputs = (at: 0 | 1, version: string, changes: object) => ({
    host: wireHost(machines[at]),
    ...wire({
      ...{ unit: "app.service", root, source: join(folder, version), version, ...changes },
      files: { [sandboxes[at].path("/etc/app")]: { content: "of all versions\n" } },
    }),
  });
  for (const sandbox of sandboxes) {
    await sandbox.unit("app.service", { reads: [sandbox.path(`${root}/current/server.js`)] });
  }
  const [first, second] = [0, 1].map((at) =>
    machine.resource("trilithon:index:Release", { name: `app-${at}` }),
  );
  if (first === undefined || second === undefined) throw new Error("no resources");
  return { ...machine, sandboxes, first, second, inputs, migration, warming };
}

onLinux("what comes afterwards runs once, when the version is live there", async (t) => {
  const { second, sandboxes, inputs, warming } = await pair(t);
  const one = inputs(1, "one", warming(1, "one", 0));
  const previewed = await second.preview(one);
  const { told } = await second.up(one);
  t.deepEqual(told, previewed.told);
  t.regex(
    told[0] ?? "",
    /start app, .*run `bin\/warm` once for version one, at most 60 seconds, now that all hosts have it \[new\]$/,
  );
  await second.up(inputs(1, "two", warming(1, "two", 0)));
  t.is(await sandboxes[1].read("/warm"), "one at one\ntwo at two\n");
  t.deepEqual((await second.preview(inputs(1, "two", warming(1, "two", 0)))).told, []);
  const back = await second.up(inputs(1, "one", warming(1, "one", 0)));
  t.notRegex(back.told[0] ?? "", /bin\/warm/);
  t.is(await sandboxes[1].read("/warm"), "one at one\ntwo at two\n");
  t.false(await sandboxes[1].exists("/run/systemd/system/app-release.service"));
  await second.destroy();
  t.deepEqual(await sandboxes[1].entries("/srv"), {});
});

onLinux("where that fails the version stays, and the next `up` runs it again", async (t) => {
  const { second, sandboxes, inputs, warming } = await pair(t);
  await second.up(inputs(1, "one", warming(1, "one", 0)));
  await t.throwsAsync(second.up(inputs(1, "two", warming(1, "two", 0, "echo cold; exit 3"))), {
    message:
      /^web-02: finishing the release of app: exit 1\n`bin\/warm` of app ended with status 3 for version two, which is live on all hosts all the same; the next `up` runs it again:\n(.*\n)*cold$/,
  });
  t.is(await sandboxes[1].loaded("app.service", "server.js"), "two\n");
  t.false(await sandboxes[1].exists("/run/systemd/system/app-release.service"));
  const mended = inputs(1, "two", warming(1, "two", 0));
  const again =
    /^web-02: run `bin\/warm` once for version two, at most 60 seconds, now that all hosts have it \[drift\]$/;
  t.regex((await second.preview(mended)).told[0] ?? "", again);
  const started = await sandboxes[1].log();
  t.regex((await second.up(mended)).told[0] ?? "", again);
  t.deepEqual(
    (await sandboxes[1].log()).slice(started.length).filter((line) => /app\.service/.test(line)),
    [],
  );
  t.deepEqual((await second.preview(mended)).told, []);
  t.is(await sandboxes[1].read("/warm"), "one at one\ntwo at two\ntwo at two\n");
});

onLinux("one that comes with a version that is there already is not run", async (t) => {
  const { second, sandboxes, inputs, warming } = await pair(t);
  await second.up(inputs(1, "one", {}));
  t.deepEqual((await second.up(inputs(1, "one", warming(1, "one", 0)))).told, []);
  t.false(await sandboxes[1].exists("/warm"));
});

onLinux("what another host ran while this one was away is not run again", async (t) => {
  const { first, second, sandboxes, inputs, migration, warming } = await pair(t);
  const both = (at: 0 | 1, version: string) =>
    inputs(at, version, { ...migration(at, version, 1 - at), ...warming(at, version, 1 - at) });
  // The first is away.
  await second.up(both(1, "one"));
  await second.up(both(1, "two"));
  // It has had nothing yet, and is then as far as the second.
  const { told } = await first.up(both(0, "two"));
  t.notRegex(told[0] ?? "", /bin\//);
  t.false(await sandboxes[0].exists("/migrate"));
  t.false(await sandboxes[0].exists("/warm"));
  await first.up(both(0, "three"));
  t.is(await sandboxes[0].read("/migrate"), "three at two\n");
  t.is(await sandboxes[0].read("/warm"), "three at three\n");
  t.is(await sandboxes[1].read("/migrate"), "one at\ntwo at one\n");
});
