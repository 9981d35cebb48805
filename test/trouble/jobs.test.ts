/** Jobs that run once for all hosts: while a host dies, while the database is away, and where a host is cut off from it. On real hosts. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { must } from "../../scripts/setup/run";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHosts } from "../end-to-end/support/test-stack";
import {
  at,
  createRuns,
  judge,
  parseRuns,
  type Run,
  seconds,
  selectRuns,
  until,
  writeJobs,
} from "./runs/runs";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 113);
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}jobs`;
const image = process.env.TRILITHON_HOST_IMAGE;
const hosts = ["web-01", "web-02"];
let stack: TestStack;
let source: string;

/** Each every 30 seconds, one after the other every three, and each takes two. */
const slow = Array.from({ length: 10 }, (_, at) => ({
  name: `slow-${at}`,
  from: 3 * at,
  step: 30,
}));
const quick = { name: "quick", from: 0, step: 5 };

const standard = threeHosts(number);
const settings = {
  ...standard,
  "trilithon:hosts": [
    { name: "lb-01", address: `172.31.${number}.11`, roles: ["load-balancer", "database"] },
    { name: "web-01", address: `172.31.${number}.21`, roles: ["web"] },
    { name: "web-02", address: `172.31.${number}.22`, roles: ["web"] },
  ],
  "trilithon:containers": {
    ...Object(standard["trilithon:containers"]),
    publish: 8730,
    sshPortBase: 12_750,
    ...(image && { image }),
  },
  "trilithon:database": { name: "shop" },
};

function application(jobs: Record<string, unknown>) {
  return {
    "trilithon:application": {
      ...{ name: "shop", source, start: ["node", "server.mjs"] },
      ...{ packages: { nodejs: "present" }, jobs },
    },
  };
}

const short = {
  ...Object.fromEntries(
    slow.map(({ name, from }) => [
      name,
      { command: ["bin/job", name, "2"], schedule: `*:*:${from}/30` },
    ]),
  ),
  quick: { command: ["bin/job", "quick", "0"], schedule: "*:*:0/5" },
  // Never due meanwhile.
  berlin: { command: ["true"], schedule: "02:30 Europe/Berlin" },
  each: { command: ["true"], schedule: "02:30 America/New_York", perHost: true },
};

const query = (sql: string) => stack.on("lb-01", `mysql shop -BN -e "${sql}"`);
const readRuns = async () => parseRuns(await query(selectRuns));
const now = async () => at((await query("SELECT UTC_TIMESTAMP(3)")).trim());

test.before(async () => {
  source = await mkdtemp(join(tmpdir(), "trilithon-jobs-"));
  await writeJobs(source);
  stack = await TestStack.make(stackName, { ...settings, ...application({}) });
  await stack.up();
  await query(createRuns);
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(source, { recursive: true, force: true });
});

test.serial("a preview names the timers of each host, and what claims their runs", async (t) => {
  await stack.configure({ ...settings, ...application(short) });
  const { sentences } = await readPreview(stack);
  for (const host of hosts) {
    const sentence = sentences[`application-${host}`] ?? "";
    for (const job of Object.keys(short)) {
      t.regex(sentence, new RegExp(`start shop-${job}\\.timer`));
    }
    t.regex(sentence, /\/usr\/local\/sbin\/trilithon-shop-job/);
    t.regex(sentence, /\/etc\/shop\/jobs\.cnf/);
    t.notRegex(sentence, /restart/);
    t.regex(sentences[`application-${host}-job-packages`] ?? "", /mysql-client/);
  }
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("a schedule is in its time zone, in summer and in winter", async (t) => {
  const next = (host: string, job: string, base: string) =>
    stack.on(
      host,
      `schedule=$(sed -n s/^OnCalendar=//p /etc/systemd/system/shop-${job}.timer); TZ=UTC systemd-analyze calendar --base-time="${base} UTC" "$schedule" | sed -n 's/.*Next elapse: //p'`,
    );
  for (const host of hosts) {
    t.is(await next(host, "berlin", "2027-01-10"), "Sun 2027-01-10 01:30:00 UTC\n");
    t.is(await next(host, "berlin", "2027-07-10"), "Sat 2027-07-10 00:30:00 UTC\n");
    t.is(await next(host, "each", "2027-07-10"), "Sat 2027-07-10 06:30:00 UTC\n");
    // 28 March 2027 has no 02:30, 31 October has it twice.
    t.is(await next(host, "berlin", "2027-03-27 12:00"), "Mon 2027-03-29 00:30:00 UTC\n");
    t.is(await next(host, "berlin", "2027-10-30 12:00"), "Sun 2027-10-31 00:30:00 UTC\n");
    t.is(await next(host, "berlin", "2027-10-31 00:30"), "Mon 2027-11-01 01:30:00 UTC\n");
    const elapse = await stack.on(
      host,
      "systemctl show --timestamp=unix -P NextElapseUSecRealtime shop-berlin.timer",
    );
    const time = new Date(Number(elapse.trim().replace("@", "")) * 1000);
    const format = { timeZone: "Europe/Berlin", timeStyle: "short" } as const;
    t.is(time.toLocaleTimeString("en-GB", format), "02:30");
  }
});

test.serial(
  "over 100 runs and a host that dies in the middle, at most one is missed and none is twice",
  async (t) => {
    const begin = Math.ceil((await now()) / 30_000) * 30_000;
    await seconds(100);
    // One of the slow ones is in the middle of a run, the quick one is not.
    let running: Run | undefined;
    await until(async () => {
      const inTurn = Date.now() % (quick.step * 1000);
      if (inTurn < 2000 || inTurn > 4000) return false;
      const open = (await readRuns()).filter(({ ended }) => ended === undefined);
      running = open.find(({ job }) => job !== "quick");
      return running !== undefined && open.length === 1;
    }, 60);
    const { host = "", job = "" } = running ?? {};
    await must("kill a host", "docker", ["kill", `trilithon-${stackName}-${host}`]);
    const killed = await now();
    await seconds(130);
    const all = await readRuns();
    const end = (await now()) - 35_000;
    const span = [begin, end - (end % 1000)] as const;
    const judged = [...slow, quick].map((one) => ({ name: one.name, ...judge(one, all, span) }));
    const sum = (of: (one: (typeof judged)[number]) => number) =>
      judged.reduce((total, one) => total + of(one), 0);
    t.log({ host, job, runs: sum(({ count }) => count), killed: new Date(killed) });
    t.log(
      judged
        .map(
          ({ name, count, missed, cut }) =>
            `${name}: ${count} runs, ${missed.length} missed, ${cut.length} cut`,
        )
        .join("; "),
    );
    t.true(sum(({ count }) => count) >= 100);
    for (const one of judged) {
      t.deepEqual(one.twice, [], one.name);
      t.deepEqual(one.together, [], one.name);
      t.deepEqual(one.outside, [], one.name);
    }
    t.true(sum(({ missed, cut }) => missed.length + cut.length) <= 1);
    // Both had some, and after the death the other one all.
    const survivors = all.filter(({ began }) => began > killed).map((run) => run.host);
    t.deepEqual(
      [...new Set(survivors)],
      hosts.filter((one) => one !== host),
    );
    await must("start it again", "docker", ["start", `trilithon-${stackName}-${host}`]);
    await until(
      async () => (await readRuns()).some((run) => run.host === host && run.began > killed + 1000),
      120,
    );
    t.deepEqual((await readPreview(stack)).sentences, {});
  },
);

test.serial(
  "a database that is away for a while makes runs late, and none is missed",
  async (t) => {
    const begin = Math.ceil((await now()) / 30_000) * 30_000;
    await until(async () => (await now()) > begin + 5000, 60);
    await stack.on("lb-01", "systemctl stop mysql; sleep 10; systemctl start mysql");
    await seconds(40);
    const all = await readRuns();
    const span = [begin, begin + 30_000] as const;
    for (const one of slow) {
      const { missed, twice, together, cut } = judge(one, all, span);
      t.deepEqual(
        { missed, twice, together, cut },
        { missed: [], twice: [], together: [], cut: [] },
        one.name,
      );
    }
  },
);

test.serial(
  "a host that is cut off from the database ends its run before another begins",
  async (t) => {
    const jobs = { long: { command: ["bin/job", "long", "47.5"], schedule: "*:*:0" } };
    await stack.configure({ ...settings, ...application(jobs) });
    await stack.up();
    let running: Run | undefined;
    await until(async () => {
      running = (await readRuns()).find(({ job, ended }) => job === "long" && ended === undefined);
      return running !== undefined;
    }, 70);
    const { host = "", scheduled = 0 } = running ?? {};
    const other = hosts.find((one) => one !== host) ?? "";
    await stack.on(host, `ip route add blackhole 172.31.${number}.11`);
    await until(
      async () => (await readRuns()).some((run) => run.host === other && run.scheduled > scheduled),
      100,
    );
    t.is((await stack.on(host, "pgrep -fc '^sleep 47.5' || true")).trim(), "0");
    t.regex(
      await stack.on(host, "journalctl -o cat -u shop-long"),
      /ended: the database has not answered for 24 seconds, and another host may begin/,
    );
    const next = (await readRuns()).find((run) => run.scheduled > scheduled);
    t.is(next?.scheduled, scheduled + 60_000);
    await stack.on(host, `ip route del blackhole 172.31.${number}.11`);
  },
);
