/** What stood on a machine before is kept apart from what trilithon wrote, and put back; no secret stays. */

import type { ExecutionContext } from "ava";
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { secret, type WireMap, wire } from "../../../support/wire";

const longAgo = new Date("2020-01-01T12:34:56.789Z");

async function taken(t: ExecutionContext, unit: { active: string; enabled: string }) {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const conf = sandbox.path("/etc/it.conf");
  await sandbox.unit("it.service", { ...unit, reads: [conf] });
  await sandbox.write("/etc/it.conf", "by hand\n", longAgo);
  await sandbox.chmod("/etc/it.conf", 0o600);
  await sandbox.link("/etc/enabled/default", "/etc/available/default");
  const inputs = (content: string, more: WireMap = {}): WireMap => ({
    host: wireHost(server.host()),
    ...wire({ unit: "it.service", absent: [sandbox.path("/etc/enabled/default")] }),
    files: { [conf]: { content }, ...more },
  });
  return { ...machine, inputs, it: machine.resource() };
}

onLinux(
  "what ran before runs again with its former files after destroy, whatever was written since",
  async (t) => {
    const { sandbox, it, inputs, plugin } = await taken(t, {
      active: "active",
      enabled: "enabled",
    });
    const before = await sandbox.entries("/etc");
    await it.up(inputs("one\n"));
    await it.up(inputs("two\n"));
    await sandbox.write("/etc/it.conf", "an edit meanwhile\n");
    await it.up(inputs("three\n"));
    plugin.engine.clear();
    await it.destroy();
    t.deepEqual(await sandbox.entries("/etc"), before);
    t.is(await sandbox.loaded("it.service", "it.conf"), "by hand\n");
    t.is(await sandbox.read("state/units/it.service/active"), "active");
    t.is(await sandbox.read("state/units/it.service/enabled"), "enabled");
    t.deepEqual(plugin.engine.told("info"), [
      `web-01: put back what stood there before: ${sandbox.path("/etc/it.conf")}, ${sandbox.path("/etc/enabled/default")}`,
      "web-01: it runs again as before",
    ]);
    t.deepEqual(await sandbox.entries("/var/lib/trilithon"), {});
  },
);

onLinux(
  "what did not run before is stopped and disabled, and its files are put back",
  async (t) => {
    const { sandbox, it, inputs } = await taken(t, { active: "inactive", enabled: "disabled" });
    const before = await sandbox.entries("/etc");
    await it.up(inputs("one\n"));
    await it.destroy();
    t.deepEqual(await sandbox.entries("/etc"), before);
    t.is(await sandbox.read("state/units/it.service/active"), "inactive");
    t.is(await sandbox.read("state/units/it.service/enabled"), "disabled");
  },
);

onLinux("what cannot run with its former files is stopped, and that is told", async (t) => {
  const { sandbox, it, inputs, plugin } = await taken(t, { active: "active", enabled: "enabled" });
  await it.up(inputs("one\n"));
  await sandbox.unit("it.service", { failsTo: ["restart"] });
  await it.destroy();
  t.true(
    plugin.engine
      .told("info")
      .includes(
        "web-01: it ran before, and does not start with what stood there then: it is stopped and disabled",
      ),
  );
  t.is(await sandbox.read("state/units/it.service/enabled"), "disabled");
});

onLinux("a file that the program gives up is as it was before", async (t) => {
  const { sandbox, it, inputs, server } = await taken(t, { active: "active", enabled: "enabled" });
  await it.up(inputs("one\n"));
  const without = { host: wireHost(server.host()), ...wire({ unit: "it.service" }) };
  const { told } = await it.up(without);
  t.regex(
    told[0] ?? "",
    /remove \S+\/etc\/it.conf \(what stood there before is put back\), restart it/,
  );
  t.is(await sandbox.read("/etc/it.conf"), "by hand\n");
});

onLinux(
  "a retired secret is nowhere on the machine, neither while the stack is there nor afterwards",
  async (t) => {
    const { sandbox, it, inputs } = await taken(t, { active: "active", enabled: "enabled" });
    const [retired, current] = ["Retired-8f1c20d9", "Current-77ab03e1"];
    const file = (password: string) => ({
      [sandbox.path("/etc/secrets")]: { content: secret(`PASSWORD=${password}\n`), mode: "0600" },
    });
    const holding = async (word: string) =>
      Object.entries(await sandbox.entries("/"))
        .filter(([, { content }]) => content.includes(word))
        .map(([path]) => path);
    await it.up(inputs("one\n", file(retired)));
    t.deepEqual(await holding(retired), ["/etc/secrets"]);
    await it.up(inputs("one\n", file(current)));
    t.deepEqual(await holding(retired), []);
    await it.up(inputs("one\n"));
    t.deepEqual(await holding(current), []);
    await it.up(inputs("one\n", file(current)));
    await it.destroy();
    t.deepEqual(await holding(current), []);
  },
);

onLinux("what a change left that the power was taken from is gone after the next", async (t) => {
  const machine = await taken(t, { active: "active", enabled: "enabled" });
  const { sandbox, it, inputs } = machine;
  const flag = sandbox.path("/tmp/flag");
  const file = {
    [sandbox.path("/etc/secrets")]: { content: secret("PASSWORD=Left-0b6d11\n"), mode: "0600" },
  };
  const check = wire(["sh", "-c", `: >${flag}; while [ -e ${flag} ]; do sleep 0.05; done`]);
  await it.up(inputs("one\n"));
  await sandbox.write("/etc/.trilithon-secrets", "PASSWORD=Left-0b6d11\n");
  await sandbox.write("/var/lib/trilithon/undo/it/1.path", `${sandbox.path("/etc/secrets")}\n`);
  await sandbox.write("/var/lib/trilithon/undo/it/1.old", "PASSWORD=Left-0b6d11\n");
  const failed = t.throwsAsync(it.up({ ...inputs("two\n", file), check }));
  while (!(await sandbox.exists("/tmp/flag")))
    await new Promise((resolve) => setTimeout(resolve, 5));
  sandbox.kill();
  await failed;
  await sandbox.delete("/tmp/flag");
  await it.up(inputs("three\n"));
  const all = Object.values(await sandbox.entries("/"));
  t.false(all.some(({ content }) => content.includes("Left-0b6d11")));
});
