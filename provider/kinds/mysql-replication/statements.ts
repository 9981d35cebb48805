/** The SQL of each thing that is done to a member. */

import type { Member } from "../mysql/members";
import { marker } from "../mysql/probe";
import { literal } from "../mysql/sql";
import type { Replication } from "./args";
import { isAlone } from "./cluster";
import { foreverMilliseconds } from "./read";

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

/**
 * A primary that is alone opens by itself at each start. One with replicas starts closed, and is opened by the unit
 * beside it once they follow it: one that was replaced while it was away finds nobody who does.
 */
export function openStatements(desired: Replication): string[] {
  return isAlone(desired)
    ? ["SET PERSIST super_read_only = OFF", "SET PERSIST read_only = OFF"]
    : [
        "RESET PERSIST IF EXISTS super_read_only",
        "RESET PERSIST IF EXISTS read_only",
        "SET GLOBAL super_read_only = OFF",
        "SET GLOBAL read_only = OFF",
      ];
}

export const letClientsInStatement = "SET GLOBAL offline_mode = OFF";

/** What takes back a switch that did not come about. */
export const reopenStatements = [
  "SET GLOBAL super_read_only = OFF",
  "SET GLOBAL read_only = OFF",
] as const;

export const closeStatements = [
  "RESET PERSIST IF EXISTS read_only",
  "SET PERSIST super_read_only = ON",
] as const;

/** Commits that wait for a replica go on; nobody is left to take them for acknowledged. */
export const letGoStatements = [
  "SET GLOBAL offline_mode = ON",
  "SET PERSIST rpl_semi_sync_source_enabled = OFF",
  "SET GLOBAL super_read_only = ON",
  "SET GLOBAL offline_mode = OFF",
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

export function sourceStatements(desired: Replication): string[] {
  const { durability } = desired;
  const milliseconds =
    durability === "wait-for-replica" ? foreverMilliseconds : durability.carryOnAfterSeconds * 1000;
  return [
    `SET PERSIST rpl_semi_sync_source_timeout = ${milliseconds}`,
    "SET PERSIST rpl_semi_sync_source_wait_for_replica_count = 1",
    "SET PERSIST rpl_semi_sync_source_wait_no_replica = ON",
    // The default AFTER_SYNC cannot be changed while it is in use; another value would show a loss to readers.
    "SET PERSIST rpl_semi_sync_source_wait_point = AFTER_SYNC",
    `SET PERSIST rpl_semi_sync_source_enabled = ${isAlone(desired) ? "OFF" : "ON"}`,
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
  "SET PERSIST rpl_semi_sync_source_enabled = OFF",
  "SET PERSIST rpl_semi_sync_replica_enabled = OFF",
] as const;

export function followStatements(
  source: Member,
  { replicationAccount, authority }: Replication,
): string[] {
  const options = [
    `SOURCE_HOST = ${literal(source.address)}`,
    `SOURCE_PORT = ${source.port}`,
    `SOURCE_USER = ${literal(replicationAccount.name)}`,
    `SOURCE_PASSWORD = ${literal(replicationAccount.password)}`,
    "SOURCE_AUTO_POSITION = 1",
    "SOURCE_SSL = 1",
    // The name as well: the primary's address.
    ...(authority === undefined
      ? []
      : [`SOURCE_SSL_CA = ${literal(authority)}`, "SOURCE_SSL_VERIFY_SERVER_CERT = 1"]),
    // A source that was away is followed again within a second, however long it was away.
    "SOURCE_CONNECT_RETRY = 1",
    "SOURCE_RETRY_COUNT = 0",
    "SOURCE_HEARTBEAT_PERIOD = 2",
  ];
  return ["STOP REPLICA", `CHANGE REPLICATION SOURCE TO ${options.join(", ")}`, "START REPLICA"];
}

/** What was received and not applied stays: with a host among the options, or a stopped applier, MySQL would throw it away. */
export function passwordStatements({ replicationAccount }: Replication): string[] {
  const password = literal(replicationAccount.password);
  return [
    "STOP REPLICA IO_THREAD",
    `CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = ${password}`,
    "START REPLICA",
  ];
}
