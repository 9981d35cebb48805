/** Puts what was restored beside the primary into the cluster: as new transactions, which the other members get like any other ones. */
import { lines, sh } from "../../provider/ssh/shell";
import type { Site } from "../verify/check";
import { databaseHosts, type EndpointHost } from "../verify/endpoints";
import { quoteGtidSet } from "../verify/mysql";
import { parseTables, type RestoreReport, type Table } from "./report";

const longestSeconds = 12 * 3600;

export interface TableChange {
  readonly name: string;
  /** Rows in the cluster; `undefined`: it is not there. */
  readonly live: number | undefined;
  /** Rows in the copy; `undefined`: it goes. */
  readonly restored: number | undefined;
}

export interface ClusterPlan {
  /** What is replaced: databases, or the one table. */
  readonly replaces: readonly string[];
  readonly changes: readonly TableChange[];
  /** Databases that the copy has not, and those that were not asked for. */
  readonly leaves: readonly string[];
}

/** The database by which members know whose data they hold. */
const own = "trilithon";

const databaseOf = ({ name }: Pick<Table, "name">) => name.slice(0, name.indexOf("."));

/** `only`: a database, or a table as `DATABASE.TABLE`. */
export function planCluster(
  { tables: restored, databases: all }: Pick<RestoreReport, "tables" | "databases">,
  live: readonly Table[],
  only: string | undefined,
): ClusterPlan {
  const of = (tables: readonly Table[]) => tables.filter((table) => databaseOf(table) !== own);
  const isWanted = (table: Table) =>
    only === undefined || table.name === only || databaseOf(table) === only;
  const wanted = of(restored).filter(isWanted);
  const bare = all.filter(
    (name) =>
      name !== own &&
      (only === undefined || name === only) &&
      !restored.some((table) => databaseOf(table) === name),
  );
  if (wanted.length === 0 && bare.length === 0) {
    const names = of(restored).map(({ name }) => name);
    throw new Error(
      `${only ?? "tables"}: the copy has none such; it has ${names.join(", ") || "none"}`,
    );
  }
  const isTable = wanted.some(({ name }) => name === only);
  const databases = [...new Set([...wanted.map(databaseOf), ...bare])];
  const replaced = of(live).filter((table) =>
    isTable ? table.name === only : databases.includes(databaseOf(table)),
  );
  const names = [...new Set([...wanted, ...replaced].map(({ name }) => name))].sort();
  const rowsIn = (tables: readonly Table[], name: string) =>
    tables.find((table) => table.name === name)?.rows;
  const others = of(live).map(databaseOf);
  return {
    replaces: isTable && only !== undefined ? [only] : databases,
    changes: names.map((name) => ({
      ...{ name, live: rowsIn(live, name), restored: rowsIn(wanted, name) },
    })),
    leaves: isTable ? [] : [...new Set(others)].filter((name) => !databases.includes(name)),
  };
}

export function renderPlan(
  { replaces, changes, leaves }: ClusterPlan,
  primary: string,
  {
    rounded,
    definers,
  }: { readonly rounded: readonly string[]; readonly definers: readonly string[] },
): string {
  const width = Math.max(0, ...changes.map(({ name }) => name.length));
  const rows = changes.map(
    ({ name, live = "not there", restored = "dropped" }) =>
      `  ${name.padEnd(width)}  ${live} -> ${restored}\n`,
  );
  return `On ${primary}, the primary, and from there on all members:
${rows.join("")}close the site and the primary for writes, replace ${replaces.join(", ")} by what was restored, compare all rows, open both
${leaves.length > 0 ? `left as they are: ${leaves.join(", ")}\n` : ""}${
  rounded.length > 0
    ? `rounded to 6 digits, as mysqldump writes a FLOAT: ${rounded.join(", ")}\n`
    : ""
}${
  definers.length > 0
    ? `made anew, locked, as views, routines, triggers or events act in their name: ${definers.join(", ")}\n`
    : ""
}Accounts and their passwords stay as they are. All that was written since is gone from these tables.
`;
}

/** What the cluster has, as the primary says. */
export async function liveTables(site: Site, primary: EndpointHost): Promise<readonly Table[]> {
  return parseTables(await site.run(primary, sh`trilithon-restore live`.text, longestSeconds));
}

/** Tables whose numbers are not the same after a dump. */
export async function roundedTables(
  site: Site,
  primary: EndpointHost,
  { socket }: RestoreReport,
): Promise<readonly string[]> {
  const question =
    "SELECT DISTINCT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.COLUMNS WHERE DATA_TYPE = 'float' AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')";
  const script = sh`mysql --no-defaults ${`--socket=${socket}`} --batch --skip-column-names --execute ${question}`;
  return (await site.run(primary, script.text, 60)).split("\n").filter(Boolean);
}

/** As `CREATE DEFINER` has them. Accounts are those of a host, so where machines have other addresses than before they are others. */
export async function missingDefiners(
  site: Site,
  primary: EndpointHost,
  { replaces }: Pick<ClusterPlan, "replaces">,
): Promise<readonly string[]> {
  const script = sh`trilithon-restore definers ${databasesOf(replaces)}`;
  return (await site.run(primary, script.text, 60)).split("\n").filter(Boolean);
}

/** Answers what MySQL refuses of their rights. */
export async function makeDefiners(
  site: Site,
  primary: EndpointHost,
  { replaces }: Pick<ClusterPlan, "replaces">,
): Promise<readonly string[]> {
  const script = sh`trilithon-restore make-definers ${databasesOf(replaces)}`;
  return (await site.run(primary, script.text, 300)).split("\n").filter(Boolean);
}

const databasesOf = (replaces: readonly string[]) => [
  ...new Set(replaces.map((name) => name.split(".")[0] ?? name)),
];

/** What cannot be dumped, as a view whose table is gone, is found before anything is closed. */
export async function tryDump(
  site: Site,
  primary: EndpointHost,
  { socket, replaces }: Pick<RestoreReport, "socket"> & Pick<ClusterPlan, "replaces">,
): Promise<void> {
  const script = sh`mysqldump ${dumpOptions(socket)} --no-data ${dumpedOf(replaces)} >/dev/null`;
  await site.run(primary, script.text, 600);
}

/** No account without an administrator's rights commits anything from here on, and HAProxy leads no writes to it. */
export async function closePrimary(site: Site, primary: EndpointHost): Promise<void> {
  await site.run(primary, root("SET GLOBAL read_only = ON", 120).text, 150);
}

export async function openPrimary(site: Site, primary: EndpointHost): Promise<void> {
  await site.run(primary, root("SET GLOBAL read_only = OFF", 120).text, 150);
}

export async function load(
  site: Site,
  primary: EndpointHost,
  { socket, replaces }: Pick<RestoreReport, "socket"> & Pick<ClusterPlan, "replaces">,
): Promise<void> {
  await site.run(primary, loadScript(socket, replaces).text, longestSeconds);
}

/** A dump that ends early is an error of its own: what came of it is a whole statement less. */
export function loadScript(socket: string, replaces: readonly string[]) {
  const [first = ""] = replaces;
  const at = first.indexOf(".");
  const into = at < 0 ? sh`` : sh` -- ${first.slice(0, at)}`;
  return lines(
    sh`set -eu
umask 077
failed=$(mktemp)
trap 'rm -f "$failed"' EXIT
{
  mysqldump ${dumpOptions(socket)} ${dumpedOf(replaces)} ||
    echo failed >"$failed"
} </dev/null | mysql --no-defaults --binary-mode --max-allowed-packet=1G --default-character-set=utf8mb4${into}
if [ -s "$failed" ]; then
  echo 'the dump of what was restored did not end well' >&2
  exit 1
fi`,
  );
}

function dumpOptions(socket: string) {
  return sh`--no-defaults ${`--socket=${socket}`} --single-transaction --triggers --set-gtid-purged=OFF --no-tablespaces --hex-blob --default-character-set=utf8mb4`;
}

function dumpedOf(replaces: readonly string[]) {
  const [first = ""] = replaces;
  const at = first.indexOf(".");
  return at < 0
    ? sh`--routines --events --add-drop-database --databases -- ${replaces}`
    : sh`-- ${first.slice(0, at)} ${first.slice(at + 1)}`;
}

/** Tables that are not as they were restored, but for those that cannot be. */
export function differences(
  restored: readonly Table[],
  live: readonly Table[],
  { changes, rounded }: Pick<ClusterPlan, "changes"> & { readonly rounded: readonly string[] },
): readonly string[] {
  return changes.flatMap(({ name }) => {
    const [wanted, found] = [restored, live].map((all) => all.find((one) => one.name === name));
    const isSame =
      wanted?.rows === found?.rows &&
      (rounded.includes(name) || wanted?.checksum === found?.checksum);
    return isSame ? [] : [name];
  });
}

/** Until each other member that answers has what the primary has: reads are led to them. */
export async function awaitMembers(site: Site, primary: EndpointHost): Promise<readonly string[]> {
  const question = root("SELECT REPLACE(@@GLOBAL.gtid_executed, CHAR(10), '')", 30);
  const set = quoteGtidSet(await site.run(primary, question.text, 60));
  const others = databaseHosts(site.endpoints).filter(({ name }) => name !== primary.name);
  const ended = await Promise.allSettled(
    others.map(async (host) => {
      const wait = root(`SELECT WAIT_FOR_EXECUTED_GTID_SET(${set}, 3600)`, 3700);
      const said = await site.run(host, wait.text, 3800);
      if (said.trim() !== "0") throw new Error(`${host.name}: it has not caught up within an hour`);
    }),
  );
  return ended.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
}

function root(statement: string, seconds: number) {
  return sh`timeout ${String(seconds)} mysql --no-defaults --batch --skip-column-names --execute ${statement}`;
}
