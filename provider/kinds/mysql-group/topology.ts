/** Who forms a group, who is its primary, and who has most where nobody forms one: told from what all members see. */

import { type GtidSet, isSubset, parseGtidSet } from "../mysql/gtid";
import type { Answers, Members } from "../mysql/members";
import type { Facts, GroupMember } from "../mysql/probe";
import { runningFacts } from "../mysql/roles";

/** How one member sees the group. */
export interface View {
  /** Whether it takes part itself, be it still recovering. */
  readonly isIn: boolean;
  readonly isRecovering: boolean;
  /** Whether it reaches a majority: without one nothing is committed. */
  readonly hasQuorum: boolean;
  /** Empty where it knows of none that it reaches. */
  readonly primary: string;
  /** `10.0.0.14:3306 UNREACHABLE`: whom it counts though no member is there, as one that was taken out while it was dead. */
  readonly strangers: readonly string[];
}

export interface Topology {
  readonly views: ReadonlyMap<string, View>;
  /** One, in order; none where there is no group or it elects; several in a split brain. */
  readonly primaries: readonly string[];
  /** Of the group that there is. */
  readonly groupName?: string;
  /** All that the group has, be it applied or not; not there where nobody forms one. */
  readonly transactions?: GtidSet;
  /** Where nobody forms a group: the members whose data may go on. */
  readonly candidates: readonly string[];
  /** The one of them that has all that the others have. */
  readonly fullest: string;
}

interface Expected {
  readonly cluster: string;
  readonly members: Members;
  readonly primary: string;
  readonly discardDataOn: readonly string[];
}

export function topologyOf(answers: Answers, expected: Expected): Topology {
  const facts = runningFacts(answers);
  const views = new Map([...facts].map(([name, one]) => [name, viewOf(one, facts, expected)]));
  const members = [...facts].filter(([name]) => {
    const view = views.get(name);
    return view?.isIn === true && view.hasQuorum;
  });
  const seen = members.map(([name]) => views.get(name)?.primary ?? "");
  const primaries = [...new Set(seen.filter((name) => name !== ""))];
  const groups = new Set(members.map(([, one]) => one.variables.group_replication_group_name));
  if (members.length > 0) {
    const [first] = groups.size === 1 ? [...groups] : [];
    const sets = members.map(([, one]) => allTextOf(one)).join(",");
    return {
      views,
      primaries,
      ...(first !== undefined && { groupName: first }),
      transactions: parseGtidSet(sets),
      candidates: [],
      fullest: "",
    };
  }
  const candidates = [...facts].filter(
    ([name, one]) => one.cluster === expected.cluster && !expected.discardDataOn.includes(name),
  );
  const full = candidates.filter(([, one]) =>
    candidates.every(([, other]) => isSubset(allOf(other), allOf(one))),
  );
  const names = full.map(([name]) => name);
  return {
    views,
    primaries: [],
    candidates: candidates.map(([name]) => name),
    fullest: names.find((name) => name === expected.primary) ?? names[0] ?? "",
  };
}

function viewOf(
  { group, serverUuid }: Facts,
  facts: ReadonlyMap<string, Facts>,
  { members }: Expected,
): View {
  const rows = group?.members ?? [];
  const state = rows.find(({ uuid }) => uuid === serverUuid)?.state;
  const reached = rows.filter((row) => row.state !== "UNREACHABLE");
  const primary = reached.find(({ role }) => role === "PRIMARY");
  const nameOf = (row: GroupMember | undefined) =>
    [...facts].find(([, one]) => one.serverUuid === row?.uuid)?.[0] ??
    Object.keys(members).find(
      (name) => members[name]?.address === row?.host && members[name]?.port === row?.port,
    );
  const isIn = state === "ONLINE" || state === "RECOVERING";
  const strangers = isIn ? rows.filter((row) => nameOf(row) === undefined) : [];
  return {
    isIn,
    isRecovering: state === "RECOVERING",
    hasQuorum: reached.length * 2 > rows.length,
    // One that is no member of ours is one all the same.
    primary: primary === undefined ? "" : (nameOf(primary) ?? `${primary.host}:${primary.port}`),
    strangers: strangers.map((row) => `${row.host}:${row.port} ${row.state}`),
  };
}

/** Executed or received. */
export function allOf(facts: Facts): GtidSet {
  return parseGtidSet(allTextOf(facts));
}

function allTextOf({ gtidExecuted, group, source }: Facts): string {
  return [gtidExecuted, group?.received ?? "", source?.received ?? ""].join(",");
}
