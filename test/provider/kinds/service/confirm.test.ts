/** A change that stays only if a new connection gets in. */
import type { ExecutionContext } from "ava";
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { Welcome } from "../../../support/ssh-server";
import { wire } from "../../../support/wire";

/** Which connections get in is said while the test runs. */
async function guarded(t: ExecutionContext) {
  const state: { welcome: Welcome } = { welcome: "serves" };
  const machine = await startMachine(t, { ssh: { welcome: () => state.welcome } });
  const { sandbox, server } = machine;
  const path = sandbox.path("/etc/gate.conf");
  await sandbox.unit("gate.service", { reads: [path] });
  const it = machine.resource();
  const inputs = (content: string) => ({
    host: wireHost(server.host()),
    ...wire({
      ...{ unit: "gate.service", onChange: "reload", confirmSeconds: 5 },
      files: { [path]: { content } },
    }),
  });
  return { ...machine, state, it, inputs };
}

onLinux("stays once a new connection got in, and the preview says so", async (t) => {
  const { sandbox, server, it, inputs } = await guarded(t);
  await it.up(inputs("one\n"));
  const before = server.connections;
  const { told } = await it.preview(inputs("two\n"));
  t.regex(
    told.join(),
    /reload gate \(no connection dropped; taken back unless a new connection gets in within 5 seconds\)/,
  );
  t.deepEqual((await it.up(inputs("two\n"))).told, told);
  t.is(server.connections, before + 1);
  t.is(await sandbox.loaded("gate.service", "gate.conf"), "two\n");
  t.deepEqual((await it.preview(inputs("two\n"))).told, []);
  t.deepEqual(await sandbox.entries("/run/trilithon/confirm"), {});
});

onLinux("is taken back by the host where none gets in, and says why", async (t) => {
  const { sandbox, it, inputs, state, plugin } = await guarded(t);
  await it.up(inputs("one\n"));
  state.welcome = "resets";
  await t.throwsAsync(it.up(inputs("two\n")), {
    message: /no new connection got in within 5 seconds; all is put back as it was/,
  });
  t.is(await sandbox.read("/etc/gate.conf"), "one\n");
  t.is(await sandbox.loaded("gate.service", "gate.conf"), "one\n");
  const warnings = plugin.engine.messages.map(({ text }) => text).join("\n");
  t.regex(
    warnings,
    /while gate was as wanted: web-01 \(root@127\.0\.0\.1:\d+\): no answer over SSH/,
  );
});

onLinux("is taken back by the host alone, as when the network is cut", async (t) => {
  const { sandbox, server, it, inputs, state, plugin } = await guarded(t);
  await it.up(inputs("one\n"));
  state.welcome = "resets";
  const up = it.up(inputs("two\n")).catch(() => undefined);
  // While it is replaced, it is not there.
  const runsWith = (content: string) =>
    sandbox.loaded("gate.service", "gate.conf").then(
      (loaded) => loaded === content,
      () => false,
    );
  while (!(await runsWith("two\n"))) await new Promise((resolve) => setTimeout(resolve, 10));
  server.dropConnections();
  while (!(await runsWith("one\n"))) await new Promise((resolve) => setTimeout(resolve, 100));
  t.is(await sandbox.read("/etc/gate.conf"), "one\n");
  await up;
  t.true(
    plugin.engine.messages.some(
      ({ text }) =>
        text ===
        "web-01: gate is on probation, and the host goes on by itself: unless a new connection got in, it puts all back within 5 seconds",
    ),
    JSON.stringify(plugin.engine.messages),
  );
});

onLinux("a change that no unit takes in needs no new connection", async (t) => {
  const { server, it, inputs } = await guarded(t);
  await it.up(inputs("one\n"));
  const before = server.connections;
  await it.up(inputs("one\n"));
  t.is(server.connections, before);
});
