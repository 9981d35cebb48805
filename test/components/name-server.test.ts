/** The records of a stack's names, and the hosts that answer with them. */
import test from "ava";
import { plain, runStack } from "./run-stack";

const source = "./test/components/render";
const start = ["node", "server.js"];
const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

const program = runStack({
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "10.0.0.11", publicAddress: "203.0.113.11" },
    { name: "lb-02", address: "10.0.0.12" },
    { name: "lb-03", address: "10.0.0.13", away: true, only: ["load-balancer"] },
    { name: "web-01", address: "10.0.0.21", only: ["web"] },
  ].map(({ only = ["load-balancer", "name-server"], ...host }) => ({
    ...{ ...host, hostKey, roles: only },
  })),
  privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
  application: { name: "press", source, start },
  applications: { shop: { source, start, port: 3001, domains: ["shop.foobar.com", "shop.de"] } },
  loadBalancer: { redirects: { "foobar.com": "www.foobar.com" } },
  https: { acme: { email: "admin@foobar.com" } },
  dns: {
    records: [
      { name: "foobar.com", type: "MX", values: ["10 mail.example.net"] },
      { name: "shop.de", type: "A", ttl: 300, values: ["198.51.100.1"] },
    ],
    resolvers: ["1.1.1.1"],
  },
});

const addresses = ["203.0.113.11", "10.0.0.12"];
const caa = { type: "CAA", ttl: 3600, values: ['0 issue "letsencrypt.org"'] };

test("each name leads to the load balancers that are there; what is given stands in place of ours", async (t) => {
  const { told } = await program;
  t.deepEqual(told.dns, [
    { name: "www.foobar.com", type: "A", ttl: 60, values: addresses },
    { name: "shop.foobar.com", type: "A", ttl: 60, values: addresses },
    { name: "foobar.com", type: "A", ttl: 60, values: addresses },
    { name: "foobar.com", ...caa },
    { name: "shop.de", ...caa },
    { name: "foobar.com", type: "MX", ttl: 3600, values: ["10 mail.example.net"] },
    { name: "shop.de", type: "A", ttl: 300, values: ["198.51.100.1"] },
  ] as typeof told.dns);
  t.deepEqual(told.nameServers, {
    "lb-01": { name: "lb-01.ns.foobar.com", address: "203.0.113.11" },
    "lb-02": { name: "lb-02.ns.foobar.com", address: "10.0.0.12" },
  });
  t.deepEqual(told.resolvers, ["1.1.1.1"]);
});

async function serviceOf(host: string) {
  const { world } = await program;
  return world.find("trilithon:index:Service", `name-server-${host}-service`);
}

async function filesOf(host: string): Promise<Record<string, { content: string }>> {
  return Object(plain((await serviceOf(host)).inputs.files));
}

test("all name servers have the same zones, each with one serial", async (t) => {
  const first = await filesOf("lb-01");
  const second = await filesOf("lb-02");
  const zone = "/etc/nsd/trilithon-zones/foobar.com.zone";
  t.is(first[zone]?.content, second[zone]?.content);
  t.deepEqual(String(first[zone]?.content).split("\n").slice(1, -1), [
    "$ORIGIN .",
    "foobar.com 3600 IN SOA lb-01.ns.foobar.com hostmaster.foobar.com (",
    "  2026113001 ; the serial, which grows with each change",
    "  3600 600 604800 60",
    ")",
    "foobar.com 3600 IN NS lb-01.ns.foobar.com",
    "foobar.com 3600 IN NS lb-02.ns.foobar.com",
    "lb-01.ns.foobar.com 3600 IN A 203.0.113.11",
    "lb-02.ns.foobar.com 3600 IN A 10.0.0.12",
    ...["www.foobar.com", "shop.foobar.com", "foobar.com"].flatMap((name) =>
      addresses.map((address) => `${name} 60 IN A ${address}`),
    ),
    'foobar.com 3600 IN CAA 0 issue "letsencrypt.org"',
    "foobar.com 3600 IN MX 10 mail.example.net",
  ]);
  const other = first["/etc/nsd/trilithon-zones/shop.de.zone"]?.content;
  t.regex(String(other), /\nshop\.de 3600 IN NS lb-02\.ns\.foobar\.com\n/);
  t.notRegex(String(other), /MX|ns\.foobar\.com 3600 IN A/);
});

test("it answers at its own address, and is asked by anyone", async (t) => {
  const { told } = await program;
  t.regex(
    String((await filesOf("lb-02"))["/etc/nsd/nsd.conf"]?.content),
    /ip-address: 10\.0\.0\.12\n/,
  );
  const listens = told.listens.filter(({ what }) => what === "DNS");
  t.deepEqual(
    listens.map(({ host, address, port, protocol, unit, for: whom }) => [
      ...[host, protocol, `${address}:${port}`, unit, whom],
    ]),
    ["lb-01", "lb-02"].flatMap((host) =>
      ["udp", "tcp"].map((protocol) => [
        ...[host, protocol, `10.0.0.1${host.at(-1)}:53`, "nsd.service", { anyone: true }],
      ]),
    ),
  );
});

test("a change reaches one name server after the other, and none before the load balancers", async (t) => {
  const { world } = await program;
  const first = await serviceOf("lb-01");
  t.true((await serviceOf("lb-02")).startedAt > first.endedAt);
  for (const host of ["lb-01", "lb-02"]) {
    const balancer = world.find("trilithon:index:Service", `load-balancer-${host}-service`);
    t.true(first.startedAt > balancer.endedAt);
  }
  t.like(first.inputs, { onChange: "reload", unit: "nsd.service" });
  t.is(Object(first.inputs.files)["/etc/nsd/nsd.conf"].onChange, "restart");
});

test("as a component of another program it refuses what is not sound, before anything is made", async (t) => {
  await program;
  const { NameServer } = await import("../../components/name-server");
  const { makeHost } = await import("./hosts-for-tests");
  const host = makeHost("a", "10.0.0.1");
  const good = { hosts: [host], zones: ["foobar.com"], records: [] };
  const record = { name: "foobar.com", type: "A", ttl: 60, values: ["10.0.0.1"] } as const;
  const faultOf = (change: object) => {
    try {
      new NameServer("dns", { ...good, ...change });
      return "nothing";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  t.is(
    faultOf({ zones: [] }),
    "NameServer dns: zones: expected a list of domain names, got an empty list",
  );
  t.is(
    faultOf({ hosts: [host, host] }),
    'NameServer dns: hosts[1]: expected a host that is not in the list before, got "a"',
  );
  t.is(
    faultOf({ zones: ["foobar.com", "shop.foobar.com"] }),
    'NameServer dns: zones[1]: expected a name that is not in foobar.com, got "shop.foobar.com"',
  );
  t.is(
    faultOf({ records: [{ ...record, name: "foobar.de" }] }),
    'NameServer dns: records[0].name: expected a name in foobar.com, got "foobar.de"',
  );
  t.is(
    faultOf({ records: [{ ...record, ttl: -1 }] }),
    "NameServer dns: records[0].ttl: expected an integer from 0 to 604800, got -1",
  );
  const { names } = new NameServer("more", { ...good, zones: ["foobar.org"] });
  t.deepEqual(names, { a: "a.ns.foobar.org" });
});
