/**
 * The edge of a site, for real: what a visitor may ask for and how often, who is let in, what answers tell browsers, and the page of
 * maintenance. A stack of before has all of it by one `up`.
 */
import { Agent, type IncomingHttpHeaders, request as requestHttp } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { setMaintenance } from "../../scripts/maintenance/closing";
import { root } from "../../scripts/setup/environment";
import { capture, must } from "../../scripts/setup/run";
import { renderTable } from "../../scripts/verify/report";
import { withSite } from "../../scripts/verify/site";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { OldCode } from "../end-to-end/support/old-code";
import { readPreview, summary } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { eventually, underVisits } from "./applications/visitors";

const stackName = "edge";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 117);
const net = `172.31.${number}`;
const balancer = `${net}.11`;
const neighbour = `${net}.21`;
const publish = 8817;
const page = `http://127.0.0.1:${publish}`;
const domain = "www.foobar.com";
const site = { port: publish, domain };
const service = "load-balancer-lb-01-service";
/** The last one that knew nothing of an edge. */
const codeOfBefore = "2982053";
const password = "planted horse battery";
const image = process.env.TRILITHON_HOST_IMAGE;

let stack: TestStack;
let oldCode: OldCode;

function settings(edge: object = {}, more: Settings = {}): Settings {
  return {
    "trilithon:domain": domain,
    "trilithon:hosts": [
      { name: "lb-01", address: balancer, roles: ["load-balancer"] },
      { name: "web-01", address: neighbour, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, publish, sshPortBase: 15_400, memoryMegabytes: 512 },
      ...(image !== undefined && { image }),
    },
    "trilithon:application": {
      ...{ name: "echo", start: ["perl", "server.pl"], packages: {} },
      source: join(root, "test", "trouble", "edge"),
    },
    ...(Object.keys(edge).length > 0 && { "trilithon:edge": edge }),
    ...more,
  };
}

test.before(async () => {
  oldCode = await OldCode.make(stackName, codeOfBefore);
  stack = await TestStack.make(stackName, settings());
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await oldCode?.remove();
});

/** From this machine. The status is 0 where there was no answer. */
async function curl(url: string, ...options: readonly string[]) {
  const { stdout } = await capture("curl", [
    ...["--silent", "--insecure", "--include", "--max-time", "20", "--path-as-is"],
    ...["--header", `Host: ${domain}`, "--header", "Expect:", ...options, url],
  ]);
  const [head = "", ...body] = stdout.split("\r\n\r\n");
  const headers = Object.fromEntries(
    head.split("\r\n").flatMap((line) => {
      const [, name, value] = /^([^:]+): (.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name.toLowerCase(), value ?? ""] as const];
    }),
  );
  return {
    status: Number(/^HTTP\/[\d.]+ (\d{3})/.exec(head)?.[1] ?? 0),
    headers,
    body: body.join("\r\n\r\n"),
  };
}

/** The status that a host of the stack gets at the load balancer's own address. */
async function fromNeighbour(path: string): Promise<string> {
  const program = `my $s = IO::Socket::INET->new(PeerAddr => "${balancer}", PeerPort => 80, Timeout => 5) or die;
print $s "GET ${path} HTTP/1.1\\r\\nHost: ${domain}\\r\\nConnection: close\\r\\n\\r\\n"; my $l = <$s> // "none"; print $l =~ / (\\d{3}) / ? $1 : $l`;
  return stack.on("web-01", `perl -MIO::Socket::INET -e '${program}'`);
}

/** The names of the checks that fail. */
async function verify(t: ExecutionContext): Promise<readonly string[]> {
  const known = await stack.outputs();
  const verdicts = await verifyStack(known, { changes: "none" });
  const failed = verdicts.filter(({ passed }) => !passed);
  if (failed.length > 0) {
    t.log(renderTable({ stack: stackName, url: known.endpoints.url, verdicts: failed }));
  }
  return failed.map(({ name }) => name);
}

async function nothingToDo(t: ExecutionContext) {
  const { updates, warnings } = await readPreview(stack);
  t.deepEqual(updates, []);
  return warnings;
}

const processes = () =>
  stack.on(
    "lb-01",
    "systemctl show -p InvocationID -p StateChangeTimestampMonotonic haproxy; pgrep -a haproxy",
  );

test.serial("a stack of before has it by one `up`, without a failed request", async (t) => {
  await oldCode.with(stack, async () => {
    await stack.up();
  });
  const preview = await readPreview(stack);
  t.log(preview.sentences);
  t.deepEqual(
    preview.updates.map(({ resource }) => resource),
    [service],
  );
  t.regex(summary(preview, service), /check it, reload haproxy \(no connection dropped/);
  await underVisits(t, site, ["/", "/healthz"], async () => {
    await stack.up();
  });
  t.log((await stack.on("lb-01", "haproxy -v | head -1")).trim());
  t.deepEqual(await nothingToDo(t), []);
  const before = await processes();
  t.regex(await stack.up(), /Resources:\n {4}\d+ unchanged\n/);
  t.is(await processes(), before);
  t.deepEqual(await verify(t), []);
});

test.serial("answers tell browsers what the application does not", async (t) => {
  const answer = await curl(`${page}/`);
  t.is(answer.status, 200);
  t.is(answer.headers["x-content-type-options"], "nosniff");
  t.is(answer.headers["referrer-policy"], "strict-origin-when-cross-origin");
  t.is(answer.headers["x-frame-options"], undefined);
  t.is((await curl(`${page}/own`)).headers["referrer-policy"], "no-referrer");
});

test.serial("what a client says of itself is not believed", async (t) => {
  const said = {
    Forwarded: "for=192.0.2.1",
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "X-Real-IP": "192.0.2.1",
    "X-Request-ID": "evil",
    "X-Trilithon-Pass": "9999999999-00",
  };
  const options = Object.entries(said).flatMap(([name, value]) => [
    "--header",
    `${name}: ${value}`,
  ]);
  const { body } = await curl(`${page}/`, ...options);
  t.log(body);
  t.notRegex(body, /192\.0\.2\.1|evil|9999999999/);
  t.regex(body, new RegExp(`^x-forwarded-for: ${net.replaceAll(".", "\\.")}\\.1$`, "m"));
  t.regex(body, /^x-forwarded-proto: http$/m);
});

test.serial("who asks too much, too often or too fast is refused, and nobody else", async (t) => {
  await stack.configure(
    settings(
      {
        ...{ rateLimit: { requests: 40, seconds: 10 }, connectionsPerSecond: 6 },
        ...{ headerKilobytes: 4, urlKilobytes: 1 },
        headers: { "X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": false },
      },
      { "trilithon:web": { uploadLimitMegabytes: 1 } },
    ),
  );
  await stack.up();
  await nothingToDo(t);
  const answer = await curl(`${page}/`);
  t.is(answer.headers["x-frame-options"], "SAMEORIGIN");
  t.is(answer.headers["referrer-policy"], undefined);
  t.is((await curl(`${page}/own`)).headers["x-frame-options"], "DENY");

  const long = "a".repeat(5000);
  t.is((await curl(`${page}/`, "--header", `X-Long: ${long}`)).status, 431);
  t.is((await curl(`${page}/?${long.slice(0, 1100)}`)).status, 414);
  t.is((await curl(`${page}/?${long.slice(0, 900)}`)).status, 200);
  const body = await must("body", "sh", [
    "-c",
    "f=$(mktemp); head -c 1500000 /dev/zero >$f; echo $f",
  ]);
  t.is((await curl(`${page}/`, "--data-binary", `@${body.trim()}`)).status, 413);
  t.is((await curl(`${page}/`, "--data-binary", "small")).status, 200);

  // All over one connection.
  const urls = Array.from({ length: 60 }, () => ["--output", "/dev/null", `${page}/`]).flat();
  const write = ["--write-out", "%{http_code} ", "--header", `Host: ${domain}`];
  const codes = (await must("many", "curl", ["--silent", ...write, ...urls])).trim().split(" ");
  const tooMany = codes.filter((code) => code === "429").length;
  t.log(`${tooMany} of ${codes.length} are too many`);
  t.true(tooMany >= 20 && tooMany < 60);
  const refused = await curl(`${page}/`);
  t.is(refused.status, 429);
  t.is(refused.headers["retry-after"], "10");
  t.is(refused.body, "Too many requests.");
  t.is(await fromNeighbour("/"), "200");

  // A connection each.
  const statuses: number[] = [];
  for (let count = 0; count < 80; count += 1) statuses.push((await curl(`${page}/`)).status);
  const closed = statuses.filter((status) => status === 0).length;
  t.log(`${closed} of ${statuses.length} connections are closed`);
  t.true(closed > 0);
  t.is(await fromNeighbour("/"), "200");
  await eventually(t, async () => (await curl(`${page}/`)).status === 200, "it ends by itself");
});

const closed = {
  allow: [`${neighbour}/32`, "2001:db8::/32"],
  satisfy: "any",
};

async function configureFew(edge: object) {
  await stack.configure(settings(edge, { "trilithon:https": "own-ca" }));
  await stack.setSecretAt("trilithon:edge.users.ada", password);
}

const secure = `https://${balancer}`;
const login = ["--user", `ada:${password}`];

test.serial("a stack for few: from their network, or by a password", async (t) => {
  await configureFew(closed);
  const shown = await stack.preview();
  t.regex(shown, /haproxy\.cfg/);
  await stack.up();
  t.deepEqual(await nothingToDo(t), []);
  t.deepEqual(await nothingToDo(t), []);

  const stranger = await curl(`${secure}/`);
  t.is(stranger.status, 401);
  t.is(stranger.headers["www-authenticate"], `Basic realm="${domain}"`);
  t.is((await curl(`${secure}/`, "--user", "ada:wrong horse battery")).status, 401);
  t.is((await curl(`${secure}/`, "--user", `bob:${password}`)).status, 401);
  const friend = await curl(`${secure}/`, ...login);
  t.is(friend.status, 200);
  // The application has users of its own.
  t.notRegex(friend.body, /^authorization:/m);
  // Led to TLS first, and asked for nothing without it.
  t.is((await curl(`http://${balancer}/`, ...login)).status, 301);
  t.is((await curl(`http://${balancer}/healthz`)).status, 403);
  t.is(await fromNeighbour("/healthz"), "200");
  // An authority's question, and nothing else below that path.
  t.is((await curl(`http://${balancer}/.well-known/acme-challenge/abc_D-1`)).status, 200);
  t.is((await curl(`http://${balancer}/.well-known/acme-challenge/../secret`)).status, 403);
  t.is((await curl(`${secure}/.well-known/acme-challenge/../secret`)).status, 401);
  t.deepEqual(await verify(t), []);
});

test.serial(
  "of a password a host has a salted hash alone, and nobody is shown either",
  async (t) => {
    const { stdout } = await stack.pulumi("stack", "export");
    const config = await stack.on("lb-01", "cat /etc/haproxy/haproxy.cfg");
    const [, hash = ""] =
      /^ {4}user ada password (\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86})$/m.exec(config) ?? [];
    t.true(hash.length > 0, config);
    t.is(await stack.on("lb-01", "stat -c %a /etc/haproxy/haproxy.cfg"), "600\n");
    for (const said of [stdout, ...stack.said]) {
      t.false(said.includes(password));
      t.false(said.includes(hash));
    }
    const found = `grep -rlF '${password}' /etc /var/lib/trilithon /var/log /run 2>/dev/null || true`;
    t.is(await stack.on("lb-01", found), "");
  },
);

test.serial("or from their network and by a password", async (t) => {
  await configureFew({ ...closed, satisfy: "all" });
  await stack.up();
  t.is((await curl(`${secure}/`, ...login)).status, 403);
  await configureFew({ ...closed, satisfy: "all", allow: [`${net}.1/32`] });
  await stack.up();
  t.is((await curl(`${secure}/`, ...login)).status, 200);
  t.is((await curl(`${secure}/`)).status, 401);
  t.is(await fromNeighbour("/healthz"), "403");
  t.deepEqual(await verify(t), []);
});

const worked = {
  text: "We are moving <house>.",
  retryAfterSeconds: 120,
  operators: [`${neighbour}/32`],
};

async function maintenance(t: ExecutionContext, state: "on" | "off"): Promise<void> {
  const said: string[] = [];
  const options = { state, who: "ada@laptop", say: (line: string) => void said.push(line) };
  const isDone = await withSite(await stack.outputs(), "setting maintenance", (open) =>
    setMaintenance(open, { ...options, tell: options.say }),
  );
  t.log(said);
  t.true(isDone);
}

/** Always over the same connection. */
function makeVisitor() {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  const ask = (path: string) =>
    new Promise<{ status: number; headers: IncomingHttpHeaders }>((resolve, reject) => {
      const options = { host: "127.0.0.1", port: publish, path, agent, headers: { host: domain } };
      const call = requestHttp(options, (answer) => {
        answer.resume().on("end", () => {
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers });
        });
      });
      call.on("socket", ({ localPort }) => ports.add(localPort));
      call.on("error", reject);
      call.end();
    });
  return { ask, ports, end: () => agent.destroy() };
}

test.serial(
  "maintenance: visitors get the page, operators the site, nobody loses a request",
  async (t) => {
    await stack.configure(settings({ maintenance: worked }));
    await stack.up();
    t.deepEqual(await nothingToDo(t), []);
    const visitor = makeVisitor();
    t.teardown(() => visitor.end());
    t.is((await visitor.ask("/")).status, 200);
    const slow = curl(`${page}/slow`);
    await sleep(1000);
    await maintenance(t, "on");
    t.is((await visitor.ask("/")).status, 503);
    // What was under way.
    t.is((await slow).status, 200);
    const shut = await curl(`${page}/any/path`);
    t.is(shut.status, 503);
    t.is(shut.headers["retry-after"], "120");
    t.is(shut.headers["cache-control"], "no-store");
    t.regex(shut.body, /<p>We are moving &lt;house&gt;\.<\/p>/);
    t.is(await fromNeighbour("/"), "200");
    t.deepEqual(await verify(t), ["the site is open at lb-01"]);
    t.is(visitor.ports.size, 1);
    await maintenance(t, "on");
  },
);

const told =
  /lb-01: the page of maintenance is on since \S+ by ada@laptop; up leaves it so, and npm run maintenance -- off --stack edge ends it/;

test.serial("it is told by a preview, and survives `up`, a restart and a reboot", async (t) => {
  const warnings = await nothingToDo(t);
  t.is(warnings.filter((one) => told.test(one)).length, 1, warnings.join("\n"));
  t.regex(await stack.up(), /the page of maintenance is on since/);
  await stack.configure(settings({ maintenance: { ...worked, text: "Still moving." } }));
  await stack.up();
  t.regex((await curl(`${page}/`)).body, /Still moving\./);
  await stack.on("lb-01", "systemctl restart haproxy");
  await eventually(t, async () => (await curl(`${page}/`)).status === 503, "after a restart");
  await must("reboot", "docker", ["restart", `trilithon-${stackName}-lb-01`]);
  await eventually(t, async () => (await curl(`${page}/`)).status === 503, "after a reboot");
  t.is((await nothingToDo(t)).filter((one) => told.test(one)).length, 1);
});

test.serial("`off` brings the site back", async (t) => {
  await maintenance(t, "off");
  t.is((await curl(`${page}/`)).status, 200);
  t.deepEqual(await nothingToDo(t), []);
  t.deepEqual(await verify(t), []);
  // Nobody is let in by a pass that has ended.
  t.is(await stack.on("lb-01", "cat /var/lib/trilithon/edge/passes"), "");
});
