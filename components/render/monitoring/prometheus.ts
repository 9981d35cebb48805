/** Prometheus and the blackbox exporter: whom they ask, and how long they keep what they were told. */
import { writtenByTrilithon } from "../application-unit";
import { renderRestartAlways } from "../restart-always";
import { quoted } from "./rules";

export const prometheusFiles = {
  config: "/etc/prometheus/prometheus.yml",
  rules: "/etc/prometheus/trilithon-rules.yml",
  dropIn: "/etc/systemd/system/prometheus.service.d/trilithon.conf",
  /** By these Prometheus shows who it is, and Alertmanagers show each other. */
  certificate: "/etc/prometheus/trilithon-client.pem",
  privateKey: "/etc/prometheus/trilithon-client-key.pem",
  /** Who signs the exporters' certificates. */
  exporters: "/etc/prometheus/trilithon-exporters.pem",
};

export const blackboxFiles = {
  config: "/etc/prometheus/blackbox.yml",
  /** Whom to trust for the site's certificate, where systems do not by themselves. */
  siteAuthority: "/etc/prometheus/trilithon-site-authority.pem",
  dropIn: "/etc/systemd/system/prometheus-blackbox-exporter.service.d/trilithon.conf",
};

/** On 127.0.0.1 of their host, at their customary ports: an operator gets there through SSH. */
export const monitoringPorts = {
  prometheus: 9090,
  alertmanager: 9093,
  cluster: 9094,
  blackbox: 9115,
  /** Not its customary one: that is the default of applications. */
  grafana: 3030,
} as const;

export interface Target {
  /** What is asked: `node`, `haproxy`. */
  readonly job: string;
  readonly host: string;
  /** `10.0.0.11:9100` */
  readonly address: string;
  /** Where it tells: `/NAME` for an application. Default `/metrics`. */
  readonly path?: string | undefined;
}

export interface Probe {
  readonly job: "site" | "name-server";
  /** A module of the blackbox exporter. */
  readonly module: string;
  readonly host: string;
  /** What is asked: a URL, or a name server's address. */
  readonly target: string;
}

export interface PrometheusConfig {
  readonly targets: readonly Target[];
  readonly probes: readonly Probe[];
  /** The name of its own host. */
  readonly host: string;
}

const every = { scrapeSeconds: 15, timeoutSeconds: 10 };

export function renderPrometheus({ targets, probes, host }: PrometheusConfig): string {
  const own = (["prometheus", "alertmanager"] as const).map((job) => ({
    ...{ job, host, address: `127.0.0.1:${monitoringPorts[job]}` },
  }));
  return `${writtenByTrilithon}
global:
  scrape_interval: ${every.scrapeSeconds}s
  scrape_timeout: ${every.timeoutSeconds}s
  evaluation_interval: ${every.scrapeSeconds}s

rule_files:
  - ${prometheusFiles.rules}

# Each Prometheus tells its own Alertmanager; these tell each other what was sent.
alerting:
  alertmanagers:
    - static_configs:
        - targets: ["127.0.0.1:${monitoringPorts.alertmanager}"]

scrape_configs:
${byJob(own)
  .map(([job, all]) => renderJob(job, all))
  .join("")}${byJob(targets)
  .map(([job, all]) => renderJob(job, all, tls))
  .join("")}${byJob(probes)
  .map(([job, all]) => renderProbes(job, all))
  .join("")}`;
}

const tls = `    scheme: https
    tls_config:
      ca_file: ${prometheusFiles.exporters}
      cert_file: ${prometheusFiles.certificate}
      key_file: ${prometheusFiles.privateKey}
`;

function byJob<Item extends { readonly job: string }>(
  items: readonly Item[],
): readonly [string, Item[]][] {
  const jobs = new Map<string, Item[]>();
  for (const item of items) jobs.set(item.job, [...(jobs.get(item.job) ?? []), item]);
  return [...jobs];
}

function renderJob(job: string, targets: readonly Target[], more = ""): string {
  return `  - job_name: ${job}
${more}    static_configs:
${targets
  .map(
    ({ host, address, path }) => `      - targets: [${quoted(address)}]
        labels: { host: ${quoted(host)}${path === undefined ? "" : renderPath(path)} }
`,
  )
  .join("")}`;
}

/** Of one port: so that what they tell is not taken for the same. */
function renderPath(path: string): string {
  return `, __metrics_path__: ${quoted(path)}, application: ${quoted(path.slice(1))}`;
}

/** The blackbox exporter is asked, and asks in turn. */
function renderProbes(job: string, probes: readonly Probe[]): string {
  return `  - job_name: ${job}
    metrics_path: /probe
    static_configs:
${probes
  .map(
    ({ host, target, module }) => `      - targets: [${quoted(target)}]
        labels: { host: ${quoted(host)}, __param_module: ${quoted(module)} }
`,
  )
  .join("")}    relabel_configs:
      - { source_labels: [__address__], target_label: __param_target }
      - { source_labels: [__address__], target_label: instance }
      - { target_label: __address__, replacement: "127.0.0.1:${monitoringPorts.blackbox}" }
`;
}

export interface Retention {
  readonly retentionDays: number;
  readonly retentionGigabytes: number;
}

export function renderPrometheusDropIn({ retentionDays, retentionGigabytes }: Retention): string {
  const flags = [
    `--config.file=${prometheusFiles.config}`,
    "--storage.tsdb.path=/var/lib/prometheus/metrics2",
    `--storage.tsdb.retention.time=${retentionDays}d`,
    // Whichever of the two is reached first.
    `--storage.tsdb.retention.size=${retentionGigabytes}GB`,
    `--web.listen-address=127.0.0.1:${monitoringPorts.prometheus}`,
  ];
  return renderProgram("/usr/bin/prometheus", flags);
}

export function renderBlackboxDropIn(): string {
  return renderProgram("/usr/bin/prometheus-blackbox-exporter", [
    `--config.file=${blackboxFiles.config}`,
    `--web.listen-address=127.0.0.1:${monitoringPorts.blackbox}`,
  ]);
}

/** A drop-in by which Debian's unit runs its program with other flags. */
export function renderProgram(program: string, flags: readonly string[]): string {
  return `${renderRestartAlways()}# Rather some more of the processor than of the memory.
Environment=GOGC=40
ExecStart=
ExecStart=${[program, ...flags].join(" \\\n  ")}
ExecReload=
ExecReload=/bin/kill -HUP $MAINPID
NoNewPrivileges=yes
ProtectSystem=full
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
`;
}

export interface ProbedSite {
  /** Sent as `Host`, and what its certificate has to be for. */
  readonly domain: string;
  readonly hasOwnAuthority: boolean;
  /** Names that name servers are asked for: the module of each is its own. */
  readonly names: readonly string[];
}

/** Who is refused is answered as well: 401 and 403 are no fault of the site. */
const answered = [200, 204, 301, 302, 303, 304, 307, 308, 401, 403, 404];

export const siteModule = "site";
export const nameModule = (name: string) => `name ${name}`;

export function renderBlackbox({ domain, hasOwnAuthority, names }: ProbedSite): string {
  return `${writtenByTrilithon}
modules:
  ${siteModule}:
    prober: http
    timeout: 8s
    http:
      preferred_ip_protocol: ip4
      follow_redirects: false
      valid_status_codes: [${answered.join(", ")}]
      headers: { Host: ${quoted(domain)} }
      tls_config:
        server_name: ${quoted(domain)}
${hasOwnAuthority ? `        ca_file: ${blackboxFiles.siteAuthority}\n` : ""}${names
  .map(
    (name) => `  ${quoted(nameModule(name))}:
    prober: dns
    timeout: 5s
    dns:
      preferred_ip_protocol: ip4
      query_name: ${quoted(name)}
      query_type: SOA
`,
  )
  .join("")}`;
}
