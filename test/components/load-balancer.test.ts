import * as pulumi from "@pulumi/pulumi";
import test from "ava";
import { mockPulumi, resolved, settle } from "./mocks";

const program = run();

async function run() {
  const world = await mockPulumi({ preview: true });
  const { LoadBalancer } = await import("../../components/load-balancer");
  const { makeHost } = await import("./hosts-for-tests");
  const host = makeHost("lb", "10.0.0.1");
  const servers = [{ host: { name: "a", address: "10.0.0.2" }, port: 8080 }];
  const args = { hosts: [host], servers, domain: "www.example.com", healthPath: "/up" };
  const balancer = new LoadBalancer("lb", args);
  const messages = [
    { ...args, port: 0, statsPort: 70000, domain: "example" },
    { ...args, servers: [] },
    { ...args, rawLines: { backend: ["a\nb"] } },
    { ...args, virtualAddress: "10.0.0.2" },
  ].map((bad) => {
    try {
      new LoadBalancer("bad", bad);
      return "nothing";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  });
  const statsUrl = pulumi.output(balancer.statsUrls.lb);
  await settle();
  return { world, statsUrl: await resolved(statsUrl), messages };
}

test("works before servers that this program did not make, in a preview", async (t) => {
  const { world, statsUrl } = await program;
  const { inputs } = world.find("trilithon:index:Service", "lb-lb-service");
  t.like(inputs, {
    unit: "haproxy.service",
    onChange: "reload",
    check: ["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"],
    ready: { tcp: 80 },
  });
  t.deepEqual(Object.keys(Object(inputs.files)).sort(), [
    "/etc/haproxy/503.html",
    "/etc/haproxy/haproxy.cfg",
    "/etc/systemd/system/haproxy.service.d/trilithon.conf",
  ]);
  t.regex(JSON.stringify(inputs.files), /server a 10\.0\.0\.2:8080/);
  t.is(statsUrl, "http://10.0.0.1:8404/");
});

test("refuses arguments, all faults at once", async (t) => {
  const { messages } = await program;
  t.deepEqual(messages, [
    `LoadBalancer bad: port: expected an integer from 1 to 65535, got 0
LoadBalancer bad: statsPort: expected an integer from 1 to 65535, got 70000
LoadBalancer bad: domain: expected a domain name such as www.example.com, got "example"`,
    "LoadBalancer bad: servers: expected a list of servers, got an empty list",
    'LoadBalancer bad: rawLines.backend[0]: expected one line of text, got "a\\nb"',
    'LoadBalancer bad: virtualAddress: expected an address that no host has, got "10.0.0.2"',
  ]);
});
