import test from "ava";
import type { Endpoints } from "../../components/endpoints";
import { mockPulumi, resolved, settle } from "./mocks";

/** Two load balancers that share an address; the second one is a web server as well. */
const config = {
  domain: "www.foobar.com",
  hosts: [
    { name: "node-01", address: "172.31.64.11", roles: ["load-balancer"] },
    { name: "node-02", address: "172.31.64.12", roles: ["load-balancer", "web"] },
    { name: "node-03", address: "172.31.64.13", roles: ["web"] },
  ],
  containers: { subnet: "172.31.64.0/24", cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
  application: { source: "./test/components/render" },
  web: { port: 8080 },
  loadBalancer: { virtualAddress: "172.31.64.10", onMove: ["/usr/local/bin/move", "it's me"] },
};

const program = run();

async function run() {
  const world = await mockPulumi({ config });
  const { endpoints } = await import("../../index");
  await settle();
  const told: Endpoints = await resolved(endpoints);
  return { world, told };
}

const text = ({ files }: Readonly<Record<string, unknown>>) => JSON.stringify(files);
const service = "trilithon:index:Service";
const haproxy = (host: string) => [service, `load-balancer-${host}-service`] as const;
const keepalived = (host: string) => [service, `load-balancer-${host}-keepalived-service`] as const;

test("the page is at the shared address", async (t) => {
  const { told } = await program;
  t.is(told.url, "http://172.31.64.10");
  t.is(told.virtualAddress, "172.31.64.10");
  t.true(told.onMove);
  t.is(told.loadBalancers["node-02"]?.url, "http://127.0.0.1:8081");
});

test("keepalived knows its peers, what it should reach, and comes after HAProxy and after its peer", async (t) => {
  const { world } = await program;
  const second = world.find(...keepalived("node-02"));
  const files = JSON.stringify(second.inputs.files);
  for (const line of [
    "router_id node-02",
    "virtual_router_id 10\\n    priority 239",
    "unicast_src_ip 172.31.64.12\\n    unicast_peer {\\n        172.31.64.11\\n    }",
    "others 172.31.64.13:4443 172.31.64.11:80",
    "172.31.64.10/32 dev $INTERFACE",
    "'/usr/local/bin/move' 'it'\\\\''s me'",
    "pack_sockaddr_in(80, INADDR_LOOPBACK)",
  ]) {
    t.true(files.includes(line), line);
  }
  const first = world.find(...keepalived("node-01"));
  t.true(second.startedAt > first.endedAt);
  for (const host of ["node-01", "node-02"]) {
    t.true(first.startedAt > world.find(...haproxy(host)).endedAt, host);
  }
});

test("HAProxy tells its health, and gives the address up before it restarts", async (t) => {
  const { world } = await program;
  const { inputs } = world.find(...haproxy("node-01"));
  t.regex(JSON.stringify(inputs.files), /monitor-uri \/\.trilithon\/load-balancer/);
  // By the same word keepalived's script knows the balancers of its own stack.
  const [, mark = ""] = /string (\w+) if \{ path \/\.trilithon\/mark \}/.exec(text(inputs)) ?? [];
  t.regex(mark, /^[0-9a-f]{16}$/);
  t.true(text(world.find(...keepalived("node-01")).inputs).includes(`^${mark}$`));
  t.deepEqual(inputs.ready, { http: "http://127.0.0.1:80/.trilithon/load-balancer" });
  t.like(inputs.drain, {
    file: "/run/trilithon/leave-address",
    allowed: [{ http: "http://172.31.64.12:80/.trilithon/load-balancer" }],
    takenCommand: ["/etc/keepalived/trilithon-address", "taken"],
    finished: { http: "http://172.31.64.11:8404/;csv" },
  });
});

test("a host is drained when any load balancer knows another server", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:Release", "application-node-02");
  t.like(inputs.drain, {
    allowed: [{ http: "http://172.31.64.11:8404/;csv" }, { http: "http://172.31.64.12:8404/;csv" }],
  });
});
