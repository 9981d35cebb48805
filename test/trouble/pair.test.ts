/**
 * A pair whose primary is switched, dies, is replaced and comes back, on machines that were there before, while the site
 * is written to. No acknowledged entry may be missing at any point, and the former primary may take no write.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { must } from "../../scripts/setup/run";
import { startMachines } from "../end-to-end/support/machines";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { AcknowledgedWrites } from "../support/acknowledged-writes";

const stackName = "pair";
const net = "172.31.150";
const machines = [
  { name: "lb-01", address: `${net}.11`, roles: ["load-balancer"] },
  { name: "web-01", address: `${net}.21`, roles: ["web"] },
  { name: "web-02", address: `${net}.22`, roles: ["web"] },
];

let stack: TestStack;
let hosts: readonly Record<string, unknown>[];
let privateKey: string;
const writes = new AcknowledgedWrites(`http://${net}.11`);

test.before(async () => {
  stack = await TestStack.make(stackName, {});
  const started = await startMachines(stackName, `${net}.0/24`, machines);
  privateKey = started.privateKey;
  // A machine that is started again gets another published port: it is reached at its own address.
  hosts = started.hosts.map((host) => ({ ...host, sshAddress: host.address, port: 22 }));
  await configure({ primary: "web-01", replica: "web-02" });
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
});

test.serial("the pair is made, and a second preview is empty", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
});

for (const [primary, replica] of [
  ["web-02", "web-01"],
  ["web-01", "web-02"],
] as const) {
  test.serial(`roles swapped in the settings are a planned switch to ${primary}`, async (t) => {
    await configure({ primary, replica });
    const preview = await readPreview(stack);
    t.log(preview.sentences["database-replication"]);
    t.regex(
      preview.sentences["database-replication"] ?? "",
      new RegExp(`${replica}: hand the role of the primary over to ${primary}`),
    );
    const { failed } = await writes.during(() => stack.up());
    t.is(failed, 0, "the site waits for the new primary");
    t.deepEqual((await readPreview(stack)).updates, []);
    await isWhole(t, primary, replica);
  });
}

test.serial(
  "a restart of the primary's mysqld opens by itself, also when it is killed",
  async (t) => {
    for (const how of ["systemctl restart mysql", "pkill -9 mysqld"]) {
      await stack.on("web-01", how);
      await untilOpen("web-01");
      t.deepEqual((await readPreview(stack)).updates, [], how);
    }
    await isWhole(t, "web-01", "web-02");
  },
);

test.serial(
  "the primary's machine dies: one change and one `up` promote the replica",
  async (t) => {
    await writes.during(async () => {
      await sleep(3000);
      await must("kill", "docker", ["kill", `trilithon-${stackName}-web-01`]);
      await sleep(2000);
    });
    await configure({ primary: "web-02" });
    const preview = await readPreview(stack);
    t.log([preview.sentences["database-replication"], ...preview.warnings].join("\n"));
    t.true(
      preview.warnings.some((one) => one.includes("0 acknowledged transactions are lost")),
      preview.warnings.join("\n"),
    );
    await stack.up();
    t.deepEqual((await readPreview(stack)).updates, []);
    await writes.during(() => sleep(2000));
    t.deepEqual(await writes.missingOn(stack, "web-02"), []);
  },
);

test.serial("the former primary comes back and takes no write", async (t) => {
  await must("start", "docker", ["start", `trilithon-${stackName}-web-01`]);
  const seen: string[] = [];
  for (let second = 0; second < 30; second += 1) {
    const found = await stack.try("web-01", 'mysql -NBe "SELECT @@super_read_only"');
    seen.push(found.stdout.trim());
    await sleep(1000);
  }
  t.true(seen.includes("1"), seen.join(" "));
  t.false(seen.includes("0"), seen.join(" "));
});

test.serial("it is taken back as a replica", async (t) => {
  await configure({ primary: "web-02", replica: "web-01" });
  const first = await stack.pulumi("up", "--yes", "--skip-preview");
  if (first.status !== 0) {
    t.regex(first.stdout + first.stderr, /set discardDataOn: \["web-01"\]/);
    await configure({ primary: "web-02", replica: "web-01", discardDataOn: ["web-01"] });
    await stack.up();
    await configure({ primary: "web-02", replica: "web-01" });
    await stack.up();
  }
  t.deepEqual((await readPreview(stack)).updates, []);
  await writes.during(() => sleep(2000));
  await isWhole(t, "web-02", "web-01");
});

interface Roles {
  readonly primary: string;
  readonly replica?: string;
  readonly discardDataOn?: readonly string[];
}

async function configure({ primary, replica, discardDataOn = [] }: Roles): Promise<void> {
  const settings: Settings = {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": hosts
      .filter(({ name }) => name === "lb-01" || name === primary || name === replica)
      .map((host) => ({
        ...host,
        roles: host.name === "lb-01" ? ["load-balancer"] : ["web", roleOf(host.name === primary)],
      })),
    "trilithon:application": {
      source: "./app",
      build: { command: "node app/build.mjs", output: "./app/dist" },
      start: ["node", "server.js"],
    },
    "trilithon:database": { discardDataOn },
  };
  await stack.configure(settings);
  await stack.setSecret("trilithon:privateKey", privateKey);
}

function roleOf(isPrimary: boolean): string {
  return isPrimary ? "database-primary" : "database-replica";
}

async function untilOpen(host: string): Promise<void> {
  for (let tries = 0; tries < 120; tries += 1) {
    const found = await stack.try(host, 'mysql -NBe "SELECT @@super_read_only"');
    if (found.stdout.trim() === "0") return;
    await sleep(500);
  }
  throw new Error(`${host} was not opened within 60 seconds`);
}

/** Every acknowledged entry is on both members, the replica is closed, and the site takes a write. */
async function isWhole(t: ExecutionContext, primary: string, replica: string): Promise<void> {
  await writes.during(() => sleep(1000));
  t.deepEqual(await writes.missingOn(stack, primary), []);
  const closed = await stack.on(replica, 'mysql -NBe "SELECT @@super_read_only"');
  t.is(closed.trim(), "1");
}
