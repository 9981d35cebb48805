/**
 * A group under load: two members more by one line each, its primary switched, both taken out again; then all machines lose their
 * power, and one stays off.
 */
import test, { type ExecutionContext } from "ava";
import { reachMachines } from "../../scripts/drill/machines";
import { must } from "../../scripts/setup/run";
import { databaseHosts } from "../../scripts/verify/endpoints";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { startLoad } from "../end-to-end/support/load";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { AcknowledgedWrites } from "../support/acknowledged-writes";

const stackName = "come-and-go";
const number = 79;
const net = `172.31.${number}`;
const url = `http://${net}.10`;
const three = ["node-01", "node-02", "node-03"];
const five = [...three, "node-04", "node-05"];

let stack: TestStack;
const writes = new AcknowledgedWrites(url);

test.before(async () => {
  stack = await TestStack.make(stackName, settings(three));
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
});

test.serial("two members come, by one line each", (t) =>
  isUnnoticed(t, five, async () => {
    await stack.configure(settings(five));
    await stack.up();
  }),
);

test.serial("a member that came becomes the primary", (t) =>
  isUnnoticed(t, five, async () => {
    await stack.configure(settings(five, { primary: "node-05" }));
    await stack.up();
  }),
);

test.serial("both go again, the primary among them", async (t) => {
  // Containers that hold data, as the README says.
  for (const name of ["node-04", "node-05"]) await stack.unprotect(name);
  await isUnnoticed(t, three, async () => {
    await stack.configure(settings(three));
    await stack.up();
  });
});

test.serial(
  "all machines lose their power, and one stays off: told, and possible as away",
  async (t) => {
    const outputs = await stack.outputs();
    const machines = reachMachines(outputs, { areContainers: true, up: async () => {} });
    const hosts = databaseHosts(outputs.endpoints);
    const [first, ...others] = hosts;
    if (first === undefined) return t.fail("no members");
    const { acknowledged } = await writes.during(async () => {
      await new Promise((resolve) => setTimeout(resolve, 3000));
      await Promise.all(hosts.map((host) => machines.kill(host)));
    });
    t.true(acknowledged > 0);
    await Promise.all(hosts.map((host) => machines.start(host)));
    // `up` would start a container that is stopped: this one says nothing, like a machine that is off.
    const container = `trilithon-${stackName}-${first.name}`;
    await must(container, "docker", ["pause", container]);
    const said = await stack.mustFail();
    t.log(said.split("\n").filter((line) => line.includes(first.name)));
    t.regex(said, new RegExp(`${first.name}.*no answer`));
    await stack.configure(settings(three, {}, first.name));
    await stack.up();
    await writes.during(() => new Promise((resolve) => setTimeout(resolve, 3000)));
    for (const { name } of others) t.deepEqual(await writes.missingOn(stack, name), [], name);
    await must(container, "docker", ["unpause", container]);
    await stack.configure(settings(three));
    await stack.up();
    t.deepEqual((await readPreview(stack)).updates, []);
    for (const name of three) t.deepEqual(await writes.missingOn(stack, name), [], name);
    await isVerified(t);
  },
);

/** 100 requests a second, of them 50 writes, and ten writes a second that are looked for on each member afterwards. */
async function isUnnoticed(
  t: ExecutionContext,
  members: readonly string[],
  change: () => Promise<void>,
): Promise<void> {
  const load = startLoad({ url, requestsPerSecond: 100, writeEvery: 2 });
  const changing = writes.during(change);
  await changing.catch(() => undefined);
  const seen = await load.stop();
  const { acknowledged, failed } = await changing;
  t.log(seen, { acknowledged, failed });
  t.deepEqual(seen.failures, {});
  t.is(failed, 0);
  t.deepEqual((await readPreview(stack)).updates, []);
  for (const name of members) {
    const online =
      "SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE MEMBER_STATE = 'ONLINE'";
    t.is((await stack.on(name, `mysql -NBe "${online}"`)).trim(), String(members.length), name);
    t.deepEqual(await writes.missingOn(stack, name), [], name);
  }
  await isVerified(t);
}

async function isVerified(t: ExecutionContext): Promise<void> {
  const verdicts = await verifyStack(await stack.outputs(), { changes: "none" });
  t.true(
    verdicts.every(({ passed }) => passed),
    renderTable({ stack: stackName, url, verdicts }),
  );
}

function settings(names: readonly string[], database: object = {}, away?: string): Settings {
  const more: Readonly<Record<string, readonly string[]>> = {
    "node-01": ["load-balancer"],
    "node-02": ["load-balancer", "web"],
    "node-03": ["web"],
  };
  return {
    ...threeHosts(number),
    "trilithon:containers": { subnet: `${net}.0/24`, publish: 8179, sshPortBase: 25_000 },
    "trilithon:loadBalancer": { virtualAddress: `${net}.10` },
    // Port 80 is the load balancer's.
    "trilithon:web": { port: 8080 },
    "trilithon:database": database,
    "trilithon:hosts": names.map((name) => ({
      name,
      address: `${net}.1${name.slice(-1)}`,
      roles: [...(more[name] ?? []), "database"],
      ...(name === away && { away: true }),
    })),
  };
}
