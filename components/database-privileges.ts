/** What an application may do in its own database, in words, and what MySQL calls it. */

/** All but what hands rights on or reaches beyond the database. */
export const basicPrivileges = [
  ...["SELECT", "INSERT", "UPDATE", "DELETE"],
  ...["CREATE", "ALTER", "DROP", "INDEX", "REFERENCES"],
];

export const morePrivileges = {
  "temporary tables": ["CREATE TEMPORARY TABLES"],
  "lock tables": ["LOCK TABLES"],
  views: ["CREATE VIEW", "SHOW VIEW"],
  routines: ["CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE"],
  triggers: ["TRIGGER"],
  events: ["EVENT"],
} as const;

export type DatabasePrivilege = keyof typeof morePrivileges;

export function privilegesOf(more: readonly DatabasePrivilege[]): readonly string[] {
  return [...basicPrivileges, ...more.flatMap((one) => morePrivileges[one])];
}

/** With a binary log, MySQL lets only administrators make functions and triggers unless it is told to trust others. */
export function needsTrust(more: readonly DatabasePrivilege[]): boolean {
  return more.includes("routines") || more.includes("triggers");
}
