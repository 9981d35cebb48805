import { inspect } from "node:util";
import test from "ava";
import { mockPulumi, settle } from "./mocks";

const program = run();

/** As a program in JavaScript, or one that spreads a settings object, may call them. */
async function run() {
  await mockPulumi({ preview: true });
  const { Application } = await import("../../components/application");
  const { MysqlPair } = await import("../../components/database");
  const { MysqlGroup } = await import("../../components/mysql-group");
  const { ExistingHost } = await import("../../components/existing-host");
  const { LoadBalancer } = await import("../../components/load-balancer");
  const { PrivateService } = await import("../../components/private-service");
  const { WebServer } = await import("../../components/web-server");
  const { makeHost } = await import("./hosts-for-tests");
  const pulumi = await import("@pulumi/pulumi");
  const [a, b] = [makeHost("a", "10.0.0.1"), makeHost("b", "10.0.0.2")];
  const domain = "www.example.com";
  const server = { host: { name: "a", address: "10.0.0.1" }, port: 8080 };
  const application = {
    port: 3000,
    healthPath: "/up",
    publicFolder: "/srv/shop/public",
    drainFile: "/run/shop.drain",
  };
  const good = {
    application: { hosts: [a, b], name: "shop", source: "./app", start: ["node", "server.js"] },
    database: { primary: a, replicas: [b], name: "shop" },
    host: { address: "10.0.0.1", hostKey: pulumi.output("known later"), privateKey: "" },
    loadBalancer: { hosts: [a], servers: [server], domain, healthPath: "/up" },
    web: { host: a, application, domain, loadBalancers: ["10.0.0.3"] },
  };
  const tell = (make: () => unknown): readonly string[] => {
    try {
      make();
      return [];
    } catch (error) {
      return error instanceof Error ? error.message.split("\n") : [String(error)];
    }
  };
  const told = {
    application: (change: object) =>
      tell(() => new Application("one", { ...good.application, ...change })),
    database: (change: object) => tell(() => new MysqlPair("one", { ...good.database, ...change })),
    group: (change: object) =>
      tell(
        () =>
          new MysqlGroup("one", {
            ...{
              members: ["a", "b", "c"].map((name, index) => makeHost(name, `10.0.1.${index + 1}`)),
            },
            ...{ name: "shop", ...change },
          }),
      ),
    host: (change: object) => tell(() => new ExistingHost("one", { ...good.host, ...change })),
    loadBalancer: (change: object) =>
      tell(() => new LoadBalancer("one", { ...good.loadBalancer, ...change })),
    service: (change: object) =>
      tell(() => new PrivateService("one", { name: "one", kind: "valkey", hosts: [a], ...change })),
    web: (change: object) => tell(() => new WebServer("one", { ...good.web, ...change })),
  };
  return { told, good, a, server, later: pulumi.output("later"), settle };
}

test("a load balancer tells all that is wrong in one error", async (t) => {
  const { told, server, later } = await program;
  t.deepEqual(
    told.loadBalancer({
      servers: [{ host: { name: "a b", address: "example" }, port: 0 }, { host: server.host }],
      domain: later,
      hosts: undefined,
      statsport: 8404,
      responseTimeoutSeconds: 0,
    }),
    [
      "responseTimeoutSeconds: expected an integer from 1 to 3600, got 0",
      "hosts: expected a list of hosts, got nothing",
      'servers[0].host.name: expected a name of letters, digits and . _ : -, got "a b"',
      'servers[0].host.address: expected an IPv4 address such as 10.0.0.11, got "example"',
      "servers[0].port: expected an integer from 1 to 65535, got 0",
      "servers[1].port: expected an integer from 1 to 65535, got nothing",
      'statsport: unknown, did you mean "statsPort"?',
    ].map((line) => `LoadBalancer one: ${line}`),
  );
});

test("a load balancer tells what is wrong with how servers speak TLS", async (t) => {
  const { told, server, later } = await program;
  const having = (tls: unknown) => told.loadBalancer({ servers: [{ ...server, tls }] });
  const pem = "-----BEGIN CERTIFICATE-----\n";
  t.deepEqual(having({ port: 8443, authority: later }), []);
  t.deepEqual(having({ port: 0, authority: "x" }), [
    "LoadBalancer one: servers[0].tls.port: expected an integer from 1 to 65535, got 0",
    'LoadBalancer one: servers[0].tls.authority: expected certificates (PEM), got "x"',
  ]);
  t.deepEqual(having({ port: 8443 }), [
    "LoadBalancer one: servers[0].tls.authority: expected certificates (PEM), got nothing",
  ]);
  t.deepEqual(having({ authority: pem }), [
    "LoadBalancer one: servers[0].tls.port: expected an integer from 1 to 65535, got nothing",
  ]);
  t.deepEqual(having("yes"), [
    'LoadBalancer one: servers[0].tls: expected an object with port and authority, got "yes"',
  ]);
  t.deepEqual(told.loadBalancer({ backendProtocol: "tls" }), [
    'LoadBalancer one: backendProtocol: expected one of https, http, got "tls"',
  ]);
});

test("a load balancer tells what does not agree", async (t) => {
  const { told, server } = await program;
  t.deepEqual(told.loadBalancer({ servers: [server, { ...server, port: 81 }], port: 8404 }), [
    'LoadBalancer one: servers[1].host.name: expected a name that no other server has, got "a"',
    "LoadBalancer one: statsPort: expected a port other than port, got 8404",
  ]);
});

test("a web server needs an application on its host, and a port of its own", async (t) => {
  const { told, good, a } = await program;
  const { application } = good.web;
  t.deepEqual(told.web({ application: { ...application, healthPath: "up" }, loadBalancers: [1] }), [
    'WebServer one: application.healthPath: expected a path such as /healthz, got "up"',
    "WebServer one: loadBalancers[0]: expected an IPv4 address such as 10.0.0.11, got 1",
  ]);
  t.deepEqual(
    told.web({ application: { ...application, releases: { b: a.machine } }, port: 3000 }),
    [
      'WebServer one: host: expected a host of the application (b), got "a"',
      "WebServer one: port: expected a port other than the application's, got 3000",
    ],
  );
});

test("a web server speaks TLS at a port of its own, by an authority", async (t) => {
  const { told, later } = await program;
  const authority = { certificate: later, trustedCertificates: later };
  t.deepEqual(told.web({ tlsPort: 80 }), []);
  t.deepEqual(told.web({ authority, tlsPort: 80 }), [
    "WebServer one: tlsPort: expected a port other than port and the application's, got 80",
  ]);
  t.deepEqual(told.web({ authority, port: 4443 }), [
    "WebServer one: tlsPort: expected a port other than port and the application's, got 4443",
  ]);
  t.deepEqual(told.web({ authority: "own", tlsPort: 65_536 }), [
    "WebServer one: tlsPort: expected an integer from 1 to 65535, got 65536",
    'WebServer one: authority: expected a CertificateAuthority, got "own"',
  ]);
});

test("a private service speaks TLS at a port of its own, and knows no other protocol", async (t) => {
  const { told } = await program;
  t.deepEqual(told.service({ tlsPort: 6379 }), [
    "PrivateService one: tlsPort: expected a port other than port, got 6379",
  ]);
  t.deepEqual(told.service({ protocol: "https", tlsPort: 80 }), [
    "PrivateService one: tlsPort: expected an integer from 1024 to 65535, got 80",
    'PrivateService one: protocol: expected one of tls, plain, got "https"',
  ]);
  t.deepEqual(told.service({ kind: "memcached", passwordKeeper: "2" }), [
    'PrivateService one: passwordKeeper: expected nothing, got "2": Memcached has no password',
  ]);
});

test("an application tells hosts that are none, and words that are none", async (t) => {
  const { told, a } = await program;
  t.deepEqual(told.application({ hosts: [], start: "node server.js", port: 80, database: {} }), [
    'Application one: start: expected a command as a list of words, got "node server.js"',
    "Application one: port: expected an integer from 1024 to 65535, got 80",
    "Application one: hosts: expected a list of hosts, got an empty list",
    "Application one: database.ready: expected an object, got nothing",
    "Application one: database.environmentFor: expected an object, got nothing",
  ]);
  t.deepEqual(told.application({ hosts: [a, a] }), [
    'Application one: hosts[1]: expected a host that is not in the list before, got "a"',
  ]);
});

test("a database tells members that are two at once, and a replica that is not there", async (t) => {
  const { told, a } = await program;
  t.deepEqual(told.database({ name: "sys", replicas: [1] }), [
    'MysqlPair one: name: expected a database name of at most 32 letters, digits and underscores that MySQL and the cluster do not use themselves, got "sys"',
    "MysqlPair one: replicas[0]: expected a host, as an ExistingHost is, got 1",
  ]);
  t.deepEqual(told.database({ replicas: [a] }), [
    'MysqlPair one: replicas[0]: expected a host that is no other member, got "a"',
  ]);
  t.deepEqual(told.database({ replicas: [], discardDataOn: ["a", "web-09"] }), [
    'MysqlPair one: discardDataOn[1]: expected one of a, got "web-09"',
  ]);
  t.deepEqual(told.database({ replicas: [], durability: "wait-for-replica" }), [
    'MysqlPair one: durability: expected { carryOnAfterSeconds: 1 to 86400 }, got "wait-for-replica": there is no replica',
  ]);
});

test("a host tells what cannot be reached, and never its key", async (t) => {
  const { told } = await program;
  t.deepEqual(told.host({ address: "example.com", port: 0, privateKey: "planted" }), [
    'ExistingHost one: address: expected an IPv4 address such as 10.0.0.11, got "example.com"',
    "ExistingHost one: port: expected an integer from 1 to 65535, got 0",
    "ExistingHost one: privateKey: expected a private key in OpenSSH or PEM format, got something else (not shown)",
  ]);
});

test("what hangs on a refusal is not printed with it", async (t) => {
  const { refuse } = await import("../../components/check-args");
  const error = t.throws(() => refuse("LoadBalancer one", [{ path: "port", message: "no" }]));
  t.is(inspect(Object.assign(error, { promise: { of: "the program" } })), String(error.stack));
});

test("addresses of IPv6 are those that others reach, and one moves beside one of IPv4", async (t) => {
  const { told, a } = await program;
  const expected = "an IPv6 address such as 2001:db8::11";
  t.deepEqual(told.host({ address6: "fe80::1", privateKey: "planted" }), [
    `ExistingHost one: address6: expected ${expected}, got "fe80::1": it is link-local, and other networks do not reach it`,
    "ExistingHost one: privateKey: expected a private key in OpenSSH or PEM format, got something else (not shown)",
  ]);
  const shared = { virtualAddress: "10.0.0.9", virtualAddress6: "2001:db8::9" };
  t.deepEqual(told.loadBalancer({ ...shared, virtualAddress6: "2001:DB8::9" }), [
    `LoadBalancer one: virtualAddress6: expected ${expected}, got "2001:DB8::9": write it as 2001:db8::9`,
  ]);
  t.deepEqual(told.loadBalancer(shared), [
    'LoadBalancer one: virtualAddress6: expected nothing, got "2001:db8::9": give a an address6',
  ]);
  t.deepEqual(told.loadBalancer({ ...shared, hosts: [{ ...a, address6: "2001:db8::9" }] }), [
    'LoadBalancer one: virtualAddress6: expected an address that no host has, got "2001:db8::9": a has it',
  ]);
  t.deepEqual(told.loadBalancer({ virtualAddress6: "2001:db8::9" }), [
    'LoadBalancer one: virtualAddress6: expected nothing, got "2001:db8::9": it moves with virtualAddress: give that as well',
  ]);
});

test.after.always(async () => (await program).settle());

test("a group has an odd number of members, and a primary among them", async (t) => {
  const { told, a } = await program;
  const four = ["a", "b", "c", "d"].map((name) => ({ ...a, name }));
  t.deepEqual(told.group({ members: four }), [
    'MysqlGroup one: members: expected an odd number of hosts, at most nine, got "4"',
  ]);
  t.deepEqual(told.group({ members: four.slice(0, 2) }), [
    "MysqlGroup one: members: expected a list of three hosts or more, got a list of 2",
  ]);
  t.deepEqual(told.group({ primary: { ...a, name: "z" }, discardDataOn: ["y"] }), [
    'MysqlGroup one: primary: expected one of a, b, c, got "z"',
    'MysqlGroup one: discardDataOn[0]: expected one of a, b, c, got "y"',
  ]);
  t.deepEqual(told.group({ durability: "wait-for-replica" }).length, 1);
});
