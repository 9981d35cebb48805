/** What a mysqld says of itself, and the query by which it is asked. */

import type { Replication } from "./args";
import { literal } from "./sql";

export interface Facts {
  readonly serverId: number;
  readonly serverUuid: string;
  readonly gtidMode: string;
  readonly logBin: number;
  readonly gtidExecuted: string;
  readonly superReadOnly: number;
  readonly readOnly: number;
  readonly offlineMode: number;
  readonly plugins: readonly string[];
  /** What stands in mysqld-auto.cnf. */
  readonly persisted: Readonly<Record<string, string>>;
  /** `rpl_semi_sync_*`, in lower case. */
  readonly variables: Readonly<Record<string, string>>;
  /** `rpl_semi_sync_*`, in lower case. */
  readonly status: Readonly<Record<string, string>>;
  readonly cluster: string | null;
  readonly schemas: readonly string[];
  /** How many CLONEs are filling it at the moment. */
  readonly isCloning: number;
  readonly source: Source | null;
}

/** How a member follows another. */
export interface Source {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly isPasswordRight: number | null;
  readonly autoPosition: string;
  readonly ssl: string;
  readonly retryCount: number;
  readonly receiver: string;
  readonly receiverError: string | null;
  readonly applier: string;
  readonly applierError: string | null;
}

/** The marker that names the cluster whose data a member holds: the comment of a table, which CLONE and replication carry along. */
export const marker = { schema: "trilithon", table: "cluster" } as const;

export const systemSchemas = [
  "mysql",
  "sys",
  "information_schema",
  "performance_schema",
  marker.schema,
];

/** The status of a CLONE stays `In Progress` for ever when mysqld is killed in it; the statement itself tells. */
export const cloningQuery =
  "SELECT COUNT(*) FROM performance_schema.processlist WHERE INFO LIKE 'CLONE INSTANCE %'";

export function factsQuery({ replicationAccount }: Replication): string {
  const object = (table: string, where: string) =>
    `(SELECT JSON_OBJECTAGG(LOWER(VARIABLE_NAME), VARIABLE_VALUE) FROM performance_schema.${table} WHERE ${where})`;
  const semiSync = "VARIABLE_NAME LIKE 'rpl\\\\_semi\\\\_sync\\\\_%'";
  return `SELECT JSON_OBJECT(
'serverId', @@server_id, 'serverUuid', @@server_uuid, 'gtidMode', @@gtid_mode, 'logBin', @@log_bin,
'gtidExecuted', REPLACE(@@gtid_executed, '\\n', ''), 'superReadOnly', @@super_read_only, 'readOnly', @@read_only, 'offlineMode', @@offline_mode,
'plugins', (SELECT JSON_ARRAYAGG(PLUGIN_NAME) FROM information_schema.PLUGINS WHERE PLUGIN_STATUS = 'ACTIVE'
  AND PLUGIN_NAME IN ('rpl_semi_sync_source', 'rpl_semi_sync_replica', 'clone')),
'persisted', COALESCE(${object("persisted_variables", "TRUE")}, JSON_OBJECT()),
'variables', COALESCE(${object("global_variables", semiSync)}, JSON_OBJECT()),
'status', COALESCE(${object("global_status", semiSync)}, JSON_OBJECT()),
'cluster', (SELECT TABLE_COMMENT FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = '${marker.schema}' AND TABLE_NAME = '${marker.table}'),
'schemas', COALESCE((SELECT JSON_ARRAYAGG(SCHEMA_NAME) FROM information_schema.SCHEMATA
  WHERE SCHEMA_NAME NOT IN (${systemSchemas.map(literal).join(", ")})), JSON_ARRAY()),
'isCloning', (${cloningQuery}),
'source', (SELECT JSON_OBJECT('host', c.HOST, 'port', c.PORT, 'user', c.USER, 'autoPosition', c.AUTO_POSITION,
    'ssl', c.SSL_ALLOWED, 'retryCount', c.CONNECTION_RETRY_COUNT,
    'isPasswordRight', (SELECT CAST(User_password AS BINARY) = CAST(${literal(replicationAccount.password)} AS BINARY)
      FROM mysql.slave_master_info WHERE Channel_name = ''),
    'receiver', r.SERVICE_STATE,
    'receiverError', IF(r.LAST_ERROR_NUMBER = 0, NULL, CONCAT('error ', r.LAST_ERROR_NUMBER, ': ', r.LAST_ERROR_MESSAGE)),
    'applier', (SELECT SERVICE_STATE FROM performance_schema.replication_applier_status WHERE CHANNEL_NAME = ''),
    'applierError', (SELECT CONCAT('error ', LAST_ERROR_NUMBER, ': ', LAST_ERROR_MESSAGE) FROM (
        SELECT LAST_ERROR_NUMBER, LAST_ERROR_MESSAGE FROM performance_schema.replication_applier_status_by_worker
          WHERE CHANNEL_NAME = '' AND LAST_ERROR_NUMBER <> 0
        UNION ALL
        SELECT LAST_ERROR_NUMBER, LAST_ERROR_MESSAGE FROM performance_schema.replication_applier_status_by_coordinator
          WHERE CHANNEL_NAME = '' AND LAST_ERROR_NUMBER <> 0) AS failed LIMIT 1))
  FROM performance_schema.replication_connection_configuration AS c
  JOIN performance_schema.replication_connection_status AS r USING (CHANNEL_NAME)
  WHERE c.CHANNEL_NAME = '' AND c.HOST <> ''))`;
}
