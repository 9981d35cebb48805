/** The SQL of each thing that is done to a member of a group. */

import { marker } from "../mysql/probe";
import { literal } from "../mysql/sql";
import type { Group } from "./args";
import { seedsOf } from "./status";

/** On a member that is in no group yet: this is what the group's data begins with. */
export function foundStatements({ cluster }: Group): string[] {
  const { schema, table } = marker;
  return [
    `CREATE DATABASE IF NOT EXISTS ${schema}`,
    `CREATE TABLE IF NOT EXISTS ${schema}.${table} (id TINYINT PRIMARY KEY) COMMENT = ${literal(cluster)}`,
  ];
}

/**
 * How a member finds its group at each start; what the option file says of it is not changed by anything persisted.
 * A group's name cannot be set while the member is in it.
 */
export function configureStatements(
  { members, replicationAccount }: Group,
  { groupName, isIn }: { readonly groupName: string; readonly isIn: boolean },
): string[] {
  const { name, password } = replicationAccount;
  return [
    `SET ${isIn ? "PERSIST_ONLY" : "PERSIST"} group_replication_group_name = ${literal(groupName)}`,
    `SET PERSIST group_replication_group_seeds = ${literal(seedsOf(members))}`,
    "RESET PERSIST IF EXISTS group_replication_start_on_boot",
    "SET GLOBAL group_replication_start_on_boot = ON",
    "RESET PERSIST IF EXISTS group_replication_bootstrap_group",
    "SET GLOBAL group_replication_bootstrap_group = OFF",
    "RESET PERSIST IF EXISTS super_read_only",
    "RESET PERSIST IF EXISTS read_only",
    // Of a former pair.
    "RESET PERSIST IF EXISTS rpl_semi_sync_source_enabled",
    "RESET PERSIST IF EXISTS rpl_semi_sync_source_timeout",
    "RESET PERSIST IF EXISTS rpl_semi_sync_source_wait_for_replica_count",
    "RESET PERSIST IF EXISTS rpl_semi_sync_source_wait_no_replica",
    "RESET PERSIST IF EXISTS rpl_semi_sync_source_wait_point",
    "RESET PERSIST IF EXISTS rpl_semi_sync_replica_enabled",
    `CHANGE REPLICATION SOURCE TO SOURCE_USER = ${literal(name)}, SOURCE_PASSWORD = ${literal(password)} FOR CHANNEL 'group_replication_recovery'`,
  ];
}

/** Where the start fails, the member is as closed as it was. */
export const bootstrapStatements = [
  "SET GLOBAL super_read_only = ON",
  "SET GLOBAL group_replication_bootstrap_group = ON",
  "START GROUP_REPLICATION",
] as const;

/** It must not begin a group of its own at a later start. */
export const bootstrappedStatement = "SET GLOBAL group_replication_bootstrap_group = OFF";

export const stopStatements = [
  "STOP GROUP_REPLICATION",
  "SET GLOBAL super_read_only = ON",
] as const;

/** Fenced first: whatever becomes of the rest, it does not come back by itself. */
export const leaveStatements = [
  "SET PERSIST group_replication_start_on_boot = OFF",
  "SET PERSIST super_read_only = ON",
  "STOP GROUP_REPLICATION",
  "SET GLOBAL super_read_only = ON",
  "RESET PERSIST IF EXISTS group_replication_group_seeds",
  "RESET PERSIST IF EXISTS group_replication_group_name",
] as const;
