import { startMachine, wireHost } from "../../support/machine";
import { onLinux } from "../../support/on-linux";
import { plain, secret, type WireMap, wire } from "../../support/wire";

onLinux(
  "the plan is an output as data: in the preview, in `up`, and until the next change",
  async (t) => {
    const machine = await startMachine(t);
    const { sandbox, server, plugin } = machine;
    await sandbox.unit("nginx.service", {});
    const path = sandbox.path("/etc/nginx.conf");
    const inputs = (content: string): WireMap => ({
      host: wireHost(server.host()),
      ...wire({ unit: "nginx.service", onChange: "reload", files: { [path]: { content } } }),
    });
    const resource = machine.resource();
    const { inputs: news } = await plugin.check(resource.named, inputs("one\n"));
    const previewed = await plugin.create(resource.named, news, "preview");
    const where = { host: "web-01", unit: "nginx.service" };
    const steps = (why: string) => [
      { ...where, action: "write", why, sentence: `write ${path} (new, 1 line)` },
      { ...where, action: "start", why, sentence: "start nginx" },
      { ...where, action: "wait", why, sentence: "wait until it is ready" },
      { ...where, action: "enable", why, sentence: "enable nginx at boot" },
    ];
    t.deepEqual(previewed.properties.plan, steps("new"));

    await resource.up(inputs("one\n"));
    t.deepEqual(resource.state?.properties.plan, steps("new"));
    const before = resource.state;
    t.false((await resource.up(inputs("one\n"))).diff?.hasChanges);
    t.deepEqual(resource.state, before, "a refresh changes nothing in the state");

    await sandbox.write("/etc/nginx.conf", "edited\n", new Date("2020-01-01"));
    await resource.up(inputs("one\n"));
    const actions = [resource.state?.properties.plan ?? []].flat().map((step) => plain(step));
    t.like(actions, [
      { action: "write", why: "drift" },
      { action: "reload", why: "drift" },
      { action: "wait", why: "drift" },
    ]);
    t.is(actions.length, 3);
  },
);

onLinux("no secret is in the plan's data", async (t) => {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const path = sandbox.path("/etc/token-in-the-name-7d1f");
  const resource = machine.resource();
  await resource.up({
    host: wireHost(server.host()),
    ...wire({ name: "token" }),
    files: secret({ [path]: { content: "token-in-the-name-7d1f" } }),
    users: {},
  });
  const plan = JSON.stringify(resource.state?.properties.plan);
  t.true(plan.includes("[secret]"), plan);
  t.false(plan.includes("7d1f"), plan);
});
