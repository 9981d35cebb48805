/**
 * A machine with a kernel, a disk and a clock of its own, as a provider has them, beside two containers, of a stack that is hardened and
 * looked at: it is rebooted while people write, becomes the primary, its power fails, and its clock goes wrong. `UPDATE_GOLDEN=1` keeps the
 * seconds for docs/alerts.md.
 */
import test, { type ExecutionContext } from "ava";
import { maintain } from "../../scripts/maintenance/maintain";
import { must } from "../../scripts/setup/run";
import { wait } from "../../scripts/verify/check";
import { renderTable } from "../../scripts/verify/report";
import { withSite } from "../../scripts/verify/site";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { startLoad } from "../end-to-end/support/load";
import { startMachines } from "../end-to-end/support/machines";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { AcknowledgedWrites } from "../support/acknowledged-writes";
import { startTimeServer } from "./hardening/time-server";
import { causeAndRepair } from "./monitoring/cause-and-repair";
import { emailTo, type Receivers, startReceivers } from "./monitoring/receivers";
import { until } from "./until";
import { makeVirtualImage, startVirtualMachine } from "./virtual/virtual-machine";

const stackName = "virtual";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 154);
const net = `172.31.${number}`;
const ports = { webhook: 17_196, mail: 17_197 };
const url = `http://${net}.11`;
const timeServer = `${net}.99`;
const virtual = "web-01";

let stack: TestStack;
let receivers: Receivers;
let hosts: readonly Record<string, unknown>[];
let privateKey: string;
/** No more: its processor is made by software. */
const writes = new AcknowledgedWrites(url, 2);

test.before(async () => {
  receivers = await startReceivers(ports);
  await makeVirtualImage();
  stack = await TestStack.make(stackName, {});
  const machines = await startMachines(stackName, `${net}.0/24`, [
    { name: "lb-01", address: `${net}.11`, roles: ["load-balancer", "monitoring"] },
    { name: "web-02", address: `${net}.22`, roles: ["web"] },
  ]);
  await startTimeServer(stackName, timeServer);
  const machine = await startVirtualMachine({
    ...{ stack: stackName, name: virtual, address: `${net}.21`, clientKey: machines.publicKey },
    roles: ["web"],
  });
  hosts = [...machines.hosts, machine];
  privateKey = machines.privateKey;
  await configure("web-02");
});

test.after.always(async () => {
  receivers?.close();
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

/** Both web servers have the database, one of them as the primary. */
async function configure(primary: string, more: Settings = {}): Promise<void> {
  const { "trilithon:containers": _, ...settings } = threeHosts(number);
  const roleOf = (name: unknown) => {
    if (name === "lb-01") return [];
    return [name === primary ? "database-primary" : "database-replica"];
  };
  await stack.configure({
    ...settings,
    "trilithon:hosts": hosts.map((host) => ({
      ...host,
      roles: [...[host.roles].flat(), ...roleOf(host.name)],
    })),
    "trilithon:hardening": { sshd: true, kernel: true, time: { servers: [timeServer] } },
    "trilithon:monitoring": {
      ...{ retentionDays: 2, retentionGigabytes: 1 },
      email: emailTo(`${net}.1:${ports.mail}`),
    },
    ...more,
  });
  const webhook = `http://${net}.1:${ports.webhook}/told`;
  await stack.setSecret("trilithon:privateKey", privateKey);
  await stack.setSecretAt("trilithon:monitoring.webhook.url", webhook);
}

/** As root on the virtual machine, which Docker knows nothing of. */
async function inside(script: string): Promise<string> {
  const reach = await stack.outputs();
  const host = reach.endpoints.hosts.find(({ name }) => name === virtual);
  if (host === undefined) throw new Error(`${virtual} is not in the stack`);
  return withSite(reach, "looking", (site) => site.run(host, script, 300));
}

async function verified() {
  const { endpoints, privateKeys } = await stack.outputs();
  // On the machine where the test runs nobody knows the site's name.
  const reach = { endpoints: { ...endpoints, url }, privateKeys };
  const verdicts = await verifyStack(reach, { changes: "none" });
  const failed = verdicts.filter(({ passed }) => !passed);
  return { failed, table: renderTable({ stack: stackName, url, verdicts }) };
}

/** Those that failed or were started again since the machine was: of each how often. */
const restarted = `for unit in $(systemctl list-units --all --type=service --no-legend --plain | cut -d ' ' -f 1); do
  again=$(systemctl show -P NRestarts "$unit"); [ "\${again:-0}" = 0 ] || echo "$unit $again"
done; systemctl --failed --no-legend --plain`;

/** Nothing is left to do, all that is checked holds, and both members have every acknowledged entry. */
async function isWhole(t: ExecutionContext): Promise<void> {
  t.deepEqual(await writes.missingIn(inside), []);
  t.deepEqual(await writes.missingOn(stack, "web-02"), []);
  t.deepEqual((await readPreview(stack)).sentences, {});
  // Its processor may be too slow for a check's deadline.
  const table = await until(
    "all that is checked holds",
    async () => {
      const { failed, table } = await verified();
      return failed.length === 0 ? table : t.log(table);
    },
    600,
  );
  t.log(table);
}

test.serial("it is a host as any other, and a second `up` has nothing to do", async (t) => {
  t.timeout(3_600_000);
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
  await stack.up();
  await writes.during(() => wait(2));
  await isWhole(t);
});

test.serial("rebooted while people come, it is back as it was, and nobody notices", async (t) => {
  t.timeout(1_800_000);
  const reach = await stack.outputs();
  const said: string[] = [];
  const load = startLoad({ url, requestsPerSecond: 5 });
  const rebooting = maintain(reach, {
    ...{ host: virtual, reboot: true, finishSeconds: 30 },
    ...{ isSecurityOnly: false, isListOnly: false },
    say: (message) => said.push(message),
  });
  // Also of one that fails.
  await rebooting.catch(() => undefined);
  const seen = await load.stop();
  t.log(said.join("\n"), seen);
  t.true(await rebooting);
  t.deepEqual(seen.failures, {});
  t.is(await inside(restarted), "");
  await isWhole(t);
});

test.serial("it becomes the primary, and nothing acknowledged is lost", async (t) => {
  t.timeout(1_800_000);
  await configure(virtual);
  // How long a switch takes on a processor like its own is no measure.
  const { acknowledged, failed } = await writes.during(async () => stack.up());
  t.log({ acknowledged, failed });
  await isWhole(t);
});

test.serial(
  "its power fails right after an `up`: all that was acknowledged is there",
  async (t) => {
    t.timeout(1_800_000);
    const container = `trilithon-${stackName}-${virtual}`;
    const { "trilithon:application": application } = threeHosts(number);
    const processes = { waiter: { command: ["sleep", "infinity"] } };
    await configure(virtual, {
      "trilithon:web": { uploadLimitMegabytes: 7 },
      "trilithon:application": { ...Object(application), processes },
    });
    const { acknowledged, failed } = await writes.during(async () => {
      await stack.up();
      await must(virtual, "docker", ["kill", container]);
      await must(virtual, "docker", ["start", container]);
      await until(`${virtual} is back`, () => inside("systemctl is-system-running --wait"), 600);
      const take = async () => (await writes.during(() => wait(1))).acknowledged > 0;
      await until("the site takes writes", take, 300);
    });
    t.log({ acknowledged, failed });
    t.is(await inside(restarted), "");
    t.regex(await inside("nginx -T 2>/dev/null"), /client_max_body_size 7m/);
    t.is((await inside("systemctl is-active guestbook-waiter")).trim(), "active");
    await isWhole(t);
  },
);

test.serial("a clock that goes wrong is told, and taken back once chrony keeps it", async (t) => {
  t.timeout(3_000_000);
  const rest = await causeAndRepair(t, receivers, {
    ...{ alert: "ClockOff", hosts: [virtual] },
    what: "chrony stopped, and the clock of a virtual machine set a minute ahead",
    cause: () => inside("systemctl stop chrony && date -s '+1 minute'"),
    repair: () => inside("systemctl start chrony"),
  });
  await rest();
  await isWhole(t);
});
