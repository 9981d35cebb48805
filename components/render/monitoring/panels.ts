/** What is worth a look over time, as data: `grafana.ts` makes Grafana's dashboard of it, `npm run dashboard` its charts. */
import { type AlertNeed, disks } from "./alerts";

export interface Panel {
  /** Of letters, digits and `-`. Stays, as links lead to it. */
  readonly id: string;
  /** Says what it is, and how it was measured where that is not plain. */
  readonly title: string;
  readonly part: PanelPart;
  readonly unit: PanelUnit;
  readonly queries: readonly PanelQuery[];
  /** What a stack has to have for it. Left out: every stack. */
  readonly needs?: readonly AlertNeed[];
}

export interface PanelQuery {
  /** For Prometheus, with `rangeMark` where a range goes. */
  readonly expression: string;
  /** `{{label}}` stands for a label's value. */
  readonly legend: string;
}

/** In this order. */
export const panelParts = [
  "site",
  "load balancers",
  "web",
  "database",
  "hosts",
  "backups",
  "monitoring",
] as const;

export type PanelPart = (typeof panelParts)[number];

export type PanelUnit = "per second" | "ratio" | "seconds" | "bytes" | "bytes per second" | "count";

/** Whoever shows a panel knows how far apart its points are. */
export const rangeMark = "RANGE";

/** `range`: as Prometheus writes it, `2m`: four scrapes or more. */
export function expressionOver({ expression }: PanelQuery, range: string): string {
  return expression.replaceAll(rangeMark, range);
}

/** Those that a stack can have. */
export function listPanels(needs: ReadonlySet<AlertNeed>): readonly Panel[] {
  return panels.filter((panel) => panel.needs?.every((need) => needs.has(need)) ?? true);
}

const overRange = `[${rangeMark}]`;
const servers = 'proxy=~"(.+_)?web_servers(_once)?"';
// Not those of the frontend: load balancers ask each other there each second.
const answers = `haproxy_backend_http_responses_total{${servers}`;
const wires = 'device!~"lo|docker.*|veth.*|br-.*"';
const replica = '{channel_name=""}';

const site: readonly Panel[] = [
  {
    ...{ id: "requests", title: "Requests to web servers, by class of status", part: "site" },
    unit: "per second",
    queries: [
      { expression: `sum by (code) (rate(${answers}}${overRange}))`, legend: "{{code}}" },
      {
        expression: `sum(rate(haproxy_frontend_requests_denied_total{proxy="web"}${overRange}))`,
        legend: "refused by load balancers",
      },
    ],
  },
  {
    ...{
      id: "errors",
      title: "Requests to web servers that end with a status of 500 to 599",
      part: "site",
      unit: "ratio",
    },
    queries: [
      {
        expression: `sum(rate(${answers},code="5xx"}${overRange})) / (sum(rate(${answers}}${overRange})) > 0)`,
        legend: "of all",
      },
    ],
  },
  {
    // HAProxy has no histogram, so percentiles of visitors' requests are in its log alone.
    ...{ id: "probe-seconds", part: "site", unit: "seconds" },
    title: "Time of the page, asked by Prometheus every 15 s: of the last 10 minutes",
    queries: [0.5, 0.95, 1].map((part) => ({
      expression: `max(quantile_over_time(${part}, probe_duration_seconds{job="site"}[10m]))`,
      legend: part === 1 ? "longest" : `${part * 100} % took at most`,
    })),
  },
  {
    ...{ id: "answer-seconds", part: "site", unit: "seconds" },
    title: "Time of visitors' requests: HAProxy's average of the last 1024",
    queries: [
      {
        expression: `max by (proxy) (haproxy_backend_total_time_average_seconds{${servers}})`,
        legend: "{{proxy}}: from the request to the end of the answer",
      },
      {
        expression: `max by (proxy) (haproxy_backend_response_time_average_seconds{${servers}})`,
        legend: "{{proxy}}: until the server begins to answer",
      },
      {
        expression: `max by (proxy) (haproxy_backend_queue_time_average_seconds{${servers}})`,
        legend: "{{proxy}}: waiting for a server",
      },
    ],
  },
  {
    ...{ id: "probe-success", title: "The page answers, asked by Prometheus", part: "site" },
    unit: "count",
    queries: [{ expression: 'min by (host) (probe_success{job="site"})', legend: "{{host}}" }],
  },
  {
    ...{ id: "site-certificate", title: "The site's certificate: time left", part: "site" },
    ...{ unit: "seconds", needs: ["https"] },
    queries: [
      {
        expression: 'min(probe_ssl_earliest_cert_expiry{job="site"}) - time()',
        legend: "as visitors see it",
      },
    ],
  },
  {
    ...{ id: "name-server-success", part: "site", unit: "count", needs: ["name server"] },
    title: "Name servers answer, asked by Prometheus",
    queries: [
      { expression: 'min by (host) (probe_success{job="name-server"})', legend: "{{host}}" },
    ],
  },
];

const loadBalancers: readonly Panel[] = [
  {
    ...{ id: "address", title: "Who has the shared address", part: "load balancers" },
    ...{ unit: "count", needs: ["virtual address"] },
    queries: [{ expression: "trilithon_address_held", legend: "{{host}}" }],
  },
  {
    ...{ id: "visitor-connections", part: "load balancers", unit: "count" },
    title: "Connections of HAProxy",
    queries: [
      { expression: "haproxy_process_current_connections", legend: "{{host}}" },
      { expression: "haproxy_process_max_connections", legend: "{{host}}: at most" },
    ],
  },
  {
    ...{ id: "servers-up", title: "Web servers that are up", part: "load balancers" },
    unit: "count",
    queries: [
      {
        expression: `min by (proxy, server) (haproxy_server_status{proxy=~"(.+_)?web_servers",state="UP"})`,
        legend: "{{proxy}}: {{server}}",
      },
    ],
  },
  {
    ...{ id: "server-requests", title: "Answers by web server", part: "load balancers" },
    unit: "per second",
    queries: [
      {
        expression: `sum by (server) (rate(haproxy_server_http_responses_total{${servers}}${overRange}))`,
        legend: "{{server}}",
      },
    ],
  },
  {
    ...{ id: "visitor-bytes", title: "Bytes of visitors", part: "load balancers" },
    unit: "bytes per second",
    queries: [
      {
        expression: `sum by (host) (rate(haproxy_frontend_bytes_in_total{proxy="web"}${overRange}))`,
        legend: "{{host}}: received",
      },
      {
        expression: `sum by (host) (rate(haproxy_frontend_bytes_out_total{proxy="web"}${overRange}))`,
        legend: "{{host}}: sent",
      },
    ],
  },
];

const web: readonly Panel[] = [
  {
    ...{ id: "nginx-requests", title: "Requests of Nginx", part: "web", unit: "per second" },
    queries: [{ expression: `rate(nginx_http_requests_total${overRange})`, legend: "{{host}}" }],
  },
  {
    ...{ id: "nginx-connections", title: "Connections of Nginx", part: "web", unit: "count" },
    queries: [
      { expression: "nginx_connections_active", legend: "{{host}}: open" },
      { expression: "nginx_connections_writing", legend: "{{host}}: being answered" },
    ],
  },
  {
    ...{ id: "application-up", title: "Applications tell their metrics", part: "web" },
    ...{ unit: "count", needs: ["application metrics"] },
    queries: [{ expression: 'up{job="application"}', legend: "{{host}}: {{application}}" }],
  },
];

const database: readonly Panel[] = [
  {
    ...{ id: "primary", title: "Who says that it is the primary", part: "database" },
    ...{ unit: "count", needs: ["database"] },
    queries: [{ expression: "trilithon_mysql_primary", legend: "{{host}}" }],
  },
  {
    ...{ id: "statements", title: "Statements", part: "database", unit: "per second" },
    needs: ["database"],
    queries: [
      { expression: `rate(mysql_global_status_questions${overRange})`, legend: "{{host}}" },
      {
        expression: `rate(mysql_global_status_slow_queries${overRange})`,
        legend: "{{host}}: longer than long_query_time",
      },
    ],
  },
  {
    ...{ id: "database-connections", title: "Connections of MySQL", part: "database" },
    ...{ unit: "count", needs: ["database"] },
    queries: [
      { expression: "mysql_global_status_threads_connected", legend: "{{host}}" },
      { expression: "mysql_global_status_threads_running", legend: "{{host}}: at work" },
      { expression: "mysql_global_variables_max_connections", legend: "{{host}}: at most" },
    ],
  },
  {
    ...{ id: "lag", title: "How far the replica is behind", part: "database", unit: "seconds" },
    needs: ["pair"],
    queries: [
      {
        expression: `mysql_slave_status_seconds_behind_source${replica}`,
        legend: "{{host}}",
      },
    ],
  },
  {
    ...{ id: "semi-synchronous", part: "database", unit: "count", needs: ["pair"] },
    title: "Replicas that commits wait for (semi-synchronous replication)",
    queries: [
      {
        expression:
          "mysql_global_status_rpl_semi_sync_source_clients and on (host) trilithon_mysql_primary == 1",
        legend: "{{host}}: that have connected",
      },
      {
        expression:
          "mysql_global_status_rpl_semi_sync_source_status and on (host) trilithon_mysql_primary == 1",
        legend: "{{host}}: waits",
      },
    ],
  },
  {
    ...{ id: "group-members", title: "Members of the group that are online", part: "database" },
    ...{ unit: "count", needs: ["group"] },
    queries: [
      {
        expression:
          'count by (host) (mysql_perf_schema_replication_group_member_info{member_state="ONLINE"})',
        legend: "as {{host}} sees it",
      },
    ],
  },
  {
    ...{ id: "group-queues", title: "Transactions that wait in the group", part: "database" },
    ...{ unit: "count", needs: ["group"] },
    queries: [
      {
        expression: "sum by (host) (mysql_perf_schema_transactions_remote_in_applier_queue)",
        legend: "{{host}}: to be applied",
      },
      {
        expression: "sum by (host) (mysql_perf_schema_transactions_in_queue)",
        legend: "{{host}}: to be checked for conflicts",
      },
    ],
  },
  {
    ...{ id: "buffer-pool", part: "database", unit: "per second", needs: ["database"] },
    title: "Pages that InnoDB reads from disk",
    queries: [
      {
        expression: `rate(mysql_global_status_innodb_buffer_pool_reads${overRange})`,
        legend: "{{host}}",
      },
    ],
  },
];

const hosts: readonly Panel[] = [
  {
    ...{ id: "cpu", title: "CPU", part: "hosts", unit: "ratio" },
    queries: [
      {
        expression: `1 - avg by (host) (rate(node_cpu_seconds_total{mode="idle"}${overRange}))`,
        legend: "{{host}}",
      },
    ],
  },
  {
    ...{ id: "load", title: "Load of one minute, per CPU", part: "hosts", unit: "count" },
    queries: [
      {
        expression: 'node_load1 / on (host) count by (host) (node_cpu_seconds_total{mode="idle"})',
        legend: "{{host}}",
      },
    ],
  },
  {
    ...{ id: "memory", title: "Memory that is not available", part: "hosts", unit: "ratio" },
    queries: [
      {
        expression: "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        legend: "{{host}}",
      },
    ],
  },
  {
    ...{ id: "disk", title: "Disks: used", part: "hosts", unit: "ratio" },
    queries: [
      {
        expression: `1 - node_filesystem_avail_bytes{${disks}} / node_filesystem_size_bytes{${disks}}`,
        legend: "{{host}}: {{mountpoint}}",
      },
    ],
  },
  {
    ...{ id: "disk-predicted", part: "hosts", unit: "ratio" },
    title: "Disks: used in a day, as it went in the last 6 hours",
    queries: [
      {
        expression: `clamp(1 - predict_linear(node_filesystem_avail_bytes{${disks}}[6h], 86400) / node_filesystem_size_bytes{${disks}}, 0, 1)`,
        legend: "{{host}}: {{mountpoint}}",
      },
    ],
  },
  {
    ...{ id: "disk-time", part: "hosts", unit: "ratio" },
    title: "Disks: part of the time in which they are at work",
    queries: [
      {
        expression: `max by (host) (rate(node_disk_io_time_seconds_total${overRange}))`,
        legend: "{{host}}",
      },
    ],
  },
  {
    ...{ id: "network", title: "Network", part: "hosts", unit: "bytes per second" },
    queries: [
      {
        expression: `sum by (host) (rate(node_network_receive_bytes_total{${wires}}${overRange}))`,
        legend: "{{host}}: received",
      },
      {
        expression: `sum by (host) (rate(node_network_transmit_bytes_total{${wires}}${overRange}))`,
        legend: "{{host}}: sent",
      },
    ],
  },
  {
    ...{ id: "certificates", part: "hosts", unit: "seconds" },
    title: "Certificates on hosts: time left of the first to end",
    queries: [
      {
        expression: "min by (host) (trilithon_certificate_end_seconds) - time()",
        legend: "{{host}}",
      },
    ],
  },
  {
    ...{ id: "units", title: "Units that are to run and do not, or failed", part: "hosts" },
    unit: "count",
    queries: [
      {
        expression:
          "count by (host) (trilithon_unit_active) - sum by (host) (trilithon_unit_active)",
        legend: "{{host}}: do not run",
      },
      {
        // A host on which none failed tells none.
        expression:
          "sum by (host) (trilithon_unit_failed) or 0 * max by (host) (trilithon_reboot_required)",
        legend: "{{host}}: failed",
      },
    ],
  },
];

const backups: readonly Panel[] = [
  {
    ...{ id: "backup-age", title: "Age of the newest copy", part: "backups", unit: "seconds" },
    needs: ["backup"],
    queries: [
      {
        expression: "time() - max by (host, what) (trilithon_backup_last_success_seconds)",
        legend: "{{host}}: {{what}}",
      },
    ],
  },
  {
    ...{ id: "restore-test-age", part: "backups", unit: "seconds" },
    ...{
      title: "Time since a copy was last restored and looked at",
      needs: ["database backup"],
    },
    queries: [
      {
        expression: "time() - max(trilithon_restore_test_last_success_seconds)",
        legend: "of the database",
      },
    ],
  },
];

const monitoring: readonly Panel[] = [
  {
    ...{ id: "alerts", title: "Alerts", part: "monitoring", unit: "count" },
    queries: [
      {
        expression: 'count by (alertname) (ALERTS{alertstate="firing"})',
        legend: "{{alertname}}",
      },
    ],
  },
  {
    ...{ id: "targets", title: "Who is asked and does not answer", part: "monitoring" },
    unit: "count",
    queries: [{ expression: "count by (job) (up) - sum by (job) (up)", legend: "{{job}}" }],
  },
  {
    ...{ id: "prometheus-disk", title: "Disk of Prometheus", part: "monitoring", unit: "bytes" },
    queries: [
      {
        expression:
          "prometheus_tsdb_storage_blocks_bytes + prometheus_tsdb_wal_storage_size_bytes + prometheus_tsdb_head_chunks_storage_size_bytes",
        legend: "{{host}}",
      },
      { expression: "prometheus_tsdb_retention_limit_bytes", legend: "{{host}}: at most" },
    ],
  },
];

export const panels: readonly Panel[] = [
  ...site,
  ...loadBalancers,
  ...web,
  ...database,
  ...hosts,
  ...backups,
  ...monitoring,
];
