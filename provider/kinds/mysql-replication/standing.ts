/** What the members answered, in the words of the inputs. */

import type { Account, Durability, Replication, Standing } from "./args";
import { right } from "./args";
import { countTransactions, parseGtidSet, renderGtidSet, subtract } from "./gtid";
import type { Answer, Facts, Source } from "./question";
import { type Answers, followedMember, type Roles, rolesOf, runningFacts } from "./roles";

/** The greatest timeout there is: 49 days. MySQL has no "for ever". */
export const foreverMilliseconds = 4294967295;

export const noData = "no data";
export const followsNobody = "follows nobody";

/** What the account needs: to follow, and to be cloned from. */
export const replicationPrivileges = ["BACKUP_ADMIN", "REPLICATION SLAVE"];

/** Answers `undefined` when there is no MySQL on any member. */
export function standingsOf(answers: Answers, expected: Replication): Replication | undefined {
  if (Object.values(answers).every(({ mysqld }) => mysqld === "absent")) return undefined;
  const roles = rolesOf(answers, expected);
  const topology = Object.keys(expected.members).map((name): [string, Standing] => [
    name,
    standingOf({ name, roles, answers, expected }),
  ]);
  return {
    ...expected,
    primary: roles.primary,
    ...ofPrimary(answers[roles.primary === "" ? expected.primary : roles.primary], expected),
    topology: Object.fromEntries(topology),
  };
}

interface Seen {
  readonly name: string;
  readonly roles: Roles;
  readonly answers: Answers;
  readonly expected: Replication;
}

/** Of a member that does not answer there is nothing more to say. */
function standingOf(seen: Seen): Standing {
  const answer = seen.answers[seen.name];
  if (answer === undefined || answer.mysqld === "absent") return { mysqld: "not installed" };
  if (answer.mysqld === "silent") return { mysqld: `not answering: ${answer.reason}` };
  const { facts } = answer;
  const isPrimary = seen.roles.primary === seen.name;
  return {
    mysqld: mysqldOf(facts, seen),
    data: dataOf(facts, seen),
    writes: isPrimary ? writesOfPrimary(facts) : writesOfReplica(facts),
    replication: isPrimary ? leadingOf(facts, seen) : followingOf(facts, seen),
    semiSynchronous: isPrimary ? sourceOf(facts, seen) : replicaOf(facts, seen),
  };
}

function mysqldOf(facts: Facts, { name, answers }: Seen): string {
  const others = [...runningFacts(answers)].filter(([other]) => other !== name);
  const twin = others.find(([, other]) => other.serverUuid === facts.serverUuid)?.[0];
  if (twin !== undefined) return `running, with the same server_uuid as ${twin}`;
  const namesake = others.find(([, other]) => other.serverId === facts.serverId)?.[0];
  if (namesake !== undefined) return `running, with the same server_id as ${namesake}`;
  if (facts.gtidMode !== "ON") return `running, with gtid_mode ${facts.gtidMode}`;
  if (facts.logBin !== 1) return "running, without a binary log";
  const missing = neededPlugins.filter((plugin) => !facts.plugins.includes(plugin));
  return missing.length > 0 ? `running, without the plugins ${missing.join(", ")}` : right.mysqld;
}

const neededPlugins = ["rpl_semi_sync_source", "rpl_semi_sync_replica", "clone"];

function dataOf(facts: Facts, { name, roles, answers, expected }: Seen): string {
  const { cluster } = expected;
  if (facts.isCloning > 0) return "half a CLONE, under way";
  if (roles.lost === name) return `lost, while ${roles.primary} has that of ${cluster}`;
  if (facts.cluster !== null && facts.cluster !== cluster) {
    return `of another cluster: ${facts.cluster}`;
  }
  if (facts.cluster === null) {
    return facts.schemas.length === 0 ? noData : `of unknown origin: ${facts.schemas.join(", ")}`;
  }
  const rival = roles.rivals.includes(name) ? roles.rivals.find((one) => one !== name) : undefined;
  const other = rival ?? roles.primary;
  const otherFacts = runningFacts(answers).get(other);
  if (other === name || otherFacts === undefined) return cluster;
  const own = subtract(parseGtidSet(facts.gtidExecuted), parseGtidSet(otherFacts.gtidExecuted));
  if (own.size === 0) return cluster;
  const count = countTransactions(own);
  const transactions = `${count} transaction${count === 1 ? "" : "s"} that ${other} lacks: ${renderGtidSet(own)}`;
  return `${cluster}, ${rival === undefined ? "and" : "with"} ${transactions}`;
}

export type DataState = "right" | "none" | "filling" | "lost" | "own" | "rival" | "foreign";

/** Reads `dataOf`'s words back. */
export function dataState(data: string, cluster: string): DataState {
  if (data === cluster) return "right";
  if (data === noData) return "none";
  if (data.startsWith("half a CLONE")) return "filling";
  if (data.startsWith("lost,")) return "lost";
  if (data.startsWith(`${cluster}, and `)) return "own";
  return data.startsWith(`${cluster}, with `) ? "rival" : "foreign";
}

function writesOfPrimary({ superReadOnly, readOnly, offlineMode, persisted }: Facts): string {
  if (offlineMode === 1) return "nowhere: the primary is offline";
  if (superReadOnly === 1 || readOnly === 1) return "nowhere: the primary is closed";
  const isLasting = persisted.super_read_only === "OFF" && persisted.read_only === "OFF";
  return isLasting ? right.writes : "nowhere after the next restart of the primary";
}

function writesOfReplica({ superReadOnly, persisted }: Facts): string {
  if (superReadOnly === 0) return "on this member too";
  const opens = persisted.super_read_only === "OFF" || persisted.read_only === "OFF";
  return opens ? "on this member too after its next restart" : right.writes;
}

function leadingOf(facts: Facts, { expected }: Seen): string {
  if (facts.source === null) return right.replication;
  const { host, port } = facts.source;
  return `follows ${followedMember(facts, expected) ?? `${host}:${port}`}`;
}

function followingOf(facts: Facts, { roles, answers, expected }: Seen): string {
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

function sourceOf(facts: Facts, { answers, roles, expected }: Seen): string {
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

function replicaOf({ variables, persisted, status, source }: Facts, seen: Seen): string {
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

type OfPrimary = Pick<Replication, "durability" | "replicationAccount" | "databases" | "accounts">;

/** What only the primary, or who is to be it, can say. Where it is silent, `topology` says so, and the rest stands as last known. */
function ofPrimary(answer: Answer | undefined, expected: Replication): Partial<OfPrimary> {
  if (answer?.mysqld !== "running") return {};
  const { facts, accounts } = answer;
  const { name, password } = expected.replicationAccount;
  const found = accounts[name];
  const lacking = replicationPrivileges.filter((one) => !found?.grants["*.*"]?.includes(one));
  return {
    durability: durabilityOf(facts),
    replicationAccount:
      found === undefined
        ? { name: "", password: "" }
        : {
            name: lacking.length === 0 ? name : `${name} (without ${lacking.join(", ")})`,
            password: found.login === "denied" ? another : password,
          },
    databases: expected.databases.filter((database) => facts.schemas.includes(database)),
    accounts: Object.fromEntries(
      Object.entries(expected.accounts).flatMap(([name, account]): [string, Account][] => {
        const live = accounts[name];
        if (live === undefined) return [];
        const password = live.login === "denied" ? another : account.password;
        return [[name, { password, from: live.from, grants: live.grants }]];
      }),
    ),
  };
}

/** Stands for a password that is not the expected one. */
const another = "(another)";

function durabilityOf({ variables }: Facts): Durability {
  const milliseconds = Number(variables.rpl_semi_sync_source_timeout);
  if (milliseconds === foreverMilliseconds) return "wait-for-replica";
  return { carryOnAfterSeconds: milliseconds / 1000 };
}
