/** The configuration of a member of a MySQL cluster. Debian's own files stay; this one is read last. */

import { mysqlCertificates } from "./mysql-certificates";

/** Of every member. */
export const mysqlPort = 3306;

export interface MysqlConfig {
  /** What the members of the cluster form. */
  readonly topology: "pair" | "group";
  /** IPv4: where the other members and the applications reach it, and what its server id is made of. */
  readonly address: string;
  readonly bufferPoolMegabytes: number;
  readonly maxConnections: number;
  readonly requirePrimaryKeys: boolean;
  /** Whether accounts without administrators' rights may make functions and triggers. */
  readonly trustsCreators: boolean;
  /** Lines that end the file, as they are. */
  readonly rawLines: readonly string[];
}

export const mysqlConfigPath = "/etc/mysql/mysql.conf.d/zz-trilithon.cnf";

export function renderMysql(config: MysqlConfig): string {
  const { address, bufferPoolMegabytes, maxConnections, requirePrimaryKeys, rawLines } = config;
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[mysqld]
# Unique and lasting: the address as a number.
server_id = ${serverId(address)}
report_host = ${address}
bind_address = 127.0.0.1,${address}
# Nobody here speaks the X protocol.
mysqlx = OFF
# A slow name server must not slow a connection down. Accounts name addresses, not host names.
skip_name_resolve = ON
# Sockets count as secure; over the network everything is TLS.
require_secure_transport = ON

# Every start is closed for writes: ${opener[config.topology]}.
super_read_only = ON

# Replication by transaction ids: a member can follow any other without positions.
gtid_mode = ON
enforce_gtid_consistency = ON
log_bin = binlog
# A week, for members that were away; one that was away longer is filled anew by CLONE.
binlog_expire_logs_seconds = 604800
# A transaction that was acknowledged survives a loss of power.
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
# What was received but not applied is fetched again after a crash.
relay_log_recovery = ON
# A member that restarts follows on its own.
skip_replica_start = OFF
replica_parallel_workers = 4
replica_preserve_commit_order = ON
# A dead connection to the primary is noticed within these seconds.
replica_net_timeout = 10

${config.topology === "group" ? renderGroup(address) : renderSemiSynchronous()}
# Without a key a changed row is looked for in the whole table on the replica.
sql_require_primary_key = ${requirePrimaryKeys ? "ON" : "OFF"}
${config.trustsCreators ? "# Functions and triggers are replicated as the rows that they change.\nlog_bin_trust_function_creators = ON\n" : ""}
innodb_buffer_pool_size = ${bufferPoolMegabytes}M
max_connections = ${maxConnections}
${rawLines.map((line) => `${line}\n`).join("")}`;
}

const opener = {
  pair: "the primary is opened once its replicas follow it",
  group: "the group opens the member that it elects",
};

function renderSemiSynchronous(): string {
  return `# Loaded on every member, since any may become the primary.
plugin_load_add = semisync_source.so
plugin_load_add = semisync_replica.so
plugin_load_add = mysql_clone.so
# Whether a replica acknowledges is agreed on when it connects, which a persisted variable can come too late for. The
# primary's side goes by role, and is set by \`SET PERSIST\`.
rpl_semi_sync_replica_enabled = ON`;
}

/**
 * Which group it is, and where its members are, is persisted: members come and go without a restart. `VERIFY_CA`, not `VERIFY_IDENTITY`: the
 * authority signs nothing but certificates of this group's members, all of whom have the same rights in it.
 */
function renderGroup(address: string): string {
  const { authority, certificate, privateKey } = mysqlCertificates;
  return `# Members trust certificates of the cluster's own authority, and no others.
ssl_ca = ${authority}
ssl_cert = ${certificate}
ssl_key = ${privateKey}

plugin_load_add = mysql_clone.so
plugin_load_add = group_replication.so
clone_ssl_ca = ${authority}
# A group replicates InnoDB's tables only.
disabled_storage_engines = MyISAM,BLACKHOLE,FEDERATED,ARCHIVE,MEMORY
# Members speak with each other where clients do: no port of its own, the same accounts and certificates.
group_replication_communication_stack = MYSQL
group_replication_local_address = ${address}:${mysqlPort}
group_replication_ssl_mode = VERIFY_CA
group_replication_recovery_use_ssl = ON
group_replication_recovery_ssl_ca = ${authority}
group_replication_recovery_ssl_verify_server_cert = ON
# A member that starts comes back by itself, and tries again where the donor is away.
group_replication_start_on_boot = ON
group_replication_recovery_reconnect_interval = 2
# A member that is silent is put out after the 5 s that MySQL takes to suspect it: more was measured to be far more.
group_replication_member_expel_timeout = 0
# One that does not reach the majority commits nothing, and is led nothing to. After a minute it leaves and serves nobody: as long
# they are one group again as soon as they reach each other, also where none of them had a majority.
group_replication_unreachable_majority_timeout = 60
# trilithon-mysql-rejoin brings one that left back: each attempt of MySQL's own would last for a minute.
group_replication_autorejoin_tries = 0
group_replication_exit_state_action = OFFLINE_MODE
# After a fail-over nobody reads what is older than what was acknowledged.
group_replication_consistency = BEFORE_ON_PRIMARY_FAILOVER
# The least: hosts are small.
group_replication_message_cache_size = 134217728`;
}

/** What a line of an option file sets. MySQL takes `-` for `_`. */
export function optionOf(line: string): string {
  const name = /^\s*([A-Za-z0-9_-]+)/.exec(line)?.[1] ?? "";
  return name.toLowerCase().replaceAll("-", "_");
}

/** MySQL rounds up to whole chunks of 128 megabytes, which is also the least that is of use. */
export function bufferPoolMegabytes(memoryMegabytes: number, percent: number): number {
  return Math.max(128, Math.floor((memoryMegabytes * percent) / 100 / 128) * 128);
}

function serverId(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
