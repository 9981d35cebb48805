/**
 * A pair whose primary dies and is marked as away, on machines that were there before, while the site is written to: one
 * `up` makes the replica the primary, no acknowledged entry is missing, and what the former primary alone has is thrown
 * away only once it is named.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { must } from "../../scripts/setup/run";
import { startMachines } from "../end-to-end/support/machines";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack } from "../end-to-end/support/test-stack";
import { AcknowledgedWrites } from "../support/acknowledged-writes";

const stackName = "away-primary";
const net = "172.31.83";
const machines = [
  { name: "lb-01", address: `${net}.11`, roles: ["load-balancer"] },
  { name: "web-01", address: `${net}.21`, roles: ["web", "database"] },
  { name: "web-02", address: `${net}.22`, roles: ["web", "database"] },
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
  await configure({ primary: "web-01" });
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
});

test.serial("the pair is made, and takes writes", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  const { failed } = await writes.during(() => sleep(3000));
  t.is(failed, 0);
});

test.serial("a primary that runs is not replaced by a mark", async (t) => {
  await configure({ primary: "web-01", away: "web-01" });
  const said = await stack.mustFail();
  t.regex(said, /web-01 still runs: web-02 receives from it; nothing will be changed/);
  const { failed } = await writes.during(() => sleep(2000));
  t.is(failed, 0);
  await configure({ primary: "web-01" });
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("the primary dies: `away: true` and one `up`, and the site takes writes", async (t) => {
  await writes.during(async () => {
    await sleep(3000);
    await docker("kill", container("web-01"));
    await sleep(2000);
  });
  await configure({ primary: "web-01", away: "web-01" });
  const { warnings, sentences } = await readPreview(stack);
  t.log(sentences["database-replication"], warnings);
  t.true(
    warnings.some((one) => one.includes("0 acknowledged transactions are lost")),
    warnings.join("\n"),
  );
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  const { failed } = await writes.during(() => sleep(3000));
  t.is(failed, 0);
  t.deepEqual(await writes.missingOn(stack, "web-02"), []);
});

test.serial(
  "the former primary comes back and takes no write, while it is away and after",
  async (t) => {
    await docker("start", container("web-01"));
    const seen: string[] = [];
    for (let second = 0; second < 20; second += 1) {
      const found = await stack.try("web-01", 'mysql -NBe "SELECT @@super_read_only"');
      seen.push(found.stdout.trim());
      await sleep(1000);
    }
    t.true(seen.includes("1"), seen.join(" "));
    t.false(seen.includes("0"), seen.join(" "));
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

test.serial("with a transaction of its own it is refused by name", async (t) => {
  await stack.on(
    "web-01",
    // Else it would wait for a replica, and not be there.
    `mysql -e "SET GLOBAL rpl_semi_sync_source_enabled = OFF;
      SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF;
      INSERT INTO guestbook.entries (submission, name, message, taken_by)
        VALUES (UUID(), 'stray', 'nobody else has it', 'nobody');
      SET GLOBAL super_read_only = ON; SET GLOBAL rpl_semi_sync_source_enabled = ON"`,
  );
  await configure({ primary: "web-02" });
  const said = await stack.mustFail();
  t.regex(said, /web-01: it has \d+ transactions? that web-02 lacks/);
  t.regex(said, /set discardDataOn: \["web-01"\] to fill it from web-02 instead/);
  const { failed } = await writes.during(() => sleep(2000));
  t.is(failed, 0);
});

test.serial(
  "named, it is filled anew, follows, and every acknowledged entry is on both",
  async (t) => {
    await configure({ primary: "web-02", discardDataOn: ["web-01"] });
    await stack.up();
    await configure({ primary: "web-02" });
    await stack.up();
    t.deepEqual((await readPreview(stack)).updates, []);
    const { failed } = await writes.during(() => sleep(3000));
    t.is(failed, 0);
    await isWhole(t, "web-01");
    await isWhole(t, "web-02");
    const rows = await stack.on("web-01", 'mysql -NBe "SELECT name FROM guestbook.entries"');
    t.false(rows.includes("stray"));
  },
);

interface Wish {
  readonly primary: string;
  readonly away?: string;
  readonly discardDataOn?: readonly string[];
}

async function configure({ primary, away, discardDataOn = [] }: Wish): Promise<void> {
  await stack.configure({
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": hosts.map((host) => (host.name === away ? { ...host, away: true } : host)),
    "trilithon:application": {
      source: "./app",
      build: { command: "node app/build.mjs", output: "./app/dist" },
      start: ["node", "server.js"],
    },
    "trilithon:database": { primary, discardDataOn },
  });
  await stack.setSecret("trilithon:privateKey", privateKey);
}

async function isWhole(t: ExecutionContext, host: string): Promise<void> {
  // A replica applies what it has acknowledged a moment later.
  for (let tries = 0; tries < 20; tries += 1) {
    if ((await writes.missingOn(stack, host)).length === 0) break;
    await sleep(500);
  }
  t.deepEqual(await writes.missingOn(stack, host), [], host);
}

function container(name: string): string {
  return `trilithon-${stackName}-${name}`;
}

function docker(...args: string[]): Promise<string> {
  return must(args.join(" "), "docker", args);
}
