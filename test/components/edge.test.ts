/** The edge of a site, by the settings and by another program: what is refused, what is secret, and what stands in HAProxy's files. */
import * as pulumi from "@pulumi/pulumi";
import test from "ava";
import { edgeOfStack } from "../../components/edge";
import { parseSettings } from "../../components/settings";
import { mockPulumi, settle } from "./mocks";
import { plain } from "./run-stack";

const good = {
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
    { name: "web-01", address: "172.31.64.21", roles: ["web"] },
  ],
  containers: { subnet: "172.31.64.0/24" },
};

function faultsOf(edge: unknown, secretKeys: readonly string[] = ["trilithon:edge"]) {
  const result = parseSettings({ ...good, edge }, secretKeys);
  return "faults" in result ? result.faults : [];
}

const password = "correct horse battery";
const network =
  "a network such as 203.0.113.0/24 or 2001:db8::/32, with no bit set after its prefix";

const bad: readonly (readonly [string, object, readonly string[]])[] = [
  [
    "a rate of nothing, and one over an hour",
    { rateLimit: { requests: 0, seconds: 3600 } },
    [
      "rateLimit.requests: expected an integer from 10 to 1000000, got 0",
      "rateLimit.seconds: expected an integer from 1 to 60, got 3600",
    ],
  ],
  [
    "a rate that is a number",
    { rateLimit: 100 },
    ["rateLimit: expected an object with requests, got 100"],
  ],
  [
    "a word for connections, and none of them",
    { connectionsPerSecond: "off" },
    ['connectionsPerSecond: expected an integer from 1 to 100000, or none, got "off"'],
  ],
  [
    "headers and addresses that fit into no buffer",
    { headerKilobytes: 64, urlKilobytes: 0 },
    [
      "headerKilobytes: expected an integer from 1 to 60, got 64",
      "urlKilobytes: expected an integer from 1 to 60, got 0",
    ],
  ],
  [
    "networks with bits after the prefix, without one, and a name",
    { allow: ["203.0.113.7/24", "203.0.113.7", "2001:db8::1/32", "office"] },
    [
      `allow[0]: expected ${network}, got "203.0.113.7/24"`,
      `allow[1]: expected ${network}, got "203.0.113.7"`,
      `allow[2]: expected ${network}, got "2001:db8::1/32"`,
      `allow[3]: expected ${network}, got "office"`,
    ],
  ],
  [
    "nobody at all",
    { allow: [], users: {} },
    [
      "allow: expected a list of networks, got an empty list",
      "users: expected a name with its password, got none: take it out to let everybody in",
    ],
  ],
  [
    "a short password, which is not shown, and a name with a colon",
    { users: { ada: "hunter2", "b:c": password } },
    [
      "users.ada: expected a password of 12 to 128 letters, digits and signs, got something else (not shown)",
      'users.b:c: expected a name of at most 64 letters, digits, hyphens and underscores, got "b:c"',
    ],
  ],
  [
    "either of one",
    { allow: ["203.0.113.0/24"], satisfy: "any" },
    ['satisfy: expected nothing, as it is about allow and users together, got "any"'],
  ],
  [
    "another word for both",
    { satisfy: "both" },
    [
      'satisfy: expected one of all, any, got "both"',
      'satisfy: expected nothing, as it is about allow and users together, got "both"',
    ],
  ],
  [
    "headers by which an answer is read, or that are set elsewhere",
    { headers: { "Set-Cookie": "a=b", "strict-transport-security": "max-age=1" } },
    [
      'headers.Set-Cookie: expected a header that says how browsers treat a page, got "Set-Cookie"',
      'headers.strict-transport-security: expected a header that is not https.hsts, got "strict-transport-security": set that',
    ],
  ],
  [
    "a header twice, one that browsers ignore, and one that is not there",
    {
      headers: { "X-Frame-Options": "ALLOWALL", "x-frame-options": "DENY", "X-Nothing": false },
    },
    [
      'headers.X-Frame-Options: expected DENY or SAMEORIGIN, got "ALLOWALL"',
      'headers.x-frame-options: expected a header that is there once, got "x-frame-options"',
      "headers.X-Nothing: expected one line of text, got false: it is not sent by itself, take it out",
    ],
  ],
  [
    "a header of two lines, and a name that is none",
    { headers: { "X-A": "a\r\nSet-Cookie: b", "X A": "b" } },
    [
      'headers.X-A: expected one line of text, or false, got "a\\r\\nSet-Cookie: b"',
      'headers.X A: expected the name of a header such as X-Frame-Options, got "X A"',
    ],
  ],
  [
    "a page without text, that is asked for again at once, by nobody's network",
    { maintenance: { text: " ", retryAfterSeconds: 0, operators: ["me"] } },
    [
      'maintenance.text: expected a text of at most 2000 characters, got " "',
      "maintenance.retryAfterSeconds: expected an integer from 1 to 86400, got 0",
      `maintenance.operators[0]: expected ${network}, got "me"`,
    ],
  ],
  [
    "what is nearly a setting",
    { ratelimit: {}, maintenance: { title: "x" } },
    [
      "maintenance.title: unknown, expected one of text, retryAfterSeconds, operators",
      'ratelimit: unknown, did you mean "rateLimit"?',
    ],
  ],
];

for (const [title, edge, faults] of bad) {
  test(`refuses ${title}`, (t) => {
    t.deepEqual([...faultsOf(edge)].sort(), faults.map((line) => `trilithon:edge.${line}`).sort());
  });
}

test("takes each part, and passwords as secrets alone", (t) => {
  const edge = {
    ...{ rateLimit: { requests: 100 }, connectionsPerSecond: "none", headerKilobytes: 16 },
    ...{ allow: ["0.0.0.0/0", "2001:db8::/32"], users: { ada: password }, satisfy: "any" },
    headers: { "Referrer-Policy": false, "Content-Security-Policy": "frame-ancestors 'self'" },
    maintenance: { text: "Moving.\nSoon back.", operators: [] },
  };
  t.deepEqual(faultsOf(edge), []);
  t.deepEqual(faultsOf({ users: { ada: password } }, []), [
    "trilithon:edge.users.ada: expected a secret, got plain text: set it with pulumi config set --secret --path 'trilithon:edge.users.ada' < KEYFILE",
  ]);
});

test("who looks after a stack sees it during maintenance, unless others are named", (t) => {
  const firewall = { operators: ["203.0.113.0/24"] };
  t.deepEqual(edgeOfStack({ firewall }), { maintenance: firewall });
  t.deepEqual(edgeOfStack({ firewall: "none" }), {});
  const others = { operators: [] };
  t.deepEqual(edgeOfStack({ firewall, edge: { maintenance: others } }), { maintenance: others });
});

const program = run();

async function run() {
  const world = await mockPulumi({});
  const { LoadBalancer } = await import("../../components/load-balancer");
  const { makeHost } = await import("./hosts-for-tests");
  const servers = [{ host: { name: "a", address: "10.0.0.2" }, port: 8080 }];
  const hosts = [makeHost("one", "10.0.0.1"), makeHost("two", "10.0.0.3")];
  const args = { hosts, servers, domain: "www.example.com", healthPath: "/up" };
  new LoadBalancer("open", args);
  const users = pulumi.output({ ada: password });
  const headers = { "X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": false as const };
  const maintenance = { text: "Moving." };
  new LoadBalancer("few", { ...args, edge: { users, headers, maintenance } });
  await settle();
  const make = (edge: object) => () => new LoadBalancer("wrong", { ...args, edge });
  return { world, make };
}

async function filesOf(service: string) {
  const { world } = await program;
  const files = Object(world.find("trilithon:index:Service", service).inputs.files);
  return (path: string) => Object(plain(files))[`/etc/haproxy/${path}`];
}

test("a password is a hash on each load balancer, the same on all, in a file that only root reads", async (t) => {
  const [one, two] = await Promise.all(["few-one-service", "few-two-service"].map(filesOf));
  const config = one?.("haproxy.cfg");
  const text = String(plain(config.content));
  t.is(config.mode, "0600");
  t.regex(
    text,
    /\nuserlist edge_users\n {4}user ada password \$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}\n/,
  );
  t.false(text.includes(password));
  const line = / {4}user ada .*/;
  t.is(line.exec(String(plain(two?.("haproxy.cfg").content)))?.[0], line.exec(text)?.[0]);
  // Marked as a secret, somewhere up to here.
  const { world } = await program;
  t.regex(
    JSON.stringify(world.find("trilithon:index:Service", "few-one-service").inputs),
    /1b47061264138c4ac30d75fd1eb44270/,
  );
});

test("without users it is a file for all, and says what breaks nothing", async (t) => {
  const file = await filesOf("open-one-service");
  const { content, mode } = file("haproxy.cfg");
  t.is(mode, undefined);
  const headers = [
    ...String(plain(content)).matchAll(/http-after-response set-header (\S+) "(.*?)"/g),
  ];
  t.deepEqual(
    headers.map(([, name, value]) => `${name}: ${value}`),
    ["X-Content-Type-Options: nosniff", "Referrer-Policy: strict-origin-when-cross-origin"],
  );
  t.regex(String(plain(file("maintenance.html").content)), /<p>The site is being worked on/);
});

test("headers of one's own are beside ours, and in place of them", async (t) => {
  const file = await filesOf("few-one-service");
  const text = String(plain(file("haproxy.cfg").content));
  t.regex(text, /set-header X-Content-Type-Options "nosniff"/);
  t.regex(text, /set-header X-Frame-Options "SAMEORIGIN"/);
  t.notRegex(text, /Referrer-Policy/);
  t.regex(String(plain(file("maintenance.html").content)), /<p>Moving\.<\/p>/);
});

test("another program's edge is refused in the same words", async (t) => {
  const { make } = await program;
  t.throws(make({ allow: [] }), {
    message: "LoadBalancer wrong: edge.allow: expected a list of networks, got an empty list",
  });
  t.throws(make({ headers: { Date: "x" } }), {
    message:
      'LoadBalancer wrong: edge.headers.Date: expected a header that says how browsers treat a page, got "Date"',
  });
});
