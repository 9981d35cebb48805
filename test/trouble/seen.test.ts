/**
 * How a stack is seen from outside: `npm run status` while all is well, while a host hangs and while the database is down, and
 * `npm run logs` with the id of one request. Three hosts, of which two are load balancers with an address in common.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import test from "ava";
import * as v from "valibot";
import { root } from "../../scripts/setup/environment";
import { capture } from "../../scripts/setup/run";
import { type Status, statusSchema } from "../../scripts/status/schema";
import { type Endpoints, parseEndpoints, trustOf } from "../../scripts/verify/endpoints";
import { request } from "../../scripts/verify/http";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHosts } from "../end-to-end/support/test-stack";

const stackName = "seen";
const number = 123;
const net = `172.31.${number}`;
const address = `${net}.10`;
const nodes = ["node-01", "node-02", "node-03"];
const containerOf = (host: string) => `trilithon-${stackName}-${host}`;

let stack: TestStack;
let endpoints: Endpoints;

test.before(async () => {
  stack = await TestStack.make(stackName, {
    ...threeHosts(number),
    "trilithon:containers": { subnet: `${net}.0/24`, publish: 8823, sshPortBase: 16_600 },
    "trilithon:loadBalancer": { virtualAddress: address },
    // Port 80 is the load balancer's.
    "trilithon:web": { port: 8080 },
    "trilithon:hosts": [
      { name: "node-01", address: `${net}.11`, roles: ["load-balancer", "database-primary"] },
      {
        name: "node-02",
        address: `${net}.12`,
        roles: ["load-balancer", "web", "database-replica"],
      },
      { name: "node-03", address: `${net}.13`, roles: ["web"] },
    ],
    "trilithon:https": { ownCa: true },
  });
  await stack.up();
  endpoints = parseEndpoints(await stack.output("endpoints"));
});

test.after.always(async () => {
  await capture("docker", ["unpause", containerOf("node-03")]);
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

/** As it is typed, in a process of its own. */
function start(command: string, ...args: string[]) {
  const words = [join(root, "scripts", "launch.mjs"), command, "--stack", stackName, ...args];
  const { NODE_OPTIONS: _, ...environment } = stack.environment;
  return spawn(process.execPath, words, { cwd: root, env: environment });
}

async function run(command: string, ...args: string[]) {
  const child = start(command, ...args);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr, status: await ended };
}

async function readStatus() {
  const { stdout, stderr, status: code } = await run("status", "--json");
  return { status: v.parse(statusSchema, JSON.parse(stdout)), stderr, code };
}

function wrongIn({ checks }: Status) {
  return checks.filter(({ state }) => state !== "well").map(({ name, seen }) => `${name}: ${seen}`);
}

/** What comes back takes some seconds until all see it. */
async function untilWell(): Promise<Status> {
  for (let attempt = 1; ; attempt += 1) {
    const { status } = await readStatus();
    if (status.state === "well" || attempt === 15) return status;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

interface Line {
  readonly at: string;
  readonly host: string;
  readonly source: string;
  readonly text: string;
}

async function readLogs(...args: string[]): Promise<readonly Line[]> {
  const { stdout } = await run("logs", "--since", "10m", "--json", ...args);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

test.serial("a healthy stack is seen as one, with all that is known of it", async (t) => {
  const first = await untilWell();
  t.is(first.state, "well", wrongIn(first).join("\n"));
  const screen = await run("status");
  t.log(screen.stdout);
  t.is(screen.status, 0, screen.stderr);
  t.regex(screen.stdout, /^✔ well: 3 hosts, \d+ checks$/m);
  const { status, code } = await readStatus();
  t.is(code, 0);
  t.deepEqual(
    status.hosts.map(({ name, state }) => [name, state]),
    nodes.map((name) => [name, "reached"]),
  );
  t.is(status.shared?.address, address);
  t.is(status.shared?.holders.length, 1);
  t.deepEqual(
    status.loadBalancers.map(({ host, servers }) => [host, ...servers.map(({ state }) => state)]),
    [
      ["node-01", "up", "up"],
      ["node-02", "up", "up"],
    ],
  );
  t.is(status.database?.primary, "node-01");
  t.like(status.database?.members[1], { host: "node-02", role: "replica", state: "follows" });
  t.is(typeof status.database?.members[1]?.lagSeconds, "number");
  const [version, ...others] = status.releases.map((release) => release.version);
  t.regex(version ?? "", /^[0-9a-f]{16}$/);
  t.deepEqual(others, [version]);
  const places = status.certificates.map(({ at, days }) => `${at} ${days !== null && days > 300}`);
  t.true(places.includes("mysql true"), places.join());
  t.true(
    places.some((place) => /^https:.* true$/.test(place)),
    places.join(),
  );
});

test.serial("a host that hangs is seen within its deadline, and the rest as it is", async (t) => {
  const watching = start("status", "--watch", "--json");
  const ended = new Promise<number | null>((resolve) => watching.once("close", resolve));
  const pictures: Status[] = [];
  const connections: string[] = [];
  let isPaused = false;
  for await (const line of createInterface({ input: watching.stdout })) {
    pictures.push(v.parse(statusSchema, JSON.parse(line)));
    connections.push(
      await stack.on("node-01", "ss -H -t -n state established 'sport = :22' | awk '{print $4}'"),
    );
    const seen = pictures.at(-1)?.hosts.find(({ name }) => name === "node-03")?.state;
    if (!isPaused) await capture("docker", ["pause", containerOf("node-03")]);
    else if (seen === "not reached" || pictures.length > 10) watching.kill("SIGINT");
    isPaused = true;
  }
  t.is(await ended, 1);
  t.is(pictures[0]?.state, "well");
  t.deepEqual([...new Set(connections)].length, 1, "the connection to node-01 is the same one");
  const screen = await run("status");
  t.log(screen.stdout);
  t.is(screen.status, 1, screen.stderr);
  const { status, code } = await readStatus();
  t.is(code, 1);
  t.deepEqual(
    status.hosts.map(({ name, state }) => [name, state]),
    [
      ["node-01", "reached"],
      ["node-02", "reached"],
      ["node-03", "not reached"],
    ],
  );
  t.regex(status.hosts[2]?.reason ?? "", /^no answer over SSH within \d+ seconds/);
  for (const { servers } of status.loadBalancers) {
    t.deepEqual(
      servers.map(({ host, state }) => [host, state]),
      [
        ["node-02", "up"],
        ["node-03", "down"],
      ],
    );
  }
  t.is(status.database?.primary, "node-01");
  t.is(status.releases.find(({ host }) => host === "node-03")?.version, null);
  t.regex(status.releases.find(({ host }) => host === "node-02")?.version ?? "", /^[0-9a-f]{16}$/);
  const own = status.checks.filter(({ host }) => host === "node-03");
  t.true(own.length > 0 && own.every(({ state }) => state === "unknown"));
  await capture("docker", ["unpause", containerOf("node-03")]);
  const after = await untilWell();
  t.is(after.state, "well", wrongIn(after).join("\n"));
});

test.serial("one request's lines are found on all its hosts by its id", async (t) => {
  for (const node of ["node-01", "node-02"]) await stack.on(node, "systemctl stop mysql");
  const url = `https://${address}/api/entries?limit=7`;
  const headers = { Host: endpoints.domain, "X-Request-ID": "planted", Cookie: "token=hushhush" };
  const trust = trustOf(endpoints);
  const answer = await request({ url, headers, trust, deadlineSeconds: 40 });
  t.is(answer.status, 503, answer.body);
  const broken = await readStatus();
  t.is(broken.code, 1);
  t.is(broken.status.database?.primary, null);
  for (const node of ["node-01", "node-02"]) await stack.on(node, "systemctl start mysql");
  const asked = await readLogs("nginx", "--grep", "entries.limit=7");
  t.is(asked.length, 1, JSON.stringify(asked));
  const { request_id: id } = JSON.parse(asked[0]?.text ?? "{}");
  t.regex(id, /^[0-9a-f-]{36}$/);
  const lines = await readLogs("--grep", id);
  t.log(lines);
  const { servedBy } = JSON.parse(answer.body);
  const places = lines.map(({ host, source }) => `${host} ${source}`).sort();
  const [balancer = ""] = broken.status.shared?.holders ?? [];
  t.deepEqual(
    [...new Set(places)],
    [`${balancer} haproxy`, `${servedBy} guestbook`, `${servedBy} nginx.access`].sort(),
  );
  t.deepEqual(
    lines.map(({ at }) => at),
    lines.map(({ at }) => at).sort(),
  );
  t.false(JSON.stringify(lines).includes("hushhush"));
  t.deepEqual(await readLogs("--grep", "planted|hushhush"), []);
  const named = await readLogs("guestbook", "--grep", id);
  t.deepEqual(new Set(named.map(({ source }) => source)), new Set(["guestbook"]));
  const refused = await run("logs", "--grep", "(?{ 1 })");
  t.is(refused.status, 2);
  t.regex(refused.stderr, /^--grep: [^\n]*: see npm run logs -- --help\n$/);
  const after = await untilWell();
  t.is(after.state, "well", wrongIn(after).join("\n"));
});

test.serial("a stack of before gets the id by a reload, and no request fails", async (t) => {
  const changed = "sed -i '/^    log-format /d; /# As httplog, with/d' /etc/haproxy/haproxy.cfg";
  for (const node of ["node-01", "node-02"]) {
    await stack.on(node, `${changed} && systemctl reload haproxy`);
  }
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["load-balancer-node-01-service"] ?? JSON.stringify(sentences),
    /write \/etc\/haproxy\/haproxy\.cfg \(2 lines\), check it, reload haproxy \(no connection dropped/,
  );
  const failures: string[] = [];
  let count = 0;
  let isOver = false;
  const trust = trustOf(endpoints);
  const visiting = (async () => {
    for (; !isOver; count += 1) {
      const url = `https://${address}/`;
      await request({ url, headers: { Host: endpoints.domain }, trust, deadlineSeconds: 20 }).then(
        ({ status }) => status === 200 || failures.push(String(status)),
        (error: Error) => failures.push(error.message),
      );
    }
  })();
  await stack.up().finally(() => {
    isOver = true;
  });
  await visiting;
  t.log(`${count} requests`);
  t.deepEqual(failures, []);
  t.true(count > 50);
  await stack.on("node-01", "grep -q '^    log-format .* %ID\"$' /etc/haproxy/haproxy.cfg");
});

test.serial("where nothing answers nothing can be told", async (t) => {
  for (const node of nodes) await capture("docker", ["pause", containerOf(node)]);
  const { status, code } = await readStatus();
  for (const node of nodes) await capture("docker", ["unpause", containerOf(node)]);
  t.is(code, 2);
  t.is(status.state, "unknown");
  t.deepEqual(new Set(status.hosts.map(({ state }) => state)), new Set(["not reached"]));
});
