/** Privileges as MySQL shows them and as the program writes them, in one form that can be compared. */

export type Grants = Readonly<Record<string, readonly string[]>>;

/** All that there is at a level, save GRANT OPTION: MySQL shows it as ALL PRIVILEGES, also where each was granted by name. */
const allOfTable = [
  ...["ALTER", "CREATE", "CREATE VIEW", "DELETE", "DROP", "INDEX", "INSERT"],
  ...["REFERENCES", "SELECT", "SHOW VIEW", "TRIGGER", "UPDATE"],
];
const allOfDatabase = [
  ...allOfTable,
  ...["ALTER ROUTINE", "CREATE ROUTINE", "CREATE TEMPORARY TABLES", "EVENT", "EXECUTE"],
  "LOCK TABLES",
];

/** `["select", "Insert"]` as `["INSERT", "SELECT"]`; ALL as the names that it stands for. */
export function sortedPrivileges(level: string, privileges: readonly string[]): string[] {
  const names = privileges.map((name) => name.trim().replace(/\s+/g, " ").toUpperCase());
  const all = level === "*.*" ? ["ALL"] : level.endsWith(".*") ? allOfDatabase : allOfTable;
  return [
    ...new Set(names.flatMap((name) => (/^ALL( PRIVILEGES)?$/.test(name) ? all : name))),
  ].sort();
}

/**
 * The lines of SHOW GRANTS. Levels stand as the program writes them, `guestbook.*`; what a program cannot write
 * (a wildcard in a database's name, a routine, a role) stands as MySQL writes it.
 */
export function parseGrants(shown: readonly string[]): Grants {
  const grants: Record<string, string[]> = {};
  for (const line of shown) {
    const [, privileges, level, , rest = ""] =
      /^GRANT (.+?) ON (.+) TO (`(?:[^`]|``)*`@`(?:[^`]|``)*`)(.*)$/.exec(line) ?? [];
    if (privileges === undefined || level === undefined) {
      const role = /^GRANT (.+) TO /.exec(line)?.[1];
      if (role !== undefined) grants[`role ${role}`] = ["ROLE"];
      continue;
    }
    const granted = splitPrivileges(privileges).filter((name) => name !== "USAGE");
    if (rest.includes("WITH GRANT OPTION")) granted.push("GRANT OPTION");
    const name = levelName(level);
    if (granted.length > 0)
      grants[name] = sortedPrivileges(name, [...(grants[name] ?? []), ...granted]);
  }
  return grants;
}

/** Where the two differ: what to grant and what to take away, per level. */
export function planGrants(
  live: Grants,
  wanted: Grants,
): { level: string; grant: string[]; revoke: string[] }[] {
  const levels = [...new Set([...Object.keys(live), ...Object.keys(wanted)])];
  return levels
    .map((level) => {
      const now = live[level] ?? [];
      const then = wanted[level] ?? [];
      return {
        level,
        grant: then.filter((name) => !now.includes(name)),
        revoke: now.filter((name) => !then.includes(name)),
      };
    })
    .filter(({ grant, revoke }) => grant.length + revoke.length > 0);
}

/** A level as SQL: in the name of a database alone, `_` is a wildcard and has to be escaped. */
export function renderLevel(level: string): string {
  const [, database, table] = /^(\w+)\.(\*|\w+)$/.exec(level) ?? [];
  if (database === undefined || table === undefined) return level;
  return table === "*"
    ? `\`${database.replaceAll("_", "\\_")}\`.*`
    : `\`${database}\`.\`${table}\``;
}

function levelName(shown: string): string {
  const [, database, table] = /^`(\w+|(?:\w|\\_)+)`\.(\*|`\w+`)$/.exec(shown) ?? [];
  if (database === undefined || table === undefined) return shown;
  if (table !== "*") return `${database}.${table.slice(1, -1)}`;
  const hasWildcard = database.replaceAll("\\_", "").includes("_");
  return hasWildcard ? shown : `${database.replaceAll("\\_", "_")}.*`;
}

/** Commas inside the parentheses of a column list do not separate. */
function splitPrivileges(privileges: string): string[] {
  return privileges.split(/,\s*(?![^(]*\))/);
}
