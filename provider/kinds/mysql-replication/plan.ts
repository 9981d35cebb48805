/** What brings a cluster to what is wanted, in the order in which it is done. */

import { isMap } from "../../difference";
import { isUnknown } from "../../protocol/values";
import { inOrder, type ReplicationStep } from "./action";
import { type Replication, right } from "./args";
import { type Cluster, clusterOf, isRunning, stateOf, untouched } from "./cluster";
import { diff } from "./difference";
import { awaiting, refusal } from "./member-steps";
import { planContent } from "./plan-content";
import { planPrimary } from "./plan-primary";
import { planReplica } from "./plan-replica";

export function plan(live: Replication | undefined, wanted: Replication): ReplicationStep[] {
  if (!isMap(wanted.members) || !isMap(wanted.topology) || isUnknown(wanted.primary)) {
    const sentence = "set up the replication once its members are known";
    return [{ sentence, action: { do: "await", member: "" } }];
  }
  const seen = live ?? untouched(wanted);
  if (diff(seen, wanted).length === 0) return [];
  const cluster = clusterOf(seen, wanted);
  const leaving = planLeaving(cluster);
  if (leaving.some(({ action }) => action.do === "refuse")) return leaving;
  const steps = [
    ...Object.keys(wanted.members).flatMap((name) => planMember(name, cluster)),
    ...leaving,
    ...planContent(cluster),
  ];
  const refusals = steps.filter(({ action }) => action.do === "refuse");
  return refusals.length > 0 ? refusals : inOrder([...steps, ...planPause(steps, cluster)]);
}

function planLeaving({ live, wanted }: Cluster): ReplicationStep[] {
  const leaving = Object.keys(live.members).filter((name) => wanted.members[name] === undefined);
  return leaving.map((name) =>
    name === live.primary
      ? refusal(name, "it is the primary", "make another member the primary before taking it out")
      : {
          sentence: `${name}: stop following (it keeps its data and stays closed for writes)`,
          action: { do: "leave", member: name },
        },
  );
}

function planMember(name: string, cluster: Cluster): ReplicationStep[] {
  const standing = cluster.standings[name] ?? {};
  if (!isRunning(cluster.standings[name])) return [awaiting(name, standing)];
  return name === cluster.primary ? planPrimary(name, cluster) : planReplica(name, cluster);
}

/**
 * CLONE waits until no transaction is being committed. A primary that waits for ever for a replica, and has none left,
 * would keep it waiting for ever too: so it is closed meanwhile.
 */
function planPause(steps: readonly ReplicationStep[], cluster: Cluster): ReplicationStep[] {
  const { live, wanted, standings, primary } = cluster;
  const filled = steps.flatMap(({ action }) => (action.do === "fill" ? [action.member] : []));
  const standing = standings[primary];
  const isWaiting =
    primary === live.primary &&
    standing?.writes === right.writes &&
    standing.semiSynchronous === right.semiSynchronous &&
    live.durability === "wait-for-replica";
  const acknowledging = Object.keys(wanted.members).filter(
    (name) =>
      name !== primary &&
      stateOf(name, cluster) === "right" &&
      !filled.includes(name) &&
      standings[name]?.replication === right.replication &&
      standings[name]?.semiSynchronous === right.semiSynchronous,
  );
  if (filled.length === 0 || !isWaiting || acknowledging.length > 0) return [];
  const names = filled.join(" and ");
  return [
    {
      sentence: `${primary}: refuse writes while ${names} is filled, since no replica is left to acknowledge them`,
      warning: `${primary}: refuses writes until ${names} is filled: no replica is left to acknowledge them, as the durability wait-for-replica asks`,
      action: { do: "pause", member: primary },
    },
    {
      sentence: `${primary}: open for writes again`,
      action: { do: "open", member: primary },
    },
  ];
}
