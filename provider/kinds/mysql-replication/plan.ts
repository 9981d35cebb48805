/** What brings a cluster to what is wanted, in the order in which it is done. */

import { isMap } from "../../difference";
import { isUnknown } from "../../protocol/values";
import { inOrder, type ReplicationStep } from "./action";
import { type Replication, right, type Standing } from "./args";
import { type Cluster, clusterOf, isRunning, stateOf, untouched } from "./cluster";
import { diff } from "./difference";
import { planContent } from "./plan-content";
import { followsNobody } from "./standing";

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

function planMember(name: string, cluster: Cluster): ReplicationStep[] {
  const standing = cluster.standings[name] ?? {};
  if (!isRunning(cluster.standings[name])) return [awaiting(name, standing)];
  if (name === cluster.primary) return planPrimary(name, cluster);
  const steps = [...planData(name, cluster), ...planWrites(name, cluster)];
  if (steps.some(({ action }) => action.do === "refuse")) return steps;
  return [...steps, ...planSemiSynchronous(name, cluster), ...planAddress(name, cluster)];
}

function awaiting(name: string, { mysqld = "" }: Partial<Standing>): ReplicationStep {
  const sentence = mysqld.startsWith(`${right.mysqld}, `)
    ? `${name}: go on once mysqld is no longer ${mysqld}`
    : `${name}: see how it stands once mysqld answers`;
  return { sentence, action: { do: "await", member: name } };
}

function planPrimary(name: string, cluster: Cluster): ReplicationStep[] {
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

function dataSentence(data: string): string {
  return `its data is ${data.replace(/^(\w+), and /, "that of $1, with ")}`;
}

/** Why, in short: nothing for a member that does not follow yet, or did and is filled anew. */
function was(replication: string): string {
  if (replication === right.replication) return "";
  const [what = ""] = /^.*?error \d+/.exec(replication) ?? [replication];
  return replication === followsNobody ? "" : ` (was: ${what})`;
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

/** Where a member is reached concerns those that follow it; who that is, the next read knows. */
function planAddress(name: string, { live, wanted }: Cluster): ReplicationStep[] {
  const [old, now] = [live.members[name], wanted.members[name]];
  if (old === undefined || (old.address === now?.address && old.port === now?.port)) return [];
  const sentence = `${name}: reach it at ${now?.address}:${now?.port}`;
  return [{ sentence, action: { do: "await", member: name } }];
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

function awaitingClone(name: string): ReplicationStep {
  const sentence = `${name}: wait until the CLONE that is under way has ended`;
  return { sentence, action: { do: "await", member: name } };
}

function awaitingPrimary(name: string): ReplicationStep {
  const sentence = `${name}: see how it stands once the primary answers`;
  return { sentence, action: { do: "await", member: name } };
}

function rivalry(name: string, data: string, isGivenUp: boolean): ReplicationStep {
  const remedy = isGivenUp
    ? "leave one of the members out of discardDataOn: its data is the one that stays"
    : `choose whose data is given up: discardDataOn: ["${name}"]`;
  return refusal(name, `it takes writes as another member does, and holds ${data}`, remedy);
}

function noPrimary({ live }: Cluster): ReplicationStep {
  const names = Object.keys(live.topology).join(", ");
  return refusal(names, "none of them is the primary", "make one of them the primary by hand");
}

function refusal(name: string, reason: string, remedy: string): ReplicationStep {
  return {
    sentence: `${name}: refuse, since ${reason}`,
    warning: `${name}: ${reason}; nothing will be changed. To go on, ${remedy}`,
    action: { do: "refuse" },
  };
}
