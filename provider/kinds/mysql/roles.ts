/** Who is the primary, told from what the members hold and whom they follow. */

import { isSubset, parseGtidSet } from "./gtid";
import type { Answers, Members } from "./members";
import type { Facts } from "./probe";

export interface Roles {
  /** Empty where there is none, or where several members claim it. */
  readonly primary: string;
  /** Split brain: members that take writes and each have what another lacks. */
  readonly conflicting: readonly string[];
  /** The former primary, where it came back without data while `primary` still follows it. */
  readonly lost?: string;
}

/** What has to be known of a cluster to tell its roles. */
export interface ClusterIdentity {
  /** The marker that its members' data carry. */
  readonly cluster: string;
  readonly members: Members;
  /** The primary as last known, or as wanted where nothing is known. */
  readonly primary: string;
}

export function rolesOf(answers: Answers, expected: ClusterIdentity): Roles {
  const facts = runningFacts(answers);
  const holders = [...facts].filter(([, { cluster }]) => cluster === expected.cluster);
  const names = holders.map(([name]) => name);
  if (names.length === 0) return { primary: silentOne(answers, expected), conflicting: [] };
  const followed = (name: string) => followedMember(facts.get(name), expected);
  const heads = names.filter((name) => followed(name) === undefined);
  const open = heads.filter((name) => facts.get(name)?.superReadOnly === 0);
  if (open.length > 0) return choose(open, facts, expected, names);
  // Closed for a moment only: it would come back open.
  const opening = heads.filter((name) => facts.get(name)?.persisted.super_read_only === "OFF");
  if (opening.length > 0) return choose(opening, facts, expected, names);
  if (heads.length > 0) {
    const chosen = choose(heads, facts, expected, names);
    return isEmptied(expected.primary, facts) ? { ...chosen, lost: expected.primary } : chosen;
  }

  const leaders = [...new Set(names.map(followed))];
  const leader = leaders.length === 1 ? leaders[0] : undefined;
  if (leader !== undefined && answers[leader]?.mysqld !== "running") {
    return { primary: leader, conflicting: [] };
  }
  const candidate = choose(names, facts, expected, names);
  return leader !== undefined && !names.includes(leader)
    ? { ...candidate, lost: leader }
    : candidate;
}

export function runningFacts(answers: Answers): Map<string, Facts> {
  return new Map(
    Object.entries(answers).flatMap(([name, answer]) =>
      answer.mysqld === "running" ? [[name, answer.facts] as const] : [],
    ),
  );
}

/** The member that another one has as its source. */
export function followedMember(
  facts: Facts | undefined,
  { members }: Pick<ClusterIdentity, "members">,
): string | undefined {
  const source = facts?.source;
  if (!source) return undefined;
  return Object.keys(members).find((name) => {
    const member = members[name];
    return member?.address === source.host && member.port === source.port;
  });
}

/** Runs, and has nothing. */
function isEmptied(name: string, facts: ReadonlyMap<string, Facts>): boolean {
  const found = facts.get(name);
  return found !== undefined && found.cluster === null && found.schemas.length === 0;
}

/** The candidate that has all that the others have. */
function choose(
  candidates: readonly string[],
  facts: ReadonlyMap<string, Facts>,
  expected: ClusterIdentity,
  holders: readonly string[],
): Roles {
  const set = (name: string) => parseGtidSet(facts.get(name)?.gtidExecuted ?? "");
  const fullest = candidates.filter((name) =>
    candidates.every((other) => isSubset(set(other), set(name))),
  );
  const isFollowed = (name: string) =>
    holders.some((other) => followedMember(facts.get(other), expected) === name);
  const primary =
    fullest.find(isFollowed) ??
    fullest.find((name) => name === expected.primary) ??
    fullest[0] ??
    "";
  return { primary, conflicting: primary === "" ? candidates : [] };
}

/** Where nobody that answers holds the data, a silent member may: the last known primary, if it is silent. */
function silentOne(answers: Answers, { primary }: ClusterIdentity): string {
  return answers[primary]?.mysqld === "silent" ? primary : "";
}
