/** The program with a host that is away: what stands on it stays declared, and nobody else counts on it. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import type { Endpoints } from "../../components/endpoints";
import { mockPulumi, resolved, settle } from "./mocks";

const config = {
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"], away: true },
    { name: "lb-02", address: "172.31.64.12", roles: ["load-balancer"] },
    { name: "web-01", address: "172.31.64.21", roles: ["web", "database-primary"], away: true },
    { name: "web-02", address: "172.31.64.22", roles: ["web", "database-replica"] },
  ],
  containers: { subnet: "172.31.64.0/24", publish: 8081, cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
  application: { source: "./test/components/render" },
  database: { durability: "wait-for-replica", discardDataOn: ["web-01"] },
};

const program = run();

async function run() {
  process.env.PULUMI_HOME = mkdtempSync(join(tmpdir(), "pulumi-home-"));
  const world = await mockPulumi({ config });
  const { endpoints } = await import("../../index");
  await settle();
  const told: Endpoints = await resolved(endpoints);
  return { world, told };
}

test("what stands on hosts that are away stays declared", async (t) => {
  const { world } = await program;
  const names = world.resources.map(({ name }) => name);
  for (const name of [
    ...["load-balancer-lb-01-service", "web-01-nginx-service", "application-web-01"],
    ...["database-web-01-service", "database-web-01-opening", "web-01-host-key"],
  ]) {
    t.true(names.includes(name), name);
  }
});

test("a container that is away is neither started nor required to run", async (t) => {
  const { world } = await program;
  const container = "docker:index/container:Container";
  t.like(world.find(container, "web-01").inputs, { mustRun: false, start: false });
  t.false("start" in world.find(container, "web-02").inputs);
});

test("under the official plugin, which forgets the ports of a stopped one, none is required to run", async (t) => {
  const { world } = await program;
  t.like(world.find("docker:index/container:Container", "web-02").inputs, { mustRun: false });
});

test("HAProxy and Nginx know those that are there", async (t) => {
  const { world } = await program;
  const service = "trilithon:index:Service";
  const haproxy = JSON.stringify(world.find(service, "load-balancer-lb-02-service").inputs);
  t.true(haproxy.includes("server web-02 172.31.64.22:4443 ssl"));
  t.false(haproxy.includes("server web-01"));
  const nginx = JSON.stringify(world.find(service, "web-02-nginx-service").inputs);
  t.true(nginx.includes("set_real_ip_from 172.31.64.12"));
  t.false(nginx.includes("172.31.64.11"));
});

test("the replica of a primary that is away becomes the primary, and waits for nobody", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:MysqlReplication", "database-replication");
  t.like(inputs, {
    primary: "web-02",
    durability: { carryOnAfterSeconds: 1 },
    discardDataOn: [],
  });
  t.deepEqual(Object.keys(inputs.members as object), ["web-02"]);
  const proxy = world.find("trilithon:index:Service", "database-proxy-web-02-service").inputs;
  t.regex(JSON.stringify(proxy), /172\.31\.64\.22:3306/);
  t.notRegex(JSON.stringify(proxy), /172\.31\.64\.21:3306/);
});

test("a primary all of whose replicas are away opens by itself after a start", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:Service", "database-web-02-opening");
  t.regex(JSON.stringify(inputs), /\\nreplicas=0\\n/);
});

test("the outputs tell who is away, and who is the primary now", async (t) => {
  const { told } = await program;
  t.is(told.url, "http://127.0.0.1:8082");
  t.deepEqual(Object.keys(told.loadBalancers), ["lb-02"]);
  t.like(told.hosts["web-01"], { away: true, roles: ["web", "database-replica"] });
  t.like(told.hosts["web-02"], { roles: ["web", "database-primary"] });
  t.false("away" in (told.hosts["web-02"] ?? {}));
  t.like(told.database, { primary: "web-02", replicas: [] });
});
