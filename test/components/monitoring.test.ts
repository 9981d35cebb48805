/** A stack of which two hosts look at all. */
import { readFileSync } from "node:fs";
import test from "ava";
import { parseSettings } from "../../components/settings";
import { plain, runStack } from "./run-stack";

const source = "./test/components/render";
const start = ["node", "server.js"];
const hookUrl = "https://hooks.example.net/planted-token";
const both = ["node-01", "node-02"];
const names = [...both, "node-03"];

/** Everything on every host; load balancers, and what looks at all, on two of them. */
const config = {
  domain: "www.foobar.com",
  hosts: names.map((name, index) => ({
    ...{ name, address: `172.31.64.1${index + 1}` },
    roles: [
      ...(index < 2 ? ["load-balancer", "monitoring"] : []),
      ...["web", "database"],
      ...(index === 0 ? ["name-server"] : []),
    ],
  })),
  containers: { subnet: "172.31.64.0/24", cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
  loadBalancer: { virtualAddress: "172.31.64.10" },
  web: { port: 8080 },
  application: { name: "press", source, start, port: 3100, metrics: "/internal/metrics" },
  monitoring: {
    ...{ webhook: { url: hookUrl }, retentionDays: 7, retentionGigabytes: 2, grafana: true },
    packages: { prometheus: "3.5.*", "prometheus-node-exporter": "1.11.*" },
  },
};

const program = runStack(config);

type Files = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

async function serviceOf(name: string) {
  const { world } = await program;
  return world.find("trilithon:index:Service", `monitoring-${name}`);
}

async function filesOf(name: string): Promise<Files> {
  return Object(plain((await serviceOf(name)).inputs.files));
}

const textOf = async (name: string, path: string) =>
  String(plain((await filesOf(name))[path]?.content));

test("Prometheus asks all that tells metrics, which is for its hosts alone", async (t) => {
  const { told } = await program;
  const telling = told.listens.filter(({ metrics }) => metrics !== undefined);
  const config = await textOf("node-01-prometheus", "/etc/prometheus/prometheus.yml");
  for (const { host, address, port, for: audience, metrics } of telling) {
    const at = address === "0.0.0.0" ? told.hosts[host]?.address : address;
    t.true(config.includes(`- targets: ["${at}:${port}"]\n        labels: { host: "${host}"`));
    t.true(config.includes(`job_name: ${metrics}\n    scheme: https\n`));
    t.deepEqual(audience, { hosts: both.filter((name) => name !== host) });
  }
  t.deepEqual(
    telling.map(({ host, port, unit }) => `${host} ${port} ${unit}`).sort(),
    [
      ...names.flatMap((name) => [
        `${name} 9100 prometheus-node-exporter.service`,
        `${name} 9104 prometheus-mysqld-exporter.service`,
        `${name} 9113 prometheus-nginx-exporter.service`,
        `${name} 9114 nginx.service`,
      ]),
      ...both.map((name) => `${name} 9101 haproxy.service`),
    ].sort(),
  );
});

test("its own pages, and Alertmanager's, are on loopback; Alertmanagers reach each other", async (t) => {
  const { told } = await program;
  const ports = [9090, 9093, 9094, 9115, 3030];
  const own = told.listens.filter(
    ({ host, port = 0 }) => host === "node-01" && ports.includes(port),
  );
  t.deepEqual(
    own.map(({ address, port, for: audience }) => [`${address}:${port}`, audience.hosts ?? []]),
    [
      ["127.0.0.1:9090", []],
      ["127.0.0.1:9093", []],
      ["127.0.0.1:9115", []],
      ["127.0.0.1:3030", []],
      ["172.31.64.11:9094", ["node-02"]],
    ],
  );
  const nobody = told.listens.filter(
    ({ host, port = 0 }) => host === "node-03" && ports.includes(port),
  );
  t.deepEqual(nobody, []);
});

for (const [file, section] of [
  ["docs/architecture.md", "What listens"],
  ["docs/security.md", "What is encrypted"],
] as const) {
  test(`${file} names all of it`, async (t) => {
    const { told } = await program;
    const text = readFileSync(file, "utf8");
    const [, table = ""] = new RegExp(`\n## ${section}\n([^]*?)\n## `).exec(text) ?? [];
    for (const { what } of told.listens) t.true(table.includes(what), what);
  });
}

test("each of its ports is refused to anything else on that host", async (t) => {
  const { told } = await program;
  t.true("settings" in parseSettings(config));
  for (const { host, port } of told.listens) {
    if (host !== "node-01" || port === undefined) continue;
    if (port !== 3030 && (port < 9090 || port > 9120)) continue;
    const result = parseSettings({
      ...config,
      loadBalancer: { ...config.loadBalancer, statsPort: port },
    });
    const faults = "faults" in result ? result.faults.join("\n") : "";
    t.regex(faults, new RegExp(`a port that nothing else on node-0\\d uses, got ${port}:`));
  }
});

test("who asks shows a certificate that no exporter has", async (t) => {
  const { world } = await program;
  const authorityOf = (name: string) =>
    world.find("trilithon:index:Certificate", name).inputs.authorityCertificate;
  const exporter = authorityOf("monitoring-exporters-node-01-certificate");
  t.notDeepEqual(exporter, authorityOf("monitoring-node-01-client-certificate"));
  t.deepEqual(exporter, authorityOf("monitoring-exporters-node-03-certificate"));
  const files = await filesOf("node-01-node-exporter");
  t.like(files["/etc/trilithon-metrics/node/key.pem"], { mode: "0600", owner: "prometheus" });
  t.like((await filesOf("node-01-mysqld-exporter"))["/etc/trilithon-metrics/mysqld/key.pem"], {
    ...{ mode: "0600", owner: "trilithon_metrics" },
  });
});

test("HAProxy tells Prometheus over TLS, on a port of its own", async (t) => {
  const { world } = await program;
  const { files } = world.find("trilithon:index:Service", "load-balancer-node-01-service").inputs;
  const { content } = Object(plain(files))["/etc/haproxy/haproxy.cfg"];
  t.regex(
    String(plain(content)),
    /\nfrontend metrics\n {4}bind 172\.31\.64\.11:9101 ssl crt \S+ ca-file \S+ verify required /,
  );
});

test("an application's own metrics are passed on by Nginx, over TLS and to Prometheus", async (t) => {
  const { world } = await program;
  const files = plain(world.find("trilithon:index:Service", "node-03-nginx-service").inputs.files);
  const { content } = Object(files)["/etc/nginx/conf.d/trilithon-metrics.conf"];
  t.regex(
    String(plain(content)),
    /location = \/press \{\n +proxy_pass http:\/\/127\.0\.0\.1:3100\/internal\/metrics;/,
  );
  const config = await textOf("node-01-prometheus", "/etc/prometheus/prometheus.yml");
  t.regex(
    config,
    /172\.31\.64\.13:9114"\]\n.*__metrics_path__: "\/press", application: "press" \}/,
  );
});

test("a webhook's URL is a secret in a file of Prometheus' own user, and in no other", async (t) => {
  const files = await filesOf("node-01-alertmanager");
  const { content, ...file } = files["/etc/prometheus/trilithon-webhook-url"] ?? {};
  t.like(file, { mode: "0600", owner: "prometheus" });
  t.is(String(plain(content)), hookUrl);
  const { hiddenFile } = await import("../../components/monitoring-services");
  const { isSecret, output } = await import("@pulumi/pulumi");
  t.true(await isSecret(output(hiddenFile(hookUrl).content)));
  t.notRegex(await textOf("node-01-alertmanager", "/etc/prometheus/alertmanager.yml"), /planted/);
});

test("Grafana finds Prometheus, and has the panels of what the stack has", async (t) => {
  const { world } = await program;
  const packages = world.find("trilithon:index:Packages", "monitoring-node-01-packages").inputs;
  t.like(plain(packages.packages), { grafana: "present" });
  const files = await filesOf("node-01-grafana");
  t.regex(
    await textOf("node-01-grafana", "/etc/grafana/provisioning/datasources/trilithon.yaml"),
    /^ {4}url: http:\/\/127\.0\.0\.1:9090$/m,
  );
  const config = await textOf("node-01-grafana", "/etc/grafana/grafana.ini");
  t.regex(config, /^http_addr = 127\.0\.0\.1\nhttp_port = 3030$/m);
  t.regex(config, /^admin_password = \$__file\{\/etc\/grafana\/trilithon-admin-password\}$/m);
  const titles = await textOf("node-01-grafana", "/etc/grafana/trilithon/dashboard.json");
  t.regex(titles, /Members of the group/);
  t.regex(titles, /Who has the shared address/);
  t.regex(titles, /Applications tell their metrics/);
  t.notRegex(titles, /How far the replica|The site's certificate|Age of the newest copy/);
  for (const [path, { mode, group, owner }] of Object.entries(files)) {
    if (!path.startsWith("/etc/grafana/")) continue;
    t.deepEqual([path, mode, group, owner], [path, "0640", "grafana", undefined]);
  }
  t.true(
    (await serviceOf("node-01-grafana")).startedAt >
      (await serviceOf("node-01-prometheus")).endedAt,
  );
});

test("what opens Grafana is made once, for all hosts, and lies in files of its own", async (t) => {
  const [first, second] = [await filesOf("node-01-grafana"), await filesOf("node-02-grafana")];
  // The envelope of a secret is about all files.
  const { files } = (await serviceOf("node-01-grafana")).inputs;
  t.not(plain(files), files);
  for (const path of [
    "/etc/grafana/trilithon-admin-password",
    "/etc/grafana/trilithon-secret-key",
  ]) {
    const password = String(plain(first[path]?.content));
    t.truthy(password);
    t.is(String(plain(second[path]?.content)), password);
    for (const [other, { content }] of Object.entries(first)) {
      if (other !== path) t.false(String(plain(content)).includes(password), other);
    }
  }
});

test("alerts are those of a group behind a shared address, without TLS", async (t) => {
  const rules = await textOf("node-01-prometheus", "/etc/prometheus/trilithon-rules.yml");
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  for (const name of ["SiteDown", "GroupReduced", "AddressHeldTwice", "Watchdog"]) {
    t.true(alerts.includes(name), name);
  }
  for (const name of ["ReplicaStopped", "CertificateOfSiteEnds", "RenewalFailed"]) {
    t.false(alerts.includes(name), name);
  }
});

test("what is kept is bounded as the settings say, and versions are theirs", async (t) => {
  const { world, told } = await program;
  const dropIn = "/etc/systemd/system/prometheus.service.d/trilithon.conf";
  const flags = await textOf("node-02-prometheus", dropIn);
  t.regex(flags, /retention\.time=7d \\\n/);
  t.regex(flags, /retention\.size=2GB \\\n/);
  const packagesOf = (name: string) =>
    plain(world.find("trilithon:index:Packages", `monitoring-${name}`).inputs.packages);
  t.like(packagesOf("node-03-exporter-packages"), { "prometheus-node-exporter": "1.11.*" });
  t.false("prometheus" in Object(packagesOf("node-03-exporter-packages")));
  t.like(packagesOf("node-01-packages"), {
    prometheus: "3.5.*",
    "prometheus-alertmanager": "present",
  });
  t.is(told.hosts["node-01"]?.pinned?.prometheus, "3.5.*");
});

test("facts are asked of what is on the host", async (t) => {
  const config = await textOf("node-03-facts", "/etc/trilithon-metrics/facts.conf");
  t.regex(config, /^unit mysql\.service$/m);
  t.regex(config, /^unit press\.service$/m);
  t.regex(config, /^role 172\.31\.64\.13:9200$/m);
  t.regex(config, /^release press \/srv\/press\/current$/m);
  t.notRegex(config, /^(address|closed|unit keepalived)/m);
  const balancing = await textOf("node-01-facts", "/etc/trilithon-metrics/facts.conf");
  t.regex(balancing, /^address 172\.31\.64\.10$/m);
  t.regex(balancing, /^unit keepalived\.service$/m);
});

test("MySQL's exporter logs in over the socket, by an account that sees no data", async (t) => {
  const { world } = await program;
  const { accounts } = world.find(
    "trilithon:index:MysqlContent",
    "database-for-trilithon_metrics",
  ).inputs;
  t.deepEqual(plain(accounts), {
    trilithon_metrics: {
      grants: { "*.*": ["PROCESS", "REPLICATION CLIENT"], "performance_schema.*": ["SELECT"] },
    },
  });
});

test("Prometheus comes once all is there that it would miss", async (t) => {
  const { world } = await program;
  const first = await serviceOf("node-01-prometheus");
  for (const name of ["load-balancer-node-02-service", "node-03-nginx-service"]) {
    const { endedAt } = world.find("trilithon:index:Service", name);
    t.true(first.startedAt > endedAt, name);
  }
});

test("a change reaches one Prometheus after the other", async (t) => {
  const first = await serviceOf("node-01-prometheus");
  t.true((await serviceOf("node-02-alertmanager")).startedAt > first.endedAt);
  t.deepEqual(plain(first.inputs.check), [
    "promtool",
    "check",
    "config",
    "/etc/prometheus/prometheus.yml",
  ]);
});

const faultsOf = (change: object, secretKeys?: readonly string[]) => {
  const result = parseSettings({ ...config, ...change }, secretKeys);
  return "faults" in result ? result.faults : [];
};
const withRoles = (roles: readonly (readonly string[])[]) =>
  config.hosts.map((host, index) => ({ ...host, roles: roles[index] ?? host.roles }));

test("settings that cannot be are told", (t) => {
  const all = ["load-balancer", "web", "database", "monitoring"];
  t.deepEqual(faultsOf({ hosts: withRoles([all, all, all]) }), [
    "trilithon:hosts[2].roles: expected the role monitoring on 2 hosts at most, got another one",
  ]);
  const [none] = [["load-balancer", "web", "database"]];
  t.deepEqual(
    faultsOf({ hosts: withRoles([none, none, none].flatMap((one) => (one ? [one] : []))) }),
    [
      'trilithon:monitoring: expected nothing, as no host has the role monitoring, got "webhook, retentionDays, retentionGigabytes, grafana, pack...": give it to one or two hosts',
    ],
  );
  t.deepEqual(faultsOf({ monitoring: { webhook: { url: "hooks" } } }), [
    "trilithon:monitoring.webhook.url: expected an http or https URL, got something else (not shown)",
  ]);
  const email = { to: "a@foobar.com", from: "b@foobar.com", server: "mail.foobar.com:587" };
  t.deepEqual(faultsOf({ monitoring: { email: { ...email, user: "a" } } }), [
    "trilithon:monitoring.email: expected both user and password, or none, got one of them",
  ]);
  t.deepEqual(faultsOf({ monitoring: { email } }), []);
  const pages = { name: "press", source, runtime: "php-fpm", metrics: "/metrics" };
  t.deepEqual(faultsOf({ application: pages }), [
    'trilithon:application.metrics: expected nothing, as PHP-FPM has no port, got "/metrics"',
  ]);
  t.deepEqual(faultsOf({}, []), [
    "trilithon:monitoring.webhook.url: expected a secret, got plain text: set it with pulumi config set --secret --path 'trilithon:monitoring.webhook.url' < KEYFILE",
  ]);
});
