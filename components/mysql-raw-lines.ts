/** Lines of one's own for MySQL, but for those by which the cluster could no longer be seen or led. */
import { optionOf } from "./render/mysql";
import { list, text } from "./rule";

/** Option to why it is not to be set. */
const taken: Readonly<Record<string, string>> = {
  performance_schema: "the preview reads the status of the cluster from it",
  skip_grant_tables: "anybody could log in",
  skip_networking: "replicas and applications could not connect",
  socket: "the preview asks over it",
  port: "replicas and applications connect to 3306",
  server_id: "it is made of the host's address",
  gtid_mode: "replication is by transaction ids",
  enforce_gtid_consistency: "replication is by transaction ids",
  log_bin: "replicas are sent the binary log",
  disable_log_bin: "replicas are sent the binary log",
  log_replica_updates: "any replica may become the primary",
  super_read_only: "only the primary takes writes, once its replicas follow it",
  read_only: "only the primary takes writes, once its replicas follow it",
  offline_mode: "only the primary takes writes, once its replicas follow it",
  group_replication_bootstrap_group:
    "each start would begin a group of its own, with a primary of its own",
  group_replication_single_primary_mode: "each member would take writes, and be led to",
  plugin_load: "it unloads the plugins of replication; use plugin_load_add",
};

const names = Object.keys(taken);

export const mysqlRawLines = list(
  "a list of lines",
  text(
    `one line of text that does not set ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`,
    (value) => /^[^\n\r\0]+$/.test(value) && !Object.hasOwn(taken, variableOf(value)),
  ),
);

/** MySQL takes prefixes such as `skip-` and `loose-`, and the former name of a variable. */
function variableOf(line: string): string {
  const name = optionOf(line);
  if (Object.hasOwn(taken, name)) return name;
  return name
    .replace(/^(loose_)?(skip_|disable_|enable_|maximum_)?/, "")
    .replace("log_slave_updates", "log_replica_updates");
}
