/** How the members stand, for planning: what was read, and for a member that was not, what a new machine has. */

import { isSame } from "../../difference";
import { type Replication, right, type Standing } from "./args";
import { type DataState, dataState, noData } from "./standing-data";
import { followsNobody } from "./standing-replication";

export interface Cluster {
  readonly live: Replication;
  readonly wanted: Replication;
  readonly standings: Readonly<Record<string, Standing>>;
  /** Who is or becomes the primary; empty when nobody can. */
  readonly primary: string;
  readonly isFounded: boolean;
}

/** As of machines on which nothing was done yet. */
export function untouched(wanted: Replication): Replication {
  const topology = Object.keys(wanted.members).map((name) => [name, newcomer]);
  return {
    ...wanted,
    primary: "",
    durability: { carryOnAfterSeconds: 10 },
    replicationAccount: { name: "", password: "" },
    databases: [],
    accounts: {},
    topology: Object.fromEntries(topology),
  };
}

export function clusterOf(live: Replication, wanted: Replication): Cluster {
  const names = Object.keys(wanted.members);
  const standings: Record<string, Standing> = {};
  for (const name of names) {
    const standing = isNew(name, live, wanted) ? newcomer : live.topology[name];
    standings[name] = standing ?? newcomer;
  }
  const { primary } = live;
  const state = (name: string) => dataState(standings[name]?.data ?? "", wanted.cluster);
  if (names.includes(primary)) {
    const heir = names.find((name) => name !== primary && state(name) === "right");
    const isLost = standings[primary] === newcomer && heir !== undefined;
    if (!isLost) return { live, wanted, standings, ...founded(primary, state) };
    const data = `lost, while ${heir} has that of ${wanted.cluster}`;
    standings[primary] = { ...newcomer, data };
    return { live, wanted, standings, primary: heir, isFounded: false };
  }
  if (primary !== "") return { live, wanted, standings, primary: "", isFounded: false };
  const rivals = names.filter((name) => state(name) === "rival");
  const survivors = rivals.filter((name) => !wanted.discardDataOn.includes(name));
  if (rivals.length > 0) {
    const survivor = survivors.length === 1 ? (survivors[0] ?? "") : "";
    return { live, wanted, standings, primary: survivor, isFounded: false };
  }
  const areAllSeen = names.every((name) => isRunning(standings[name]));
  if (!areAllSeen) return { live, wanted, standings, primary: "", isFounded: false };
  return { live, wanted, standings, ...founded(wanted.primary, state) };
}

export function isRunning(standing: Standing | undefined): boolean {
  return standing?.mysqld === right.mysqld;
}

export function stateOf(name: string, { standings, wanted }: Cluster): DataState {
  return dataState(standings[name]?.data ?? "", wanted.cluster);
}

/** What a new member has. */
const newcomer: Standing = {
  mysqld: right.mysqld,
  data: noData,
  writes: right.writes,
  replication: followsNobody,
  semiSynchronous: "off",
};

function founded(primary: string, state: (name: string) => DataState) {
  return { primary, isFounded: state(primary) === "none" || state(primary) === "foreign" };
}

function isNew(name: string, live: Replication, wanted: Replication): boolean {
  const [old, now] = [live.members[name], wanted.members[name]];
  return old === undefined || !isSame(old.host?.instance, now?.host?.instance);
}
