/** What is done to a member that is to follow the primary. */

import type { ReplicationStep } from "./action";
import { right } from "./args";
import { type Cluster, isRunning, stateOf } from "./cluster";
import { awaitingClone, planAddress, refusal } from "./member-steps";
import { followsNobody } from "./standing-replication";

export function planReplica(name: string, cluster: Cluster): ReplicationStep[] {
  const steps = [...planData(name, cluster), ...planWrites(name, cluster)];
  if (steps.some(({ action }) => action.do === "refuse")) return steps;
  return [...steps, ...planSemiSynchronous(name, cluster), ...planAddress(name, cluster)];
}

function planData(name: string, cluster: Cluster): ReplicationStep[] {
  const { wanted, standings, primary } = cluster;
  const { data = "", replication = "" } = standings[name] ?? {};
  const isGivenUp = wanted.discardDataOn.includes(name);
  const state = stateOf(name, cluster);
  const follow: ReplicationStep = {
    sentence: `${name}: follow ${primary}${was(replication)}`,
    action: { do: "follow", member: name, source: primary },
  };
  if (state === "filling") return [awaitingClone(name)];
  if (state === "rival" && primary === "") return [rivalry(name, data, isGivenUp)];
  if (primary === "") return state === "none" ? [awaitingPrimary(name)] : [noPrimary(cluster)];
  if (!isRunning(standings[primary])) {
    const isRight = state === "right" && replication === right.replication;
    return isRight ? [] : [awaitingPrimary(name)];
  }
  if (state === "none") return [filling(name, primary, "nothing"), follow];
  if (state === "right") {
    if (replication === right.replication) return [];
    return isGivenUp ? [filling(name, primary, "its data"), follow] : [follow];
  }
  if (isGivenUp) return [filling(name, primary, "its data"), follow];
  return [
    refusal(
      name,
      dataSentence(data),
      `set discardDataOn: ["${name}"] to fill it from ${primary} instead`,
    ),
  ];
}

/** Why, in short: nothing for a member that does not follow yet, or did and is filled anew. */
function was(replication: string): string {
  if (replication === right.replication) return "";
  const [what = ""] = /^.*?error \d+/.exec(replication) ?? [replication];
  return replication === followsNobody ? "" : ` (was: ${what})`;
}

function rivalry(name: string, data: string, isGivenUp: boolean): ReplicationStep {
  const remedy = isGivenUp
    ? "leave one of the members out of discardDataOn: its data is the one that stays"
    : `choose whose data is given up: discardDataOn: ["${name}"]`;
  return refusal(name, `it takes writes as another member does, and holds ${data}`, remedy);
}

function awaitingPrimary(name: string): ReplicationStep {
  const sentence = `${name}: see how it stands once the primary answers`;
  return { sentence, action: { do: "await", member: name } };
}

function noPrimary({ live }: Cluster): ReplicationStep {
  const names = Object.keys(live.topology).join(", ");
  return refusal(names, "none of them is the primary", "make one of them the primary by hand");
}

function filling(name: string, from: string, discards: "nothing" | "its data"): ReplicationStep {
  const why = discards === "nothing" ? "it has no data" : "what it has is discarded";
  return {
    sentence: `${name}: fill from ${from} by CLONE (${why})`,
    action: { do: "fill", member: name, from, discards },
    ...(discards !== "nothing" && {
      warning: `${name}: its data is discarded and filled anew from ${from}, as discardDataOn says`,
    }),
  };
}

function dataSentence(data: string): string {
  return `its data is ${data.replace(/^(\w+), and /, "that of $1, with ")}`;
}

function planWrites(name: string, { standings }: Cluster): ReplicationStep[] {
  if (standings[name]?.writes === right.writes) return [];
  const sentence = `${name}: close for writes (super_read_only on)`;
  return [{ sentence, action: { do: "close", member: name } }];
}

function planSemiSynchronous(name: string, { standings, wanted }: Cluster): ReplicationStep[] {
  if (standings[name]?.semiSynchronous === wanted.topology[name]?.semiSynchronous) return [];
  const sentence = `${name}: tell the primary what it has received (semi-synchronous)`;
  return [{ sentence, action: { do: "acknowledge", member: name } }];
}
