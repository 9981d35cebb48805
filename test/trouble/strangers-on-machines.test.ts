/**
 * Machines that were there before, with addresses of both families: a stranger reaches SSH and the page, and settings that would keep out
 * who runs `up` are told before, and taken back by the hosts themselves.
 */
import { join } from "node:path";
import test from "ava";
import type { Endpoints } from "../../components/endpoints";
import { root } from "../../scripts/setup/environment";
import { capture } from "../../scripts/setup/run";
import { startMachines } from "../end-to-end/support/machines";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { underVisits } from "./applications/visitors";
import { declaredAt, type Who } from "./strangers/declared";
import { makeScanner, openPorts, type Place } from "./strangers/scanner";

const stackName = "strangers-machines";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 122);
const net = `172.31.${number}`;
const net6 = `fd00:172:31:${number}:`;
const machines = [
  { name: "lb-01", roles: ["load-balancer"] },
  { name: "web-01", roles: ["web"], user: "deploy" },
].map((machine, index) => ({
  ...machine,
  ...{ address: `${net}.1${index + 1}`, address6: `${net6}:1${index + 1}`, memory: "512m" },
}));
const site = { address: `${net}.11`, port: 80, domain: "www.foobar.com" };

let stack: TestStack;
let hosts: readonly Record<string, unknown>[];
let privateKey: string;

async function configure(more: Settings = {}): Promise<void> {
  await stack.configure({
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": hosts,
    "trilithon:application": {
      ...{ name: "teller", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "trouble", "https"),
    },
    ...more,
  });
  await stack.setSecret("trilithon:privateKey", privateKey);
}

test.before(async () => {
  await makeScanner();
  stack = await TestStack.make(stackName, {});
  const subnets = [`${net}.0/24`, `${net6}:/64`];
  ({ hosts, privateKey } = await startMachines(stackName, subnets, machines));
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

const stranger = { network: `trilithon-${stackName}` };
const beside = (host: string): Place => ({ network: `container:trilithon-${stackName}-${host}` });
const addressesOf = ({ address, address6 }: { address: string; address6: string }) => [
  address,
  address6,
];

async function reached(place: Place, others: typeof machines) {
  const found = await Promise.all([
    openPorts(
      place,
      others.map(({ address }) => address),
    ),
    openPorts(
      place,
      others.map(({ address6 }) => address6),
    ),
  ]);
  return Object.assign({}, ...found) as Record<string, string>;
}

async function declared(who: Who, others: typeof machines) {
  const { listens } = (await stack.output("endpoints")) as Endpoints;
  return Object.fromEntries(
    others.flatMap((host) =>
      addressesOf(host).map((address) => [
        address,
        declaredAt(listens, { host: host.name, address }, who),
      ]),
    ),
  );
}

test.serial("IPv6 comes to machines that serve already by a reload", async (t) => {
  await configure({ "trilithon:hosts": hosts.map(({ address6: _, ...host }) => host) });
  await stack.up();
  t.is((await reached(stranger, machines))[`${net6}:11`], "22/tcp");
  await configure();
  const { updates } = await readPreview(stack);
  t.deepEqual(updates.map(({ resource }) => resource).sort(), [
    ...["firewall-lb-01", "firewall-lb-01-open", "load-balancer-lb-01-service"],
  ]);
  await underVisits(t, site, ["/", "/healthz"], async () => {
    await stack.up();
  });
});

test.serial("a stranger reaches SSH and the page, over both families", async (t) => {
  t.deepEqual((await readPreview(stack)).sentences, {});
  const found = await reached(stranger, machines);
  t.log(found);
  // Without `operators` SSH is for anyone.
  t.deepEqual(found, await declared({ isOperator: true }, machines).then(withoutStatistics));
  t.deepEqual(found, {
    ...{ [`${net}.11`]: "22/tcp 80/tcp", [`${net6}:11`]: "22/tcp 80/tcp" },
    ...{ [`${net}.12`]: "22/tcp", [`${net6}:12`]: "22/tcp" },
  });
});

/** They are for operators that are named alone. */
function withoutStatistics(all: Record<string, string>) {
  return Object.fromEntries(
    Object.entries(all).map(([address, ports]) => [address, ports.replace(" 8404/tcp", "")]),
  );
}

test.serial("each machine reaches what it needs of the other, and nothing else", async (t) => {
  for (const { name: host } of machines) {
    const others = machines.filter(({ name }) => name !== host);
    const found = await reached(beside(host), others);
    t.log(host, found);
    const names = host === "lb-01" ? "22/tcp 80/tcp 4443/tcp" : "22/tcp 80/tcp 8404/tcp";
    const other = others[0];
    t.is(found[other?.address ?? ""], names);
    t.is(found[other?.address6 ?? ""], host === "lb-01" ? "22/tcp" : "22/tcp 80/tcp");
    const expected = await declared({ host, isOperator: true }, others);
    t.deepEqual(found, host === "web-01" ? expected : withoutStatistics(expected));
  }
});

/** What is let in at first is not what closes. */
const rulesOf = (host: string) =>
  stack.on(host, "nft --stateless --terse list chain inet trilithon_firewall declared");

const isReached = async (host: string) => {
  const port = hosts.find(({ name }) => name === host)?.port;
  const probe = await capture("bash", ["-c", `exec 3<>/dev/tcp/127.0.0.1/${port}; head -c 3 <&3`]);
  return probe.stdout === "SSH";
};

test.serial(
  "operators that exclude this machine are told before, and taken back by the hosts",
  async (t) => {
    const before = await Promise.all(machines.map(({ name }) => rulesOf(name)));
    await configure({ "trilithon:firewall": { operators: ["203.0.113.0/24", "2001:db8::/32"] } });
    const { warnings } = await readPreview(stack);
    t.log(warnings);
    for (const { name } of machines) {
      const told = `${name}: keep out SSH from ${net}.1, where this machine comes from: it is in no network of firewall.operators`;
      t.true(
        warnings.some((one) => one.includes(told)),
        told,
      );
    }
    await underVisits(t, site, ["/", "/healthz"], async () => {
      const said = await stack.mustFail();
      t.regex(said, /no new connection got in within 20 seconds; all is put back as it was/);
    });
    t.deepEqual(await Promise.all(machines.map(({ name }) => rulesOf(name))), before);
    for (const { name } of machines) t.true(await isReached(name));
    await configure({ "trilithon:firewall": { operators: [`${net}.1/32`, "2001:db8::/32"] } });
    t.notRegex((await readPreview(stack)).warnings.join("\n"), /keep out/);
    await stack.up();
    t.deepEqual((await readPreview(stack)).sentences, {});
    const found = await reached(stranger, machines);
    t.deepEqual(found, {
      ...{ [`${net}.11`]: "80/tcp", [`${net6}:11`]: "80/tcp" },
      ...{ [`${net}.12`]: "", [`${net6}:12`]: "" },
    });
  },
);
