/** What tells metrics on each host: exporters of Debian, over TLS and to Prometheus alone. */
import { writtenByTrilithon } from "../application-unit";
import { renderRestartAlways } from "../restart-always";

const folder = "/etc/trilithon-metrics";

/** Written by whoever knows something: each file `NAME.prom` there is told. */
export const factsFolder = "/var/lib/trilithon-metrics";

/** Debian's own user for all of them, and its group. */
export const metricsUser = "prometheus";
/** A system user, and an account of MySQL that logs in over the socket: no password is needed. */
export const databaseMetrics = {
  user: "trilithon_metrics",
  home: "/nonexistent",
  grants: { "*.*": ["PROCESS", "REPLICATION CLIENT"], "performance_schema.*": ["SELECT"] },
};

/** Debian's. */
export const mysqlSocket = "/run/mysqld/mysqld.sock";

/** Their customary ports. */
export const metricsPorts = {
  node: 9100,
  haproxy: 9101,
  mysqld: 9104,
  nginx: 9113,
  application: 9114,
} as const;

/** What all exporters of a host have in common. Read with each connection: another certificate needs no restart. */
export const exporterFiles = {
  web: `${folder}/web.yml`,
  certificate: `${folder}/certificate.pem`,
  /** Read by the group of `metricsUser`. */
  privateKey: `${folder}/key.pem`,
  /** Whoever shows a certificate of these may read: Prometheus alone has one. */
  clients: `${folder}/clients.pem`,
  /** Of the client of MySQL's exporter. */
  mysqlOptions: `${folder}/my.cnf`,
};

export const exporters = {
  node: exporter("node", metricsUser),
  mysqld: exporter("mysqld", databaseMetrics.user),
  nginx: exporter("nginx", metricsUser),
};

export type ExporterName = keyof typeof exporters;

function exporter(name: string, user: string) {
  const debian = `prometheus-${name}-exporter`;
  return {
    ...{ name, user, package: debian, unit: `${debian}.service`, program: `/usr/bin/${debian}` },
    dropIn: `/etc/systemd/system/${debian}.service.d/trilithon.conf`,
  };
}

export type Exporter = (typeof exporters)[ExporterName];

export function renderWebConfig(): string {
  const { certificate, privateKey, clients } = exporterFiles;
  return `${writtenByTrilithon}
tls_server_config:
  cert_file: ${certificate}
  key_file: ${privateKey}
  client_ca_file: ${clients}
  client_auth_type: RequireAndVerifyClientCert
  min_version: TLS13
`;
}

/** Those that no file of a machine can fill. overlay is the root of a container. */
const noDisks =
  "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|proc|pstore|ramfs|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$$";

/** The exporter's own default, and what a container's root is mounted into once more. */
const noMounts =
  "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+|etc/(hosts|hostname|resolv[.]conf))($$|/)";

export function nodeFlags(): readonly string[] {
  return [
    `--collector.textfile.directory=${factsFolder}`,
    `--collector.filesystem.fs-types-exclude=${noDisks}`,
    `--collector.filesystem.mount-points-exclude=${noMounts}`,
    // What no alert and no chart reads costs memory on each host, and at Prometheus.
    "--collector.disable-defaults",
    ...[
      ...["cpu", "diskstats", "filefd", "filesystem", "loadavg", "meminfo", "netdev", "netstat"],
      ...["pressure", "stat", "textfile", "time", "timex", "uname", "vmstat"],
    ].map((collector) => `--collector.${collector}`),
  ];
}

export function mysqldFlags(): readonly string[] {
  return [
    `--config.my-cnf=${exporterFiles.mysqlOptions}`,
    "--collect.perf_schema.replication_group_members",
    "--collect.perf_schema.replication_group_member_stats",
    "--no-collect.info_schema.innodb_cmp",
    "--no-collect.info_schema.innodb_cmpmem",
    "--no-collect.info_schema.query_response_time",
  ];
}

export function renderMysqldOptions(): string {
  return `${writtenByTrilithon}
[client]
user = ${databaseMetrics.user}
socket = ${mysqlSocket}
`;
}

export function nginxFlags(statusUrl: string): readonly string[] {
  return [`--nginx.scrape-uri=${statusUrl}`];
}

export function renderExporterDropIn(
  { program, user }: Pick<Exporter, "program" | "user">,
  {
    address,
    port,
    flags,
  }: { readonly address: string; readonly port: number; readonly flags: readonly string[] },
): string {
  const web = `--web.config.file=${exporterFiles.web}`;
  const all = [`--web.listen-address=${address}:${port}`, web, ...flags];
  return `${renderRestartAlways()}User=${user}
Group=${metricsUser}
ExecStart=
ExecStart=${[program, ...all].join(" \\\n  ")}
${confinement}`;
}

/** Who tells how full a file system is has to see it: the files stay visible, and none may be written. */
const confinement = `NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
`;
