/** The configuration of a member of a MySQL cluster. Debian's own files stay; this one is read last. */

export interface MysqlConfig {
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

# Every start is closed for writes: the primary is opened once its replicas follow it.
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

# Loaded on every member, since any may become the primary.
plugin_load_add = semisync_source.so
plugin_load_add = semisync_replica.so
plugin_load_add = mysql_clone.so
# Whether a replica acknowledges is agreed on when it connects, which a persisted variable can come too late for. The
# primary's side goes by role, and is set by \`SET PERSIST\`.
rpl_semi_sync_replica_enabled = ON
# Without a key a changed row is looked for in the whole table on the replica.
sql_require_primary_key = ${requirePrimaryKeys ? "ON" : "OFF"}
${config.trustsCreators ? "# Functions and triggers are replicated as the rows that they change.\nlog_bin_trust_function_creators = ON\n" : ""}
innodb_buffer_pool_size = ${bufferPoolMegabytes}M
max_connections = ${maxConnections}
${rawLines.map((line) => `${line}\n`).join("")}`;
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
