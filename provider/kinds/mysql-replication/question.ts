/** Asks a member for all that is of interest in one script, and reads the answer. */

import { lines, Shell, sh } from "../../ssh/shell";
import type { Account, Member, Replication } from "./args";
import { type Grants, parseGrants } from "./grants";
import { accountName, literal, mysql, mysqlGoingOn } from "./sql";

/** What a mysqld says of itself. */
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

export interface AccountFacts {
  /** The expected host part, or another one where only that exists. */
  readonly from: string;
  readonly login: "yes" | "denied" | "not tried";
  readonly grants: Grants;
}

/** A member's whole answer. */
export type Answer =
  | { readonly mysqld: "absent" }
  | { readonly mysqld: "silent"; readonly reason: string }
  | {
      readonly mysqld: "running";
      readonly facts: Facts;
      /** By name; without those that do not exist. */
      readonly accounts: Readonly<Record<string, AccountFacts>>;
    };

/** The marker that names the cluster whose data a member holds: the comment of a table, which CLONE and replication carry along. */
export const marker = { schema: "trilithon", table: "cluster" } as const;

export const systemSchemas = [
  "mysql",
  "sys",
  "information_schema",
  "performance_schema",
  marker.schema,
];

export interface AskedAccount {
  readonly name: string;
  readonly from: string;
  readonly password: string;
}

/** All accounts that a read asks about, the replication account included. */
export function askedAccounts({ replicationAccount, accounts }: Replication): AskedAccount[] {
  const all: [string, Account | undefined][] = Object.entries(accounts);
  return [
    { ...replicationAccount, from: "%" },
    ...all.flatMap(([name, account]) => (account === undefined ? [] : [{ ...account, name }])),
  ];
}

export function renderQuestion(expected: Replication, member: Member): Shell {
  const accounts = askedAccounts(expected);
  return lines(
    sh`command -v mysql >/dev/null && command -v mysqld >/dev/null || { echo absent; exit 0; }`,
    sh`export LC_ALL=C`,
    sh`facts=$( {
${mysql(factsQuery(expected))}
} 2>&1 ) || { echo silent; printf '%s\n' "$facts"; exit 0; }`,
    sh`echo running; printf '%s\n' "$facts"`,
    sh`{
${mysqlGoingOn(...accounts.map(renderGrantsQuestion))}
} 2>/dev/null`,
    sh`echo logins`,
    ...accounts.map((account) => renderLogin(account, member)),
  );
}

export function parseAnswer(answer: string, expected: Replication): Answer {
  const [state = "", ...rest] = answer.split("\n");
  if (state === "absent") return { mysqld: "absent" };
  if (state !== "running") return { mysqld: "silent", reason: lastError(rest) };
  const facts: Facts = JSON.parse(rest.find((line) => line.startsWith("{")) ?? "");
  const shown = rest.slice(0, rest.indexOf("logins"));
  const logins = rest.slice(rest.indexOf("logins") + 1);
  const accounts = askedAccounts(expected).flatMap(({ name, from }, index) => {
    const found = parseAccount(index, from, shown);
    if (found === undefined) return [];
    return [[name, { ...found, login: loginOf(logins[index]) }] as const];
  });
  return { mysqld: "running", facts, accounts: Object.fromEntries(accounts) };
}

/** `account 0` and the host part, for each host part that there is; then the grants of the expected one. */
function renderGrantsQuestion({ name, from }: AskedAccount, index: number): string {
  return `SELECT 'account ${index}', Host FROM mysql.user WHERE User = ${literal(name)};
SHOW GRANTS FOR ${accountName(name, from)}`;
}

function parseAccount(
  index: number,
  from: string,
  shown: readonly string[],
): Pick<AccountFacts, "from" | "grants"> | undefined {
  const own = `account ${index}\t`;
  const hosts = shown.filter((line) => line.startsWith(own)).map((line) => line.slice(own.length));
  const [only] = hosts;
  if (only === undefined) return undefined;
  if (!hosts.includes(from)) return { from: only, grants: {} };
  const after = shown.slice(shown.findLastIndex((line) => line.startsWith(own)) + 1);
  const end = after.findIndex((line) => line.startsWith("account "));
  return { from, grants: parseGrants(end < 0 ? after : after.slice(0, end)) };
}

/**
 * The truth about a password is a login. It is tried over TCP, from the member's own address, and only where the
 * account may come from there.
 */
function renderLogin({ name, from, password }: AskedAccount, member: Member): Shell {
  if (!isMatch(member.address, from)) return sh`echo 'not tried'`;
  const options = `[client]
user=${optionValue(name)}
password=${optionValue(password)}
host=${member.address}
port=${member.port}
protocol=tcp
connect-timeout=5`;
  return new Shell(`if said=$(mysql --defaults-file=/dev/fd/3 -e 'DO 0' 2>&1 3<<'__OPTIONS__'
${options}
__OPTIONS__
); then echo yes; else printf '%s ' $said; echo; fi`);
}

/** 1045: wrong password. 3118: locked. 1862: expired. 3955: blocked after too many failures. */
function loginOf(said: string | undefined): AccountFacts["login"] {
  if (said === "yes") return "yes";
  return /ERROR (1045|3118|1862|3955)\b/.test(said ?? "") ? "denied" : "not tried";
}

/** Whether an account's host part, a pattern as of LIKE, covers an address. */
function isMatch(address: string, from: string): boolean {
  const pattern = from.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("%", ".*");
  return new RegExp(`^${pattern.replaceAll("_", ".")}$`, "i").test(address);
}

/** A value in a MySQL option file. */
function optionValue(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function lastError(said: readonly string[]): string {
  const text = said.filter((line) => line.trim() !== "").join(" ");
  return /ERROR .*/.exec(text)?.[0] ?? (text === "" ? "no answer" : text);
}

/** The status of a CLONE stays `In Progress` for ever when mysqld is killed in it; the statement itself tells. */
export const cloningQuery =
  "SELECT COUNT(*) FROM performance_schema.processlist WHERE INFO LIKE 'CLONE INSTANCE %'";

function factsQuery({ replicationAccount }: Replication): string {
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
