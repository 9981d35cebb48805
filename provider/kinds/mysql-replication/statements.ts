/** The SQL of each thing that is done to a member. */

import type { Account, Member, Replication } from "./args";
import { foreverMilliseconds, replicationPrivileges } from "./content";
import { marker } from "./facts";
import { planGrants, renderLevel } from "./grants";
import { accountName, identifier, literal } from "./sql";

/** Where no replica exists yet nobody could acknowledge the marker. */
export function foundStatements({ cluster }: Replication): string[] {
  const { schema, table } = marker;
  return [
    "SET GLOBAL rpl_semi_sync_source_enabled = OFF",
    "SET GLOBAL super_read_only = OFF",
    "SET GLOBAL read_only = OFF",
    `CREATE DATABASE IF NOT EXISTS ${schema}`,
    `CREATE TABLE IF NOT EXISTS ${schema}.${table} (id TINYINT PRIMARY KEY) COMMENT = ${literal(cluster)}`,
  ];
}

/** Lasts over a restart, though the configuration says closed. */
export const openStatements = [
  "SET GLOBAL offline_mode = OFF",
  "SET PERSIST super_read_only = OFF",
  "SET PERSIST read_only = OFF",
] as const;

export const closeStatements = [
  "RESET PERSIST IF EXISTS read_only",
  "SET PERSIST super_read_only = ON",
] as const;

/**
 * Closes a primary whose commits wait for a replica that does not exist. First everybody is cut off, so that nobody
 * takes a commit for acknowledged that is then let go; nothing of it lasts over a restart.
 */
export const pauseStatements = [
  "SET GLOBAL offline_mode = ON",
  "SET GLOBAL rpl_semi_sync_source_enabled = OFF",
  "SET GLOBAL super_read_only = ON",
  "SET GLOBAL rpl_semi_sync_source_enabled = ON",
  "SET GLOBAL offline_mode = OFF",
] as const;

export function sourceStatements({ durability, members }: Replication): string[] {
  const isAlone = Object.keys(members).length < 2;
  const milliseconds =
    durability === "wait-for-replica" ? foreverMilliseconds : durability.carryOnAfterSeconds * 1000;
  return [
    `SET PERSIST rpl_semi_sync_source_timeout = ${milliseconds}`,
    "SET PERSIST rpl_semi_sync_source_wait_for_replica_count = 1",
    "SET PERSIST rpl_semi_sync_source_wait_no_replica = ON",
    // The default AFTER_SYNC cannot be changed while it is in use; another value would show a loss to readers.
    "SET PERSIST rpl_semi_sync_source_wait_point = AFTER_SYNC",
    `SET PERSIST rpl_semi_sync_source_enabled = ${isAlone ? "OFF" : "ON"}`,
  ];
}

export const acknowledgeStatements = [
  "SET PERSIST rpl_semi_sync_source_enabled = OFF",
  "SET PERSIST rpl_semi_sync_replica_enabled = ON",
] as const;

/** Whether a source waits for a replica is agreed when the replica connects. */
export const reconnectStatements = ["STOP REPLICA IO_THREAD", "START REPLICA IO_THREAD"] as const;

export const leaveStatements = [
  "STOP REPLICA",
  "RESET REPLICA ALL",
  "SET PERSIST rpl_semi_sync_replica_enabled = OFF",
  ...closeStatements,
] as const;

export function followStatements(source: Member, { replicationAccount }: Replication): string[] {
  const options = [
    `SOURCE_HOST = ${literal(source.address)}`,
    `SOURCE_PORT = ${source.port}`,
    `SOURCE_USER = ${literal(replicationAccount.name)}`,
    `SOURCE_PASSWORD = ${literal(replicationAccount.password)}`,
    "SOURCE_AUTO_POSITION = 1",
    "SOURCE_SSL = 1",
    // A source that was away is followed again within a second, however long it was away.
    "SOURCE_CONNECT_RETRY = 1",
    "SOURCE_RETRY_COUNT = 0",
    "SOURCE_HEARTBEAT_PERIOD = 2",
  ];
  return ["STOP REPLICA", `CHANGE REPLICATION SOURCE TO ${options.join(", ")}`, "START REPLICA"];
}

/** For a session that may or may not write to the binary log: the same twice does no harm. */
export function replicationAccountStatements({ replicationAccount }: Replication): string[] {
  const { name, password } = replicationAccount;
  const account = accountName(name, "%");
  return [
    `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY ${literal(password)} REQUIRE SSL`,
    `ALTER USER ${account} IDENTIFIED BY ${literal(password)} REQUIRE SSL ACCOUNT UNLOCK`,
    `GRANT ${replicationPrivileges.join(", ")} ON *.* TO ${account}`,
  ];
}

export function databaseStatement(name: string): string {
  return `CREATE DATABASE IF NOT EXISTS ${identifier(name)} CHARACTER SET utf8mb4`;
}

export function accountStatements(name: string, old: Account | undefined, now: Account): string[] {
  const account = accountName(name, now.from);
  const identified = `${account} IDENTIFIED BY ${literal(now.password)}`;
  const moves = old !== undefined && old.from !== now.from;
  return [
    ...(moves ? [`RENAME USER ${accountName(name, old.from)} TO ${account}`] : []),
    ...(old === undefined ? [`CREATE USER IF NOT EXISTS ${identified}`] : []),
    ...(old?.password === now.password ? [] : [`ALTER USER ${identified} ACCOUNT UNLOCK`]),
    ...planGrants(old?.grants ?? {}, now.grants).flatMap(({ level, grant, revoke }) => [
      ...revoke.map((privilege) => revokeStatement(privilege, level, account)),
      ...(grant.length > 0
        ? [`GRANT ${grant.map(renderPrivilege).join(", ")} ON ${renderLevel(level)} TO ${account}`]
        : []),
    ]),
  ];
}

export function dropStatement(name: string, { from }: Account): string {
  return `DROP USER IF EXISTS ${accountName(name, from)}`;
}

function revokeStatement(privilege: string, level: string, account: string): string {
  return level.startsWith("role ")
    ? `REVOKE ${level.slice("role ".length)} FROM ${account}`
    : `REVOKE ${renderPrivilege(privilege)} ON ${renderLevel(level)} FROM ${account}`;
}

function renderPrivilege(privilege: string): string {
  return privilege === "ALL" ? "ALL PRIVILEGES" : privilege;
}
