/** The files of Prometheus, Alertmanager and the exporters, and what the script of facts says of a host. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { CORE_SCHEMA, load } from "js-yaml";
import {
  renderAlertmanager,
  renderAlertmanagerCluster,
  renderAlertmanagerDropIn,
} from "../../../components/render/monitoring/alertmanager";
import { alerts, alertsFor } from "../../../components/render/monitoring/alerts";
import {
  exporters,
  nodeFlags,
  renderExporterDropIn,
  renderMysqldOptions,
  renderWebConfig,
} from "../../../components/render/monitoring/exporters";
import {
  renderFactsConfig,
  renderFactsScript,
  renderFactsService,
  renderFactsTimer,
} from "../../../components/render/monitoring/facts";
import {
  renderDashboardProvider,
  renderDataSource,
  renderGrafana,
} from "../../../components/render/monitoring/grafana";
import { renderHaproxyMetrics } from "../../../components/render/monitoring/haproxy-metrics";
import { renderNginxMetrics } from "../../../components/render/monitoring/nginx-metrics";
import {
  renderBlackbox,
  renderPrometheus,
  renderPrometheusDropIn,
} from "../../../components/render/monitoring/prometheus";
import { renderRules } from "../../../components/render/monitoring/rules";
import { isGolden } from "./golden";

const parse = (text: string) => load(text, { schema: CORE_SCHEMA });
const targets = [
  { job: "node", host: "lb-01", address: "10.0.0.11:9100" },
  { job: "haproxy", host: "lb-01", address: "10.0.0.11:9101" },
  { job: "node", host: "web-01", address: "10.0.0.21:9100" },
];
const site = { job: "site", module: "site", host: "www.foobar.com" } as const;
const nameServer = { job: "name-server", module: "name foobar.com", host: "lb-01" } as const;

test("Prometheus asks each target over TLS, and probes the site through the blackbox exporter", (t) => {
  const probes = [
    { ...site, target: "https://10.0.0.10:443/" },
    { ...nameServer, target: "10.0.0.11" },
  ];
  const config = renderPrometheus({ targets, probes, host: "lb-01" });
  isGolden(t, "prometheus.yml", config);
  const { scrape_configs: jobs } = Object(parse(config));
  const names = jobs.map(({ job_name: name }: { readonly job_name: string }) => name);
  t.deepEqual(names, ["prometheus", "alertmanager", "node", "haproxy", "site", "name-server"]);
  isGolden(
    t,
    "prometheus.service.conf",
    renderPrometheusDropIn({ retentionDays: 30, retentionGigabytes: 5 }),
  );
  const known = { domain: "www.foobar.com", hasOwnAuthority: true, names: ["foobar.com"] };
  isGolden(t, "blackbox.yml", renderBlackbox(known));
});

test("an exporter answers who shows a certificate of Prometheus', at its host's address", (t) => {
  isGolden(t, "node-exporter-web.yml", renderWebConfig(exporters.node));
  const place = { address: "10.0.0.11", port: 9100, flags: nodeFlags() };
  isGolden(t, "node-exporter.service.conf", renderExporterDropIn(exporters.node, place));
  isGolden(t, "mysqld-exporter.cnf", renderMysqldOptions());
  const applications = [{ name: "press", port: 3100, path: "/metrics" }];
  isGolden(t, "nginx-metrics.conf", renderNginxMetrics(9114, applications));
  isGolden(t, "haproxy-metrics.cfg", renderHaproxyMetrics({ address: "10.0.0.11", port: 9101 }));
});

test("Alertmanager has no secret in its own file, and tells its partner over TLS", (t) => {
  const email = {
    ...{ to: "ops@foobar.com", from: "alerts@foobar.com", server: "mail.foobar.com:587" },
    ...{ user: "alerts", requireTls: true },
  };
  const config = renderAlertmanager({ email, hasWebhook: true, hasWatchdog: true });
  isGolden(t, "alertmanager.yml", config);
  t.deepEqual(
    Object(parse(config)).receivers.map(({ name }: { readonly name: string }) => name),
    ["operators", "watchdog"],
  );
  isGolden(t, "alertmanager-cluster.yml", renderAlertmanagerCluster());
  const two = renderAlertmanagerDropIn({ address: "10.0.0.11", peers: ["10.0.0.12"] });
  isGolden(t, "prometheus-alertmanager.service.conf", two);
  const one = renderAlertmanagerDropIn({ address: "10.0.0.11", peers: [] });
  t.regex(one, /--cluster\.listen-address=\n/);
  const nobody = renderAlertmanager({ hasWebhook: false, hasWatchdog: false });
  t.notRegex(nobody, /configs:|global:/);
  t.truthy(parse(nobody));
});

test("rules are those of what a stack has", (t) => {
  const all = renderRules([
    ...(["database", "pair", "group", "virtual address", "https", "acme"] as const),
  ]);
  isGolden(t, "trilithon-rules.yml", all);
  const { groups } = Object(parse(all));
  t.is(groups[0].rules.length, alerts.length);
  const few = alertsFor(new Set()).map(({ name }) => name);
  t.true(few.includes("SiteDown"));
  t.false(few.includes("NoPrimary"));
  t.false(few.includes("AddressHeldTwice"));
});

test("Grafana listens on loopback, and has what is secret in files of its own", (t) => {
  isGolden(t, "grafana.ini", renderGrafana());
  isGolden(t, "grafana-datasource.yaml", renderDataSource());
  isGolden(t, "grafana-dashboards.yaml", renderDashboardProvider());
  t.truthy(parse(renderDataSource()));
  t.truthy(parse(renderDashboardProvider()));
});

const folder = mkdtempSync(join(tmpdir(), "facts-"));
test.after.always(() => rmSync(folder, { recursive: true }));

/** With programs of a host's in place of those of this machine. */
function factsOf(config: string): { readonly status: number | null; readonly facts: string } {
  const [bin, conf, facts] = ["bin", "facts.conf", "trilithon.prom"].map((one) =>
    join(folder, one),
  );
  mkdirSync(String(bin), { recursive: true });
  const program = (name: string, text: string) =>
    writeFileSync(join(String(bin), name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  program(
    "systemctl",
    `case $1 in show) printf 'Id=nginx.service\\nActiveState=active\\nNRestarts=2\\n\\nId=mysql.service\\nActiveState=failed\\nNRestarts=0\\n' ;; *) echo 'mysql.service loaded failed failed MySQL' ;; esac`,
  );
  program("ip", "echo '2: eth0    inet 10.0.0.10/32 scope global eth0'");
  writeFileSync(String(conf), config);
  const script = renderFactsScript({ config: String(conf), facts: String(facts) }).replace(
    "$ENV{PATH} = '",
    `$ENV{PATH} = '${bin}:`,
  );
  rmSync(String(facts), { force: true });
  const { status } = spawnSync("perl", ["-"], {
    input: script,
    stdio: ["pipe", "pipe", "inherit"],
  });
  return { status, facts: readFileSync(String(facts), "utf8") };
}

test("facts are what is true of the host", (t) => {
  const certificate = join(folder, "certificate.pem");
  const request = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
  ];
  const files = ["-keyout", join(folder, "key.pem"), "-out", certificate];
  execFileSync("openssl", [...request, "-days", "10", "-subj", "/CN=x", ...files], {
    stdio: "ignore",
  });
  symlinkSync("/srv/shop/versions/0123456789abcdef", join(folder, "current"));
  const closed = join(folder, "closed");
  writeFileSync(closed, "# since 2026-11-30T08:00:00Z by somebody\non\n");
  const { status, facts } = factsOf(
    renderFactsConfig({
      units: ["nginx.service", "mysql.service"],
      certificates: [certificate, join(folder, "none.pem")],
      drainFiles: [join(folder, "shop.drain")],
      closedFile: closed,
      virtualAddress: "10.0.0.10",
      role: "127.0.0.1:9",
      releases: { shop: join(folder, "current") },
    }),
  );
  t.is(status, 0);
  const lines = facts.split("\n").filter((line) => !line.startsWith("#"));
  for (const line of [
    'trilithon_unit_active{unit="nginx.service"} 1',
    'trilithon_unit_active{unit="mysql.service"} 0',
    'trilithon_unit_restarts{unit="nginx.service"} 2',
    'trilithon_unit_failed{unit="mysql.service"} 1',
    "trilithon_drained 0",
    "trilithon_site_closed 1",
    "trilithon_address_held 1",
    "trilithon_mysql_primary 0",
    'trilithon_release{application="shop",version="0123456789abcdef"} 1',
  ]) {
    t.true(lines.includes(line), `${line}\n${facts}`);
  }
  t.regex(facts, /^trilithon_certificate_end_seconds\{path="[^"]*certificate\.pem"\} \d{10}$/m);
  t.notRegex(facts, /none\.pem/);
});

test("a site is open while the file that closes it is empty, as HAProxy needs it", (t) => {
  const file = join(folder, "open");
  writeFileSync(file, "");
  t.regex(factsOf(`closed ${file}\n`).facts, /^trilithon_site_closed 0$/m);
});

test("an address that only begins like the shared one is another one", (t) => {
  const { facts } = factsOf("address 10.0.0.1\n");
  t.regex(facts, /^trilithon_address_held 0$/m);
  t.notRegex(facts, /trilithon_drained|trilithon_mysql_primary/);
});

test("the timer runs the script as root, who may do little", (t) => {
  isGolden(t, "trilithon-facts", renderFactsScript());
  isGolden(t, "trilithon-facts.service", renderFactsService());
  isGolden(t, "trilithon-facts.timer", renderFactsTimer());
});
