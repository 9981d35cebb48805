import * as pulumi from "@pulumi/pulumi";
import test from "ava";
import { makePem } from "../support/pem";
import { mockPulumi, resolved, settle } from "./mocks";
import { plain } from "./run-stack";

const program = run();

async function run() {
  const world = await mockPulumi({ preview: true });
  const { LoadBalancer } = await import("../../components/load-balancer");
  const { makeHost } = await import("./hosts-for-tests");
  const host = makeHost("lb", "10.0.0.1");
  const servers = [{ host: { name: "a", address: "10.0.0.2" }, port: 8080 }];
  const args = { hosts: [host], servers, domain: "www.example.com", healthPath: "/up" };
  const balancer = new LoadBalancer("lb", args);
  const authority = pulumi.output("-----BEGIN CERTIFICATE-----\n");
  const speaking = [
    ...servers.map((server) => ({ ...server, tls: { port: pulumi.output(8444), authority } })),
    { host: { name: "b", address: "10.0.0.1" }, port: 8080, tls: { port: 8444, authority } },
    { host: { name: "c", address: "10.0.0.4" }, port: 8080 },
  ];
  new LoadBalancer("over-tls", { ...args, servers: speaking });
  new LoadBalancer("over-http", { ...args, servers: speaking, backendProtocol: "http" });
  const pair = await makePem({ names: ["www.example.com"], to: 20 });
  const other = await makePem({ names: ["example.com"] });
  const certificates = [pair, other].map(({ certificate, key }) => ({
    certificate: pulumi.output(certificate),
    key: pulumi.secret(key),
  }));
  const tls = { certificates, ca: other.certificate, port: 8443 };
  const redirects = { "example.com": "www.example.com" };
  const given = new LoadBalancer("tls", { ...args, redirects, https: tls });
  const second = makeHost("lb2", "10.0.0.3");
  const acme = {
    email: pulumi.output("admin@example.com"),
    directoryCa: pair.certificate,
  };
  new LoadBalancer("acme", { ...args, hosts: [host, second], https: { acme } });
  const environment = { DNSUPDATE_NAMESERVER: pulumi.output("10.0.0.9"), DNSUPDATE_TTL: 60 };
  const asked = { "dns-01": { provider: "rfc2136", environment } };
  const byDns = { email: "admin@example.com", challenge: asked };
  new LoadBalancer("dns", { ...args, hosts: [host, second], https: { acme: byDns } });
  const messages = [
    { ...args, port: 0, statsPort: 70000, domain: "example" },
    { ...args, servers: [] },
    { ...args, rawLines: { backend: ["a\nb"] } },
    { ...args, virtualAddress: "10.0.0.2" },
    { ...args, https: { ownCa: true as const, port: 8404 } },
    { ...args, https: { ownCa: true as const, port: 443, hsts: { days: 0 } } },
    { ...args, https: { certificate: pair.certificate, key: other.key } },
    { ...args, redirects: { "www.example.com": "example.com" } },
    { ...args, aliases: ["example.org", "www.example.com"] },
    { ...args, redirects, https: { certificate: pair.certificate, key: pair.key } },
    {
      ...args,
      https: {
        acme: { ...byDns, challenge: { "dns-01": { provider: "inwx", environment: {} } } },
      },
    },
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
  return {
    ...{ world, messages, statsUrl: await resolved(statsUrl) },
    ...{ pair, other, ca: await resolved(given.ca), httpsPort: await resolved(given.httpsPort) },
  };
}

test("works before servers that this program did not make, in a preview", async (t) => {
  const { world, statsUrl } = await program;
  const { inputs } = world.find("trilithon:index:Service", "lb-lb-service");
  t.like(inputs, {
    unit: "haproxy.service",
    onChange: "reload",
    check: [
      ...["sh", "-c"],
      "/etc/haproxy/trilithon-edge prepare && haproxy -c -f /etc/haproxy/haproxy.cfg",
    ],
    noticeCommand: ["/etc/haproxy/trilithon-edge", "notice"],
    ready: { tcp: 80 },
  });
  t.deepEqual(Object.keys(Object(inputs.files)).sort(), [
    "/etc/haproxy/503.html",
    "/etc/haproxy/haproxy.cfg",
    "/etc/haproxy/maintenance.html",
    "/etc/haproxy/trilithon-edge",
    "/etc/haproxy/trilithon-server-state",
    "/etc/systemd/system/haproxy.service.d/trilithon.conf",
  ]);
  t.regex(JSON.stringify(inputs.files), /server a 10\.0\.0\.2:8080/);
  t.is(statsUrl, "http://10.0.0.1:8404/");
});

test("servers are asked over TLS where they speak it, unless they are on its host or it is not to", async (t) => {
  const { world } = await program;
  const look = (name: string) => {
    const { inputs } = world.find("trilithon:index:Service", `${name}-lb-service`);
    const files = Object(plain(inputs.files));
    const text = String(plain(files["/etc/haproxy/haproxy.cfg"].content));
    const [, backend = ""] = /\nbackend web_servers\n([\s\S]*?)\nbackend /.exec(text) ?? [];
    return {
      servers: backend.split("\n").flatMap((line) => /^ {4}server (\S+ \S+)/.exec(line)?.[1] ?? []),
      authorities: files["/etc/haproxy/web-authorities.pem"]?.content,
    };
  };
  t.deepEqual(look("over-tls"), {
    servers: ["a 10.0.0.2:8444", "b 10.0.0.1:8080", "c 10.0.0.4:8080"],
    // Each once.
    authorities: "-----BEGIN CERTIFICATE-----\n",
  });
  t.deepEqual(look("over-http"), {
    servers: ["a 10.0.0.2:8080", "b 10.0.0.1:8080", "c 10.0.0.4:8080"],
    authorities: undefined,
  });
});

test("given certificates are files of HAProxy's, each with its key beside it", async (t) => {
  const { world, pair, other, ca, httpsPort } = await program;
  const { inputs } = world.find("trilithon:index:Service", "tls-lb-service");
  // The mocks lift the mark of a secret up to here.
  t.not(plain(inputs.files), inputs.files);
  const files = Object(plain(inputs.files));
  t.is(
    plain(files["/etc/haproxy/certificates.list"].content),
    "/etc/haproxy/certificates/1.pem\n/etc/haproxy/certificates/2.pem\n",
  );
  for (const [number, one] of [pair, other].entries()) {
    const path = `/etc/haproxy/certificates/${number + 1}.pem`;
    t.is(files[path].content, one.certificate);
    const { content, mode } = files[`${path}.key`];
    t.is(content, one.key);
    t.is(mode, "0600");
  }
  t.is(ca, other.certificate);
  t.is(httpsPort, 8443);
  t.regex(String(plain(files["/etc/haproxy/haproxy.cfg"].content)), /\n {4}bind :8443 ssl /);
});

test("each load balancer gets its own certificate, by one account, once all of them answer", async (t) => {
  const { world, pair } = await program;
  const { inputs } = world.find("trilithon:index:Service", "acme-lb-service");
  const files = Object(plain(inputs.files));
  t.is(
    plain(files["/etc/haproxy/certificates.list"].content),
    "/var/lib/trilithon/acme/certificate.pem\n",
  );
  t.deepEqual(inputs.check, [
    ...["sh", "-c"],
    "/etc/haproxy/trilithon-edge prepare && /etc/haproxy/trilithon-acme placeholder && haproxy -c -f /etc/haproxy/haproxy.cfg",
  ]);
  t.regex(
    String(plain(files["/etc/haproxy/haproxy.cfg"].content)),
    /\[path,field\(4,\/\)\]\.thumbprint-of-acme-acme-account"/,
  );
  t.deepEqual(
    world.resources
      .filter(({ type }) => type === "trilithon:index:AcmeAccountKey")
      .map(({ name }) => name),
    ["acme-acme-account", "dns-acme-account"],
  );
  const last = world.find("trilithon:index:Service", "acme-lb2-service");
  for (const name of ["lb", "lb2"]) {
    const timer = world.find("trilithon:index:Service", `acme-${name}-acme-service`);
    t.is(timer.inputs.unit, "trilithon-acme.timer");
    const own = Object(plain(timer.inputs.files));
    t.like(own["/etc/haproxy/acme-account.key"], {
      ...{ content: "private-key-of-acme-acme-account", mode: "0600" },
    });
    t.is(own["/etc/haproxy/acme-directory-ca.pem"].content, pair.certificate);
    t.regex(String(own["/etc/haproxy/acme.conf"].content), /^names='www\.example\.com'$/m);
    t.true(timer.startedAt > last.endedAt);
  }
});

test("with the DNS, what lego is told is a secret that only root reads, and each has its turn", async (t) => {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:Service", "dns-lb-service");
  t.notRegex(JSON.stringify(inputs.files), /thumbprint/);
  for (const [name, start] of [
    ["lb", "2s"],
    ["lb2", "602s"],
  ] as const) {
    const timer = world.find("trilithon:index:Service", `dns-${name}-acme-service`);
    // The mocks lift the mark of a secret up to here.
    t.not(plain(timer.inputs.files), timer.inputs.files);
    const files = Object(plain(timer.inputs.files));
    t.like(files["/etc/haproxy/acme-environment"], {
      content: '# Written by trilithon.\nDNSUPDATE_NAMESERVER="10.0.0.9"\nDNSUPDATE_TTL="60"\n',
      mode: "0600",
    });
    t.regex(files["/etc/haproxy/acme.conf"].content, /^provider='rfc2136'$/m);
    t.regex(files["/etc/systemd/system/trilithon-acme.timer"].content, RegExp(`=${start}\n`));
  }
  const other = world.find("trilithon:index:Service", "acme-lb2-acme-service");
  const files = Object(plain(other.inputs.files));
  t.false("/etc/haproxy/acme-environment" in files);
  t.regex(files["/etc/systemd/system/trilithon-acme.timer"].content, /=2s\n/);
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
    "LoadBalancer bad: https.port: expected a port other than port and statsPort, got 8404",
    "LoadBalancer bad: https.hsts.days: expected an integer from 1 to 1095, got 0",
    "LoadBalancer bad: https.key: expected the private key of the certificate, got another one",
    `LoadBalancer bad: redirects.www.example.com: expected a name that is not served itself, got "www.example.com"`,
    `LoadBalancer bad: aliases[1]: expected a name that is not served already, got "www.example.com"`,
    "LoadBalancer bad: https.certificate: expected a certificate for example.com, got one for www.example.com",
    `LoadBalancer bad: https.acme.challenge.dns-01.environment.INWX_PASSWORD: expected what lego needs for inwx, got nothing
LoadBalancer bad: https.acme.challenge.dns-01.environment.INWX_USERNAME: expected what lego needs for inwx, got nothing`,
  ]);
});
