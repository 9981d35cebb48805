/** Arguments that become known only while the program runs: machines of a cloud provider in the same program. */
import * as pulumi from "@pulumi/pulumi";
import test from "ava";
import { mockPulumi, resolved, settle } from "./mocks";

const program = run();

async function run() {
  const world = await mockPulumi();
  const { Application } = await import("../../components/application");
  const { MysqlPair } = await import("../../components/database");
  const { ExistingHost } = await import("../../components/existing-host");
  const { LoadBalancer } = await import("../../components/load-balancer");
  const { WebServer } = await import("../../components/web-server");
  const later = <T>(value: T) => pulumi.output(Promise.resolve(value));
  const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n";
  const hostKey = later("ssh-ed25519 AAAA");
  const machine = (name: string, address: string) =>
    new ExistingHost(name, {
      ...{ address: later(address), port: later(2222), user: later("jane.doe") },
      ...{ hostKey, privateKey: later(privateKey) },
    });
  const [front, web] = [machine("front", "10.0.0.1"), machine("web", "10.0.0.2")];
  const database = new MysqlPair("database", {
    ...{ primary: web, replicas: [], name: "shop" },
    ...{ maxConnections: later(300), rawLines: later(["max_allowed_packet = 64M"]) },
  });
  const application = new Application("shop", {
    ...{ hosts: [web], name: "shop", source: "./test/components/render", database },
    ...{ start: later(["node", "server.js"]), packages: later({ nodejs: "present" }) },
    ...{ port: later(4000), healthPath: later("/up"), stopSeconds: later(90) },
    release: { command: later(["bin/migrate"]), deadlineSeconds: later(77) },
    processes: {
      mail: {
        ...{ command: ["bin/mail", later("--all")], memoryMegabytes: later(65) },
        ready: { staySeconds: later(9) },
      },
    },
    jobs: { report: { command: later(["bin/report"]), schedule: later("*:0/7") } },
  });
  const domain = later("www.example.com");
  const server = new WebServer("web", {
    ...{ host: web, application, domain, loadBalancers: [front.address] },
    ...{ port: later(8080), uploadLimitMegabytes: later(50) },
  });
  const balancer = new LoadBalancer("front", {
    ...{ hosts: [front], servers: [server], domain, healthPath: application.healthPath },
    ...{ statsPort: later(9000), rawLines: later({ backend: ["fullconn 300"] }) },
  });
  const refused = async (make: () => unknown): Promise<string> => {
    try {
      await make();
      return "taken";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  const names = await refused(
    () => new Application("bad", { ...Object({ name: later("x") }), hosts: [web], source: "." }),
  );
  const statsUrl = await resolved(pulumi.output(balancer.statsUrls.front));
  await settle();
  return { world, statsUrl, names };
}

test("a host's address, port, user and keys may be outputs", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:Machine", "web");
  const host = JSON.stringify(inputs.host);
  for (const word of ["10.0.0.2", "2222", "jane.doe", "ssh-ed25519 AAAA"]) {
    t.true(host.includes(word), word);
  }
});

test("what is rendered has what became known", async (t) => {
  const { world, statsUrl } = await program;
  const filesOf = (type: string, name: string) => {
    const { inputs } = world.find(`trilithon:index:${type}`, name);
    return JSON.stringify([inputs.files, inputs.ready]);
  };
  const nginx = filesOf("Service", "web-nginx-service");
  for (const line of ["listen 8080 ", "server 127.0.0.1:4000", "set_real_ip_from 10.0.0.1;"]) {
    t.true(nginx.includes(line), line);
  }
  t.true(nginx.includes("client_max_body_size 50m"));
  const haproxy = filesOf("Service", "front-front-service");
  for (const line of [
    "server web 10.0.0.2:8080",
    "bind 10.0.0.1:9000",
    "uri /up",
    "fullconn 300",
  ]) {
    t.true(haproxy.includes(line), line);
  }
  const mysql = filesOf("Service", "database-web-service");
  for (const line of ["report_host = 10.0.0.2", "max_connections = 300", "max_allowed_packet"]) {
    t.true(mysql.includes(line), line);
  }
  const shop = filesOf("Release", "shop-web");
  for (const line of [
    ...["TimeoutStopSec=90", "http://127.0.0.1:4000/up", "OnCalendar=*:0/7 UTC", "bin/report"],
    ...["current/bin/mail --all", "MemoryMax=65M"],
  ]) {
    t.true(shop.includes(line), line);
  }
  const { moreUnits, releaseCommand } = world.find("trilithon:index:Release", "shop-web").inputs;
  t.like(moreUnits, { "shop-mail.service": { ready: { staySeconds: 9 } } });
  t.like(releaseCommand, { command: ["bin/migrate"], deadlineSeconds: 77 });
  t.is(statsUrl, "http://10.0.0.1:9000/");
});

test("what names resources is no output", async (t) => {
  const { names } = await program;
  t.regex(names, /Application bad: name: expected a name of at most 31 .*, got an output/);
});
