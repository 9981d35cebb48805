/** A stack with private services: where they listen, who is told of them, and in what order things happen. */
import { createHash } from "node:crypto";
import test from "ava";
import { parseSettings } from "../../components/settings";
import { plain, runStack } from "./run-stack";

const service = "trilithon:index:Service";
const release = "trilithon:index:Release";
const source = "./test/components/render";
const start = ["node", "server.js"];

const config = {
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
    { name: "web-01", address: "172.31.64.21", roles: ["web"] },
    { name: "web-02", address: "172.31.64.22", roles: ["web"] },
  ],
  containers: { subnet: "172.31.64.0/24", cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
  application: { name: "press", source, start },
  applications: { shop: { source, start, port: 3001, domains: ["shop.foobar.com"] } },
  services: {
    "page-cache": { kind: "valkey", hosts: ["web-01"], memoryMegabytes: 256 },
    jobs: {
      ...{ kind: "redis", hosts: ["lb-01"], persistent: true, applications: ["shop"] },
      ...{ tlsPort: 6479, passwordKeeper: "6", authorityKeeper: "7" },
    },
    parts: { kind: "memcached", hosts: ["web-01", "web-02"], port: 11300 },
    lists: { kind: "memcached", hosts: ["lb-01"], protocol: "plain", applications: ["press"] },
  },
};

const program = runStack(config);

async function variablesOf(resource: string, name: string): Promise<readonly string[]> {
  const { world } = await program;
  const files = plain(world.find(release, resource).inputs.files);
  const texts = ["environment", "secrets"].map((file) =>
    String(plain(files[`/etc/${name}/${file}`].content)),
  );
  return texts
    .flatMap((text) => text.split("\n"))
    .filter((line) => /CACHE|JOBS|PARTS|LISTS/.test(line));
}

const digest = (service: string) =>
  createHash("sha256").update(`certificates-of-service-${service}-authority\n`).digest("hex");

test("an application is told the service on its host, or else the first, and only those that are for it", async (t) => {
  const cache = [
    'PAGE_CACHE_HOST="127.0.0.1"',
    'PAGE_CACHE_PORT="6379"',
    'PAGE_CACHE_PASSWORD="password-of-service-page-cache-password"',
    'PAGE_CACHE_URL="redis://:password-of-service-page-cache-password@127.0.0.1:6379/0"',
  ];
  const cacheOverTls = [
    'PAGE_CACHE_HOST="172.31.64.21"',
    'PAGE_CACHE_PORT="7379"',
    'PAGE_CACHE_PASSWORD="password-of-service-page-cache-password"',
    'PAGE_CACHE_URL="rediss://:password-of-service-page-cache-password@172.31.64.21:7379/0"',
    'PAGE_CACHE_SSL="verify"',
    'PAGE_CACHE_SSL_CA="/etc/shop/page-cache-authority.pem"',
    `PAGE_CACHE_SSL_CA_SHA256="${digest("page-cache")}"`,
  ];
  const parts = [
    'PARTS_HOST="127.0.0.1"',
    'PARTS_PORT="11300"',
    'PARTS_URL="memcached://127.0.0.1:11300"',
  ];
  const lists = [
    'LISTS_HOST="172.31.64.11"',
    'LISTS_PORT="11211"',
    'LISTS_URL="memcached://172.31.64.11:11211"',
  ];
  const jobs = [
    'JOBS_HOST="172.31.64.11"',
    'JOBS_PORT="6479"',
    'JOBS_PASSWORD="password-of-service-jobs-password"',
    'JOBS_URL="rediss://:password-of-service-jobs-password@172.31.64.11:6479/0"',
    'JOBS_SSL="verify"',
    'JOBS_SSL_CA="/etc/shop/jobs-authority.pem"',
    `JOBS_SSL_CA_SHA256="${digest("jobs")}"`,
  ];
  const sorted = (lines: readonly string[]) => [...lines].sort();
  t.deepEqual(
    sorted(await variablesOf("application-web-01", "press")),
    sorted([...cache, ...parts, ...lists]),
  );
  t.deepEqual(
    sorted(await variablesOf("shop-web-02", "shop")),
    sorted([...cacheOverTls, ...parts, ...jobs]),
  );
});

test("a password is a secret, and none is where it can be read", async (t) => {
  const { world } = await program;
  const { inputs } = world.find(service, "service-jobs-lb-01-service");
  const files = plain(inputs.files);
  t.like(files["/etc/trilithon/redis-password.conf"], { mode: "0640", group: "redis" });
  t.false(JSON.stringify(files["/etc/trilithon/redis.conf"]).includes("password-of"));
  t.false(JSON.stringify(inputs.ready).includes("password-of"));
  const open = await program.then(({ told }) => JSON.stringify(told));
  t.false(open.includes("password-of"));
});

test("each host of a service has a certificate of its authority, which a reload takes in", async (t) => {
  const { world } = await program;
  const authority = world.find("trilithon:index:CertificateAuthority", "service-jobs-authority");
  t.is(authority.inputs.keeper, "7");
  const { inputs } = world.find("trilithon:index:Certificate", "service-jobs-lb-01-certificate");
  t.deepEqual(inputs.addresses, ["172.31.64.11", "lb-01"]);
  const files = plain(world.find(service, "service-jobs-lb-01-service").inputs.files);
  const reloads = { onChange: "reload" };
  t.like(files["/etc/trilithon/redis-key.pem"], { mode: "0640", group: "redis", ...reloads });
  for (const path of [
    "/etc/trilithon/redis.pem",
    "/etc/trilithon/redis-tls.conf",
    "/etc/trilithon/redis-password.conf",
    "/etc/systemd/system/redis-server.service.d/trilithon.conf",
  ]) {
    t.like(files[path], reloads, path);
  }
  const memcached = plain(world.find(service, "service-parts-web-01-service").inputs.files);
  t.like(memcached["/etc/trilithon/memcached-key.pem"], { group: "memcache", ...reloads });
  const dropIn = memcached["/etc/systemd/system/memcached.service.d/trilithon.conf"];
  t.is(dropIn.onChange, undefined, "its options are read at a start alone");
});

test("an application has the authorities of services on other hosts before it is released", async (t) => {
  const { world } = await program;
  const ofServices = { "page-cache": "web-01", jobs: "lb-01" };
  for (const [name, host] of Object.entries(ofServices)) {
    // One for each: whoever is told of one service no longer may read its file until the release.
    const found = world.find(service, `shop-web-02-authority-of-${name}`);
    t.deepEqual(plain(found.inputs.files), {
      [`/etc/shop/${name}-authority.pem`]: {
        content: `certificates-of-service-${name}-authority\n`,
      },
    });
    t.true(found.startedAt > world.find(service, `service-${name}-${host}-service`).endedAt);
    t.true(world.find(release, "shop-web-02").startedAt > found.endedAt);
  }
  t.false(
    world.resources.some(({ name }) => name === "application-web-01-authority-of-page-cache"),
  );
});

test("a former password ends when all applications have the new one", async (t) => {
  const { world } = await program;
  t.is(world.find("trilithon:index:Password", "service-jobs-password").inputs.keeper, "6");
  const retirement = world.find(service, "service-jobs-lb-01-password-retirement");
  t.is(retirement.inputs.unit, "trilithon-redis-password.service");
  for (const name of ["application-web-01", "application-web-02", "shop-web-01", "shop-web-02"]) {
    t.true(retirement.startedAt > world.find(release, name).endedAt, name);
  }
  const { content } = plain(retirement.inputs.files)[
    "/etc/systemd/system/trilithon-redis-password.service"
  ];
  const password = "password-of-service-jobs-password";
  t.true(plain(content).includes(createHash("sha256").update(password).digest("hex")));
  t.false(plain(content).includes(password));
  t.false(world.resources.some(({ name }) => /parts.*retirement/.test(name)));
});

test("an application starts when its services are there, one after the other where they are several", async (t) => {
  const { world } = await program;
  const startOf = (name: string) => world.find(service, name);
  const { startedAt } = world.find(release, "shop-web-01");
  for (const name of ["page-cache-web-01", "jobs-lb-01", "parts-web-01", "parts-web-02"]) {
    t.true(startedAt > startOf(`service-${name}-service`).endedAt, name);
  }
  t.true(
    startOf("service-parts-web-02-service").startedAt >
      startOf("service-parts-web-01-service").endedAt,
  );
});

test("tells where they are", async (t) => {
  const { told } = await program;
  t.deepEqual(told.services?.["page-cache"], {
    ...{ kind: "valkey", unit: "valkey-server.service", port: 6379, hosts: ["web-01"] },
  });
});

const shop = config.applications.shop;
const bad: readonly (readonly [string, object, readonly string[]])[] = [
  [
    "two of one kind on one host, which would write one file",
    {
      services: {
        cache: { kind: "valkey", hosts: ["web-01", "web-02"] },
        queue: { kind: "valkey", hosts: ["web-02"], port: 6380 },
      },
    },
    [
      'services.queue.kind: expected a kind that no other service on web-02 has, got "valkey": services.cache has valkey-server.service and /etc/systemd/system/valkey-server.service.d/trilithon.conf there: give one of them another host or kind',
    ],
  ],
  [
    "a port that another one has",
    {
      services: {
        cache: { kind: "valkey", hosts: ["web-01"] },
        queue: { kind: "redis", hosts: ["web-01"] },
        parts: { kind: "memcached", hosts: ["web-02"], port: 3001 },
      },
    },
    [
      "services.queue.port: expected a port that nothing else on web-01 uses, got 6379: services.cache.port is the same: give one of them another port",
      "services.queue.tlsPort: expected a port that nothing else on web-01 uses, got 7379: services.cache.tlsPort is the same: give one of them another port",
      "services.parts.port: expected a port that nothing else on web-02 uses, got 3001: applications.shop.port is the same: give one of them another port",
    ],
  ],
  [
    "a port for TLS that is taken, and a protocol and a password that are none",
    {
      services: {
        cache: { kind: "valkey", hosts: ["web-01"], tlsPort: 3001, protocol: "https" },
        parts: { kind: "memcached", hosts: ["web-01"], passwordKeeper: "2" },
      },
    },
    [
      'services.cache.protocol: expected one of tls, plain, got "https"',
      "services.cache.tlsPort: expected a port that nothing else on web-01 uses, got 3001: applications.shop.port is the same: give one of them another port",
      'services.parts.passwordKeeper: expected nothing, got "2": Memcached has no password',
    ],
  ],
  [
    "hosts and applications that are none",
    { services: { cache: { kind: "valkey", hosts: ["db-01"], applications: ["blog"] } } },
    [
      'services.cache.hosts[0]: expected the name of a host, got "db-01"',
      'services.cache.applications[0]: expected one of press, shop, got "blog"',
    ],
  ],
  [
    "an application of the name of a service's user",
    { applications: { redis: shop }, services: { jobs: { kind: "redis", hosts: ["lb-01"] } } },
    [
      'applications.redis: expected a name that no service\'s unit or user has, got "redis": services.jobs has it',
    ],
  ],
  [
    "values that are none",
    { services: { database: { kind: "memcached", hosts: ["lb-01"], persistent: true } } },
    [
      'services.database: expected a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and is not database, got "database"',
      "services.database.persistent: expected false, as Memcached keeps nothing, got true",
    ],
  ],
];

for (const [title, change, faults] of bad) {
  test(`refuses ${title}`, (t) => {
    const result = parseSettings({ ...config, services: {}, ...change });
    t.deepEqual(
      "faults" in result ? result.faults : [],
      faults.map((fault) => `trilithon:${fault}`),
    );
  });
}
