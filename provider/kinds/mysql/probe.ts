/** What a mysqld says of itself: the question, in one script, and how its answer is read. */

import { lines, type Shell, sh } from "../../ssh/shell";
import {
  type AskedAccount,
  type FoundAccounts,
  parseAccounts,
  renderGrantsQuestion,
} from "./accounts";
import { askMysql, askMysqlGoingOn, literal } from "./sql";

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
  /** `rpl_semi_sync_*`, and of a group's member `group_replication_*`, in lower case. */
  readonly variables: Readonly<Record<string, string>>;
  /** `rpl_semi_sync_*`, in lower case. */
  readonly status: Readonly<Record<string, string>>;
  readonly cluster: string | null;
  readonly schemas: readonly string[];
  /** How many CLONEs are filling it at the moment. */
  readonly isCloning: number;
  readonly source: Source | null;
  /** Where it was asked for. */
  readonly group?: GroupFacts;
}

/** What a member knows of its group. */
export interface GroupFacts {
  /** As it sees them, itself among them. */
  readonly members: readonly GroupMember[];
  /** What arrived from the group, be it applied or not. Empty where it is in none. */
  readonly received: string;
  /** The account by which it reaches the others. */
  readonly recoveryUser: string | null;
  readonly isPasswordRight: number | null;
}

export interface GroupMember {
  readonly uuid: string;
  readonly host: string;
  readonly port: number;
  readonly state: "ONLINE" | "RECOVERING" | "OFFLINE" | "ERROR" | "UNREACHABLE";
  readonly role: "PRIMARY" | "SECONDARY" | "";
}

/** How a member follows another. */
export interface Source {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly isPasswordRight: number | null;
  readonly autoPosition: string;
  readonly ssl: string;
  /** Of what a member trusts: a path there, or empty. */
  readonly authority: string;
  /** Whether it verifies the source's certificate, and its name: `YES` or `NO`. */
  readonly verifies: string;
  readonly retryCount: number;
  /** What arrived, be it applied or not. */
  readonly received: string;
  readonly receiver: string;
  readonly receiverError: string | null;
  readonly applier: string;
  readonly applierError: string | null;
}

/** A member's whole answer. */
export type Answer =
  /** `isEmpty`: no data of a former one is left either. */
  | { readonly mysqld: "absent"; readonly isEmpty?: true }
  | {
      readonly mysqld: "silent";
      readonly reason: string;
      readonly isUnreachable?: boolean;
      /** Its host is away, and was not asked. */
      readonly isAway?: boolean;
    }
  | ({ readonly mysqld: "running"; readonly facts: Facts } & FoundAccounts);

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

export interface ProbeArgs {
  readonly accounts: readonly AskedAccount[];
  /** The password that a replica's connection is compared with; default: none is. */
  readonly replicationPassword?: string;
  /** Whether the member is one of a group, and says what it knows of it. Default: of a pair. */
  readonly topology?: "group" | "pair";
}

export function renderProbe(args: ProbeArgs): Shell {
  const { accounts } = args;
  return lines(
    sh`command -v mysql >/dev/null && command -v mysqld >/dev/null || { echo absent; [ -n "$(ls -A /var/lib/mysql 2>/dev/null)" ] || echo empty; exit 0; }`,
    sh`export LC_ALL=C`,
    // A mysqld that hangs costs this one question its time, and nothing else.
    sh`facts=$( {
${askMysql(...factsStatements(args))}
} 2>&1 ) || {
  status=$?
  echo silent
  [ "$status" -ne 124 ] || echo 'ERROR: mysqld took the question and did not answer in time'
  printf '%s\n' "$facts"
  exit 0
}`,
    sh`echo running; printf '%s\n' "$facts"`,
    accounts.length > 0 &&
      sh`{
${askMysqlGoingOn(...accounts.map(renderGrantsQuestion))}
} 2>/dev/null`,
    // Of an account that does not exist there are no grants, which is an error of the client's.
    sh`true`,
  );
}

export function parseAnswer(answer: string, asked: readonly AskedAccount[]): Answer {
  const [state = "", ...rest] = answer.split("\n");
  if (state === "absent") return { mysqld: state, ...(rest[0] === "empty" && { isEmpty: true }) };
  if (state !== "running") return { mysqld: "silent", reason: lastError(rest) };
  const facts: Facts = JSON.parse(rest.find((line) => line.startsWith("{")) ?? "");
  return { mysqld: "running", facts, ...parseAccounts(rest, asked) };
}

function lastError(said: readonly string[]): string {
  const text = said.filter((line) => line.trim() !== "").join(" ");
  return /ERROR.*/.exec(text)?.[0] ?? (text === "" ? "no answer" : text);
}

/** After a fail-over a group holds reads back until the new primary has applied all: not those of the status. */
const readAtOnce = [
  `SET @read = IF((SELECT COUNT(*) FROM performance_schema.global_variables WHERE VARIABLE_NAME = 'group_replication_consistency') > 0,
  "SET SESSION group_replication_consistency = 'EVENTUAL'", 'DO 0')`,
  "PREPARE at_once FROM @read",
  "EXECUTE at_once",
];

function factsStatements({
  replicationPassword = "",
  topology = "pair",
}: ProbeArgs): readonly string[] {
  const query = factsQuery(replicationPassword, topology);
  return topology === "group" ? [...readAtOnce, query] : [query];
}

/** Whether a channel's account has that password. */
function passwordQuery(password: string, channel: string): string {
  return `(SELECT CAST(User_password AS BINARY) = CAST(${literal(password)} AS BINARY)
      FROM mysql.slave_master_info WHERE Channel_name = ${literal(channel)})`;
}

function groupQuery(password: string): string {
  const channel = "group_replication_recovery";
  return `'group', JSON_OBJECT(
  'members', COALESCE((SELECT JSON_ARRAYAGG(JSON_OBJECT('uuid', MEMBER_ID, 'host', MEMBER_HOST, 'port', MEMBER_PORT,
    'state', MEMBER_STATE, 'role', MEMBER_ROLE)) FROM performance_schema.replication_group_members), JSON_ARRAY()),
  'received', COALESCE((SELECT REPLACE(RECEIVED_TRANSACTION_SET, '\\n', '')
    FROM performance_schema.replication_connection_status WHERE CHANNEL_NAME = 'group_replication_applier'), ''),
  'recoveryUser', (SELECT User_name FROM mysql.slave_master_info WHERE Channel_name = '${channel}'),
  'isPasswordRight', ${passwordQuery(password, channel)}),
`;
}

function factsQuery(replicationPassword: string, topology: "group" | "pair"): string {
  const object = (table: string, where: string) =>
    `(SELECT JSON_OBJECTAGG(LOWER(VARIABLE_NAME), VARIABLE_VALUE) FROM performance_schema.${table} WHERE ${where})`;
  const semiSync = "VARIABLE_NAME LIKE 'rpl\\\\_semi\\\\_sync\\\\_%'";
  const isGroup = topology === "group";
  const own = isGroup
    ? `${semiSync} OR VARIABLE_NAME LIKE 'group\\\\_replication\\\\_%'`
    : semiSync;
  const plugins = [
    ...["rpl_semi_sync_source", "rpl_semi_sync_replica", "clone"],
    ...(isGroup ? ["group_replication"] : []),
  ];
  return `SELECT JSON_OBJECT(
'serverId', @@server_id, 'serverUuid', @@server_uuid, 'gtidMode', @@gtid_mode, 'logBin', @@log_bin,
'gtidExecuted', REPLACE(@@gtid_executed, '\\n', ''), 'superReadOnly', @@super_read_only, 'readOnly', @@read_only, 'offlineMode', @@offline_mode,
'plugins', (SELECT JSON_ARRAYAGG(PLUGIN_NAME) FROM information_schema.PLUGINS WHERE PLUGIN_STATUS = 'ACTIVE'
  AND PLUGIN_NAME IN (${plugins.map(literal).join(", ")})),
'persisted', COALESCE(${object("persisted_variables", "TRUE")}, JSON_OBJECT()),
'variables', COALESCE(${object("global_variables", own)}, JSON_OBJECT()),
'status', COALESCE(${object("global_status", semiSync)}, JSON_OBJECT()),
'cluster', (SELECT TABLE_COMMENT FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = '${marker.schema}' AND TABLE_NAME = '${marker.table}'),
'schemas', COALESCE((SELECT JSON_ARRAYAGG(SCHEMA_NAME) FROM information_schema.SCHEMATA
  WHERE SCHEMA_NAME NOT IN (${systemSchemas.map(literal).join(", ")})), JSON_ARRAY()),
'isCloning', (${cloningQuery}),
${isGroup ? groupQuery(replicationPassword) : ""}'source', (SELECT JSON_OBJECT('host', c.HOST, 'port', c.PORT, 'user', c.USER, 'autoPosition', c.AUTO_POSITION,
    'ssl', c.SSL_ALLOWED, 'authority', c.SSL_CA_FILE, 'verifies', c.SSL_VERIFY_SERVER_CERTIFICATE,
    'retryCount', c.CONNECTION_RETRY_COUNT,
    'isPasswordRight', ${passwordQuery(replicationPassword, "")},
    'received', REPLACE(r.RECEIVED_TRANSACTION_SET, '\\n', ''),
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
