/** What no file shows: what a change does, told before it is done, and what somebody did on purpose, told as long as it is so. */
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { wire } from "../../../support/wire";

onLinux("is told with whatever the unit does, and makes no change by itself", async (t) => {
  const { sandbox, server, resource } = await startMachine(t);
  const path = sandbox.path("/etc/gate.conf");
  await sandbox.unit("gate.service", { reads: [path] });
  await sandbox.write("/said", "close port 1\nclose port 2\n");
  const it = resource();
  const inputs = (content: string) => ({
    host: wireHost(server.host()),
    ...wire({
      ...{ unit: "gate.service", onChange: "reload" },
      forewarningCommand: ["cat", sandbox.path("/said")],
      files: { [path]: { content } },
    }),
  });
  const first = await it.preview(inputs("one\n"));
  t.regex(first.told.join("\n"), /close port 1, close port 2/);
  t.regex(first.told.join("\n"), /web-01: close port 1\n/);
  t.deepEqual((await it.up(inputs("one\n"))).told, first.told);
  t.deepEqual((await it.preview(inputs("one\n"))).told, []);
  await sandbox.write("/said", "");
  const { told } = await it.preview(inputs("two\n"));
  t.regex(told.join("\n"), /reload gate/);
  t.notRegex(told.join("\n"), /close port/);
});

onLinux(
  "what was done on purpose is told by each preview and `up`, and is no difference",
  async (t) => {
    const { sandbox, server, resource } = await startMachine(t);
    const path = sandbox.path("/etc/gate.conf");
    await sandbox.unit("gate.service", { reads: [path] });
    await sandbox.write("/said", "closed by ada\n");
    const it = resource();
    const inputs = (content: string) => ({
      host: wireHost(server.host()),
      ...wire({
        ...{ unit: "gate.service", onChange: "reload" },
        noticeCommand: ["cat", sandbox.path("/said")],
        files: { [path]: { content } },
      }),
    });
    const isTold = (told: readonly string[]) =>
      told.join("\n").split("web-01: closed by ada").length - 1;
    t.is(isTold((await it.up(inputs("one\n"))).told), 1);
    const nothingToDo = await it.preview(inputs("one\n"));
    t.false(nothingToDo.diff?.hasChanges);
    t.is(isTold(nothingToDo.told), 1);
    // Read twice, for the refresh and for the plan.
    t.is(isTold((await it.up(inputs("two\n"))).told), 1);
    t.is(await sandbox.read("/said"), "closed by ada\n");
    await sandbox.write("/said", "");
    t.deepEqual((await it.preview(inputs("two\n"))).told, []);
  },
);
