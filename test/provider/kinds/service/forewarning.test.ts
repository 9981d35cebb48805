/** What a change does that no file shows, told before it is done. */
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
