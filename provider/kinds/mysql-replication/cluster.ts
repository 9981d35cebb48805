/** The cluster as a plan sees it: the status of each member, and whom the others follow. */

import { isSame } from "../../difference";
import type { Replication } from "./args";
import type { DataStatus, MemberStatus } from "./status";
import type { PlainStep } from "./steps";

export interface Cluster {
  readonly live: Replication;
  readonly desired: Replication;
  /** Of the desired members; of a new machine, what a new machine has. */
  readonly status: Readonly<Record<string, MemberStatus>>;
  /**
   * Whom all follow until the role is handed over. Empty where nobody can lead. It may be a member that is to leave.
   */
  readonly leader: string;
  /** The leader is to be made the first primary. */
  readonly isFounded: boolean;
  /** The former primary, which does not answer and is taken out: the leader is promoted without it. */
  readonly replaces?: string;
}

/** As of machines on which nothing was done yet. */
export function untouched(desired: Replication): Replication {
  return {
    ...desired,
    primary: "",
    durability: { carryOnAfterSeconds: 10 },
    replicationAccount: { name: "", password: "" },
    status: Object.fromEntries(Object.keys(desired.members).map((name) => [name, newcomer])),
  };
}

export function clusterOf(live: Replication, desired: Replication): Cluster {
  const names = Object.keys(desired.members);
  const status: Record<string, MemberStatus> = {};
  for (const name of names) {
    const found = isNew(name, live, desired) ? newcomer : (live.status?.[name] ?? newcomer);
    status[name] = isAwaited(found) && name !== live.primary ? newcomer : found;
  }
  const base = { live, desired, status, isFounded: false };
  const { primary } = live;
  const has = (name: string, ...states: DataStatus["state"][]) =>
    states.some((state) => status[name]?.data?.state === state);
  const founded = (leader: string): Cluster => ({
    ...base,
    leader,
    isFounded: has(leader, "empty", "foreign", "unmarked"),
  });
  if (names.includes(primary)) {
    const candidate = names.find((name) => name !== primary && has(name, "ok"));
    if (status[primary] !== newcomer || candidate === undefined) return founded(primary);
    status[primary] = { ...newcomer, data: { state: "lost", holder: candidate } };
    return { ...base, leader: candidate };
  }
  if (primary !== "") {
    if (isRunning(live.status?.[primary])) return { ...base, leader: primary };
    const leader = has(desired.primary, "ok") ? desired.primary : "";
    return { ...base, leader, replaces: primary };
  }
  const conflicting = names.filter((name) => has(name, "conflicting"));
  if (conflicting.length > 0) {
    const kept = conflicting.filter((name) => !desired.discardDataOn.includes(name));
    const [leader = "", ...others] = kept;
    return others.length > 0
      ? { ...base, leader: "" }
      : { ...base, leader, status: besides(leader, status) };
  }
  const areAllSeen = names.every((name) => isRunning(status[name]));
  return areAllSeen ? founded(desired.primary) : { ...base, leader: "" };
}

/** The members once it is settled whose data stays: what that one has is errant no longer. */
function besides(leader: string, status: Cluster["status"]): Cluster["status"] {
  const settled = Object.entries(status).map(([name, one]): [string, MemberStatus] =>
    one.data?.state === "errant" && one.data.heldBy?.includes(leader)
      ? [name, { ...one, data: { state: "ok" } }]
      : [name, one],
  );
  return Object.fromEntries(settled);
}

export function isRunning(status: MemberStatus | undefined): boolean {
  return status?.mysqld.state === "running";
}

export function isAlone({ members }: Replication): boolean {
  return Object.keys(members).length < 2;
}

/** A machine on which MySQL is yet to be installed: it will have what a new one has. */
function isAwaited({ mysqld }: MemberStatus): boolean {
  return mysqld.state === "not installed" && mysqld.isEmpty === true;
}

/** What a new member has. */
const newcomer: MemberStatus = {
  mysqld: { state: "running" },
  data: { state: "empty" },
  writes: { state: "ok" },
  replication: { state: "none" },
  semiSynchronous: { state: "off" },
};

function isNew(name: string, live: Replication, desired: Replication): boolean {
  const [old, now] = [live.members[name], desired.members[name]];
  return old === undefined || !isSame(old.host?.instance, now?.host?.instance);
}

/** Where a member is reached concerns those that follow it; who that is, the next read knows. */
export function planAddress(name: string, { live, desired }: Cluster): PlainStep[] {
  const [old, now] = [live.members[name], desired.members[name]];
  if (old === undefined || (old.address === now?.address && old.port === now?.port)) return [];
  const sentence = `${name}: reach it at ${now?.address}:${now?.port}`;
  return [{ sentence, task: { do: "await", member: name } }];
}
