import test from "ava";
import { runStack } from "./run-stack";

const service = "trilithon:index:Service";
const release = "trilithon:index:Release";
const machine = "trilithon:index:Machine";
const container = "docker:index/container:Container";

const config = {
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
    { name: "web-01", address: "172.31.64.21", roles: ["web", "database-primary"] },
    { name: "web-02", address: "172.31.64.22", roles: ["web", "database-replica"] },
  ],
  containers: { subnet: "172.31.64.0/24", publish: 8081, cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
  application: { source: "./test/components/render" },
};

const program = runStack(config);

test("under the stand-in, which starts it, a container must run", async (t) => {
  const { world } = await program;
  t.false("mustRun" in world.find(container, "web-01").inputs);
});

test("tells where everything is", async (t) => {
  const { told, keys } = await program;
  const { listens, ...rest } = told;
  t.is(listens.filter(({ host }) => host === "web-02").length, 10);
  t.deepEqual(rest, {
    stack: "test",
    url: "http://127.0.0.1:8081",
    domain: "www.foobar.com",
    scheme: "http",
    areContainers: true,
    firewallCommand: "/etc/trilithon-firewall/firewall",
    edgeCommand: "/etc/haproxy/trilithon-edge",
    virtualAddress: undefined,
    dns: [{ name: "www.foobar.com", type: "A", ttl: 60, values: ["172.31.64.11"] }],
    leaveAddressFile: "/run/trilithon/leave-address",
    loadBalancers: {
      "lb-01": { url: "http://127.0.0.1:8081", statsUrl: "http://172.31.64.11:8404/" },
    },
    hosts: {
      "lb-01": hostEndpoint("lb-01", "172.31.64.11", 2211, ["load-balancer"]),
      "web-01": hostEndpoint("web-01", "172.31.64.21", 2221, ["web", "database-primary"]),
      "web-02": hostEndpoint("web-02", "172.31.64.22", 2222, ["web", "database-replica"]),
    },
    ports: { loadBalancer: 80, web: 80, database: 3306, databaseRole: 9200, databaseProxy: 6446 },
    application: {
      port: 3000,
      healthPath: "/healthz",
      staticPath: undefined,
      unit: "guestbook.service",
      drainFile: "/run/guestbook.drain",
      statusPath: "/.trilithon/status",
      console: undefined,
      isGuestBook: false,
    },
    database: {
      ...{ primary: "web-01", replicas: ["web-02"], name: "guestbook", topology: "pair" },
    },
  });
  t.is(keys["web-01"], "private-key-of-hosts-key");
});

const hosts = ["lb-01", "web-01", "web-02"];

test("registers a service for each box of the picture", async (t) => {
  const { world } = await program;
  const names = world.resources.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);
  t.deepEqual(names.filter((name) => /^(Packages|Service|Release|Mysql\w+) /.test(name)).sort(), [
    "MysqlContent database-content",
    "MysqlPasswordRetirement database-password-retirement",
    "MysqlReplication database-replication",
    "Packages application-web-01-packages",
    "Packages application-web-02-packages",
    "Packages database-proxy-web-01-packages",
    "Packages database-proxy-web-02-packages",
    "Packages database-web-01-packages",
    "Packages database-web-02-packages",
    ...hosts.map((host) => `Packages firewall-${host}-packages`),
    "Packages load-balancer-lb-01-packages",
    "Packages web-01-nginx-packages",
    "Packages web-02-nginx-packages",
    "Release application-web-01",
    "Release application-web-01-assets",
    "Release application-web-02",
    "Release application-web-02-assets",
    "Service application-web-01-database",
    "Service application-web-02-database",
    "Service database-proxy-web-01-service",
    "Service database-proxy-web-02-service",
    "Service database-web-01-opening",
    "Service database-web-01-role",
    "Service database-web-01-service",
    "Service database-web-02-opening",
    "Service database-web-02-role",
    "Service database-web-02-service",
    ...hosts.flatMap((host) => [`Service firewall-${host}`, `Service firewall-${host}-open`]),
    "Service load-balancer-lb-01-service",
    "Service web-01-nginx-service",
    "Service web-02-nginx-service",
  ]);
});

const packagesType = "trilithon:index:Packages";

test("waits for what must be there before", async (t) => {
  const { world } = await program;
  const waits = (after: readonly [string, string], before: readonly [string, string]) => {
    const message = `${after[1]} waits for ${before[1]}`;
    t.true(world.find(...after).startedAt > world.find(...before).endedAt, message);
  };
  const packages = world.resources.filter(({ name }) => name.endsWith("-packages"));
  for (const { type, name } of packages) {
    for (const host of hosts) waits([type, name], [machine, host]);
  }
  // One apt transaction on each host: no set of packages waits for another, or for another host.
  const lastStart = Math.max(...packages.map(({ startedAt }) => startedAt));
  t.true(packages.every(({ endedAt }) => endedAt > lastStart));
  waits([service, "database-web-02-service"], [packagesType, "database-web-02-packages"]);
  waits([machine, "web-01"], [container, "web-01"]);
  waits([service, "database-web-01-service"], [service, "database-web-02-service"]);
  waits(
    ["trilithon:index:MysqlContent", "database-content"],
    ["trilithon:index:MysqlReplication", "database-replication"],
  );
  waits([service, "database-web-01-role"], ["trilithon:index:MysqlContent", "database-content"]);
  waits([service, "database-proxy-web-01-service"], [service, "database-web-02-role"]);
  waits([release, "application-web-01"], [service, "database-proxy-web-02-service"]);
  waits(
    ["trilithon:index:MysqlPasswordRetirement", "database-password-retirement"],
    [release, "application-web-02"],
  );
  // Until then requests come to a host that an application has left, and whose account ends.
  waits(
    ["trilithon:index:MysqlPasswordRetirement", "database-password-retirement"],
    [service, "load-balancer-lb-01-service"],
  );
  waits([release, "application-web-02"], [release, "application-web-01"]);
  waits([service, "web-02-nginx-service"], [release, "application-web-02"]);
  waits([service, "load-balancer-lb-01-service"], [service, "web-01-nginx-service"]);
  waits([service, "load-balancer-lb-01-service"], [service, "web-02-nginx-service"]);
  // What is new is let in, on every host, before it is there; what is gone is let in until it is gone.
  const ofFirewall = (name: string) => name.startsWith("firewall-");
  const others = world.resources.filter(({ type, name }) => type === service && !ofFirewall(name));
  for (const { name } of others) {
    for (const host of hosts) {
      waits([service, name], [service, `firewall-${host}-open`]);
      waits([service, `firewall-${host}`], [service, name]);
    }
  }
});

test("makes hosts of containers", async (t) => {
  const { world } = await program;
  const { inputs } = world.find(container, "web-01");
  t.like(inputs, {
    name: "trilithon-test-web-01",
    hostname: "web-01",
    image: "trilithon-host:latest",
    memory: 2048,
    networksAdvanced: [{ name: "trilithon-test", ipv4Address: "172.31.64.21" }],
    ports: [{ internal: 2221, external: 2221, ip: "127.0.0.1" }],
    volumes: [{ hostPath: "/sys/fs/cgroup", containerPath: "/sys/fs/cgroup" }],
    labels: [
      { label: "trilithon.host", value: "web-01" },
      { label: "trilithon.stack", value: "test" },
    ],
  });
  t.like(world.find(container, "lb-01").inputs, {
    ports: [
      { internal: 2211, external: 2211, ip: "127.0.0.1" },
      { internal: 80, external: 8081, ip: "127.0.0.1" },
    ],
  });
  t.like(world.find(machine, "web-01").inputs, {
    host: {
      name: "web-01",
      address: "127.0.0.1",
      port: 2221,
      user: "root",
      hostKey: "ssh-ed25519 web-01-host-key",
      instance: "web-01-id",
    },
  });
});

test("releases the application, drained, to each web server", async (t) => {
  const { world } = await program;
  t.like(world.find(release, "application-web-01").inputs, {
    unit: "guestbook.service",
    root: "/srv/guestbook",
    source: "./test/components/render",
    ready: { http: "http://127.0.0.1:3000/healthz", deadlineSeconds: 60 },
    drain: { file: "/run/guestbook.drain", seconds: 3 },
  });
});

test("makes one cluster of the members", async (t) => {
  const { world } = await program;
  t.like(world.find("trilithon:index:MysqlReplication", "database-replication").inputs, {
    cluster: "trilithon_test_database",
    primary: "web-01",
    durability: "wait-for-replica",
  });
  t.like(world.find("trilithon:index:MysqlContent", "database-content").inputs, {
    primary: "web-01",
    databases: ["guestbook"],
  });
});

function hostEndpoint(name: string, address: string, sshPort: number, roles: readonly string[]) {
  const hostKey = `ssh-ed25519 ${name}-host-key`;
  return { address, sshAddress: "127.0.0.1", sshPort, user: "root", hostKey, roles };
}
