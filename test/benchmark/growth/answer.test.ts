import test from "ava";
import { answerScript, contentOf } from "../../../benchmark/growth/answer";
import { startHosts } from "../../../benchmark/growth/hosts";
import { TestPlugin } from "../../support/plugin";

test("a host of the growth measurements says that all is as wanted, in one round trip for all", async (t) => {
  const hosts = await startHosts(1, 0);
  const plugin = await TestPlugin.start();
  t.teardown(async () => {
    await plugin.stop();
    await hosts.stop();
  });
  const names = ["one", "two", "three"];
  const bringUp = async (name: string) => {
    const resource = { type: "trilithon:index:Service", name };
    const path = `/etc/benchmark/${name}.conf`;
    const host = { ...hosts.hosts[0] };
    const files = { [path]: { content: contentOf(path) } };
    const news = { host, unit: `${name}.service`, files };
    const { inputs, failures } = await plugin.check(resource, news);
    t.deepEqual(failures, []);
    return { resource, inputs, state: await plugin.create(resource, inputs) };
  };
  const made = await Promise.all(names.map(bringUp));
  hosts.takeCounts();

  const found = await Promise.all(
    made.map(({ resource, inputs, state }) => plugin.read(resource, { ...state, inputs })),
  );
  t.deepEqual(hosts.takeCounts(), { connections: 0, roundTrips: 1 });
  for (const [index, { resource, inputs }] of made.entries()) {
    const { hasChanges } = await plugin.diff(resource, found[index]?.properties ?? {}, inputs);
    t.false(hasChanges);
  }
});

test("what is no question is not answered", (t) => {
  t.is(answerScript("export LC_ALL=C\nexec 3>&1\n"), "");
});
