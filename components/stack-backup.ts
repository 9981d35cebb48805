/** The backups of a stack: where its settings want them, of its database and of the folders in which its applications keep state. */
import type * as pulumi from "@pulumi/pulumi";
import type { PlacedApplication, StackApplications } from "./applications";
import { Backup } from "./backup";
import type { BackedUpMachine } from "./backup-timers";
import type { createDatabase } from "./create-database";
import type { StackHost, StackHosts } from "./hosts";
import { stateFolder } from "./persistent";
import type { StackSettings } from "./settings";

interface Place {
  readonly settings: StackSettings;
  readonly hosts: StackHosts;
  readonly database: ReturnType<typeof createDatabase>;
  readonly applications: StackApplications;
}

export function createBackup(
  place: Place,
  opts: pulumi.ComponentResourceOptions,
): Backup | undefined {
  const { hosts, settings } = place;
  const { repository, ...options } = settings.backup;
  if (hosts.backups.length === 0 && repository === undefined) return undefined;
  const machines = hosts.all.flatMap((host) => machineOf(host, place));
  const args = { hosts: hosts.backups, machines, ...(repository && { repository }) };
  return new Backup("backup", { ...options, ...args }, opts);
}

function machineOf(host: StackHost, place: Place): readonly BackedUpMachine[] {
  const { database, applications } = place;
  const isMember = database?.members.some(({ name }) => name === host.name) ?? false;
  const kept = [applications.first, ...applications.others].filter(
    (one) => one.hosts.includes(host) && persistentOf(one, place.settings).length > 0,
  );
  const folders = kept.flatMap((one) =>
    persistentOf(one, place.settings).map((path) => `${stateFolder(one.name)}/${path}`),
  );
  if (!isMember && folders.length === 0) return [];
  const after = [
    ...(isMember && database ? [database.ready, ...database.roleChecks] : []),
    ...kept.flatMap(({ application }) => application.releases[host.name] ?? []),
  ];
  return [{ host, folders, after, ...(isMember && { database: "member" as const }) }];
}

function persistentOf(
  { name }: PlacedApplication,
  { application, applications }: StackSettings,
): readonly string[] {
  const settings = application.name === name ? application : applications[name];
  return settings?.persistent ?? [];
}
