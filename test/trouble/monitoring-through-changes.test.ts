/**
 * A group behind a shared address that two of its three hosts look at and one keeps backups of: a primary that dies, a drill, reboots, a
 * host that comes and goes. Nobody is woken for any of it, targets follow, and what is wrong in earnest is told all the same.
 */
import test, { type ExecutionContext } from "ava";
import { faults } from "../../scripts/drill/faults";
import { reachMachines } from "../../scripts/drill/machines";
import { runRound } from "../../scripts/drill/round";
import { maintain } from "../../scripts/maintenance/maintain";
import { whileSilenced } from "../../scripts/maintenance/silence";
import { wait } from "../../scripts/verify/check";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { causeAndRepair } from "./monitoring/cause-and-repair";
import { emailTo, type Receivers, startReceivers } from "./monitoring/receivers";
import { until } from "./until";

const stackName = "monitoring-changes";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 128);
const net = `172.31.${number}`;
const ports = { webhook: 17_192, mail: 17_193 };
const three = ["node-01", "node-02", "node-03"];
const monitors = ["node-01", "node-02"];

let stack: TestStack;
let receivers: Receivers;

test.before(async () => {
  receivers = await startReceivers(ports);
  stack = await TestStack.make(stackName, settings(three));
  await setWebhook();
});

test.after.always(async () => {
  receivers?.close();
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

function setWebhook(): Promise<void> {
  const url = `http://${net}.1:${ports.webhook}/told`;
  return stack.setSecretAt("trilithon:monitoring.webhook.url", url);
}

function settings(names: readonly string[]): Settings {
  const more: Readonly<Record<string, readonly string[]>> = {
    "node-01": ["load-balancer", "monitoring"],
    "node-02": ["load-balancer", "web", "monitoring"],
    "node-03": ["web", "backup"],
    "node-04": ["web"],
  };
  return {
    ...threeHosts(number),
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, publish: 8828, sshPortBase: 17_600, memoryMegabytes: 2560 },
    },
    "trilithon:loadBalancer": { virtualAddress: `${net}.10` },
    // Port 80 is the load balancer's.
    "trilithon:web": { port: 8080 },
    "trilithon:monitoring": {
      ...{ retentionDays: 2, retentionGigabytes: 1 },
      email: emailTo(`${net}.1:${ports.mail}`),
    },
    "trilithon:hosts": names.map((name) => ({
      ...{ name, address: `${net}.1${name.slice(-1)}` },
      // A group of four would be refused.
      roles: [...(more[name] ?? []), ...(three.includes(name) ? ["database"] : [])],
    })),
  };
}

/** As Prometheus on a host answers. */
async function query(host: string, expression: string): Promise<string> {
  const command = `promtool query instant http://127.0.0.1:9090 '${expression}'`;
  return (await stack.try(host, command)).stdout.trim();
}

/** Those that wake somebody. */
const pagesSince = (from: number) =>
  receivers.told
    .filter(({ at, severity }) => at >= from && severity === "page")
    .map(({ alert, host, status }) => `${alert} ${host} ${status}`);

/** What is longer than any alert waits, and than it takes to tell. */
const quietSeconds = 150;

async function wakesNobody(t: ExecutionContext, work: () => Promise<unknown>): Promise<void> {
  const from = Date.now();
  await work();
  await wait(quietSeconds);
  t.deepEqual(pagesSince(from), []);
  for (const host of monitors) {
    t.is(await query(host, 'ALERTS{alertstate="firing",severity="page"}'), "", host);
    t.is(await query(host, "up == 0"), "", host);
  }
}

const copied = 'time() - max(trilithon_backup_last_success_seconds{what="logs"}) < 120';
const isCopied = async () => (await query("node-01", copied)) !== "";

test.serial("one `up` makes it, a second one does nothing, and copies are made", async (t) => {
  t.timeout(900_000);
  const from = Date.now();
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  await until("copies", isCopied, 300);
  await wait(60);
  t.deepEqual(pagesSince(from), []);
});

async function primaryOf(): Promise<string> {
  const answer = await query("node-01", "trilithon_mysql_primary == 1");
  return /host="([^"]+)"/.exec(answer)?.[1] ?? "";
}

test.serial("a primary that dies: another one is there, and goes on with the copies", async (t) => {
  t.timeout(600_000);
  const former = await primaryOf();
  t.true(three.includes(former));
  await wakesNobody(t, async () => {
    await stack.on(former, "systemctl kill --signal=KILL mysql");
    await until(
      "another primary",
      async () => {
        const now = await primaryOf();
        return now !== "" && now !== former;
      },
      120,
    );
  });
  await until("copies", isCopied, 120);
});

test.serial("a drill", async (t) => {
  t.timeout(900_000);
  const reached = await stack.outputs();
  const machines = reachMachines(reached, {
    areContainers: true,
    up: async () => void (await stack.up()),
  });
  const fault = faults.find(({ kind }) => kind === "primary-killed");
  if (fault === undefined) throw new Error("no such fault");
  const silence = { why: "a drill", what: "all", minutes: 20, say: t.log } as const;
  await wakesNobody(t, () =>
    whileSilenced(reached, silence, async () => {
      const args = { readsPerSecond: 5, writesPerSecond: 5, seconds: 10 };
      t.log(await runRound(machines, fault, args, (text) => t.log(text)));
      // Until what it left behind is over.
      await wait(60);
    }),
  );
});

/** In each half minute one of the two saw how it was. */
async function gaps(from: number, to: number): Promise<number[]> {
  const seen = new Set<number>();
  const range = `--start=${from} --end=${to} --step=30s -o json`;
  for (const host of monitors) {
    const text = await stack.on(
      host,
      `promtool query range ${range} http://127.0.0.1:9090 'count_over_time(up{job="node",host="node-03"}[45s])'`,
    );
    const series = JSON.parse(text) as readonly { readonly values: readonly [number, string][] }[];
    for (const { values } of series) for (const [time] of values) seen.add(time);
  }
  const all = Array.from({ length: Math.floor((to - from) / 30) + 1 }, (_, at) => from + at * 30);
  return all.filter((time) => !seen.has(time));
}

test.serial("all hosts are rebooted by `maintain`, one after the other", async (t) => {
  t.timeout(1_800_000);
  const from = Math.ceil(Date.now() / 30_000) * 30;
  await wakesNobody(t, async () => {
    const done = await maintain(await stack.outputs(), {
      ...{ reboot: true, finishSeconds: 30, isSecurityOnly: false, isListOnly: false },
      say: (message) => t.log(message),
    });
    t.true(done);
  });
  const to = Math.floor(Date.now() / 30_000) * 30;
  t.deepEqual(await gaps(from, to), []);
  await until("copies", isCopied, 120);
});

const jobsOf = async (monitor: string, host: string) =>
  [...(await query(monitor, `up{host="${host}"} == 1`)).matchAll(/job="([^"]+)"/g)]
    .map(([, job]) => job)
    .sort();

test.serial("a host that comes is looked at, and one that goes no more", async (t) => {
  t.timeout(1_500_000);
  await wakesNobody(t, async () => {
    await stack.configure({ ...settings([...three, "node-04"]) });
    await setWebhook();
    await stack.up();
    for (const host of monitors) {
      await until(`${host}: node-04`, async () => (await jobsOf(host, "node-04")).length === 2, 60);
      t.deepEqual(await jobsOf(host, "node-04"), ["nginx", "node"]);
    }
  });
  await wakesNobody(t, async () => {
    await stack.configure(settings(three));
    await setWebhook();
    await stack.up();
    for (const host of monitors) {
      await until(
        `${host}: no node-04`,
        async () => {
          return (await jobsOf(host, "node-04")).length === 0;
        },
        60,
      );
      t.regex(await query(host, 'count(up{job="nginx"})'), /=> 2 @/);
    }
  });
});

test.serial("a member that stays away is told, and its return", async (t) => {
  t.timeout(900_000);
  const away = three.find((name) => name !== "node-01") ?? "";
  const rest = await causeAndRepair(t, receivers, {
    ...{
      alert: "GroupReduced",
      hosts: [""],
      what: "MySQL stopped on a member of a group of three",
    },
    cause: () => stack.on(away, "systemctl stop mysql"),
    repair: () => stack.on(away, "systemctl start mysql"),
  });
  await rest();
});
