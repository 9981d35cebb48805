/** Three hosts with the role `database`, with the real engine: a group that loses its primary, is switched, and is changed under load. */
import test, { type ExecutionContext } from "ava";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { type LoadResult, startLoad } from "../end-to-end/support/load";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";

const number = 81;
const url = `http://127.0.0.1:${8000 + number}`;
const names = ["node-01", "node-02", "node-03"] as const;

let stack: TestStack;

test.before(async () => {
  stack = await TestStack.make("group", settings());
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
});

test.serial("three hosts become a group, and nothing is left to do", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  t.is((await primaries()).length, 1);
  await isVerified(t);
});

test.serial("a primary that is killed is replaced; what was acknowledged is there", async (t) => {
  const [former = ""] = await primaries();
  const load = startLoad({ url, requestsPerSecond: 20, writeEvery: 5 });
  await stack.on(former, "kill -9 $(systemctl show -p MainPID --value mysql)");
  await settles();
  const result = await load.stop();
  t.log(result);
  t.deepEqual((await readPreview(stack)).updates, []);
  await isVerified(t);
});

test.serial(
  "a primary that is cut off loses its role, and is back within a minute of its return",
  async (t) => {
    const [former = ""] = await primaries();
    const load = startLoad({ url, requestsPerSecond: 20, writeEvery: 5 });
    await stack.on(former, "ip link set eth0 down");
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    await stack.on(former, "ip link set eth0 up");
    await settles(60);
    t.log(await load.stop());
    t.is((await primaries()).length, 1);
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

test.serial("the primary is switched as the settings say, and no request fails", async (t) => {
  const [former] = await primaries();
  const wished = names.find((name) => name !== former) ?? "";
  await stack.configure(settings({ primary: wished }));
  const preview = await readPreview(stack);
  t.deepEqual(
    preview.updates.map(({ resource }) => resource),
    ["database-group"],
  );
  t.regex(preview.sentences["database-group"] ?? "", /make it the primary instead of/);
  const load = startLoad({ url, requestsPerSecond: 20, writeEvery: 5 });
  await stack.up();
  isFaultless(t, await load.stop());
  t.deepEqual(await primaries(), [wished]);
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial(
  "a change that restarts all members moves the primary before, and no request fails",
  async (t) => {
    const [former = ""] = await primaries();
    await stack.configure(settings({ primary: former, maxConnections: 210 }));
    const load = startLoad({ url, requestsPerSecond: 20, writeEvery: 5 });
    await stack.up();
    isFaultless(t, await load.stop());
    t.deepEqual((await readPreview(stack)).updates, []);
    t.is((await stack.on(former, "mysql -N -e 'SELECT @@max_connections'")).trim(), "210");
    await isVerified(t);
  },
);

test.serial("what is set by hand is told, and set back", async (t) => {
  const [primary = ""] = await primaries();
  const other = names.find((name) => name !== primary) ?? "";
  await stack.on(other, `mysql -e "SET PERSIST group_replication_autorejoin_tries = 3"`);
  await stack.on(other, `mysql -e "SET GLOBAL super_read_only = OFF"`);
  const { updates } = await readPreview(stack);
  t.deepEqual(updates.map(({ resource }) => resource).sort(), [
    "database-group",
    `database-${other}-service`,
  ]);
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
});

function settings(database: object = {}): Settings {
  const more = ["load-balancer", "web", "web"];
  return {
    ...threeHosts(number),
    "trilithon:hosts": names.map((name, index) => ({
      ...{ name, address: `172.31.${number}.${11 + index}` },
      roles: [more[index] ?? "", "database"],
    })),
    "trilithon:database": database,
  };
}

/** The members that take writes. */
async function primaries(): Promise<string[]> {
  const open = await Promise.all(
    names.map(async (name) => {
      const { stdout } = await stack.try(name, "mysql -N -e 'SELECT @@super_read_only'");
      return stdout.trim() === "0" ? [name] : [];
    }),
  );
  return open.flat();
}

/** Until every member is in the group again. */
async function settles(seconds = 120): Promise<void> {
  const states = `mysql -N -e "SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE MEMBER_STATE = 'ONLINE'"`;
  for (let look = 0; look < seconds; look += 1) {
    const counts = await Promise.all(names.map((name) => stack.try(name, states)));
    if (counts.every(({ stdout }) => stdout.trim() === "3")) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  throw new Error(`not all members are back in the group after ${seconds} s`);
}

function isFaultless(t: ExecutionContext, result: LoadResult): void {
  t.log(result);
  t.deepEqual(result.failures, {});
  t.true(result.answered > 0);
}

async function isVerified(t: ExecutionContext): Promise<void> {
  const { endpoints, privateKeys } = await stack.outputs();
  const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "allowed" });
  t.true(
    verdicts.every(({ passed }) => passed),
    renderTable({ stack: "group", url, away: endpoints.away, verdicts }),
  );
}
