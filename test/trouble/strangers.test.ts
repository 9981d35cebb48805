/**
 * A stack of both families, every role on two hosts: what a stranger in its network and each of its hosts reach is what its components
 * declare, and nothing else, over IPv4 and IPv6. What moves between the load balancers moves for both. HTTP/3 answers over IPv6 as well.
 */
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Endpoints } from "../../components/endpoints";
import { root } from "../../scripts/setup/environment";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { balancerHeader, watchBalancers } from "../end-to-end/support/balancers";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { declaredAt, type Who } from "./strangers/declared";
import { makeScanner, openPorts, type Place, runAt, startMachine } from "./strangers/scanner";

const stackName = "strangers";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 120);
const net = `172.31.${number}`;
const net6 = `fd00:172:31:${number}:`;
const operator = `${net6}:99`;
const shared = { virtualAddress: `${net}.10`, virtualAddress6: `${net6}:10` };
const hosts = [
  { name: "node-01", roles: ["load-balancer", "name-server"] },
  { name: "node-02", roles: ["load-balancer", "name-server", "web", "database"] },
  { name: "node-03", roles: ["web", "database"] },
].map((host, index) => ({
  ...host,
  address: `${net}.1${index + 1}`,
  address6: `${net6}:1${index + 1}`,
}));
const balancers = ["node-01", "node-02"];

const header = {
  rawLines: { frontend: [`http-after-response set-header ${balancerHeader} %[hostname]`] },
};

function settings(more: Settings = {}): Settings {
  return {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": hosts,
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, subnet6: `${net6}:/64`, publish: 8820, sshPortBase: 16_000 },
    },
    "trilithon:loadBalancer": { ...shared, ...header },
    "trilithon:web": { port: 8080 },
    "trilithon:https": "own-ca",
    "trilithon:application": {
      ...{ name: "teller", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "trouble", "https"),
    },
    "trilithon:services": { cache: { kind: "valkey", hosts: ["node-01"] } },
    ...more,
  };
}

let stack: TestStack;

test.before(async () => {
  await makeScanner();
  stack = await TestStack.make(stackName, settings());
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

const stranger = { network: `trilithon-${stackName}` };
const beside = (host: string): Place => ({ network: `container:trilithon-${stackName}-${host}` });
const listensOf = async () => ((await stack.output("endpoints")) as Endpoints).listens;

/** `node-01 172.31.120.11: 80/tcp`, of each address of both families: those that move are at the host that has them. */
async function reached(place: Place, others: readonly string[]): Promise<readonly string[]> {
  const targets = hosts.filter(({ name }) => others.includes(name));
  const found = await Promise.all([
    openPorts(place, [...targets.map(({ address }) => address), shared.virtualAddress]),
    openPorts(place, [...targets.map(({ address6 }) => address6), shared.virtualAddress6]),
  ]);
  return Object.entries(Object.assign({}, ...found)).map(
    ([address, ports]) => `${address}: ${ports}`,
  );
}

/** The same as the stack's list has it. */
async function declared(
  who: Who,
  others: readonly string[],
  holder: string,
): Promise<readonly string[]> {
  const listens = await listensOf();
  const targets = hosts.filter(({ name }) => others.includes(name));
  const at = (host: string, address: string) =>
    `${address}: ${declaredAt(listens, { host, address }, who)}`;
  return [
    ...targets.map(({ name, address }) => at(name, address)),
    at(holder, shared.virtualAddress),
    ...targets.map(({ name, address6 }) => at(name, address6)),
    at(holder, shared.virtualAddress6),
  ];
}

/** Both addresses are at one load balancer. */
async function theHolder(t: ExecutionContext): Promise<string> {
  const having = async (address: string) => {
    const found = await Promise.all(
      balancers.map((host) =>
        stack.on(host, `ip -o addr show to ${address} | grep -qv '^1: ' && echo has || true`),
      ),
    );
    return balancers.filter((_, index) => found[index] === "has\n");
  };
  const holders = await having(shared.virtualAddress);
  t.deepEqual(await having(shared.virtualAddress6), holders);
  t.is(holders.length, 1);
  return holders[0] ?? "";
}

async function nothingToDo(t: ExecutionContext) {
  const { sentences, warnings } = await readPreview(stack);
  t.deepEqual(sentences, {}, warnings.join("\n"));
}

test.serial("one `up` makes it, and what listens on each host is declared", async (t) => {
  await stack.up();
  await nothingToDo(t);
  const { endpoints, privateKeys } = await stack.outputs();
  const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "none" });
  const table = renderTable({ stack: stackName, url: endpoints.url, verdicts });
  t.log(table);
  t.deepEqual(
    verdicts.filter(({ passed }) => !passed),
    [],
    table,
  );
  for (const name of [
    ...hosts.map((host) => `what listens on ${host.name} is declared`),
    `node-01: the page is at ${net6}:11`,
    `${shared.virtualAddress6}: one load balancer has it, and the page is there`,
  ]) {
    t.true(
      verdicts.some((one) => one.name === name),
      name,
    );
  }
});

test.serial("a stranger reaches pages and name servers, over both families", async (t) => {
  const all = hosts.map(({ name }) => name);
  const holder = await theHolder(t);
  const found = await reached(stranger, all);
  t.log(found);
  t.deepEqual(found, await declared({ isOperator: false }, all, holder));
  const open = "53/tcp 80/tcp 443/tcp 53/udp";
  t.deepEqual(
    found,
    [net, net6].flatMap((base) => {
      const at = (place: number) => `${base}${base === net ? "." : ":"}${place}`;
      return [
        ...[`${at(11)}: ${open}`, `${at(12)}: ${open}`, `${at(13)}: `],
        `${at(10)}: 80/tcp 443/tcp`,
      ];
    }),
  );
});

test.serial("each host reaches what it needs, and nothing else", async (t) => {
  const holder = await theHolder(t);
  for (const { name: host } of hosts) {
    // At its own addresses, and at those that it has for now, each has all.
    const others = hosts.map(({ name }) => name).filter((name) => name !== host);
    const withoutShared = (all: readonly string[]) =>
      host === holder ? all.filter((line) => !/[.:]10: /.test(line)) : all;
    const found = withoutShared(await reached(beside(host), others));
    t.log(host, found);
    t.deepEqual(
      found,
      withoutShared(await declared({ host, isOperator: false }, others, holder)),
      host,
    );
  }
});

test.serial("the page, its name and its certificate are there over IPv6", async (t) => {
  for (const host of balancers) {
    const at = hosts.find(({ name }) => name === host)?.address6 ?? "";
    const answer = await runAt(stranger, "dig", `@${at}`, "+short", "www.foobar.com", "AAAA");
    t.is(answer.stdout, `${shared.virtualAddress6}\n`, host);
  }
  const { ca = "" } = (await stack.output("endpoints")) as Endpoints;
  const script = `printf '%s' "$1" >/tmp/ca.pem; curl -sS --cacert /tmp/ca.pem -o /dev/null -w '%{http_code} %{remote_ip}' "$2"`;
  const url = `https://[${shared.virtualAddress6}]/`;
  const { stdout, stderr } = await runAt(stranger, "sh", "-c", script, "x", ca, url);
  t.regex(stdout, new RegExp(`^[23]\\d\\d ${shared.virtualAddress6}$`), stderr);
});

test.serial("both addresses move together, and a frozen holder answers at neither", async (t) => {
  const url = `http://[${shared.virtualAddress6}]/`;
  const former = await theHolder(t);
  const watched = watchBalancers(t, url);
  await pause(1);
  await stack.on(former, "systemctl stop keepalived");
  await pause(3);
  const next = await theHolder(t);
  t.not(next, former);
  await stack.on(former, "systemctl start keepalived");
  await pause(3);
  t.is(await theHolder(t), next);
  const left = await watched.stop();
  t.log("keepalived stopped", left);
  t.deepEqual([left.turns, left.failed], [[former, next], 0]);
  const again = watchBalancers(t, url);
  await pause(1);
  await stack.on(next, "systemctl kill -s STOP keepalived");
  await pause(4);
  const { turns } = await again.stop();
  t.deepEqual(turns, [next, former]);
  await stack.try(next, "systemctl kill -s CONT keepalived");
  await pause(15);
  t.is(await theHolder(t), former);
  await nothingToDo(t);
});

test.serial("an address of IPv6 that somebody took away comes back at once", async (t) => {
  const holder = await theHolder(t);
  await stack.on(holder, `ip -6 addr del ${shared.virtualAddress6}/128 dev eth0`);
  await pause(5);
  t.log(`was at ${holder}, is at ${await theHolder(t)}`);
  await nothingToDo(t);
});

test.serial("an address that another machine has is refused before it is taken", async (t) => {
  const taken = `${net6}:77`;
  await startMachine(stackName, taken);
  await stack.configure(
    settings({ "trilithon:loadBalancer": { ...shared, virtualAddress6: taken, ...header } }),
  );
  t.regex(
    await stack.mustFail(),
    new RegExp(`${taken} is taken: the machine with the MAC address \\S+ has it`),
  );
  await stack.configure(settings());
  await stack.up();
  await theHolder(t);
  await nothingToDo(t);
});

test.serial("an operator of IPv6 comes in over IPv6, and a stranger does not", async (t) => {
  await stack.configure(settings({ "trilithon:firewall": { operators: [`${operator}/128`] } }));
  await stack.up();
  await nothingToDo(t);
  const ssh = async (place: Place) => {
    const words = ["-6", "-n", "-Pn", "-p", "22,8404", "-oG", "-", `${net6}:13`];
    return (await runAt(place, "nmap", ...words)).stdout.includes("22/open/tcp");
  };
  t.true(await ssh({ ...stranger, address6: operator }));
  t.false(await ssh(stranger));
});

/** Status and version, at an address of IPv6, over HTTP/3 or not at all. */
async function askOverHttp3(address: string): Promise<string> {
  const { ca = "" } = (await stack.output("endpoints")) as Endpoints;
  const script = `printf '%s' "$1" >/tmp/ca.pem; curl --http3-only -sS -m 20 --cacert /tmp/ca.pem -o /dev/null -w '%{http_code} HTTP/%{http_version} %{remote_ip}' --resolve "www.foobar.com:443:$2" https://www.foobar.com/`;
  const { stdout, stderr } = await runAt(stranger, "sh", "-c", script, "x", ca, `[${address}]`);
  return stderr === "" ? stdout : stderr;
}

test.serial("HTTP/3 answers over IPv6, also at the address that moves", async (t) => {
  await stack.configure(settings());
  await stack.up();
  t.regex(await askOverHttp3(shared.virtualAddress6), /^curl: \(\d+\) /);
  await stack.configure(settings({ "trilithon:https": { ownCa: true, http3: true } }));
  await stack.up();
  await nothingToDo(t);
  const former = await theHolder(t);
  for (const { address6 } of hosts.filter(({ name }) => balancers.includes(name))) {
    t.is(await askOverHttp3(address6), `200 HTTP/3 ${address6}`);
  }
  const answered = `200 HTTP/3 ${shared.virtualAddress6}`;
  t.is(await askOverHttp3(shared.virtualAddress6), answered);
  await stack.on(former, "systemctl stop keepalived");
  await pause(3);
  t.not(await theHolder(t), former);
  t.is(await askOverHttp3(shared.virtualAddress6), answered);
  await stack.on(former, "systemctl start keepalived");
});

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
