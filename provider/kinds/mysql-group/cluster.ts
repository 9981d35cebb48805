/** The group as a plan sees it: the status of each member, and whether they form one. */

import { isSame } from "../../difference";
import type { Group } from "./args";
import type { MemberStatus } from "./status";

export interface Cluster {
  readonly live: Group;
  readonly desired: Group;
  /** Of the desired members; of a new machine, what a new machine has. */
  readonly status: Readonly<Record<string, MemberStatus>>;
  /** Whether there is a group that has a majority. */
  readonly isFormed: boolean;
}

/** As of machines on which nothing was done yet. */
export function untouched(desired: Group): Group {
  const statusOf = (name: string): MemberStatus =>
    desired.away.includes(name) ? { mysqld: { state: "away" } } : newcomer;
  return {
    ...desired,
    primary: "",
    replicationAccount: { name: "", password: "" },
    status: Object.fromEntries(Object.keys(desired.members).map((name) => [name, statusOf(name)])),
    fullest: "",
  };
}

export function clusterOf(live: Group, desired: Group): Cluster {
  const status = Object.fromEntries(
    Object.keys(desired.members).map((name) => [name, statusIn(name, live, desired)]),
  );
  const inGroup = ["ok", "recovering", "electing", "split"];
  const all = { ...live.status, ...status };
  const isFormed = Object.values(all).some(({ membership }) =>
    inGroup.includes(membership?.state ?? ""),
  );
  return { live, desired, status, isFormed };
}

function statusIn(name: string, live: Group, desired: Group): MemberStatus {
  if (desired.away.includes(name)) return { mysqld: { state: "away" } };
  if (isMadeAnew(name, live, desired)) return newcomer;
  const found = live.status?.[name] ?? newcomer;
  const { mysqld } = found;
  // MySQL is yet to be installed there: it will have what a new machine has.
  return mysqld.state === "not installed" && mysqld.isEmpty === true ? newcomer : found;
}

/** Whom a member counts though no member is there; empty where it counts none. */
export function strangersOf(status: MemberStatus | undefined): string {
  return status?.view?.state === "with strangers" ? status.view.strangers : "";
}

export function isRunning(status: MemberStatus | undefined): boolean {
  return status?.mysqld.state === "running";
}

function isMadeAnew(name: string, live: Group, desired: Group): boolean {
  const [old, now] = [live.members[name], desired.members[name]];
  return old !== undefined && !isSame(old.host?.instance, now?.host?.instance);
}

const newcomer: MemberStatus = {
  mysqld: { state: "running" },
  data: { state: "empty" },
  membership: { state: "outside", was: "OFFLINE" },
  view: { state: "ok" },
  writes: { state: "ok" },
  settings: { state: "other", of: "group name" },
};
