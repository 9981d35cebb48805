/** Which applications a stack may have beside each other. */
import test from "ava";
import { parseSettings } from "../../components/settings";

type Values = Readonly<Record<string, unknown>>;

const good = {
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
    { name: "web-01", address: "172.31.64.21", roles: ["web", "database"] },
    { name: "web-02", address: "172.31.64.22", roles: ["web", "database"] },
  ],
  containers: { subnet: "172.31.64.0/24" },
};
const blog = { source: "./blog", start: ["node", "server.js"], domains: ["blog.foobar.com"] };
const shop = { ...blog, domains: ["shop.foobar.com"], port: 3001 };

const faultsOf = (values: Values): readonly string[] => {
  const result = parseSettings(values);
  return "faults" in result ? result.faults : [];
};

const fine: Readonly<Record<string, Values>> = {
  "one beside the first": { applications: { shop } },
  "two, of which one is the first": {
    applications: { blog: { ...blog, domains: undefined }, shop },
  },
  "two on hosts of their own with one port": {
    application: { hosts: ["web-01"] },
    applications: { shop: { ...shop, port: 3000, hosts: ["web-02"] } },
  },
  "two that PHP-FPM runs, at sockets of their own": {
    application: { source: "./wiki", runtime: "php-fpm" },
    applications: {
      shop: { source: "./shop", runtime: { name: "php-fpm" }, domains: ["shop.foobar.com"] },
    },
  },
  "paths of the stack's domain, and of another one's": {
    applications: {
      blog: { ...blog, port: 3002 },
      shop: { source: "./shop", start: ["x"], paths: ["/shop", "/cart"], port: 3001 },
      wiki: {
        ...{ source: "./wiki", start: ["x"], paths: ["/shop"], under: "blog", port: 3003 },
        healthPath: "/shop/up",
      },
    },
  },
  "versions of a package on hosts of their own, and any version beside a certain one": {
    application: { hosts: ["web-01"], packages: { nodejs: "22.*", libvips: "present" } },
    applications: {
      shop: { ...shop, hosts: ["web-02"], packages: { nodejs: "24.*" } },
      blog: { ...blog, port: 3002, hosts: ["web-02"], packages: { nodejs: "present" } },
    },
  },
  "databases of names of their own, and none": {
    applications: {
      shop: { ...shop, database: { name: "goods" } },
      blog: { ...blog, port: 3002, database: false },
    },
  },
};

for (const [title, values] of Object.entries(fine)) {
  test(`takes ${title}`, (t) => {
    t.deepEqual(faultsOf(JSON.parse(JSON.stringify({ ...good, ...values }))), []);
  });
}

for (const name of ["trilithon", "mail", "docker"]) {
  test(`refuses an application called ${name}, whose files are the system's`, (t) => {
    t.regex(
      faultsOf({ ...good, application: { name } })[0] ?? "",
      /^trilithon:application\.name: /,
    );
  });
}

const bad: readonly (readonly [string, Values, readonly string[]])[] = [
  [
    "two versions of a package on one host",
    {
      application: { packages: { nodejs: "22.*" } },
      applications: { shop: { ...shop, packages: { nodejs: "24.*" } } },
    },
    [
      'applications.shop.packages.nodejs: expected the version of nodejs that is wanted on web-01 already, got "24.*": application.packages.nodejs is 22.*',
    ],
  ],
  [
    "two on one host with one port",
    { applications: { shop: { ...shop, port: 3000 } } },
    [
      "applications.shop.port: expected a port that nothing else on web-01 uses, got 3000: application.port is the same: give one of them another port",
    ],
  ],
  [
    "one without a domain of its own beside the first",
    { application: {}, applications: { shop: { ...shop, domains: undefined } } },
    [
      "applications.shop.domains: expected a list of domains, got nothing: application has the stack's",
    ],
  ],
  [
    "two without a domain of their own",
    {
      applications: {
        shop: { ...shop, domains: undefined },
        blog: { ...blog, domains: undefined },
      },
    },
    [
      "applications.blog.domains: expected a list of domains, got nothing: applications.shop has the stack's",
    ],
  ],
  [
    "a domain that is another one's",
    {
      applications: {
        shop: { ...shop, domains: ["www.foobar.com", "x.foobar.com"] },
        blog: { ...blog, port: 3002, domains: ["x.foobar.com"] },
      },
    },
    [
      'applications.shop.domains[0]: expected a domain that nothing else has, got "www.foobar.com": domain is the same',
      'applications.blog.domains[0]: expected a domain that nothing else has, got "x.foobar.com": applications.shop.domains[1] is the same',
    ],
  ],
  [
    "a name that is the first one's, or names a unit of it",
    {
      application: { name: "shop", processes: { mail: { command: ["mail"] } } },
      applications: { "shop-mail": shop },
    },
    [
      'applications.shop-mail: expected units that no other application has, got "shop-mail.service": application has it: give one of them another name',
    ],
  ],
  [
    "paths that are another one's, or of nothing",
    {
      applications: {
        blog: { ...blog, port: 3002 },
        shop: { source: "./shop", start: ["x"], paths: ["/shop", "/shop/"], port: 3001 },
        wiki: { source: "./wiki", start: ["x"], paths: ["/shop"], healthPath: "/up", port: 3003 },
        help: { ...shop, paths: ["/help"], under: "wiki", port: 3004 },
        news2: { ...shop, domains: ["x.foobar.com"], under: "blog", port: 3005 },
      },
    },
    [
      'applications.shop.paths[1]: expected a path such as /shop, of letters, digits and . _ ~ - and without a / at its end, got "/shop/"',
      'applications.wiki.healthPath: expected a path below /shop, got "/up"',
      'applications.wiki.paths[0]: expected a path that nothing else has, got "/shop": applications.shop.paths[0] is the same',
      "applications.help.domains: expected nothing, as it has paths, got a list: under names whose domains they are of",
      'applications.help.under: expected one of blog, news2, got "wiki"',
      'applications.news2.under: expected nothing, as it has no paths, got "blog"',
    ],
  ],
  [
    "names that are Debian's or ours",
    {
      applications: {
        mail: shop,
        "trilithon-x": { ...shop, domains: ["x.foobar.com"], port: 3002 },
      },
    },
    ["mail", "trilithon-x"].map(
      (name) =>
        `applications.${name}: expected a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and names no other service, user, group or folder of the system, got "${name}"`,
    ),
  ],
  [
    "names that would be the same with a host's",
    {
      hosts: [
        ...good.hosts.slice(0, 2),
        { name: "a-web-01", address: "172.31.64.23", roles: ["web", "database"] },
      ],
      applications: { shop, "shop-a": { ...shop, domains: ["a.foobar.com"], port: 3002 } },
    },
    [
      'applications.shop-a: expected a name that makes resources of its own on web-01, got "shop-a-web-01": applications.shop on a-web-01 has it: give one of them another name',
    ],
  ],
  [
    "a database that is another one's",
    { database: { name: "shop" }, applications: { shop } },
    [
      'applications.shop.database.name: expected a database that no other application has, got "shop": database.name is the same',
    ],
  ],
  [
    "a database of the first that is not the stack's",
    { applications: { blog: { ...blog, domains: undefined, database: { name: "x" } } } },
    [
      "applications.blog.database: expected nothing, got an object: its database is the stack's, database.name",
    ],
  ],
  [
    "hosts that are none",
    { applications: { shop: { ...shop, hosts: ["lb-01"] } } },
    ['applications.shop.hosts[0]: expected a host with the role web, got "lb-01"'],
  ],
  [
    "a web host without an application",
    { application: { hosts: ["web-01"] } },
    [
      'hosts[2].roles: expected an application on each host with the role web, got "web-02": take the role from it, or name it in an application\'s hosts',
    ],
  ],
  [
    "a job of a further one that has a process's name",
    {
      applications: {
        shop: {
          ...shop,
          processes: { mail: { command: ["x"] } },
          jobs: { mail: { command: ["x"], schedule: "daily" } },
        },
      },
    },
    ['applications.shop.jobs.mail: expected a name that no process has, got "mail"'],
  ],
  [
    "names and values that are none",
    { applications: { nginx: shop, shop: { start: ["x"], domains: [], database: true } } },
    [
      "applications.shop.source: expected a folder, got nothing",
      "applications.shop.domains: expected a list of domains, got an empty list",
      "applications.shop.database: expected false, or an object with name, got true",
      'applications.nginx: expected a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and names no other service, user, group or folder of the system, got "nginx"',
      "applications.shop.port: expected a port that nothing else on web-01 uses, got 3000: application.port is the same: give one of them another port",
    ],
  ],
];

for (const [title, values, faults] of bad) {
  test(`refuses ${title}`, (t) => {
    t.deepEqual(
      faultsOf(JSON.parse(JSON.stringify({ ...good, ...values }))),
      faults.map((fault) => `trilithon:${fault}`),
    );
  });
}

test("refuses a database where no host has one", (t) => {
  const hosts = good.hosts.map((host) => ({
    ...host,
    roles: host.roles.filter((role) => role !== "database"),
  }));
  t.deepEqual(faultsOf({ ...good, hosts, applications: { shop: { ...shop, database: {} } } }), [
    "trilithon:applications.shop.database: expected nothing, as no host has a database, got an object",
  ]);
});
