/** The observed status of each member, as codes with fields, and what it is to be. */

import { countTransactions, isSubset, parseGtidSet, renderGtidSet, subtract } from "../mysql/gtid";
import type { Answers } from "../mysql/members";
import { awayStatus, type Lacking, type MysqldStatus, mysqldStatus } from "../mysql/mysqld-status";
import type { Facts, Source } from "../mysql/probe";
import { type ClusterIdentity, followedMember, type Roles, runningFacts } from "../mysql/roles";

export interface MemberStatus {
  readonly mysqld: MysqldStatus;
  /** This and the rest are missing where mysqld does not answer. */
  readonly data?: DataStatus;
  readonly writes?: WritesStatus;
  readonly replication?: ReplicationStatus;
  readonly semiSynchronous?: SemiSynchronousStatus;
  /** Only while the primary does not answer: received transactions that are yet to be applied. */
  readonly toApply?: number;
  /** Only while the primary does not answer: another member that received more, and how many transactions. */
  readonly behind?: { readonly member: string; readonly count: number };
  /** Only while the primary does not answer us: it is connected to it all the same. */
  readonly isConnected?: true;
  /** Of the primary: it knows a group, which nobody told it to leave, and whose other members may take writes. */
  readonly isInGroup?: true;
}

export type DataStatus =
  /** All of it is the cluster's, and the primary has it too. */
  | { readonly state: "ok" }
  | { readonly state: "empty" }
  | { readonly state: "cloning" }
  /** The former primary came back empty, while another member has the data. */
  | { readonly state: "lost"; readonly holder: string }
  | { readonly state: "foreign"; readonly cluster: string }
  | { readonly state: "unmarked"; readonly databases: string }
  /** Errant transactions: the primary lacks them, or in a split brain one of those that take writes. */
  | ({ readonly state: "errant" } & Lacking & {
        /** In a split brain: who takes writes and has all of it, and can be followed as it is. */
        readonly heldBy?: readonly string[];
      })
  /** Split brain: it takes writes as another member does, and each has what the other lacks. */
  | ({ readonly state: "conflicting" } & Lacking);

export type WritesStatus =
  | { readonly state: "ok" }
  /** No client but an administrator is let in. */
  | { readonly state: "offline" }
  /** Of the primary. */
  | { readonly state: "closed" | "closes at restart" }
  /** Of a replica; of a primary that has replicas, the second. */
  | { readonly state: "open" | "opens at restart" };

export type ReplicationStatus =
  /** `authority`: by what is in that file the primary's certificate is verified. Without it, it is not. */
  | { readonly state: "ok"; readonly authority?: string }
  | { readonly state: "none" }
  | { readonly state: "elsewhere"; readonly source: string }
  | { readonly state: "other settings"; readonly of: "account" | "password" | "connection" }
  | {
      readonly state: "stopped" | "receiver stopped" | "applier stopped" | "not connected";
      readonly error?: string;
    };

export type SemiSynchronousStatus = {
  readonly state:
    | "ok"
    | "off"
    | "other settings"
    | "off at restart"
    /** Both sides are told to, but no connection was agreed on like that. */
    | "not in effect"
    /** A replica that waits for replicas of its own. */
    | "waits itself";
};

export const aspects = ["mysqld", "data", "writes", "replication", "semiSynchronous"] as const;

/** What every member is to be like; a member that is alone has nobody to wait for, which is as good. */
export function desiredStatus(names: readonly string[]): Record<string, Desired> {
  return Object.fromEntries(names.map((name) => [name, desired]));
}

/** A type, not an interface: it stands among the properties of a resource. */
type Desired = {
  readonly mysqld: { readonly state: "running" };
  readonly data: { readonly state: "ok" };
  readonly writes: { readonly state: "ok" };
  readonly replication: { readonly state: "ok" };
  readonly semiSynchronous: { readonly state: "ok" };
};

const ok = { state: "ok" } as const;
const desired: Desired = {
  mysqld: { state: "running" },
  data: ok,
  writes: ok,
  replication: ok,
  semiSynchronous: ok,
};

/** One member, and all by which its status is told. */
interface Seen {
  readonly name: string;
  readonly roles: Roles;
  readonly answers: Answers;
  readonly expected: Expected;
}

type Expected = ClusterIdentity & { readonly replicationAccount: { readonly name: string } };

export function statusOf(
  answers: Answers,
  roles: Roles,
  expected: Expected,
): Record<string, MemberStatus> {
  return Object.fromEntries(
    Object.keys(expected.members).map((name) => [
      name,
      memberStatus({ name, roles, answers, expected }),
    ]),
  );
}

function memberStatus(seen: Seen): MemberStatus {
  const answer = seen.answers[seen.name];
  if (answer?.mysqld !== "running") return { mysqld: awayStatus(answer) };
  const { facts } = answer;
  const isPrimary = seen.roles.primary === seen.name;
  return {
    mysqld: mysqldStatus(facts, { ...seen, neededPlugins }),
    data: dataStatus(facts, seen),
    writes: isPrimary ? writesOfPrimary(facts, seen) : writesOfReplica(facts),
    replication: isPrimary ? replicationOfPrimary(facts, seen) : replicationOfReplica(facts, seen),
    semiSynchronous: isPrimary ? semiSyncOfPrimary(facts, seen) : semiSyncOfReplica(facts, seen),
    ...(isPrimary ? withGroup(facts) : withoutPrimary(facts, seen)),
  };
}

const neededPlugins = ["rpl_semi_sync_source", "rpl_semi_sync_replica", "clone"];

function dataStatus(facts: Facts, { name, roles, answers, expected }: Seen): DataStatus {
  const { cluster } = expected;
  if (facts.isCloning > 0) return { state: "cloning" };
  if (roles.lost === name) return { state: "lost", holder: roles.primary };
  if (facts.cluster !== null && facts.cluster !== cluster) {
    return { state: "foreign", cluster: facts.cluster };
  }
  if (facts.cluster === null) {
    return facts.schemas.length === 0
      ? { state: "empty" }
      : { state: "unmarked", databases: facts.schemas.join(", ") };
  }
  const running = runningFacts(answers);
  const own = parseGtidSet(facts.gtidExecuted);
  const isConflicting = roles.conflicting.includes(name);
  // Of three members two may hold the same: the one to name is the one that lacks something.
  const isLacking = (one: string) =>
    one !== name && !isSubset(own, parseGtidSet(running.get(one)?.gtidExecuted ?? ""));
  const other = roles.conflicting.find(isLacking) ?? roles.primary;
  const otherFacts = running.get(other);
  if (other === name || otherFacts === undefined) return ok;
  const more = withoutWaiting(subtract(own, parseGtidSet(otherFacts.gtidExecuted)), otherFacts);
  if (more.size === 0) return ok;
  const lacking = {
    lackedBy: other,
    count: countTransactions(more),
    transactions: renderGtidSet(more),
  };
  if (isConflicting) return { state: "conflicting", ...lacking };
  const heldBy = roles.conflicting.filter((one) => !isLacking(one));
  return { state: "errant", ...lacking, ...(heldBy.length > 0 && { heldBy }) };
}

/**
 * A commit that waits for its acknowledgement is in the primary's binary log, and may be on a replica, before the
 * primary counts it as executed. Its own transactions are no errant ones while it waits.
 */
function withoutWaiting(more: ReturnType<typeof parseGtidSet>, primary: Facts) {
  if (!(Number(primary.status.rpl_semi_sync_source_wait_sessions) > 0)) return more;
  const uuid = primary.serverUuid.toLowerCase();
  return new Map([...more].filter(([source]) => source.split(":")[0] !== uuid));
}

/** A primary with replicas is opened anew at each start, once they follow it; one that is alone opens by itself. */
function writesOfPrimary(facts: Facts, { expected }: Seen): WritesStatus {
  const { superReadOnly, readOnly, offlineMode, persisted } = facts;
  if (offlineMode === 1) return { state: "offline" };
  if (superReadOnly === 1 || readOnly === 1) return { state: "closed" };
  const opens = persisted.super_read_only === "OFF" || persisted.read_only === "OFF";
  if (Object.keys(expected.members).length > 1) return opens ? { state: "opens at restart" } : ok;
  const isLasting = persisted.super_read_only === "OFF" && persisted.read_only === "OFF";
  return isLasting ? ok : { state: "closes at restart" };
}

function writesOfReplica({ superReadOnly, offlineMode, persisted }: Facts): WritesStatus {
  if (offlineMode === 1) return { state: "offline" };
  if (superReadOnly === 0) return { state: "open" };
  const opens = persisted.super_read_only === "OFF" || persisted.read_only === "OFF";
  return opens ? { state: "opens at restart" } : ok;
}

function replicationOfPrimary(facts: Facts, { expected }: Seen): ReplicationStatus {
  if (facts.source === null) return ok;
  const { host, port } = facts.source;
  return { state: "elsewhere", source: followedMember(facts, expected) ?? `${host}:${port}` };
}

function replicationOfReplica(facts: Facts, seen: Seen): ReplicationStatus {
  const { roles, answers, expected } = seen;
  const { source } = facts;
  if (source === null) return { state: "none" };
  if (followedMember(facts, expected) !== roles.primary) {
    return { state: "elsewhere", source: `${source.host}:${source.port}` };
  }
  if (source.user !== expected.replicationAccount.name) {
    return { state: "other settings", of: "account" };
  }
  if (source.isPasswordRight !== 1) return { state: "other settings", of: "password" };
  const isSafe = source.ssl === "YES" && source.autoPosition === "1" && source.retryCount === 0;
  if (!isSafe) return { state: "other settings", of: "connection" };
  const threads = threadsOf(source, answers[roles.primary]?.mysqld === "running");
  const isVerified = threads.state === "ok" && source.verifies === "YES";
  return isVerified ? { ...threads, authority: source.authority } : threads;
}

/** Whether a member follows as it should, but takes anybody for its primary who has the address. */
export function lacksVerification(
  name: string,
  { primary, status }: Pick<Known, "primary" | "status">,
  { authority }: Pick<Known, "authority">,
): boolean {
  const replication = status?.[name]?.replication;
  const isFollowing = name !== primary && replication?.state === "ok";
  return isFollowing && authority !== undefined && replication.authority !== authority;
}

interface Known {
  readonly primary: string;
  readonly status: Readonly<Record<string, MemberStatus>>;
  readonly authority?: string;
}

/** That a silent primary cannot be reached is no fault of the replica. */
function threadsOf(source: Source, isPrimaryRunning: boolean): ReplicationStatus {
  if (source.applier !== "ON") {
    const state = source.receiver === "ON" ? "applier stopped" : "stopped";
    return { state, ...errorOf(source.applierError) };
  }
  if (source.receiver === "OFF") {
    return { state: "receiver stopped", ...errorOf(source.receiverError) };
  }
  const isRefused = source.receiver === "CONNECTING" && source.receiverError !== null;
  if (isRefused && isPrimaryRunning) {
    return { state: "not connected", ...errorOf(source.receiverError) };
  }
  return ok;
}

/** Without what changes from one attempt to the next. */
function errorOf(error: string | null): { readonly error?: string } {
  if (error === null) return {};
  return { error: error.replace(/Error \w+ to source .*? Message: /, "") };
}

function semiSyncOfPrimary(
  facts: Facts,
  { answers, roles, expected }: Seen,
): SemiSynchronousStatus {
  const { variables, persisted, status } = facts;
  const isOn = variables.rpl_semi_sync_source_enabled === "ON";
  if (Object.keys(expected.members).length < 2) return isOn ? { state: "other settings" } : ok;
  if (!isOn) return { state: "off" };
  if (!isStrict(facts)) return { state: "other settings" };
  const isLasting =
    persisted.rpl_semi_sync_source_enabled === "ON" &&
    persisted.rpl_semi_sync_source_timeout === variables.rpl_semi_sync_source_timeout;
  if (!isLasting) return { state: "off at restart" };
  const isOffered = [...runningFacts(answers).values()].some(
    (one) =>
      followedMember(one, expected) === roles.primary &&
      one.source?.receiver === "ON" &&
      one.status.rpl_semi_sync_replica_status === "ON",
  );
  const isHeard = !isOffered || Number(status.rpl_semi_sync_source_clients) > 0;
  return isHeard ? ok : { state: "not in effect" };
}

/** Whether no commit is acknowledged before a replica has it, or the time-out has passed. */
export function isStrict({ variables }: Facts): boolean {
  return (
    variables.rpl_semi_sync_source_enabled === "ON" &&
    variables.rpl_semi_sync_source_wait_point === "AFTER_SYNC" &&
    variables.rpl_semi_sync_source_wait_no_replica === "ON" &&
    variables.rpl_semi_sync_source_wait_for_replica_count === "1"
  );
}

function semiSyncOfReplica(facts: Facts, { answers, roles }: Seen): SemiSynchronousStatus {
  const { variables, persisted, status, source } = facts;
  const isSource =
    variables.rpl_semi_sync_source_enabled === "ON" ||
    persisted.rpl_semi_sync_source_enabled === "ON";
  if (isSource) return { state: "waits itself" };
  if (variables.rpl_semi_sync_replica_enabled !== "ON") return { state: "off" };
  if (persisted.rpl_semi_sync_replica_enabled !== "ON") return { state: "off at restart" };
  const primary = runningFacts(answers).get(roles.primary);
  const isOffered = primary?.variables.rpl_semi_sync_source_enabled === "ON";
  const isInEffect = status.rpl_semi_sync_replica_status === "ON";
  return source?.receiver === "ON" && isOffered && !isInEffect ? { state: "not in effect" } : ok;
}

function withGroup({ persisted }: Facts): Pick<MemberStatus, "isInGroup"> {
  return persisted.group_replication_group_name === undefined ? {} : { isInGroup: true };
}

/** What a promotion has to know of a replica while the primary is silent. */
function withoutPrimary(
  facts: Facts,
  { name, answers, roles, expected }: Seen,
): Pick<MemberStatus, "toApply" | "behind" | "isConnected"> {
  if (answers[roles.primary]?.mysqld === "running" || facts.cluster !== expected.cluster) return {};
  const all = allOf(facts);
  const toApply = countTransactions(subtract(all, parseGtidSet(facts.gtidExecuted)));
  const ahead = [...runningFacts(answers)]
    .filter(([other, one]) => other !== name && one.cluster === expected.cluster)
    .find(([, one]) => !isSubset(allOf(one), all));
  const isConnected =
    facts.source?.receiver === "ON" && followedMember(facts, expected) === roles.primary;
  const seen = { toApply, ...(isConnected && { isConnected }) };
  if (ahead === undefined) return seen;
  const count = countTransactions(subtract(allOf(ahead[1]), all));
  return { ...seen, behind: { member: ahead[0], count } };
}

/** Executed or received. */
function allOf({ gtidExecuted, source }: Facts) {
  return parseGtidSet([gtidExecuted, source?.received ?? ""].join(","));
}
