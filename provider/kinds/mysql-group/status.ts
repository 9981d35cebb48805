/** The observed status of each member of a group, as codes with fields, and what it is to be. */

import { countTransactions, type GtidSet, isSubset, renderGtidSet, subtract } from "../mysql/gtid";
import type { Answers, Member, Members } from "../mysql/members";
import { awayStatus, type Lacking, type MysqldStatus, mysqldStatus } from "../mysql/mysqld-status";
import type { Facts } from "../mysql/probe";
import { runningFacts } from "../mysql/roles";
import { allOf, type Topology } from "./topology";

export interface MemberStatus {
  readonly mysqld: MysqldStatus | { readonly state: "away" };
  /** This and the rest are missing where mysqld does not answer. */
  readonly data?: DataStatus;
  readonly membership?: MembershipStatus;
  readonly view?: ViewStatus;
  readonly writes?: WritesStatus;
  readonly settings?: SettingsStatus;
}

export type DataStatus =
  /** All of it is the group's; where there is no group, nothing of it is lacked by the fullest member. */
  | { readonly state: "ok" }
  | { readonly state: "empty" }
  | { readonly state: "cloning" }
  | { readonly state: "foreign"; readonly cluster: string }
  | { readonly state: "unmarked"; readonly databases: string }
  /** It has transactions that the group lacks; where there is no group, that some other member lacks. */
  | ({ readonly state: "errant" } & Lacking);

export type MembershipStatus =
  | { readonly state: "ok" }
  | { readonly state: "recovering" }
  /** The group has a majority, and nobody has become the primary yet. */
  | { readonly state: "electing" }
  | { readonly state: "outside"; readonly was: "OFFLINE" | "ERROR" }
  | { readonly state: "without quorum" }
  /** There are several groups. It is in that of `primary`. */
  | { readonly state: "split"; readonly primary: string };

/** Whom it counts as members. One more than there are takes part in each vote, and may cost the majority. */
export type ViewStatus =
  | { readonly state: "ok" }
  | { readonly state: "with strangers"; readonly strangers: string };

export type WritesStatus = {
  readonly state:
    | "ok"
    /** No client but an administrator is let in. */
    | "offline"
    /** Of the primary. */
    | "closed"
    /** Of any other. */
    | "open"
    /** Every start is to be closed: the group opens its primary. */
    | "opens at restart";
};

export type SettingsStatus =
  | { readonly state: "ok" }
  | { readonly state: "other"; readonly of: string }
  /** It follows a source, as a replica of a pair does. */
  | { readonly state: "follows"; readonly source: string };

export const aspects = ["mysqld", "data", "membership", "view", "writes", "settings"] as const;

/** A type, not an interface: it stands among the properties of a resource. */
type Desired = { readonly [aspect: string]: { readonly state: string } };

const ok = { state: "ok" } as const;

export function desiredStatus(
  names: readonly string[],
  away: readonly string[],
): Record<string, Desired> {
  return Object.fromEntries(
    names.map((name): [string, Desired] => [
      name,
      away.includes(name)
        ? { mysqld: { state: "away" } }
        : {
            ...{ mysqld: { state: "running" }, data: ok, membership: ok, view: ok },
            ...{ writes: ok, settings: ok },
          },
    ]),
  );
}

/** What of a group's arguments the status is told by. */
export interface Expected {
  readonly cluster: string;
  readonly members: Members;
  readonly replicationAccount: { readonly name: string };
  readonly away: readonly string[];
}

/** One member, and all by which its status is told. */
interface Seen {
  readonly name: string;
  readonly answers: Answers;
  readonly topology: Topology;
  readonly expected: Expected;
}

export function statusOf(
  answers: Answers,
  topology: Topology,
  expected: Expected,
): Record<string, MemberStatus> {
  return Object.fromEntries(
    Object.keys(expected.members).map((name) => [
      name,
      memberStatus({ name, answers, topology, expected }),
    ]),
  );
}

const neededPlugins = ["group_replication", "clone"];

function memberStatus(seen: Seen): MemberStatus {
  const answer = seen.answers[seen.name];
  const isAway = answer?.mysqld === "silent" && answer.isAway === true;
  if (isAway || seen.expected.away.includes(seen.name)) return { mysqld: { state: "away" } };
  if (answer?.mysqld !== "running") return { mysqld: awayStatus(answer) };
  const { facts } = answer;
  const membership = membershipStatus(facts, seen);
  return {
    mysqld: mysqldStatus(facts, { ...seen, neededPlugins }),
    data: dataStatus(facts, membership, seen),
    membership,
    view: viewStatus(seen),
    writes: writesStatus(facts, seen),
    settings: settingsStatus(facts, seen),
  };
}

function membershipStatus(facts: Facts, { name, topology }: Seen): MembershipStatus {
  const view = topology.views.get(name);
  if (view === undefined || !view.isIn) {
    const own = facts.group?.members.find(({ uuid }) => uuid === facts.serverUuid);
    return { state: "outside", was: own?.state === "ERROR" ? "ERROR" : "OFFLINE" };
  }
  if (!view.hasQuorum) return { state: "without quorum" };
  if (topology.primaries.length > 1) return { state: "split", primary: view.primary };
  if (view.isRecovering) return { state: "recovering" };
  return { state: view.primary === "" ? "electing" : "ok" };
}

function viewStatus({ name, topology }: Seen): ViewStatus {
  const strangers = topology.views.get(name)?.strangers ?? [];
  return strangers.length === 0 ? ok : { state: "with strangers", strangers: strangers.join(", ") };
}

function dataStatus(facts: Facts, membership: MembershipStatus, seen: Seen): DataStatus {
  const { topology, expected, name } = seen;
  if (facts.isCloning > 0) return { state: "cloning" };
  if (facts.cluster !== null && facts.cluster !== expected.cluster) {
    return { state: "foreign", cluster: facts.cluster };
  }
  if (facts.cluster === null) {
    return facts.schemas.length === 0
      ? { state: "empty" }
      : { state: "unmarked", databases: facts.schemas.join(", ") };
  }
  // A group lets nobody in who has more than it.
  if (!["outside", "without quorum"].includes(membership.state)) return ok;
  const own = allOf(facts);
  if (topology.transactions !== undefined) {
    const lackedBy = topology.primaries[0] || "the group";
    return lackingOf(subtract(own, topology.transactions), lackedBy);
  }
  // Nobody forms a group: what the fullest lacks, or any other where nobody has all.
  const others = [...runningFacts(seen.answers)].filter(
    ([other, one]) => other !== name && topology.candidates.includes(other) && one.cluster !== null,
  );
  const judges =
    topology.fullest === "" ? others : others.filter(([one]) => one === topology.fullest);
  const lacking = judges.find(([, one]) => !isSubset(own, allOf(one)));
  return lacking === undefined ? ok : lackingOf(subtract(own, allOf(lacking[1])), lacking[0]);
}

function lackingOf(more: GtidSet, lackedBy: string): DataStatus {
  if (more.size === 0) return ok;
  const count = countTransactions(more);
  return { state: "errant", lackedBy, count, transactions: renderGtidSet(more) };
}

function writesStatus(facts: Facts, { name, topology }: Seen): WritesStatus {
  const { superReadOnly, readOnly, offlineMode, persisted } = facts;
  if (offlineMode === 1) return { state: "offline" };
  const isPrimary = topology.primaries.includes(name);
  if (isPrimary && (superReadOnly === 1 || readOnly === 1)) return { state: "closed" };
  if (!isPrimary && superReadOnly === 0) return { state: "open" };
  const opens = persisted.super_read_only === "OFF" || persisted.read_only === "OFF";
  return opens ? { state: "opens at restart" } : ok;
}

function settingsStatus(facts: Facts, { topology, expected }: Seen): SettingsStatus {
  if (facts.source !== null) {
    const { host, port } = facts.source;
    return { state: "follows", source: `${host}:${port}` };
  }
  const others = otherSettings(facts, topology, expected);
  return others.length === 0 ? ok : { state: "other", of: others.join(", ") };
}

function otherSettings(facts: Facts, { groupName }: Topology, expected: Expected): string[] {
  const { variables, persisted, group } = facts;
  const seeds = seedsOf(expected.members);
  const isBoth = (name: string, value: string) =>
    persisted[name] === value && (variables[name] ?? value) === value;
  const isSemiSynchronous = Object.keys(persisted).some((name) =>
    name.startsWith("rpl_semi_sync_"),
  );
  const checks: readonly (readonly [string, boolean])[] = [
    ["group name", groupName === undefined || isBoth("group_replication_group_name", groupName)],
    ["seeds", isBoth("group_replication_group_seeds", seeds)],
    [
      "start on boot",
      persisted.group_replication_start_on_boot === undefined &&
        variables.group_replication_start_on_boot !== "OFF",
    ],
    [
      "bootstrap",
      persisted.group_replication_bootstrap_group === undefined &&
        variables.group_replication_bootstrap_group !== "ON",
    ],
    ["account", group?.recoveryUser === expected.replicationAccount.name],
    ["password", group?.isPasswordRight === 1],
    ["semi-synchronous replication", !isSemiSynchronous],
  ];
  return checks.filter(([, isRight]) => !isRight).map(([what]) => what);
}

/** `10.0.0.11:3306,10.0.0.12:3306` */
export function seedsOf(members: Members): string {
  return Object.values(members)
    .map(({ address, port }: Member) => `${address}:${port}`)
    .join(",");
}
