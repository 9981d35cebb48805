/** What the settings of backups must agree with, and which of them are secrets. */
import { type Fault, unexpected } from "../expectation";
import { isRecord } from "../rule";
import { givenApplications } from "./applications";

type Values = Readonly<Record<string, unknown>>;

export function checkBackup(
  values: Values,
  hosts: readonly { readonly roles: readonly string[]; readonly path: string }[],
): readonly Fault[] {
  const given = isRecord(values.backup) ? values.backup : undefined;
  const keeper = hosts.find(({ roles }) => roles.includes("backup"));
  const hasRepository = given?.repository !== undefined;
  if (keeper === undefined && !hasRepository) {
    if (given === undefined) return [];
    const expected = "a host with the role backup, or backup.repository";
    return [{ path: "backup", message: unexpected(expected, undefined) }];
  }
  if (hasSomething(values, hosts)) return [];
  const expected = "something to copy: a database, or an application with persistent folders";
  const path = keeper === undefined ? "backup.repository" : `${keeper.path}.roles`;
  return [{ path, message: unexpected(expected, undefined) }];
}

/** Whether the settings, well formed or not, have anything copied. */
export function isBackedUp({ backup, hosts }: Values): boolean {
  const all: unknown[] = Array.isArray(hosts) ? hosts : [];
  const keeps = (host: unknown) =>
    isRecord(host) && Array.isArray(host.roles) && host.roles.includes("backup");
  return all.some(keeps) || (isRecord(backup) && backup.repository !== undefined);
}

function hasSomething(
  values: Values,
  hosts: readonly { readonly roles: readonly string[] }[],
): boolean {
  return (
    hosts.some(({ roles }) => roles.some((role) => role.startsWith("database"))) ||
    givenApplications(values).some(
      ({ values: { persistent } }) => Array.isArray(persistent) && persistent.length > 0,
    )
  );
}

/** What opens the repository, and what leads there. */
export function backupSecrets(backup: unknown) {
  const given = isRecord(backup) ? backup.repository : undefined;
  const { password, environment } = isRecord(given) ? given : {};
  const variables = isRecord(environment) ? Object.entries(environment) : [];
  const path = "backup.repository";
  return [
    { key: "backup", path: `${path}.password`, value: password },
    ...variables.map(([name, value]) => {
      return { key: "backup", path: `${path}.environment.${name}`, value };
    }),
  ];
}
