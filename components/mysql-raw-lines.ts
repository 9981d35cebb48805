/** Lines of one's own for MySQL, but for those by which the cluster could no longer be seen or led. */
import * as v from "valibot";
import { unexpected } from "./expectation";
import { optionOf } from "./render/mysql";
import { list, text } from "./rule";

function ofCertificates(...names: readonly string[]): Record<string, string> {
  const reason = "applications and members verify the certificates of the cluster's own authority";
  return Object.fromEntries(names.map((name) => [name, reason]));
}

/** Option to why it is not to be set. */
const taken: Readonly<Record<string, string>> = {
  performance_schema: "the preview reads the status of the cluster from it",
  skip_grant_tables: "anybody could log in",
  skip_networking: "replicas and applications could not connect",
  socket: "the preview asks over it",
  port: "replicas and applications connect to 3306",
  server_id: "it is made of the host's address",
  bind_address: "replicas and applications connect to the host's address",
  report_host: "members are told apart by the host's address",
  report_port: "members are reached at 3306",
  ...ofCertificates("ssl_ca", "ssl_cert", "ssl_key", "clone_ssl_ca"),
  gtid_mode: "replication is by transaction ids",
  enforce_gtid_consistency: "replication is by transaction ids",
  log_bin: "replicas are sent the binary log",
  disable_log_bin: "replicas are sent the binary log",
  log_replica_updates: "any replica may become the primary",
  binlog_format: "replicas are sent rows",
  skip_replica_start:
    "a replica that restarts follows by itself; STOP REPLICA stops one for a while",
  rpl_semi_sync_replica_enabled: "database.durability says whether replicas acknowledge",
  rpl_semi_sync_source_enabled: "database.durability says whether the primary waits",
  super_read_only: "only the primary takes writes, once its replicas follow it",
  read_only: "only the primary takes writes, once its replicas follow it",
  offline_mode: "only the primary takes writes, once its replicas follow it",
  group_replication_bootstrap_group:
    "each start would begin a group of its own, with a primary of its own",
  group_replication_single_primary_mode: "each member would take writes, and be led to",
  group_replication_group_name: "all members have one, which is made with the group",
  group_replication_group_seeds: "members come and go by the settings' hosts",
  group_replication_local_address: "members reach each other at the host's address, port 3306",
  group_replication_communication_stack: "members speak with each other where clients do",
  group_replication_start_on_boot: "a member that restarts comes back by itself",
  plugin_load: "it unloads the plugins of replication; use plugin_load_add",
};

/** Parts of the data that a replica is not to have: it could not become the primary. */
const filter =
  /^(binlog|replicate)_(do_db|ignore_db|do_table|ignore_table|wild_do_table|wild_ignore_table|rewrite_db)$/;

export const mysqlRawLines = list(
  "a list of lines",
  v.pipe(
    text("one line of text", (value) => /^[^\n\r\0]+$/.test(value)),
    v.check(
      (line) => reasonAgainst(line) === undefined,
      ({ input }) => unexpected("a line that may be set", input, reasonAgainst(input)),
    ),
  ),
);

function reasonAgainst(line: string): string | undefined {
  const name = variableOf(line);
  if (filter.test(name)) return "any replica may become the primary, and has to have all";
  return Object.hasOwn(taken, name) ? `leave it out, ${taken[name]}` : undefined;
}

/** MySQL takes prefixes such as `skip-` and `loose-`, and the former name of a variable. */
function variableOf(line: string): string {
  const name = optionOf(line)
    .replace(/^loose_/, "")
    .replace(/^log_slave_updates$/, "log_replica_updates")
    .replace(/^skip_slave_start$/, "skip_replica_start");
  if (Object.hasOwn(taken, name)) return name;
  return name.replace(/^(skip_|disable_|enable_|maximum_)/, "");
}
