/** Whom a member follows, and whether that works. */

import { right } from "./args";
import type { Facts, Source } from "./facts";
import type { Answer } from "./question";
import { followedMember, type Seen } from "./roles";

export const followsNobody = "follows nobody";

export function leadingOf(facts: Facts, { expected }: Seen): string {
  if (facts.source === null) return right.replication;
  const { host, port } = facts.source;
  return `follows ${followedMember(facts, expected) ?? `${host}:${port}`}`;
}

export function followingOf(facts: Facts, { roles, answers, expected }: Seen): string {
  const { source } = facts;
  if (source === null) return followsNobody;
  if (followedMember(facts, expected) !== roles.primary)
    return `follows ${source.host}:${source.port}`;
  if (source.user !== expected.replicationAccount.name) return `as the account ${source.user}`;
  if (source.isPasswordRight !== 1) return "with another password";
  const isSafe = source.ssl === "YES" && source.autoPosition === "1" && source.retryCount === 0;
  if (!isSafe) return "with other connection settings";
  return stoppedOf(source, answers[roles.primary]) ?? right.replication;
}

/** That a silent primary cannot be reached is no fault of the replica. */
function stoppedOf(source: Source, primary: Answer | undefined): string | undefined {
  if (source.applier !== "ON") return because("stopped", source.applierError, source.receiver);
  if (source.receiver === "OFF") return because("receiver stopped", source.receiverError);
  const isRefused = source.receiver === "CONNECTING" && source.receiverError !== null;
  if (isRefused && primary?.mysqld === "running") {
    return because("not connected", source.receiverError);
  }
  return undefined;
}

function because(what: string, error: string | null, receiver?: string): string {
  const stopped = receiver === "ON" ? "applier stopped" : what;
  return error === null ? stopped : `${stopped}: ${lasting(error)}`;
}

/** Without what changes from one attempt to the next. */
function lasting(error: string): string {
  return error.replace(/Error \w+ to source .*? Message: /, "");
}
