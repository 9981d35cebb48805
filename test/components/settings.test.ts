import test from "ava";
import { parseSettings } from "../../components/settings";
import { makeKeyPair } from "../../provider/ssh/key-pair";

type Values = Readonly<Record<string, unknown>>;

const hosts = [
  { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
  { name: "web-01", address: "172.31.64.21", roles: ["web", "database-primary"] },
  { name: "web-02", address: "172.31.64.22", roles: ["web", "database-replica"] },
];
const members = hosts.map(({ roles, ...host }) => ({
  ...host,
  roles: roles.map((role) => role.replace(/-(primary|replica)$/, "")),
}));
const moreMembers = [1, 2, 3].map((number) => ({
  name: `db-0${number}`,
  address: `172.31.64.3${number}`,
  roles: ["database"],
}));
const good = { domain: "www.foobar.com", hosts, containers: { subnet: "172.31.64.0/24" } };

const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
const privateKey = `-----BEGIN OPENSSH PRIVATE KEY-----\n${"A".repeat(70)}\n-----END OPENSSH PRIVATE KEY-----\n`;
const keyPair = makeKeyPair();
const machines = {
  domain: "www.foobar.com",
  hosts: hosts.map((host) => ({ ...host, hostKey })),
  privateKey,
};

function withHost(index: number, change: Values, values: Values = good): Values {
  const list = values === good ? good.hosts : machines.hosts;
  return {
    ...values,
    hosts: list.map((host, at) => (at === index ? { ...host, ...change } : host)),
  };
}

function without(values: Values, key: string): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => name !== key));
}

function faultsOf(values: Values, secretKeys?: readonly string[]): readonly string[] {
  const result = parseSettings(values, secretKeys);
  return "faults" in result ? result.faults : [];
}

test("fills in every default", (t) => {
  const result = parseSettings(good);
  t.true("settings" in result);
  if (!("settings" in result)) return;
  t.deepEqual(result.settings.containers, {
    subnet: "172.31.64.0/24",
    publish: 8080,
    sshPortBase: 2200,
    image: "trilithon-host:latest",
    memoryMegabytes: 2048,
  });
  t.deepEqual(result.settings.application, {
    name: "guestbook",
    source: "./app",
    start: ["node", "server.js"],
    packages: { nodejs: "present" },
  });
  t.deepEqual(result.settings.database, { name: "guestbook" });
});

test("takes members of a database, and a wish for the primary", (t) => {
  for (const primary of ["web-01", "web-02"]) {
    const database = { primary, durability: "wait-for-replica" };
    t.deepEqual(faultsOf({ ...good, hosts: members, database }), []);
    const hosts = [...members, ...moreMembers];
    t.deepEqual(faultsOf({ ...good, hosts, database: { primary } }), []);
  }
});

test("where shared folders are exchanged is a port like any other", (t) => {
  const application = { persistent: ["storage"], shared: { folders: ["storage"], port: 3000 } };
  t.deepEqual(faultsOf({ ...good, application }), [
    "trilithon:application.shared.port: expected a port that nothing else on web-01 uses, got 3000: application.port is the same: give one of them another port",
  ]);
  const shop = {
    ...application,
    source: "./shop",
    start: ["x"],
    domains: ["shop.example.com"],
    port: 3001,
  };
  const both = {
    application,
    applications: { shop: { ...shop, shared: { folders: ["storage"] } } },
  };
  const own = { ...application, shared: { folders: ["storage"] } };
  t.deepEqual(faultsOf({ ...good, ...both, application: own }), [
    "trilithon:applications.shop.shared.port: expected a port that nothing else on web-01 uses, got 22000: application.shared.port is the same: give one of them another port",
  ]);
  const other = { ...application, persistent: ["tmp"], shared: { folders: ["storage"] } };
  t.deepEqual(faultsOf({ ...good, application: other }), [
    'trilithon:application.shared.folders[0]: expected one of persistent, once, got "storage"',
  ]);
});

test("takes hosts that are away, as long as one of each sort is not", (t) => {
  t.deepEqual(faultsOf(withHost(1, { away: true })), []);
  t.deepEqual(faultsOf(withHost(2, { away: true })), []);
  const database = { durability: "wait-for-replica" };
  t.deepEqual(faultsOf({ ...withHost(2, { away: true }), database }), []);
});

test("takes machines behind one address, each at a port of its own", (t) => {
  const behind = machines.hosts.map((host, at) => ({
    ...host,
    sshAddress: "10.0.0.1",
    port: 2200 + at,
  }));
  t.deepEqual(faultsOf({ ...machines, hosts: behind }, ["trilithon:privateKey"]), []);
});

test("takes each part of hardening, and what keeps root out where the stack is not root", (t) => {
  const hardening = {
    sshd: {
      rawLines: [
        "PermitRootLogin no",
        "ClientAliveInterval=60",
        "Match User ada",
        "  X11Forwarding yes",
      ],
    },
    kernel: { settings: { "vm.swappiness": 10, "net.ipv4.ip_local_port_range": "1024 65535" } },
    time: { servers: ["10.0.0.5", "2001:db8::5", "time.example.com"] },
  };
  const hosts = machines.hosts.map((host) => ({ ...host, user: "deploy" }));
  t.deepEqual(faultsOf({ ...machines, hosts, hardening }, ["trilithon:privateKey"]), []);
  t.deepEqual(faultsOf({ ...good, hardening: { sshd: true, kernel: true, time: true } }), []);
});

test("takes existing machines with their keys", (t) => {
  t.deepEqual(faultsOf(machines, ["trilithon:privateKey"]), []);
  const own = { ...machines, hosts: machines.hosts.map((host) => ({ ...host, privateKey })) };
  t.deepEqual(faultsOf(without(own, "privateKey"), ["trilithon:hosts"]), []);
});

const remedyOfKey =
  "read it on the machine itself with cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub";
const remedyOfPrivateKey = "set it with pulumi config set --secret trilithon:privateKey < KEYFILE";
const role =
  "one of load-balancer, web, database, database-primary, database-replica, name-server, backup, monitoring";
const name =
  "a host name of at most 63 letters, digits, dots and hyphens that starts and ends with a letter or digit";

const bad: readonly (readonly [string, Values, readonly string[]])[] = [
  [
    "an unknown setting that is nearly right",
    { ...good, domian: "x" },
    ['domian: unknown, did you mean "domain"?'],
  ],
  [
    "an unknown setting",
    { ...good, gateway: true },
    [
      "gateway: unknown, expected one of domain, hosts, containers, privateKey, retiredKeys, database, application, applications, services, packages, firewall, hardening, https, edge, dns, backup, monitoring, loadBalancer, web",
    ],
  ],
  [
    "a firewall in another word",
    { ...good, firewall: "off" },
    ['firewall: expected none, got "off"'],
  ],
  [
    "operators with bits after the prefix, without a prefix, with one that is too long, and a name",
    {
      ...good,
      firewall: {
        operators: [
          "10.0.0.5/8",
          "10.0.0.5",
          "2001:db8::/129",
          "2001:db8::1/32",
          "home",
          "2001:db8::/32",
        ],
      },
    },
    [
      'firewall.operators[0]: expected a network such as 203.0.113.0/24 or 2001:db8::/32, with no bit set after its prefix, got "10.0.0.5/8"',
      'firewall.operators[1]: expected a network such as 203.0.113.0/24 or 2001:db8::/32, with no bit set after its prefix, got "10.0.0.5"',
      'firewall.operators[2]: expected a network such as 203.0.113.0/24 or 2001:db8::/32, with no bit set after its prefix, got "2001:db8::/129"',
      'firewall.operators[3]: expected a network such as 203.0.113.0/24 or 2001:db8::/32, with no bit set after its prefix, got "2001:db8::1/32"',
      'firewall.operators[4]: expected a network such as 203.0.113.0/24 or 2001:db8::/32, with no bit set after its prefix, got "home"',
    ],
  ],
  [
    "operators who are there twice, or in one another",
    { ...good, firewall: { operators: ["10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"] } },
    [
      'firewall.operators[1]: expected a network that is in no other one, got "10.1.0.0/16": firewall.operators[0] includes it',
      'firewall.operators[2]: expected a network that is in no other one, got "10.0.0.0/8": firewall.operators[0] includes it',
    ],
  ],
  [
    "ports that are let in from nobody, on no host, by another protocol",
    {
      ...good,
      firewall: {
        allow: [
          { port: 0 },
          { port: 9100, from: [] },
          { port: 9100, hosts: ["web-09"] },
          { port: 9100, protocol: "icmp" },
          { protocol: "udp" },
        ],
      },
    },
    [
      "firewall.allow[0].port: expected an integer from 1 to 65535, got 0",
      "firewall.allow[1].from: expected a list of networks, got an empty list",
      'firewall.allow[3].protocol: expected one of tcp, udp, got "icmp"',
      "firewall.allow[4].port: expected an integer from 1 to 65535, got nothing",
      'firewall.allow[2].hosts[0]: expected one of lb-01, web-01, web-02, got "web-09"',
    ],
  ],
  [
    "hardening in a word",
    { ...good, hardening: "on" },
    ['hardening: expected an object with sshd, kernel or time, got "on"'],
  ],
  [
    "hardening without a part",
    { ...good, hardening: {} },
    [
      "hardening: expected sshd, kernel or time, got none of them: name what is wanted, or take it out",
    ],
  ],
  [
    "a part of hardening that does not exist",
    { ...good, hardening: { ssh: true, clock: true } },
    [
      'hardening.ssh: unknown, did you mean "sshd"?',
      "hardening.clock: unknown, expected one of sshd, kernel, time",
    ],
  ],
  [
    "parts of hardening that are not named by true",
    { ...good, hardening: { sshd: false, kernel: "yes", time: ["10.0.0.5"] } },
    [
      "hardening.sshd: expected true or an object with rawLines, got false",
      'hardening.kernel: expected true or an object with settings, got "yes"',
      "hardening.time: expected true or an object with servers, got a list",
    ],
  ],
  [
    "lines of sshd that are none",
    { ...good, hardening: { sshd: { rawLines: ["MaxSessions", "A 1\nB 2", "# no", 5] } } },
    [
      'hardening.sshd.rawLines[0]: expected a line of sshd_config(5) such as ClientAliveInterval 60, got "MaxSessions"',
      'hardening.sshd.rawLines[1]: expected a line of sshd_config(5) such as ClientAliveInterval 60, got "A 1\\nB 2"',
      'hardening.sshd.rawLines[2]: expected a line of sshd_config(5) such as ClientAliveInterval 60, got "# no"',
      "hardening.sshd.rawLines[3]: expected a line of sshd_config(5) such as ClientAliveInterval 60, got 5",
    ],
  ],
  [
    "no lines of sshd",
    { ...good, hardening: { sshd: { rawLines: [] } } },
    ["hardening.sshd.rawLines: expected a list of lines, got an empty list"],
  ],
  [
    "lines of sshd that keep the stack out",
    {
      ...good,
      hardening: {
        sshd: { rawLines: ["PubkeyAuthentication no", 'permitrootlogin="no"', "MaxSessions 10"] },
      },
    },
    [
      'hardening.sshd.rawLines[0]: expected a line that lets the stack in, got "PubkeyAuthentication no": it logs in by a key',
      'hardening.sshd.rawLines[1]: expected a line that lets the stack in, got "permitrootlogin=\\"no\\"": it logs in as root (hosts[0].user)',
    ],
  ],
  [
    "settings of the kernel by a path, and of values that are none",
    {
      ...good,
      hardening: { kernel: { settings: { "vm/swappiness": 10, "vm.a": true, "vm.b": "1\n" } } },
    },
    [
      "hardening.kernel.settings.vm.a: expected an integer or one line of text, got true",
      'hardening.kernel.settings.vm.b: expected an integer or one line of text, got "1\\n"',
      'hardening.kernel.settings.vm/swappiness: expected the name of a kernel setting such as vm.swappiness, got "vm/swappiness"',
    ],
  ],
  [
    "no time servers",
    { ...good, hardening: { time: { servers: [] } } },
    ["hardening.time.servers: expected a list of time servers, got an empty list"],
  ],
  [
    "time servers that are none, or are there twice",
    { ...good, hardening: { time: { servers: ["ntp://a", "10.0.0.5", "10.0.0.5"] } } },
    [
      'hardening.time.servers[0]: expected a host name or an IP address, got "ntp://a"',
      'hardening.time.servers[2]: expected a server that is named once, got "10.0.0.5"',
    ],
  ],
  [
    "a host that is away in words",
    withHost(2, { away: "yes" }),
    ['hosts[2].away: expected true or false, got "yes"'],
  ],
  [
    "all of a kind away",
    { ...good, hosts: hosts.map((host) => ({ ...host, away: true })) },
    [
      "hosts: expected at least one host with the role load-balancer that is not away: lb-01 is",
      "hosts: expected at least one host with the role web that is not away: web-01, web-02 are",
      "hosts: expected at least one host with a database role that is not away: web-01, web-02 are",
    ],
  ],
  [
    "an unknown key of a host",
    withHost(0, { adress: "172.31.64.11" }),
    ['hosts[0].adress: unknown, did you mean "address"?'],
  ],
  [
    "no domain",
    without(good, "domain"),
    ["domain: expected a domain name such as www.example.com, got nothing"],
  ],
  [
    "a bad domain",
    { ...good, domain: "http://www.foobar.com/" },
    ['domain: expected a domain name such as www.example.com, got "http://www.foobar.com/"'],
  ],
  ["no hosts", without(good, "hosts"), ["hosts: expected a list of hosts, got nothing"]],
  [
    "an empty list of hosts",
    { ...good, hosts: [] },
    ["hosts: expected a list of hosts, got an empty list"],
  ],
  [
    "a list that is a text",
    { ...good, hosts: "lb-01" },
    ['hosts: expected a list of hosts, got "lb-01"'],
  ],
  [
    "a host that is a text",
    { ...good, hosts: [...hosts, "web-03"] },
    ['hosts[3]: expected a host with name, address and roles, got "web-03"'],
  ],
  ["a bad name", withHost(0, { name: "LB_01" }), [`hosts[0].name: expected ${name}, got "LB_01"`]],
  ["no name", withHost(0, { name: null }), [`hosts[0].name: expected ${name}, got nothing`]],
  [
    "a host listed twice",
    withHost(2, { name: "web-01" }),
    ['hosts[2].name: expected a name that no other host has, got "web-01": hosts[1] has it'],
  ],
  [
    "an address used twice",
    withHost(2, { address: "172.31.64.21" }),
    [
      'hosts[2].address: expected an address that no other host has, got "172.31.64.21": hosts[1] has it',
    ],
  ],
  [
    "a machine that is listed twice",
    withHost(2, { sshAddress: "172.31.64.21" }, machines),
    [
      'hosts[2].sshAddress: expected a machine that no other host is, got "172.31.64.21:22": hosts[1] is reached there',
    ],
  ],
  [
    "a bad address",
    withHost(1, { address: "172.31.64.300" }),
    ['hosts[1].address: expected an IPv4 address such as 10.0.0.11, got "172.31.64.300"'],
  ],
  [
    "an address outside of the network",
    withHost(1, { address: "10.0.0.21" }),
    ['hosts[1].address: expected an address in 172.31.64.0/24, got "10.0.0.21"'],
  ],
  [
    "the address of the network's gateway",
    withHost(1, { address: "172.31.64.1" }),
    [
      'hosts[1].address: expected a free address in 172.31.64.0/24, got "172.31.64.1": the first two and the last belong to the network',
    ],
  ],
  [
    "an unknown role",
    withHost(0, { roles: ["load-balancer", "cache"] }),
    [
      `hosts[0].roles[1]: expected ${role}, got "cache"`,
      "hosts: expected at least one host with the role load-balancer, got none",
    ],
  ],
  [
    "a role twice",
    withHost(1, { roles: ["web", "web", "database-primary"] }),
    ['hosts[1].roles: expected each role once, got "web": it stands twice'],
  ],
  [
    "no load balancer",
    { ...good, hosts: hosts.slice(1) },
    ["hosts: expected at least one host with the role load-balancer, got none"],
  ],
  [
    "no web server",
    { ...good, hosts: [hosts[0], { ...hosts[1], roles: ["database-primary"] }] },
    ["hosts: expected at least one host with the role web, got none"],
  ],
  [
    "two primaries",
    withHost(2, { roles: ["web", "database-primary"] }),
    ["hosts: expected one host with the role database-primary, got web-01, web-02"],
  ],
  [
    "a replica without a primary",
    withHost(1, { roles: ["web"] }),
    ["hosts: expected one host with the role database-primary, got none: web-02 would follow it"],
  ],
  [
    "a host that is primary and replica",
    withHost(1, { roles: ["web", "database-primary", "database-replica"] }),
    ["hosts[1].roles: expected database-primary or database-replica, got both"],
  ],
  [
    "a host with both Nginx and HAProxy on a port",
    withHost(0, { roles: ["load-balancer", "web"] }),
    [
      "loadBalancer.port: expected a port that nothing else on lb-01 uses, got 80: web.port is the same: give one of them another port",
    ],
  ],
  [
    "a container with a host key",
    withHost(0, { hostKey }),
    [
      `hosts[0].hostKey: expected nothing, got ${JSON.stringify(`${hostKey.slice(0, 57)}...`)}: a container's is generated`,
    ],
  ],
  [
    "a container with a private key",
    withHost(0, { privateKey }),
    ["hosts[0].privateKey: expected nothing, got a value: a container's is generated"],
  ],
  [
    "a bad network",
    { ...good, containers: { subnet: "172.31.64.5/24" } },
    [
      'containers.subnet: expected an IPv4 network from /24 to /28 such as 172.31.64.0/24, got "172.31.64.5/24"',
    ],
  ],
  [
    "no network",
    { ...good, containers: {} },
    [
      "containers.subnet: expected an IPv4 network from /24 to /28 such as 172.31.64.0/24, got nothing",
    ],
  ],
  [
    "a shared address that a host has",
    { ...good, loadBalancer: { virtualAddress: "172.31.64.21" } },
    [
      'loadBalancer.virtualAddress: expected an address that no host has, got "172.31.64.21": hosts[1] has it',
    ],
  ],
  [
    "a shared address outside of the network",
    { ...good, loadBalancer: { virtualAddress: "172.31.65.10" } },
    ['loadBalancer.virtualAddress: expected an address in 172.31.64.0/24, got "172.31.65.10"'],
  ],
  [
    "a shared address of the network itself",
    { ...good, loadBalancer: { virtualAddress: "172.31.64.1" } },
    [
      'loadBalancer.virtualAddress: expected a free address in 172.31.64.0/24, got "172.31.64.1": the first two and the last belong to the network',
    ],
  ],
  [
    "a shared address that is none, and a command without words",
    { ...good, loadBalancer: { virtualAddress: "172.31.64.10/24", onMove: [] } },
    [
      'loadBalancer.virtualAddress: expected an IPv4 address such as 10.0.0.11, got "172.31.64.10/24"',
      "loadBalancer.onMove: expected a command as a list of words, got an empty list",
    ],
  ],
  [
    "a published port that is another host's SSH",
    { ...good, containers: { subnet: "172.31.64.0/24", publish: 2221 } },
    ["containers.publish: expected a port that no host's SSH is published at, got 2221"],
  ],
  [
    "too little memory",
    { ...good, containers: { subnet: "172.31.64.0/24", memoryMegabytes: 64 } },
    ["containers.memoryMegabytes: expected an integer from 256 to 1048576, got 64"],
  ],
  [
    "a port that is a text",
    withHost(1, { port: "ssh" }, machines),
    ['hosts[1].port: expected an integer from 1 to 65535, got "ssh"'],
  ],
  [
    "a port out of range",
    withHost(1, { port: 70000 }, machines),
    ["hosts[1].port: expected an integer from 1 to 65535, got 70000"],
  ],
  [
    "a bad user",
    withHost(1, { user: "ro ot" }, machines),
    ['hosts[1].user: expected a user name of at most 64 letters, digits and . _ @ -, got "ro ot"'],
  ],
  [
    "a missing host key",
    { ...machines, hosts: [hosts[0], ...machines.hosts.slice(1)] },
    [
      `hosts[0].hostKey: expected a public host key such as ssh-ed25519 AAAA..., got nothing: ${remedyOfKey}`,
    ],
  ],
  [
    "a bad host key",
    withHost(0, { hostKey: "SHA256:abc" }, machines),
    [
      `hosts[0].hostKey: expected a public host key such as ssh-ed25519 AAAA..., got "SHA256:abc": ${remedyOfKey}`,
    ],
  ],
  [
    "no private key",
    without(machines, "privateKey"),
    [
      `privateKey: expected a private key in OpenSSH or PEM format, got nothing: ${remedyOfPrivateKey}`,
    ],
  ],
  [
    "a private key that is none, without showing it",
    { ...machines, privateKey: "hunter2" },
    ["privateKey: expected a private key in OpenSSH or PEM format, got something else (not shown)"],
  ],
  [
    "a bad durability",
    { ...good, database: { durability: "asynchronous" } },
    [
      'database.durability: expected wait-for-replica or { carryOnAfterSeconds: 1 to 86400 }, got "asynchronous"',
    ],
  ],
  [
    "a durability with a bad number",
    { ...good, database: { durability: { carryOnAfterSeconds: 0 } } },
    [
      "database.durability: expected wait-for-replica or { carryOnAfterSeconds: 1 to 86400 }, got an object",
    ],
  ],
  [
    "waiting for a replica that there is not",
    { ...good, hosts: hosts.slice(0, 2), database: { durability: "wait-for-replica" } },
    [
      'database.durability: expected { carryOnAfterSeconds: 1 to 86400 }, got "wait-for-replica": there is no replica',
    ],
  ],
  [
    "a bad size",
    { ...good, database: { bufferPoolPercent: 95 } },
    ["database.bufferPoolPercent: expected an integer from 5 to 80, got 95"],
  ],
  [
    "a bad database name",
    { ...good, database: { name: "guest-book" } },
    [
      'database.name: expected a database name of at most 32 letters, digits and underscores that MySQL and the cluster do not use themselves, got "guest-book"',
    ],
  ],
  [
    "a start command that is a text",
    { ...good, application: { start: "node server.js" } },
    ['application.start: expected a command as a list of words, got "node server.js"'],
  ],
  [
    "a release command without words, or for ever",
    {
      ...good,
      application: { release: { command: "migrate", deadlineSeconds: 100_000, once: true } },
    },
    [
      'application.release.command: expected a command as a list of words, got "migrate"',
      "application.release.deadlineSeconds: expected an integer from 1 to 86400, got 100000",
      "application.release.once: unknown, expected one of command, deadlineSeconds, after",
    ],
  ],
  [
    "processes that cannot be",
    {
      ...good,
      application: {
        processes: {
          Mail: { command: ["x"] },
          queue: { count: 2, ready: {}, cpu: 1 },
          sms: { command: ["x"], memoryMegabytes: "1G", cpuPercent: 0, stopSeconds: 0 },
        },
      },
    },
    [
      "application.processes.queue.command: expected a command as a list of words, got nothing",
      "application.processes.queue.ready: expected either command or staySeconds, got none",
      "application.processes.queue.cpu: unknown, expected one of command, count, memoryMegabytes, cpuPercent, stopSeconds, ready",
      'application.processes.sms.memoryMegabytes: expected an integer from 1 to 1048576, got "1G"',
      "application.processes.sms.cpuPercent: expected an integer from 1 to 100000, got 0",
      "application.processes.sms.stopSeconds: expected an integer from 1 to 3600, got 0",
      'application.processes.Mail: expected a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and is not release or dependencies, got "Mail"',
    ],
  ],
  [
    "jobs that cannot be",
    {
      ...good,
      application: {
        processes: { mail: { command: ["x"] } },
        jobs: {
          mail: { command: ["x"], schedule: "daily" },
          report: { command: ["x"], schedule: "0 2 * * *", perHost: "yes", cron: true },
        },
      },
    },
    [
      'application.jobs.report.schedule: expected a schedule as systemd\'s OnCalendar has it, such as *-*-* 02:30, Mon..Fri 08:00 Europe/Berlin or *:0/5, got "0 2 * * *"',
      'application.jobs.report.perHost: expected true or false, got "yes"',
      "application.jobs.report.cron: unknown, expected one of command, schedule, perHost, deadlineSeconds, persistent",
      'application.jobs.mail: expected a name that no process has, got "mail"',
    ],
  ],
  [
    "a release command alone",
    { ...good, application: { release: {} } },
    ["application.release.command: expected a command as a list of words, got nothing"],
  ],
  [
    "a start command of PHP-FPM",
    { ...good, application: { runtime: "php-fpm", start: ["php", "-S", "0.0.0.0:80"] } },
    ["application.start: expected nothing, as the runtime php-fpm starts itself, got a list"],
  ],
  [
    "a runtime that is none",
    { ...good, application: { runtime: "perl", start: ["perl"] } },
    ['application.runtime: expected one of command, php-fpm, python, ruby, node, got "perl"'],
  ],
  [
    "a language with faults",
    {
      ...good,
      application: {
        start: ["gunicorn"],
        runtime: { name: "python", version: 3, dependencies: { command: [], files: ["/etc/x"] } },
      },
    },
    [
      "application.runtime.dependencies.command: expected a command as a list of words, got an empty list",
      'application.runtime.dependencies.files[0]: expected a path in the source, of letters, digits and . _ / -, got "/etc/x"',
      "application.runtime.version: unknown, expected one of name, dependencies",
    ],
  ],
  [
    "a runtime with faults",
    {
      ...good,
      application: {
        runtime: {
          name: "php-fpm",
          children: 0,
          entryScripts: ["../x.php"],
          ini: { a: "b\n" },
          dependencies: "npm",
        },
      },
    },
    [
      "application.runtime.children: expected an integer from 1 to 1000, got 0",
      'application.runtime.entryScripts[0]: expected a path below public such as wp-login.php or wp-admin/*.php, got "../x.php"',
      'application.runtime.ini.a: expected one line of text without quotes, or an integer, got "b\\n"',
      'application.runtime.dependencies: expected composer, got "npm"',
    ],
  ],
  [
    "a port that needs privileges",
    { ...good, application: { port: 80 } },
    [
      "application.port: expected an integer from 1024 to 65535, got 80",
      "application.port: expected a port that nothing else on web-01 uses, got 80: web.port is the same: give one of them another port",
    ],
  ],
  [
    "a bad health path",
    { ...good, application: { healthPath: "healthz" } },
    ['application.healthPath: expected a path such as /healthz, got "healthz"'],
  ],
  [
    "a bad variable name",
    { ...good, application: { environment: { "no-good": "x" } } },
    [
      'application.environment.no-good: expected a variable name of letters, digits and underscores that starts with no digit, got "no-good"',
    ],
  ],
  [
    "a variable that is a list",
    { ...good, application: { environment: { A: ["x"] } } },
    [
      "application.environment.A: expected text, a number, a boolean or { database: ... }, got a list",
    ],
  ],
  [
    "a bad package name",
    { ...good, application: { packages: { "Node JS": "present" } } },
    [
      'application.packages.Node JS: expected a Debian package name such as nginx or libc6:i386, got "Node JS"',
    ],
  ],
  [
    "a build without its output",
    { ...good, application: { build: { command: "make" } } },
    ["application.build.output: expected a folder, got nothing"],
  ],
  [
    "statistics on the port of the page",
    { ...good, loadBalancer: { statsPort: 80 } },
    [
      "loadBalancer.statsPort: expected a port that nothing else on lb-01 uses, got 80: loadBalancer.port is the same: give one of them another port",
    ],
  ],
  [
    "a load balancer that gives up before the web server",
    { ...good, web: { responseTimeoutSeconds: 300 } },
    [
      "web.responseTimeoutSeconds: expected at most loadBalancer.responseTimeoutSeconds (65), got 300: set that to 305 as well",
    ],
  ],
  [
    "a raw line that is two",
    { ...good, loadBalancer: { rawLines: { backend: ["a\nb"] } } },
    ['loadBalancer.rawLines.backend[0]: expected one line of text, got "a\\nb"'],
  ],
  [
    "an unknown section",
    { ...good, loadBalancer: { rawLines: { front: [] } } },
    ["loadBalancer.rawLines.front: unknown, expected one of global, frontend, backend"],
  ],
  [
    "an application on MySQL's port",
    { ...good, application: { port: 3306 } },
    [
      "application.port: expected a port that nothing else on web-01 uses, got 3306: MySQL is the same: give it another port",
    ],
  ],
  [
    "Nginx on the port of sshd",
    { ...good, web: { port: 22 } },
    [
      "web.port: expected a port that nothing else on web-01 uses, got 22: sshd is the same: give it another port",
    ],
  ],
  [
    "settings of a database that there is not",
    {
      ...good,
      hosts: [hosts[0], { ...hosts[1], roles: ["web"] }],
      database: { maxConnections: 100 },
    },
    [
      "database: expected nothing, as no host has a database, got an object: give a host the role database, or take these settings out",
    ],
  ],
  [
    "a mix of the roles of members",
    withHost(1, { roles: ["web", "database"] }),
    [
      "hosts: expected the role database on every member of the database, got web-02 as database-primary or database-replica: give all of them the role database, and say database.primary",
    ],
  ],
  [
    "four members of a database",
    { ...good, hosts: [...members, ...moreMembers.slice(0, 2)] },
    [
      "hosts: expected one, two, or an odd number up to 9 of hosts with the role database, got 4 (web-01, web-02, db-01, db-02): give it to one more, or take it from one",
    ],
  ],
  [
    "a durability of a group",
    {
      ...good,
      hosts: [...members, ...moreMembers.slice(0, 1)],
      database: { durability: "wait-for-replica" },
    },
    [
      'database.durability: expected nothing, got "wait-for-replica": a group waits for its majority',
    ],
  ],
  [
    "a primary that is no member",
    { ...good, hosts: members, database: { primary: "lb-01" } },
    ['database.primary: expected one of web-01, web-02, got "lb-01"'],
  ],
  [
    "a primary beside the role that says it",
    { ...good, database: { primary: "web-02" } },
    [
      'database.primary: expected nothing, as no host has the role database, got "web-02": the role database-primary says it',
    ],
  ],
  [
    "a second load balancer's published port that is a host's SSH",
    {
      ...good,
      hosts: [...hosts, { name: "lb-02", address: "172.31.64.12", roles: ["load-balancer"] }],
      containers: { subnet: "172.31.64.0/24", publish: 2210 },
    },
    ["containers.publish: expected a port that no host's SSH is published at, got 2210"],
  ],
  [
    "an upload limit that is no number",
    { ...good, web: { uploadLimitMegabytes: "10m" } },
    ['web.uploadLimitMegabytes: expected an integer from 1 to 10240, got "10m"'],
  ],
  [
    "TLS between load balancer and web servers that cannot be",
    {
      ...good,
      web: { tlsPort: "https", authorityKeeper: "", authority: "own" },
      loadBalancer: { backendProtocol: "plain" },
    },
    [
      'loadBalancer.backendProtocol: expected one of https, http, got "plain"',
      'web.tlsPort: expected an integer from 1 to 65535, got "https"',
      'web.authorityKeeper: expected a text, got ""',
      "web.authority: unknown, expected one of packages, port, tlsPort, uploadLimitMegabytes, responseTimeoutSeconds, rawLines, authorityKeeper",
    ],
  ],
  [
    "SSH keys that cannot be retired",
    {
      ...machines,
      privateKey: keyPair.private,
      retiredKeys: [`${keyPair.public} me`, "id_ed25519"],
    },
    [
      'retiredKeys[1]: expected a public key such as ssh-ed25519 AAAA..., got "id_ed25519"',
      "retiredKeys[0]: expected a key that is not in use, got that of privateKey: set another one there first",
    ],
  ],
  [
    "a key in use by one host alone that is retired",
    {
      ...withHost(1, { privateKey: keyPair.private }, machines),
      retiredKeys: [keyPair.public],
    },
    [
      "retiredKeys[0]: expected a key that is not in use, got that of hosts[1].privateKey: set another one there first",
    ],
  ],
  [
    "keepers that are none",
    {
      ...good,
      database: { replicationKeeper: "" },
      containers: { subnet: "172.31.64.0/24", keyKeeper: 2 },
      https: { acme: { email: "a@foobar.com" }, authorityKeeper: "2" },
    },
    [
      "containers.keyKeeper: expected a text, got 2",
      'database.replicationKeeper: expected a text, got ""',
      'https.authorityKeeper: expected nothing, got "2": only ownCa has an authority to be made',
    ],
  ],
  [
    "Nginx's second port taken by others",
    { ...good, web: { tlsPort: 3000 } },
    [
      "application.port: expected a port that nothing else on web-01 uses, got 3000: web.tlsPort is the same: give one of them another port",
    ],
  ],
];

for (const [title, values, faults] of bad) {
  test(`refuses ${title}`, (t) => {
    t.deepEqual(
      faultsOf(values),
      faults.map((fault) => `trilithon:${fault}`),
    );
  });
}

test("refuses private keys in plain text", (t) => {
  t.deepEqual(faultsOf(machines, []), [
    "trilithon:privateKey: expected a secret, got plain text: set it with pulumi config set --secret --path 'trilithon:privateKey' < KEYFILE",
  ]);
  t.deepEqual(faultsOf(withHost(1, { privateKey }, machines), ["trilithon:privateKey"]), [
    "trilithon:hosts[1].privateKey: expected a secret, got plain text: set it with pulumi config set --secret --path 'trilithon:hosts[1].privateKey' < KEYFILE",
  ]);
});

test("tells all faults at once", (t) => {
  const values = {
    domain: "foobar",
    hosts: [{ name: "lb-01", address: "x", roles: [] }, { name: "lb-01" }],
    containers: { subnet: "172.31.64.0/24", publish: 0 },
    loadBalancer: { port: "http" },
  };
  t.deepEqual(
    faultsOf(values).map((fault) => fault.replace(/: .*/, "")),
    [
      "trilithon:domain",
      "trilithon:hosts[0].address",
      "trilithon:hosts[0].roles",
      "trilithon:hosts[1].address",
      "trilithon:hosts[1].roles",
      "trilithon:containers.publish",
      "trilithon:loadBalancer.port",
      "trilithon:hosts[1].name",
      "trilithon:hosts",
      "trilithon:hosts",
    ],
  );
});
