/** Whether writes are acknowledged by a replica: the primary's side and the replica's. */

import { right } from "./args";
import type { Facts } from "./facts";
import { followedMember, runningFacts, type Seen } from "./roles";

export function sourceOf(facts: Facts, { answers, roles, expected }: Seen): string {
  const { variables, persisted, status } = facts;
  if (variables.rpl_semi_sync_source_enabled !== "ON") return "off";
  const isStrict =
    variables.rpl_semi_sync_source_wait_point === "AFTER_SYNC" &&
    variables.rpl_semi_sync_source_wait_no_replica === "ON" &&
    variables.rpl_semi_sync_source_wait_for_replica_count === "1";
  if (!isStrict) return "on, with other settings";
  const isLasting =
    persisted.rpl_semi_sync_source_enabled === "ON" &&
    persisted.rpl_semi_sync_source_timeout === variables.rpl_semi_sync_source_timeout;
  if (!isLasting) return "on until the next restart only";
  const isOffered = [...runningFacts(answers).values()].some(
    (one) =>
      followedMember(one, expected) === roles.primary &&
      one.source?.receiver === "ON" &&
      one.status.rpl_semi_sync_replica_status === "ON",
  );
  const isHeard = !isOffered || Number(status.rpl_semi_sync_source_clients) > 0;
  return isHeard ? right.semiSynchronous : "on, but no replica acknowledges";
}

export function replicaOf({ variables, persisted, status, source }: Facts, seen: Seen): string {
  const isSource =
    variables.rpl_semi_sync_source_enabled === "ON" ||
    persisted.rpl_semi_sync_source_enabled === "ON";
  if (isSource) return "waits for replicas of its own";
  if (variables.rpl_semi_sync_replica_enabled !== "ON") return "off";
  if (persisted.rpl_semi_sync_replica_enabled !== "ON") return "on until the next restart only";
  const primary = runningFacts(seen.answers).get(seen.roles.primary);
  const isOffered = primary?.variables.rpl_semi_sync_source_enabled === "ON";
  const isUsed = status.rpl_semi_sync_replica_status === "ON";
  if (source?.receiver === "ON" && isOffered && !isUsed) return "on, but not in use";
  return right.semiSynchronous;
}
