/** What is done to the member that is or becomes the primary. */

import { isMap } from "../../difference";
import { isUnknown } from "../../protocol/values";
import type { ReplicationStep } from "./action";
import { type Replication, right } from "./args";
import { type Cluster, stateOf } from "./cluster";
import { diff } from "./difference";
import { awaitingClone, planAddress, refusal } from "./member-steps";
import { followsNobody } from "./standing-replication";

export function planPrimary(name: string, cluster: Cluster): ReplicationStep[] {
  const { wanted, standings, live, isFounded } = cluster;
  const { data = "", replication, writes } = standings[name] ?? {};
  if (stateOf(name, cluster) === "filling") return [awaitingClone(name)];
  if (data.startsWith("of another cluster")) {
    return [refusal(name, `its data is ${data}`, "choose another member, or drop it by hand")];
  }
  const steps: ReplicationStep[] = [];
  if (isFounded) {
    const existing = stateOf(name, cluster) === "foreign" ? `, keeping its databases` : "";
    const hadData = Object.values(live.topology).some((one) => one.data === wanted.cluster);
    steps.push({
      sentence: `${name}: make it the primary of cluster ${wanted.cluster}${existing}`,
      action: { do: "found", member: name },
      ...(hadData && {
        warning: `no member has the data of cluster ${wanted.cluster} any more: it begins empty`,
      }),
    });
  }
  const lost = Object.keys(standings).find((one) => stateOf(one, cluster) === "lost");
  const isFollowing = replication !== right.replication && replication !== followsNobody;
  if (!isFounded && (lost !== undefined || isFollowing)) {
    steps.push({
      sentence: `${name}: make it the primary`,
      action: { do: "promote", member: name },
      ...(lost !== undefined && {
        warning: `${lost} lost its data: what it acknowledged before any replica had it is gone`,
      }),
    });
  }
  if (steps.length > 0 || writes !== right.writes) {
    const sentence = `${name}: open for writes (super_read_only off)`;
    steps.push({ sentence, action: { do: "open", member: name } });
  }
  return [...steps, ...planSource(name, cluster), ...planAddress(name, cluster)];
}

/** The primary's side of semi-synchronous replication, and how long it waits. */
function planSource(name: string, cluster: Cluster): ReplicationStep[] {
  const { live, wanted, standings, isFounded } = cluster;
  const isLike = (path: string) => diff(live, wanted).every((one) => one.path[0] !== path);
  const isOn = wanted.topology[name]?.semiSynchronous;
  const isRight = standings[name]?.semiSynchronous === isOn && isLike("durability") && !isFounded;
  if (isRight && name === live.primary) return [];
  return [
    {
      sentence: `${name}: ${durabilitySentence(wanted)}`,
      action: { do: "wait for replicas", member: name },
    },
  ];
}

function durabilitySentence({ durability, members }: Replication): string {
  if (Object.keys(members).length < 2) return "acknowledge writes alone, there is no replica";
  if (!isMap(durability)) return "acknowledge a write only once a replica has it";
  const seconds = isUnknown(durability.carryOnAfterSeconds)
    ? "some time"
    : `${durability.carryOnAfterSeconds} s`;
  return `acknowledge a write once a replica has it, or after ${seconds}`;
}
