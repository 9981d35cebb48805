/**
 * Backups of a group in the middle of writes while the member that makes the copies changes: two come, of which one is asked first, go again, and
 * the primary dies. No transaction is missing between what they stored, and each second in between can be restored.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { must } from "../../scripts/setup/run";
import { type Settings, type TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { BackedUp, untilCopied } from "./backup/backed-up";

const stackName = "backup-members";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 124);
const net = `172.31.${number}`;
const url = `http://127.0.0.1:${8000 + number}`;

const newcomers = [
  { name: "node-01", address: `${net}.11`, roles: ["database"] },
  { name: "node-05", address: `${net}.15`, roles: ["database"] },
];
const [newcomer, another] = newcomers;
const three = [
  { name: "node-02", address: `${net}.12`, roles: ["load-balancer", "database", "backup"] },
  { name: "node-03", address: `${net}.13`, roles: ["web", "database"] },
  { name: "node-04", address: `${net}.14`, roles: ["web", "database"] },
];

const settings = (hosts: readonly unknown[]): Settings => ({
  ...threeHosts(number),
  "trilithon:hosts": hosts,
  "trilithon:containers": {
    ...{ subnet: `${net}.0/24`, publish: 8000 + number, sshPortBase: 17_300 },
    memoryMegabytes: 2048,
  },
  "trilithon:database": { primary: "node-04" },
});

let backedUp: BackedUp;
let stack: TestStack;
/** In the middle of writes, by who made the copies. */
const seconds: number[] = [];

test.before(async () => {
  backedUp = await BackedUp.make(stackName, settings(three), url);
  stack = backedUp.stack;
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

/** Goes on writing until the member has stored binary logs that were written since. */
async function writesWith(source: string, change: () => Promise<unknown>): Promise<void> {
  await backedUp.writeDuring(async () => {
    await change();
    await untilSource(source);
    await backedUp.untilFirstCopy(source);
    await sleep(5000);
    seconds.push(Math.ceil(Date.now() / 1000) * 1000);
    await untilCopied();
  });
}

async function untilSource(source: string): Promise<void> {
  for (let left = 60; left > 0; left -= 1) {
    if ((await stack.try(source, "trilithon-backup is-source")).status === 0) return;
    await sleep(2000);
  }
  throw new Error(`${source} makes no copies`);
}

test.serial("the first that takes no writes makes them", (t) =>
  t.notThrowsAsync(writesWith("node-02", async () => undefined)),
);

test.serial("two come, and the one that is asked first makes them", (t) =>
  t.notThrowsAsync(
    writesWith("node-01", async () => {
      await stack.configure(settings([newcomer, ...three, another]));
      await stack.up();
    }),
  ),
);

test.serial("they go, with their containers, and the former one goes on", (t) =>
  t.notThrowsAsync(
    writesWith("node-02", async () => {
      for (const { name } of newcomers) await stack.unprotect(name);
      await stack.configure(settings(three));
      await stack.up();
    }),
  ),
);

test.serial("the primary dies, and it goes on", (t) =>
  t.notThrowsAsync(
    writesWith("node-02", async () => {
      await must("kill", "docker", ["kill", `trilithon-${stackName}-node-04`]);
      // The first of the others may lead now.
      await sleep(30_000);
      if ((await stack.try("node-02", "trilithon-backup is-source")).status !== 0) {
        await stack.on(
          "node-03",
          `mysql -e "SELECT group_replication_set_as_primary(@@server_uuid)"`,
        );
      }
    }),
  ),
);

test.serial("each second of that can be restored, and the newest is all", async (t) => {
  await untilCopied();
  for (const second of seconds) await isWhole(t, second);
  const { gtidSet } = await backedUp.restore("node-03", "latest");
  t.deepEqual(backedUp.compare(await backedUp.restoredOn("node-03")).lost, []);
  const executed = await backedUp.executedOn("node-03");
  t.log(gtidSet, executed);
  t.true(await backedUp.isSameSet("node-03", gtidSet, executed));
});

async function isWhole(t: ExecutionContext, second: number): Promise<void> {
  const report = await backedUp.restore("node-03", new Date(second).toISOString());
  const restored = await backedUp.restoredOn("node-03");
  t.log(new Date(second).toISOString(), report.copy, report.gtidSet, restored.size);
  t.deepEqual(backedUp.compare(restored, second), { lost: [], early: [] });
}
