/** All alerts, as data: what Prometheus asks, and what is told to whom it wakes. `rules.ts` renders them, `npm run docs` the page docs/alerts.md. */

export interface Alert {
  readonly name: string;
  readonly expression: string;
  /** How long it has to be true before somebody is told, as Prometheus writes it. */
  readonly lasts: string;
  /** `page`: a person has to look now. `note`: in working hours. */
  readonly severity: "page" | "note";
  /** `site`: visitors notice. `part`: one of several that do the same; `npm run maintain` silences these. */
  readonly scope: "site" | "part";
  /** What it was seen by. May have Prometheus' templates. */
  readonly cause: string;
  readonly effect: string;
  readonly firstStep: string;
  /** What a stack has to have for it. Left out: every stack. */
  readonly needs?: AlertNeed;
  /** Labels besides those of the expression. */
  readonly labels?: Readonly<Record<string, string>>;
}

export type AlertNeed =
  | "database"
  | "pair"
  | "group"
  | "virtual address"
  | "https"
  | "acme"
  | "application metrics"
  | "name server"
  | "backup"
  | "database backup";

/** Always firing. */
export const watchdog = "Watchdog";

/** A host that is gone is told once, and not by all that is missing with it. */
export const hostDown = "HostDown";

const host = "{{ $labels.host }}";
const status = "npm run status";
const unlessClosed = "unless on() (max(trilithon_site_closed) == 1)";
const answers = 'haproxy_frontend_http_responses_total{proxy="web"';
export const disks = 'fstype!~"tmpfs|ramfs"';
const replica = '{channel_name=""}';
/** Facts of two hosts are up to 45 seconds apart: who had something, and who has it since, both say so for as long, or neither. */
const longerThanFactsDiffer = "1m";
const onReplica = "and on (host) (trilithon_mysql_primary == 0)";
const onPrimary = "and on (host) (trilithon_mysql_primary == 1)";
const copied = (what: string) => `trilithon_backup_last_success_seconds{what="${what}"}`;
const own = "trilithon_mysql_own_transactions";
const known = `max by (uuid) (trilithon_mysql_known_transactions ${onPrimary})`;

export const alerts: readonly Alert[] = [
  {
    name: "SiteDown",
    expression: `max(probe_success{job="site"}) == 0 ${unlessClosed}`,
    ...{ lasts: "1m", severity: "page", scope: "site" },
    cause: "No load balancer answers for the site, asked from the host of Prometheus.",
    effect: "Visitors get an error, or nothing.",
    firstStep: `${status}, then npm run verify: it names the part that is broken.`,
  },
  {
    name: "SiteSlow",
    expression: 'min(avg_over_time(probe_duration_seconds{job="site"}[5m])) > 2',
    ...{ lasts: "5m", severity: "page", scope: "site" },
    cause: "The page takes {{ $value | humanizeDuration }} on average.",
    effect: "Visitors wait.",
    firstStep:
      "npm run logs -- haproxy --since 15m: the times in each line say which server is slow.",
  },
  {
    name: "ErrorRatio",
    expression: `(sum(rate(${answers},code="5xx"}[5m])) / sum(rate(${answers}}[5m])) > 0.05 and sum(rate(${answers},code="5xx"}[5m])) > 0.1) ${unlessClosed}`,
    ...{ lasts: "2m", severity: "page", scope: "site" },
    cause: "{{ $value | humanizePercentage }} of all requests end with a status of 500 to 599.",
    effect: "Visitors get errors.",
    firstStep: "npm run logs -- app --since 15m; after a release: npm run rollback.",
  },
  {
    name: "LoadBalancerDown",
    expression: 'up{job="haproxy"} == 0',
    ...{ lasts: "1m", severity: "page", scope: "part" },
    cause: `HAProxy on ${host} does not answer.`,
    effect: "Its partner carries the site alone. Without a partner the site is down.",
    firstStep: `npm run logs -- haproxy --host ${host}; npm run pulumi -- up starts what is stopped.`,
  },
  {
    name: "AddressHeldTwice",
    expression: "sum(trilithon_address_held) > 1",
    ...{ lasts: longerThanFactsDiffer, severity: "page", scope: "site", needs: "virtual address" },
    cause: "{{ $value }} hosts have the shared address.",
    effect: "Connections of visitors break, as their packets go to either host.",
    firstStep:
      "npm run verify names the holders; stop keepalived on the one that the others do not hear.",
  },
  {
    name: "AddressHeldByNobody",
    expression: "sum(trilithon_address_held) == 0",
    ...{ lasts: "1m", severity: "page", scope: "site", needs: "virtual address" },
    cause: "No load balancer has the shared address.",
    effect: "The site is not reached.",
    firstStep: `${status}; on the load balancers: journalctl -u keepalived -u haproxy.`,
  },
  {
    name: "ServerDown",
    expression:
      'max by (server) (haproxy_server_status{proxy=~"(.+_)?web_servers",state="DOWN"}) == 1',
    ...{ lasts: "1m", severity: "page", scope: "part" },
    labels: { host: "{{ $labels.server }}" },
    cause: "Load balancers take {{ $labels.server }} for down.",
    effect: "The other servers carry its share.",
    firstStep: "npm run logs -- app --host {{ $labels.server }}, then -- nginx.",
  },
  {
    name: "NoPrimary",
    expression: "sum(trilithon_mysql_primary) == 0",
    // As far as facts are apart, and as long as another one takes over.
    ...{ lasts: "1m30s", severity: "page", scope: "site", needs: "database" },
    cause: "No member of the database says that it is the primary.",
    effect: "Writes fail or wait.",
    firstStep: `${status} shows the members; docs/reliability.md has what each state means.`,
  },
  {
    name: "TwoPrimaries",
    // A replica that is open says that it is no primary, and takes what is written to it all the same.
    expression:
      "count(mysql_global_variables_super_read_only == 0) > 1 or sum(trilithon_mysql_primary) > 1",
    ...{ lasts: longerThanFactsDiffer, severity: "page", scope: "site", needs: "database" },
    cause: "{{ $value }} members of the database take writes.",
    effect: "Data may part.",
    firstStep: "Stop MySQL on the one that the settings do not name, then npm run verify.",
  },
  {
    name: "DatabaseDown",
    expression: "mysql_up == 0",
    ...{ lasts: "1m", severity: "page", scope: "part", needs: "database" },
    cause: `MySQL on ${host} does not answer.`,
    effect: "The other members carry on, if there are any.",
    firstStep: `npm run logs -- mysql --host ${host}; npm run pulumi -- up starts what is stopped.`,
  },
  {
    name: "GroupReduced",
    expression:
      'max(count by (instance) (mysql_perf_schema_replication_group_member_info{member_state="ONLINE"})) < count(up{job="mysqld"})',
    ...{ lasts: "2m", severity: "page", scope: "part", needs: "group" },
    cause: "{{ $value }} members of the group are online.",
    effect: "One more that is lost may cost the majority, and with it all writes.",
    firstStep: `${status} names the member that is missing; npm run logs -- mysql --host it.`,
  },
  {
    name: "ReplicaStopped",
    expression: `mysql_slave_status_replica_io_running${replica} == 0 or mysql_slave_status_replica_sql_running${replica} == 0`,
    ...{ lasts: "1m", severity: "page", scope: "part", needs: "pair" },
    cause: `The replica on ${host} does not follow the primary.`,
    effect: "Commits wait, or are on one machine alone.",
    firstStep: `${status} has MySQL's own error; npm run pulumi -- preview says what up would do.`,
  },
  {
    name: "ReplicaLagging",
    expression: `mysql_slave_status_seconds_behind_source${replica} > 30`,
    ...{ lasts: "2m", severity: "page", scope: "part", needs: "pair" },
    cause: `The replica on ${host} is {{ $value | humanizeDuration }} behind.`,
    effect: "Reads are old, or go to the primary; a switch to it takes as long.",
    firstStep:
      "npm run db -- 'SHOW PROCESSLIST': look for a long statement, or a table without a primary key.",
  },
  {
    name: "SemiSynchronousOff",
    expression:
      "mysql_global_status_rpl_semi_sync_source_status == 0 and on (host) trilithon_mysql_primary == 1 and on () count(mysql_slave_status_replica_io_running) > 0",
    ...{ lasts: "1m", severity: "page", scope: "part", needs: "pair" },
    cause: `The primary on ${host} no longer waits for a replica.`,
    effect: "What is committed now is lost if its machine is.",
    firstStep: `${status}: is a replica away or stopped? It goes on by itself once one follows.`,
  },
  {
    name: "ErrantTransactions",
    // Whose primary knows of none, and whose primary knows of fewer.
    expression: `(${own} ${onReplica}) > on (uuid) group_left () ${known} or ((${own} ${onReplica}) > 0 unless on (uuid) ${known}) and on () count(${own} ${onPrimary}) > 0`,
    ...{ lasts: "2m", severity: "page", scope: "part", needs: "pair" },
    cause: `The replica on ${host} has transactions that its primary has not: somebody wrote to it.`,
    effect: "Data has parted: they are lost, or replication stops, once the primary changes.",
    firstStep: "npm run pulumi -- preview names them, and says what up would do.",
  },
  {
    name: "ConnectionsNearLimit",
    expression:
      "mysql_global_status_threads_connected / mysql_global_variables_max_connections > 0.8",
    ...{ lasts: "2m", severity: "page", scope: "part", needs: "database" },
    cause: `MySQL on ${host} has {{ $value | humanizePercentage }} of the connections that it takes.`,
    effect: "Soon applications get no further one.",
    firstStep: "npm run db -- 'SHOW PROCESSLIST'; trilithon:database: {maxConnections}.",
  },
  {
    name: "VisitorsNearLimit",
    expression: "haproxy_process_current_connections / haproxy_process_max_connections > 0.8",
    ...{ lasts: "2m", severity: "page", scope: "site" },
    cause: `HAProxy on ${host} has {{ $value | humanizePercentage }} of the connections that it takes.`,
    effect: "Soon visitors wait for a connection.",
    firstStep:
      "npm run logs -- haproxy --since 15m; trilithon:edge limits what one address may do.",
  },
  {
    name: hostDown,
    expression: 'up{job="node"} == 0',
    ...{ lasts: "1m", severity: "page", scope: "part" },
    cause: `${host} does not answer.`,
    effect: "What ran there runs elsewhere, where it can.",
    firstStep: `${status}; look at the machine's console. For longer: away: true on its line, and up.`,
  },
  {
    name: "ExporterDown",
    expression: 'up{job!~"node|haproxy|site|name-server"} == 0',
    ...{ lasts: "5m", severity: "note", scope: "part" },
    cause: `{{ $labels.job }} on ${host} tells no metrics.`,
    effect: "Alerts about it cannot fire.",
    firstStep: `journalctl -u 'prometheus*' on ${host}; npm run pulumi -- up starts what is stopped.`,
  },
  {
    name: "FactsOld",
    expression: "time() - trilithon_facts_seconds > 300",
    ...{ lasts: "1m", severity: "note", scope: "part" },
    cause: `trilithon-facts.timer on ${host} has written nothing for {{ $value | humanizeDuration }}.`,
    effect:
      "Alerts about units, certificates and the shared address cannot be trusted for this host.",
    firstStep: `journalctl -u trilithon-facts on ${host}.`,
  },
  {
    name: "DiskFilling",
    // What was written once, as by an installation, goes on in the long view alone.
    expression: `predict_linear(node_filesystem_avail_bytes{${disks}}[6h], 86400) < 0 and predict_linear(node_filesystem_avail_bytes{${disks}}[30m], 86400) < 0 and node_filesystem_avail_bytes{${disks}} / node_filesystem_size_bytes{${disks}} < 0.4`,
    ...{ lasts: "30m", severity: "page", scope: "part" },
    cause: `{{ $labels.mountpoint }} of ${host} is full within a day, as it goes now.`,
    effect: "MySQL stops to take writes then.",
    firstStep: `npm run exec -- --host ${host} df -h; logs and binary logs grow most.`,
  },
  {
    name: "DiskFull",
    expression: `node_filesystem_avail_bytes{${disks}} / node_filesystem_size_bytes{${disks}} < 0.1`,
    ...{ lasts: "1m", severity: "page", scope: "part" },
    cause: `{{ $labels.mountpoint }} of ${host} has {{ $value | humanizePercentage }} left.`,
    effect: "Soon nothing is written any more: no upload, no commit.",
    firstStep: `npm run exec -- --host ${host} df -h; logs and binary logs grow most.`,
  },
  {
    name: "MemoryShort",
    expression: "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.08",
    ...{ lasts: "5m", severity: "page", scope: "part" },
    cause: `${host} has {{ $value | humanizePercentage }} of its memory left.`,
    effect: "The kernel ends a process before long.",
    firstStep: `npm run exec -- --host ${host} ps aux --sort=-rss; trilithon:database: {bufferPoolPercent}.`,
  },
  {
    name: "ClockOff",
    expression: "abs(node_time_seconds - timestamp(node_time_seconds)) > 2",
    ...{ lasts: "2m", severity: "page", scope: "part" },
    cause: `The clock of ${host} is {{ $value | humanizeDuration }} away from that of Prometheus.`,
    effect: "Certificates, sessions and logs are wrong.",
    firstStep:
      "trilithon:hardening: {time: true} has chrony keep it; chronyc tracking tells how it stands.",
  },
  {
    name: "CertificateOfSiteEnds",
    expression: 'min(probe_ssl_earliest_cert_expiry{job="site"}) - time() < 14 * 86400',
    ...{ lasts: "5m", severity: "page", scope: "site", needs: "https" },
    cause: "The site's certificate ends in {{ $value | humanizeDuration }}.",
    effect: "Then browsers refuse the site.",
    firstStep:
      "With https.acme: npm run logs -- services, for trilithon-acme. Else give another one, or run up.",
  },
  {
    name: "CertificateEnds",
    expression: "trilithon_certificate_end_seconds - time() < 14 * 86400",
    ...{ lasts: "5m", severity: "page", scope: "part" },
    cause: `{{ $labels.path }} on ${host} ends in {{ $value | humanizeDuration }}.`,
    effect: "Then those who verify it refuse each other.",
    firstStep: "npm run pulumi -- up renews it.",
  },
  {
    name: "RenewalFailed",
    expression: 'trilithon_unit_failed{unit="trilithon-acme.service"} == 1',
    ...{ lasts: "2h", severity: "note", scope: "part", needs: "acme" },
    cause: `${host} got no certificate from the authority, twice or more.`,
    effect: "None yet: the one in use is good for some weeks.",
    firstStep: `journalctl -u trilithon-acme on ${host}.`,
  },
  {
    name: "UnitDown",
    // LoadBalancerDown, ServerDown, DatabaseDown and ExporterDown tell of these.
    expression:
      'trilithon_unit_active{unit!~"(haproxy|nginx|mysql|prometheus-(node|mysqld|nginx)-exporter)\\\\.service"} == 0 unless on (host) (trilithon_drained == 1)',
    ...{ lasts: "1m", severity: "page", scope: "part" },
    cause: `{{ $labels.unit }} on ${host} does not run.`,
    effect: "What it does is done elsewhere, or by nobody.",
    firstStep: `journalctl -u {{ $labels.unit }} on ${host}; npm run pulumi -- up starts it.`,
  },
  {
    name: "UnitRestarting",
    expression: "increase(trilithon_unit_restarts[15m]) > 3",
    ...{ lasts: "1m", severity: "page", scope: "part" },
    cause: `{{ $labels.unit }} on ${host} ended {{ $value | humanize }} times within 15 minutes.`,
    effect: "Requests are lost each time.",
    firstStep: `journalctl -u {{ $labels.unit }} on ${host}.`,
  },
  {
    name: "UnitFailed",
    expression: 'trilithon_unit_failed{unit!~"trilithon-(acme|restore-test)\\\\.service"} == 1',
    ...{ lasts: "5m", severity: "note", scope: "part" },
    cause: `{{ $labels.unit }} on ${host} failed, and was given up.`,
    effect: "What it does is not done.",
    firstStep: `systemctl status {{ $labels.unit }} on ${host}.`,
  },
  {
    name: "BackupOld",
    // Who makes no copies tells no time of one: where the next one cannot make any, nobody tells one.
    expression: `time() - max by (what) (${copied("logs")}) > 600 or time() - max by (what) (${copied("full")}) > 93600 or time() - ${copied("folders")} > 93600 or absent(${copied("logs")}) and on () count(mysql_up) > 0`,
    ...{ lasts: "5m", severity: "page", scope: "part", needs: "backup" },
    cause: "The newest copy ({{ $labels.what }}) is too old, or there is none.",
    effect: "What was written since is lost if the machines are.",
    firstStep:
      "npm run backup -- now; journalctl -u 'trilithon-backup*' on the members of the database, and on the host that keeps copies.",
  },
  {
    name: "RestoreTestFailed",
    expression:
      'trilithon_unit_failed{unit="trilithon-restore-test.service"} == 1 or time() - max by (job) (trilithon_restore_test_last_success_seconds) > 2 * 86400',
    ...{ lasts: "1m", severity: "note", scope: "site", needs: "database backup" },
    cause: "The newest copy could not be restored, or nobody has tried for two days.",
    effect: "It is not known whether the backups are good.",
    firstStep: "journalctl -u trilithon-restore-test on the members of the database.",
  },
  {
    name: "DriftFound",
    // What an up has changed since is not known to be there any more.
    expression:
      "max(trilithon_drift_found) > 0 unless on () (max(trilithon_last_up_seconds) > max(trilithon_drift_check_seconds))",
    ...{ lasts: "1m", severity: "note", scope: "site" },
    cause: "{{ $value }} resources are not as the program says, by the last check.",
    effect: "Somebody changed a host by hand: the next up takes that back.",
    firstStep: "npm run pulumi -- preview names them; up mends them.",
  },
  {
    name: "NameServerDown",
    expression: 'probe_success{job="name-server"} == 0',
    ...{ lasts: "1m", severity: "page", scope: "part" },
    cause: `The name server on ${host} does not answer for the site.`,
    effect: "Who asks it for the site waits, and asks another one.",
    firstStep: `journalctl -u nsd on ${host}; npm run verify compares all records.`,
  },
  {
    name: "BackupBroken",
    expression: "trilithon_backup_repository_good == 0",
    ...{ lasts: "1m", severity: "note", scope: "site", needs: "backup" },
    cause: `The copies of {{ $labels.machine }} on ${host} could not be read, or not be looked after.`,
    effect: "A restore from them may fail.",
    firstStep: `journalctl -u trilithon-backup-keep on ${host}; npm run backup -- check reads all.`,
  },
  {
    name: "NotificationsFail",
    expression:
      "sum by (host, integration) (increase(alertmanager_notifications_failed_total[5m])) > 0",
    ...{ lasts: "5m", severity: "page", scope: "site" },
    cause: `Alertmanager on ${host} could not tell {{ $labels.integration }}.`,
    effect: "Alerts reach nobody by that way.",
    firstStep: `journalctl -u prometheus-alertmanager on ${host}.`,
  },
  {
    name: "RebootNeeded",
    expression: "trilithon_reboot_required == 1",
    ...{ lasts: "1d", severity: "note", scope: "part" },
    cause: `${host} runs a kernel, or libraries, that were updated since.`,
    effect: "The fault that was mended is still there.",
    firstStep: `npm run maintain -- --host ${host} --reboot.`,
  },
  {
    name: watchdog,
    expression: "vector(1)",
    ...{ lasts: "0s", severity: "note", scope: "site" },
    cause: "Always there: it says that Prometheus and Alertmanager work.",
    effect:
      "None. Whoever is told of it by monitoring.watchdog raises the alarm when it stays away.",
    firstStep: "None. When it stays away: npm run status.",
  },
];

/** Those that a stack can have. */
export function alertsFor(needs: ReadonlySet<AlertNeed>): readonly Alert[] {
  return alerts.filter((alert) => alert.needs === undefined || needs.has(alert.needs));
}
