import test from "ava";
import type { Endpoints } from "../../components/endpoints";
import { mockPulumi, resolved, settle } from "./mocks";

/** Two load balancers, and no database at all. */
const config = {
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
    { name: "lb-02", address: "172.31.64.12", roles: ["load-balancer"] },
    { name: "web-01", address: "172.31.64.21", roles: ["web"] },
  ],
  containers: { subnet: "172.31.64.0/24", cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
  application: { source: "./test/components/render" },
};

const program = run();

async function run() {
  const world = await mockPulumi({ config });
  const { endpoints } = await import("../../index");
  await settle();
  const told: Endpoints = await resolved(endpoints);
  return { world, told };
}

test("each load balancer has its own service, one after the other, and its own address", async (t) => {
  const { world, told } = await program;
  const service = "trilithon:index:Service";
  const first = world.find(service, "load-balancer-lb-01-service");
  const second = world.find(service, "load-balancer-lb-02-service");
  t.true(second.startedAt > first.endedAt);
  t.regex(JSON.stringify(second.inputs.files), /bind 172\.31\.64\.12:8404/);
  t.deepEqual(told.loadBalancers, {
    "lb-01": { url: "http://127.0.0.1:8080", statsUrl: "http://172.31.64.11:8404/" },
    "lb-02": { url: "http://127.0.0.1:8081", statsUrl: "http://172.31.64.12:8404/" },
  });
  t.like(world.find("docker:index/container:Container", "lb-02").inputs, {
    ports: [
      { internal: 2212, external: 2212 },
      { internal: 80, external: 8081 },
    ],
  });
});

test("each load balancer is believed by the web servers", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:Service", "web-01-nginx-service");
  const text = JSON.stringify(inputs.files);
  t.regex(text, /set_real_ip_from 172\.31\.64\.11;/);
  t.regex(text, /set_real_ip_from 172\.31\.64\.12;/);
});

test("without a database nothing of MySQL is there, and the application is told of none", async (t) => {
  const { world, told } = await program;
  t.is(told.database, undefined);
  t.is(told.ports.database, undefined);
  t.false(world.resources.some(({ name }) => name.startsWith("database")));
  const { inputs } = world.find("trilithon:index:Release", "application-web-01");
  t.notRegex(JSON.stringify(inputs.files), /DATABASE_/);
});
