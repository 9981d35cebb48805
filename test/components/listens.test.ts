/** What the components of a stack publish as what they listen on. */
import { readFileSync } from "node:fs";
import test from "ava";
import type { Listen } from "../../components/listens";
import { parseSettings } from "../../components/settings";
import { resolved } from "./mocks";
import { runStack } from "./run-stack";

const source = "./test/components/render";
const start = ["node", "server.js"];
const names = ["node-01", "node-02", "node-03"];

/** Everything on every host, but for load balancers, a name server, an application and a service, which are on some of them. */
const config = {
  domain: "www.foobar.com",
  hosts: names.map((name, index) => ({
    ...{ name, address: `172.31.64.1${index + 1}` },
    roles: [
      ...(index < 2 ? ["load-balancer"] : []),
      ...["web", "database"],
      ...(index === 0 ? ["name-server"] : []),
    ],
  })),
  containers: { subnet: "172.31.64.0/24", cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
  loadBalancer: { virtualAddress: "172.31.64.10", statsPort: 8405 },
  web: { port: 8080 },
  application: {
    ...{ name: "press", source, start, port: 3100 },
    ...{ persistent: ["public/uploads"], shared: { folders: ["public/uploads"], port: 22_100 } },
  },
  applications: {
    shop: { source, start, port: 3001, domains: ["shop.foobar.com"], hosts: ["node-02"] },
    blog: { source, runtime: "php-fpm", domains: ["blog.foobar.com"] },
  },
  services: {
    cache: { kind: "valkey", hosts: ["node-01"], applications: ["shop"] },
    parts: { kind: "memcached", hosts: ["node-01"], port: 11_300 },
  },
};

const program = runStack(config);

/** `node-01 tcp 0.0.0.0:80 haproxy.service (page): anyone` */
function write({ host, protocol, address, port, unit = "-", what, for: audience }: Listen) {
  const { anyone, operators, hosts = [] } = audience;
  const whom = [anyone && "anyone", operators && "operators", ...hosts].filter(Boolean).join(" ");
  const place = `${protocol} ${address}${port === undefined ? "" : `:${port}`}`;
  return `${host} ${place} ${unit} (${what}): ${whom || "-"}`;
}

async function listensOf(host: string, word: RegExp) {
  const { told } = await program;
  return told.listens
    .filter((listen) => listen.host === host)
    .map(write)
    .filter((line) => word.test(line));
}

test("HAProxy is for anyone, its statistics for operators and for those who drain a host", async (t) => {
  t.deepEqual(await listensOf("node-01", /haproxy\.service/), [
    "node-01 tcp 0.0.0.0:80 haproxy.service (page): anyone",
    "node-01 tcp 172.31.64.11:8405 haproxy.service (statistics): operators node-02 node-03",
  ]);
});

test("load balancers that share an address hear each other", async (t) => {
  t.deepEqual(await listensOf("node-02", /keepalived/), [
    "node-02 vrrp 172.31.64.12 keepalived.service (VRRP): node-01",
  ]);
});

test("Nginx is for the load balancers alone", async (t) => {
  t.deepEqual(await listensOf("node-01", /nginx/), [
    "node-01 tcp 0.0.0.0:8080 nginx.service (Nginx): node-02",
    "node-01 tcp 0.0.0.0:4443 nginx.service (Nginx over TLS): node-02",
  ]);
});

test("an application is for Nginx beside it; what is asked over a socket listens on nothing", async (t) => {
  t.deepEqual(await listensOf("node-01", /\((application|shared folders)\)/), [
    "node-01 tcp 127.0.0.1:3100 press.service (application): -",
    "node-01 tcp 172.31.64.11:22100 press.shared.service (shared folders): node-02 node-03",
  ]);
  t.deepEqual(await listensOf("node-02", /\(application\)/), [
    "node-02 tcp 127.0.0.1:3100 press.service (application): -",
    "node-02 tcp 127.0.0.1:3001 shop.service (application): -",
  ]);
});

test("a member of the database is for the members and for the hosts of applications", async (t) => {
  t.deepEqual(await listensOf("node-01", /mysql/), [
    "node-01 tcp 127.0.0.1:3306 mysql.service (MySQL): -",
    "node-01 tcp 172.31.64.11:3306 mysql.service (MySQL): node-02 node-03",
    "node-01 tcp 172.31.64.11:9200 trilithon-mysql-role.service (MySQL's role): node-02 node-03",
  ]);
});

test("the way to the database is for its own host", async (t) => {
  t.deepEqual(await listensOf("node-01", /database-proxy/), [
    "node-01 tcp 127.0.0.1:6446 trilithon-database-proxy.service (database writes): -",
    "node-01 tcp 127.0.0.2:6446 trilithon-database-proxy.service (database reads): -",
  ]);
});

test("a private service is for the hosts of the applications that are told of it", async (t) => {
  t.deepEqual(await listensOf("node-01", /valkey|memcached/), [
    "node-01 tcp 127.0.0.1:6379 valkey-server.service (valkey): -",
    "node-01 tcp 172.31.64.11:6379 valkey-server.service (valkey): -",
    "node-01 tcp 127.0.0.1:7379 valkey-server.service (valkey over TLS): -",
    "node-01 tcp 172.31.64.11:7379 valkey-server.service (valkey over TLS): node-02",
    "node-01 tcp 127.0.0.1:11300 memcached.service (memcached): -",
    "node-01 tcp 172.31.64.11:11300 memcached.service (memcached): -",
    "node-01 tcp 172.31.64.11:12300 memcached.service (memcached over TLS): node-02 node-03",
  ]);
});

test("a container's sshd listens at the port that is published as well", async (t) => {
  t.deepEqual(await listensOf("node-02", /SSH/), [
    "node-02 tcp *:22 ssh.service (SSH): operators",
    "node-02 tcp *:2212 ssh.service (SSH): operators",
  ]);
  t.true((await program).told.areContainers);
});

test("a name server is for anyone, over UDP and TCP", async (t) => {
  t.deepEqual(await listensOf("node-01", /nsd/), [
    "node-01 udp 172.31.64.11:53 nsd.service (DNS): anyone",
    "node-01 tcp 172.31.64.11:53 nsd.service (DNS): anyone",
  ]);
});

for (const [file, section] of [
  ["docs/architecture.md", "What listens"],
  ["docs/security.md", "What is encrypted"],
] as const) {
  test(`${file} names all of it`, async (t) => {
    const { told } = await program;
    const text = readFileSync(file, "utf8");
    const [, table = ""] = new RegExp(`\n## ${section}\n([^]*?)\n## `).exec(text) ?? [];
    for (const { what } of told.listens) t.true(table.includes(what), what);
  });
}

test("nothing else listens", async (t) => {
  const { told } = await program;
  const counted = names.map((name) => told.listens.filter(({ host }) => host === name).length);
  t.deepEqual(counted, [23, 15, 11]);
});

test("each port that something listens on is refused to anything else on that host", async (t) => {
  const { told } = await program;
  t.true("settings" in parseSettings(config));
  const balancing = told.listens.filter(({ host }) => host !== "node-03");
  const ports = new Set(balancing.map(({ port }) => port));
  for (const port of ports) {
    if (port === undefined || port === told.ports.loadBalancer) continue;
    const loadBalancer = { ...config.loadBalancer, port };
    const result = parseSettings({ ...config, loadBalancer });
    const faults = "faults" in result ? result.faults.join("\n") : "";
    t.regex(faults, new RegExp(`a port that nothing else on node-0\\d uses, got ${port}:`));
  }
});

test("an existing machine's sshd listens where its own machine says, whatever port leads there", async (t) => {
  await program;
  const { ExistingHost } = await import("../../components/existing-host");
  const { listensInStack } = await import("../../components/listens");
  const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n";
  const keys = { hostKey: "ssh-ed25519 AAAA", privateKey };
  const { listens } = new ExistingHost("own", { address: "10.0.0.1", port: 2222, ...keys });
  const nobody = { applications: [], "load balancers": [] };
  const all = listensInStack(await resolved(listens), nobody);
  t.deepEqual(all.map(write), ["own tcp *:22 - (SSH): operators"]);
});
