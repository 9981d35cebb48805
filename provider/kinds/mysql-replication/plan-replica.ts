/** What is done to a member that is to follow the leader. */

import { awaitingClone, isRefusal, lettingClientsIn, refusal } from "../mysql/steps";
import type { Replication } from "./args";
import { type Cluster, isRunning, planAddress } from "./cluster";
import { type DataStatus, lacksVerification, type ReplicationStatus } from "./status";
import { acknowledging, following, type PlainStep } from "./steps";

export function planReplica(name: string, cluster: Cluster): PlainStep[] {
  const steps = [...planData(name, cluster), ...planWrites(name, cluster)];
  if (steps.some(isRefusal)) return steps;
  return [...steps, ...planSemiSynchronous(name, cluster), ...planAddress(name, cluster)];
}

function planData(name: string, cluster: Cluster): PlainStep[] {
  const { desired, status, live, leader, replaces } = cluster;
  const { data = { state: "empty" }, replication = { state: "none" } } = status[name] ?? {};
  const isGivenUp = desired.discardDataOn.includes(name);
  const isUnverified = lacksVerification(name, { ...live, status }, desired);
  const isFollowing = replication.state === "ok" && replaces === undefined && !isUnverified;
  if (data.state === "cloning") return [awaitingClone(name)];
  if (data.state === "conflicting" && leader === "") return [conflict(name, data, isGivenUp)];
  if (leader === "") return data.state === "empty" ? [awaitingPrimary(name)] : [noPrimary(cluster)];
  if (!isRunning(status[leader] ?? live.status?.[leader])) {
    return data.state === "ok" && isFollowing ? [] : [awaitingPrimary(name)];
  }
  const before = isUnverified ? notVerified : was(replication);
  const follow = following(name, leader, replaces === undefined ? before : "");
  if (data.state === "empty") return [filling(name, leader, "nothing"), follow];
  if (data.state === "ok") {
    if (isFollowing) return [];
    return isGivenUp && replaces === undefined
      ? [filling(name, leader, "its data"), follow]
      : [follow];
  }
  if (isGivenUp) return [filling(name, leader, "its data"), follow];
  const remedy = `set discardDataOn: ["${name}"] to fill it from ${leader} instead`;
  return [refusal(name, dataSentence(data, desired), remedy)];
}

const notVerified = " (was: without verifying its certificate)";

/** Why, in short: nothing for a member that does not follow yet. */
function was(replication: ReplicationStatus): string {
  switch (replication.state) {
    case "ok":
    case "none":
      return "";
    case "elsewhere":
      return ` (was: follows ${replication.source})`;
    case "other settings":
      return ` (was: with another ${replication.of})`;
    default: {
      const { state, error } = replication;
      return ` (was: ${[state, ...(/^error \d+/.exec(error ?? "") ?? [])].join(": ")})`;
    }
  }
}

function conflict(
  name: string,
  { count, lackedBy, transactions }: DataStatus & { state: "conflicting" },
  isGivenUp: boolean,
): PlainStep {
  const remedy = isGivenUp
    ? "leave one of the members out of discardDataOn: its data is the one that stays"
    : `choose whose data is given up: discardDataOn: ["${name}"]`;
  const reason = `it takes writes as another member does, and holds ${counted(count)} that ${lackedBy} lacks: ${transactions}`;
  return refusal(name, reason, remedy);
}

function awaitingPrimary(name: string): PlainStep {
  const sentence = `${name}: look again once the primary answers`;
  return { sentence, task: { do: "await", member: name } };
}

function noPrimary({ live }: Cluster): PlainStep {
  const names = Object.keys(live.status).join(", ");
  return refusal(names, "none of them is the primary", "make one of them the primary by hand");
}

function filling(name: string, from: string, discards: "nothing" | "its data"): PlainStep {
  const why = discards === "nothing" ? "it has no data" : "what it has is discarded";
  return {
    sentence: `${name}: fill from ${from} by CLONE (${why})`,
    task: { do: "fill", member: name, from, discards },
    ...(discards !== "nothing" && {
      warning: `${name}: its data is discarded and filled anew from ${from}, as discardDataOn says`,
    }),
  };
}

function dataSentence(data: DataStatus, { cluster }: Replication): string {
  switch (data.state) {
    case "foreign":
      return `its data is of another cluster: ${data.cluster}`;
    case "unmarked":
      return `its data is of unknown origin: ${data.databases}`;
    case "lost":
      return `its data is lost, while ${data.holder} has that of ${cluster}`;
    case "errant":
    case "conflicting":
      return `it has ${counted(data.count)} that ${data.lackedBy} lacks: ${data.transactions}`;
    default:
      return `its data is ${data.state}`;
  }
}

function counted(count: number): string {
  return `${count} transaction${count === 1 ? "" : "s"}`;
}

function planWrites(name: string, { status }: Cluster): PlainStep[] {
  const { state } = status[name]?.writes ?? {};
  if (state === "ok") return [];
  const sentence = `${name}: close for writes (super_read_only on)`;
  const close: PlainStep = { sentence, task: { do: "close", member: name } };
  return state === "offline" ? [close, lettingClientsIn(name)] : [close];
}

function planSemiSynchronous(name: string, { status }: Cluster): PlainStep[] {
  return status[name]?.semiSynchronous?.state === "ok" ? [] : [acknowledging(name)];
}
