/** What a mysqld runs with past the files: variables that were set at run time. */

import { type MysqlConfig, optionOf, renderMysql } from "./mysql";
import { certificateOptions } from "./mysql-certificates";

/**
 * The variables of the stack's file that can be set at run time, but for those by which the cluster is led, and for the
 * size of the buffer pool, which MySQL rounds up.
 */
const ownVariables = [
  ...["require_secure_transport", "binlog_expire_logs_seconds", "sync_binlog"],
  ...["innodb_flush_log_at_trx_commit", "replica_net_timeout", "sql_require_primary_key"],
  ...["log_bin_trust_function_creators", "max_connections"],
];

const ownVariablesOfGroup = [
  ...["member_expel_timeout", "unreachable_majority_timeout", "autorejoin_tries"],
  ...["exit_state_action", "consistency", "recovery_reconnect_interval", "message_cache_size"],
].map((name) => `group_replication_${name}`);

function ownVariablesOf(topology: MysqlConfig["topology"]): readonly string[] {
  return topology === "group" ? [...ownVariables, ...ownVariablesOfGroup] : ownVariables;
}

/** As the stack's own file sets them; what it does not name is off. */
function wantedValues(config: MysqlConfig): ReadonlyMap<string, string> {
  const lines = renderMysql({ ...config, rawLines: [] }).split("\n");
  const set = new Map(lines.map((line) => [optionOf(line), /= (.*)$/.exec(line)?.[1]]));
  return new Map([
    ...ownVariablesOf(config.topology).map((name) => [name, set.get(name) ?? "OFF"] as const),
    ...Object.entries(certificateOptions),
  ]);
}

/** For a Service's `overrides`: what was set by SET GLOBAL or SET PERSIST, and its way back. */
export function renderMysqlOverrides(config: MysqlConfig) {
  // A line of the user's own says otherwise, in whatever unit.
  const others = new Set(config.rawLines.map(optionOf));
  const rows = [...wantedValues(config)]
    .filter(([name]) => !others.has(name))
    .map(([name, value]) => `ROW('${name}', '${value}')`);
  const wanted = `(VALUES ${rows.join(", ")}) AS wanted (name, value)`;
  const now = `performance_schema.variables_info i JOIN performance_schema.global_variables g USING (VARIABLE_NAME)
  JOIN ${wanted} ON wanted.name = VARIABLE_NAME WHERE i.VARIABLE_SOURCE IN ('DYNAMIC', 'PERSISTED') AND g.VARIABLE_VALUE <> wanted.value`;
  const later = `performance_schema.persisted_variables JOIN ${wanted} ON wanted.name = VARIABLE_NAME`;
  const find = `SELECT CONCAT(name, ' is ', VARIABLE_VALUE, ', not ', value) FROM ${now};
SELECT CONCAT(name, ' is ', VARIABLE_VALUE, ' in mysqld-auto.cnf') FROM ${later}`;
  const quoted = "IF(value LIKE '/%', QUOTE(value), value)";
  const reset = `SELECT CONCAT('SET GLOBAL ', name, ' = ', ${quoted}, ';') FROM ${now};
SELECT CONCAT('RESET PERSIST IF EXISTS ', name, ';') FROM ${later};
SELECT DISTINCT 'ALTER INSTANCE RELOAD TLS;' FROM ${now} AND name LIKE 'ssl%'`;
  return {
    find: [...asked, `--execute=${find}`],
    // What it prints are statements.
    reset: [
      "sh",
      "-c",
      `statements=$("$@") && printf '%s\\n' "$statements" | mysql --user=root`,
    ].concat("reset", asked, `--execute=${reset}`),
  };
}

/** A mysqld that hangs keeps a read waiting for so long. */
const asked = [
  ...["timeout", "--kill-after=1", "5"],
  ...["mysql", "--user=root", "--batch", "--skip-column-names"],
];

/** Who leads the cluster and what it holds is told elsewhere. */
const toldElsewhere = [
  ...[
    "gtid\\_%",
    "rpl\\_semi\\_sync\\_%",
    "%read\\_only",
    "offline\\_mode",
    "clone\\_valid\\_donor\\_list",
  ],
  ...["group\\_replication\\_group\\_%", "group\\_replication\\_bootstrap\\_group"],
  "group\\_replication\\_start\\_on\\_boot",
  ...["server\\_uuid", "%\\_pwd"],
];

/** For a Service's `configurationCommand`: the variables in effect. */
export function renderMysqlConfigurationCommand(topology: MysqlConfig["topology"]): string[] {
  const names = ownVariablesOf(topology).map((name) => `'${name}'`);
  const others = toldElsewhere.map((pattern) => `VARIABLE_NAME NOT LIKE '${pattern}'`);
  const query = `SELECT CONCAT(VARIABLE_NAME, ' = ', VARIABLE_VALUE) FROM performance_schema.global_variables
  WHERE VARIABLE_NAME NOT IN (${names.join(", ")}) AND ${others.join(" AND ")} ORDER BY VARIABLE_NAME`;
  // 75: it cannot be asked at the moment.
  const script = `systemctl is-active --quiet mysql.service && variables=$("$@" 2>/dev/null) || exit 75
echo '# configuration file /run/mysqld/mysqld.sock (its variables):'
printf '%s\\n' "$variables"`;
  return ["sh", "-c", script, "configuration", ...asked, `--execute=${query}`];
}
