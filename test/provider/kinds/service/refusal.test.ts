/** A folder where a file or a link is wanted: told in the preview, and nothing on the machine is changed. */

import type { ExecutionContext } from "ava";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { TestResource } from "../../../support/resource";
import { type WireMap, wire } from "../../../support/wire";

interface Blocked extends Machine {
  readonly resource: (type?: string) => TestResource;
  readonly inputs: WireMap;
  readonly app: TestResource;
}

async function blocked(t: ExecutionContext): Promise<Blocked> {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  await sandbox.unit("app.service", {});
  await sandbox.write("/source/server.js", "one\n");
  const inputs = {
    host: wireHost(server.host()),
    ...wire({
      unit: "app.service",
      root: sandbox.path("/srv/app"),
      source: sandbox.path("/source"),
      version: "one",
      files: { [sandbox.path("/etc/a")]: { content: "a\n" } },
      absent: [sandbox.path("/etc/x")],
    }),
  };
  return { ...machine, inputs, app: machine.resource("trilithon:index:Release") };
}

for (const path of ["/etc/a", "/etc/x", "/srv/app/current"]) {
  onLinux(`a folder at ${path} is refused, before and after a first up`, async (t) => {
    const { app, inputs, sandbox } = await blocked(t);
    const sentence = `web-01: refuse, since ${sandbox.path(path)} is a folder`;
    const warning =
      `web-01: ${sandbox.path(path)} is a folder, not a file or link; ` +
      "nothing will be changed. To go on, move it away";
    const isRefused = async (label: string) => {
      await sandbox.clearLog();
      const before = { ...(await sandbox.entries("/etc")), ...(await sandbox.entries("/srv")) };
      t.deepEqual((await app.preview(inputs)).told, [`${sentence} [${label}]`, warning]);
      await t.throwsAsync(app.up(inputs), { message: warning });
      t.deepEqual(await sandbox.log(), []);
      t.deepEqual(
        { ...(await sandbox.entries("/etc")), ...(await sandbox.entries("/srv")) },
        before,
      );
    };
    await sandbox.write(`${path}/dear`, "to somebody\n");
    await isRefused("new");
    await sandbox.delete(path);
    await app.up(inputs);
    t.deepEqual((await app.preview(inputs)).told, []);
    await sandbox.delete(path);
    await sandbox.write(`${path}/dear`, "to somebody\n");
    await isRefused("drift");
    await sandbox.delete(path);
    await app.up(inputs);
    t.is(await sandbox.read("/srv/app/current/server.js"), "one\n");
    t.is(await sandbox.read("/etc/a"), "a\n");
  });
}

onLinux("a folder that the program no longer asks about is in nobody's way", async (t) => {
  const { app, inputs, sandbox } = await blocked(t);
  await app.up(inputs);
  await sandbox.write("/etc/x/dear", "to somebody\n");
  const { told } = await app.preview({ ...inputs, ...wire({ absent: [] }) });
  t.deepEqual(told, []);
});
