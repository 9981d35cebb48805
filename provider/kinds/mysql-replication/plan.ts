/** What brings a cluster to what is desired, in the order in which it is done. */

import { compare, isMap } from "../../difference";
import { isUnknown } from "../../protocol/values";
import { accountSentence } from "../mysql/replication-account";
import { awaiting, awaitingClone, isRefusal, lettingClientsIn, refusal } from "../mysql/steps";
import type { Replication } from "./args";
import { type Cluster, clusterOf, isAlone, isRunning, planAddress, untouched } from "./cluster";
import { diff } from "./diff";
import { planReplica } from "./plan-replica";
import { replicationPrivileges } from "./read";
import {
  acknowledging,
  following,
  inOrder,
  opening,
  type PlainStep,
  placed,
  type ReplicationStep,
} from "./steps";

export function plan(live: Replication | undefined, desired: Replication): ReplicationStep[] {
  return planAll(live, desired).map(placed);
}

function planAll(live: Replication | undefined, desired: Replication): PlainStep[] {
  if (!isMap(desired.members) || !isMap(desired.status) || isUnknown(desired.primary)) {
    const sentence = "set up the replication once its members are known";
    return [{ sentence, task: { do: "await", member: "" } }];
  }
  const seen = live ?? untouched(desired);
  if (diff(seen, desired).length === 0) return [];
  const cluster = clusterOf(seen, desired);
  const obstacle = obstacleOf(cluster);
  if (obstacle !== undefined) return [obstacle];
  const steps = [
    ...Object.keys(desired.members).flatMap((name) => planMember(name, cluster)),
    ...planLeaving(cluster),
    ...planReplicationAccount(cluster),
  ];
  const refusals = steps.filter(isRefusal);
  if (refusals.length > 0) return refusals;
  return [...inOrder([...steps, ...planPause(steps, cluster)]), ...planSwitch(cluster)];
}

/** Why the primary cannot be the one that is desired. */
function obstacleOf({ live, desired, status, leader, replaces }: Cluster) {
  const target = desired.primary;
  const former = live.primary;
  if (replaces !== undefined) return obstacleOfPromotion(target, status[target], replaces);
  if (leader === "" || leader === target || isRunning(live.status?.[leader])) return undefined;
  return refusal(
    target,
    `the primary ${former} does not answer, and may hold what no other member has`,
    `bring ${former} back, or take it out of the members to make ${target} the primary without it`,
  );
}

function obstacleOfPromotion(
  target: string,
  status: Cluster["status"][string] | undefined,
  former: string,
): PlainStep | undefined {
  if (!isRunning(status)) {
    return refusal(
      target,
      "its mysqld does not answer",
      `bring it back to replace ${former} by it`,
    );
  }
  if (status?.isConnected) {
    const remedy = `stop its mysqld first and wait until ${target} notices that (about 10 s), or bring ${former} back and hand its role over`;
    return refusal(target, `${former} still runs: ${target} receives from it`, remedy);
  }
  if (status?.data?.state !== "ok") {
    const remedy = `make a member the primary that has it, or bring ${former} back`;
    return refusal(target, "it does not have the data of the cluster", remedy);
  }
  if (status.behind === undefined) return undefined;
  const { member, count } = status.behind;
  const reason = `${member} received ${transactions(count)} more from ${former}`;
  return refusal(target, reason, `make ${member} the primary`);
}

function planMember(name: string, cluster: Cluster): PlainStep[] {
  const status = cluster.status[name];
  if (!isRunning(status)) return [awaiting(name, status?.mysqld ?? { state: "not installed" })];
  return name === cluster.leader ? planLeader(name, cluster) : planReplica(name, cluster);
}

/** What is done to the member that leads, until it hands over or for good. */
function planLeader(name: string, cluster: Cluster): PlainStep[] {
  const { desired, status, live, isFounded, replaces } = cluster;
  const { data, replication, writes, isInGroup } = status[name] ?? {};
  if (isInGroup) {
    const reason = "it is a member of a group, whose other members may take writes that it lacks";
    const remedy = `keep the group's members, or stop MySQL on the others and run RESET PERSIST group_replication_group_name on ${name}`;
    return [refusal(name, reason, remedy)];
  }
  if (data?.state === "cloning") return [awaitingClone(name)];
  if (data?.state === "foreign") {
    const remedy = `choose another primary, or name its cluster to take over its data as it is: "${data.cluster}"`;
    return [refusal(name, `its data is of another cluster: ${data.cluster}`, remedy)];
  }
  const steps: PlainStep[] = [];
  if (isFounded) {
    const existing = data?.state === "unmarked" ? ", keeping its databases" : "";
    const hadData = Object.values(live.status ?? {}).some((one) => one.data?.state === "ok");
    steps.push({
      sentence: `${name}: make it the primary of cluster ${desired.cluster}${existing}`,
      task: { do: "found", member: name },
      ...(hadData && {
        warning: `no member has the data of cluster ${desired.cluster} any more: it begins empty`,
      }),
    });
  } else if (replaces !== undefined) {
    steps.push(promotion(name, replaces, cluster));
  } else {
    const lost = Object.keys(status).find((one) => status[one]?.data?.state === "lost");
    const follows = replication?.state === "elsewhere";
    if (lost !== undefined || follows) {
      steps.push({
        sentence: `${name}: make it the primary`,
        task: { do: "promote", member: name },
        ...(lost !== undefined && {
          warning: `${lost} lost its data: what it acknowledged before any replica had it is gone`,
        }),
      });
    }
  }
  if (writes?.state === "offline") steps.push(lettingClientsIn(name));
  const isHandedOver = name !== desired.primary;
  const becomesAlone = isAlone(desired) !== isAlone(live);
  if (!isHandedOver && (steps.length > 0 || writes?.state !== "ok" || becomesAlone)) {
    steps.push(opening(name));
  }
  return [...steps, ...planSource(name, cluster), ...planAddress(name, cluster)];
}

/** What may be lost, in the words that a person needs who has to decide on it. */
function promotion(name: string, former: string, cluster: Cluster): PlainStep {
  const { live, desired, status } = cluster;
  const { toApply = 0 } = status[name] ?? {};
  const received = toApply === 0 ? "" : ` after applying ${transactions(toApply)} that it received`;
  const gone = Object.keys(live.members).filter(
    (one) => one !== former && desired.members[one] === undefined,
  );
  const isSafe = live.lastKnownDurability === "wait-for-replica" && gone.length === 0;
  const loss = isSafe
    ? `0 acknowledged transactions are lost, since ${former} acknowledged none before a replica had it`
    : gone.length > 0
      ? `what ${former} acknowledged and only ${gone.join(", ")} had received is lost: how many transactions cannot be known without them`
      : `what ${former} acknowledged while no replica had it is lost: how many transactions cannot be known without it`;
  // One whose replicas were all away has nobody to be replaced by, and opens by itself.
  const fence =
    live.lastKnownDurability === "wait-for-replica"
      ? `Should ${former} come back, it takes no write`
      : `Should ${former} come back, it takes no write if it had a replica; if it was alone, as while all replicas were away, it opens by itself: keep its MySQL stopped`;
  return {
    sentence: `${name}: make it the primary instead of ${former}${received}`,
    warning: `${name} becomes the primary${received}, without ${former}: ${loss}. ${fence}`,
    task: { do: "promote", member: name },
  };
}

/** The primary's side of semi-synchronous replication, and how long it waits. */
function planSource(name: string, cluster: Cluster): PlainStep[] {
  const { live, desired, status, isFounded, replaces } = cluster;
  const isRight =
    status[name]?.semiSynchronous?.state === "ok" &&
    compare(live, desired, ["durability"]).length === 0 &&
    isAlone(live) === isAlone(desired) &&
    !isFounded &&
    replaces === undefined;
  return isRight && name === live.primary ? [] : [waiting(name, desired)];
}

function waiting(name: string, desired: Replication): PlainStep {
  const sentence = `${name}: ${durabilitySentence(desired)}`;
  return { sentence, task: { do: "wait for replicas", member: name } };
}

function durabilitySentence(desired: Replication): string {
  const { durability } = desired;
  if (isAlone(desired)) return "acknowledge writes alone, there is no replica";
  if (!isMap(durability)) return "acknowledge a write only once a replica has it";
  const seconds = isUnknown(durability.carryOnAfterSeconds)
    ? "some time"
    : `${durability.carryOnAfterSeconds} s`;
  return `acknowledge a write once a replica has it, or after ${seconds}`;
}

/** Members that are taken out; the leader leaves once it has handed over. */
function planLeaving(cluster: Cluster): PlainStep[] {
  const { live, desired, leader } = cluster;
  return Object.keys(live.members)
    .filter((name) => desired.members[name] === undefined && name !== leader)
    .map((name) =>
      isRunning(live.status?.[name]) || live.status?.[name] === undefined
        ? leaving(name)
        : forgetting(name, cluster),
    );
}

function forgetting(name: string, { live, desired }: Cluster): PlainStep {
  const mysqld = live.status?.[name]?.mysqld;
  const isAway = mysqld?.state === "silent" && mysqld.isAway === true;
  const why = isAway ? "it is away" : "it does not answer";
  const task = { do: "forget", member: name, why } as const;
  const sentence = `${name}: take it out without telling it, since ${why}`;
  if (!isAway) {
    return { sentence, warning: `${name} does not answer, and is taken out as it is`, task };
  }
  if (!isAlone(desired)) return { sentence, task };
  const warning = `${name} is away, and no replica is left: what ${desired.primary} acknowledges until one is back is on its disk alone`;
  return { sentence, warning, task };
}

function leaving(name: string): PlainStep {
  return {
    sentence: `${name}: stop following (it keeps its data and stays closed for writes)`,
    task: { do: "leave", member: name },
  };
}

function planReplicationAccount({ live, desired, leader, status }: Cluster): PlainStep[] {
  if (leader === "" || !isRunning(status[leader] ?? live.status?.[leader])) return [];
  if (compare(live, desired, ["replicationAccount"]).length === 0) return [];
  const [old, now] = [live.replicationAccount, desired.replicationAccount];
  return [
    {
      sentence: `${leader}: ${accountSentence(old, now, replicationPrivileges)}`,
      task: { do: "set replication account", member: leader },
    },
  ];
}

/**
 * CLONE waits until no transaction is being committed. A primary that waits for ever for a replica, and has none left,
 * would keep it waiting for ever too: so it is closed meanwhile.
 */
function planPause(steps: readonly PlainStep[], cluster: Cluster): PlainStep[] {
  const { live, desired, status, leader } = cluster;
  const filled = steps.flatMap(({ task }) => (task.do === "fill" ? [task.member] : []));
  const found = status[leader] ?? live.status?.[leader];
  const isWaiting =
    leader === live.primary &&
    ["ok", "opens at restart"].includes(found?.writes?.state ?? "") &&
    live.durability === "wait-for-replica";
  const acknowledgers = Object.keys(desired.members).filter((name) => {
    const { data, replication, semiSynchronous } = status[name] ?? {};
    return (
      name !== leader &&
      !filled.includes(name) &&
      [data, replication, semiSynchronous].every((aspect) => aspect?.state === "ok")
    );
  });
  if (filled.length === 0 || !isWaiting || acknowledgers.length > 0) return [];
  const names = filled.join(" and ");
  return [
    {
      sentence: `${leader}: refuse writes while ${names} is filled, since no replica is left to acknowledge them`,
      warning: `${leader}: refuses writes until ${names} is filled: no replica is left to acknowledge them, as the durability wait-for-replica asks`,
      task: { do: "pause", member: leader },
    },
    {
      sentence: `${leader}: open for writes again`,
      task: { do: "open", member: leader },
    },
  ];
}

/** The planned switch of the primary: it starts from a cluster in which all is as it should be. */
function planSwitch(cluster: Cluster): PlainStep[] {
  const { live, desired, leader } = cluster;
  const target = desired.primary;
  if (leader === target || leader === "") return [];
  const others = Object.keys(desired.members).filter((name) => name !== target);
  return [
    {
      sentence: `${leader}: hand the role of the primary over to ${target} (writes are refused for about a second; taken back when ${target} cannot catch up within 30 s)`,
      warning: `${target} becomes the primary instead of ${leader}: no acknowledged write is lost. Applications that connect through a proxy follow by themselves; one that was given ${leader}'s own address is refused until it has the new one`,
      task: { do: "hand over", member: leader, to: target },
    },
    ...others.map((name) => following(name, target)),
    waiting(target, desired),
    opening(target),
    // Last: that a former primary waits for nobody takes MySQL a second.
    ...others.filter((name) => name === leader).map(acknowledging),
    ...(live.members[leader] !== undefined && desired.members[leader] === undefined
      ? [leaving(leader)]
      : []),
  ];
}

function transactions(count: number): string {
  return `${count} transaction${count === 1 ? "" : "s"}`;
}
