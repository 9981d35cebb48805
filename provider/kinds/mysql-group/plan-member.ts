/** What is done to one member: how it comes into the group, and what of it is set right. */

import { awaitingClone, lettingClientsIn, refusal } from "../mysql/steps";
import type { Group } from "./args";
import type { Cluster } from "./cluster";
import type { DataStatus, MemberStatus } from "./status";
import type { PlainStep } from "./steps";

/** By which a member that runs, and is in no group or only on its way, comes into that of `leader`. */
export function planEntry(name: string, leader: string, cluster: Cluster): PlainStep[] {
  const { desired, status } = cluster;
  const { data = { state: "empty" }, membership } = status[name] ?? {};
  const isGivenUp = desired.discardDataOn.includes(name);
  const donor = donorOf(name, leader, cluster);
  if (data.state === "cloning") return [awaitingClone(name)];
  if (data.state === "empty") return [filling(name, donor, "nothing"), joinAfterFill(name, donor)];
  if (data.state === "ok") return [joining(name, donor, wasOf(membership))];
  if (isGivenUp) {
    const lost = data.state === "errant" ? dataSentence(data, desired) : "";
    return [filling(name, donor, "its data", lost), joinAfterFill(name, donor)];
  }
  const remedy = `set discardDataOn: ["${name}"] to fill it from ${donor} instead`;
  return [refusal(name, dataSentence(data, desired), remedy)];
}

/** The primary, where it answers us as well. */
function donorOf(name: string, leader: string, { live, status }: Cluster): string {
  const isUsable = (one: string) => {
    const found = status[one] ?? live.status[one];
    return one !== name && found?.mysqld.state === "running" && found.membership?.state === "ok";
  };
  if (isUsable(leader)) return leader;
  return Object.keys({ ...live.status, ...status }).find(isUsable) ?? leader;
}

function wasOf(membership: MemberStatus["membership"]): string {
  switch (membership?.state) {
    case "recovering":
      return " (it is catching up)";
    case "without quorum":
      return " (was: cut off from the others)";
    case "outside":
      return membership.was === "ERROR" ? " (was: left it with an error)" : " (was: outside)";
    default:
      return "";
  }
}

function joining(name: string, through: string, was: string): PlainStep {
  const sentence = `${name}: join the group${was}`;
  return { sentence, task: { do: "join", member: name, through, after: "nothing" } };
}

function joinAfterFill(name: string, through: string): PlainStep {
  const sentence = `${name}: join the group`;
  return { sentence, task: { do: "join", member: name, through, after: "fill" } };
}

function filling(
  name: string,
  from: string,
  discards: "nothing" | "its data",
  /** What goes with it that the others lack. */
  lost = "",
): PlainStep {
  const why = discards === "nothing" ? "it has no data" : "what it has is discarded";
  return {
    sentence: `${name}: fill from ${from} by CLONE (${why})`,
    task: { do: "fill", member: name, from, discards },
    ...(discards !== "nothing" && {
      warning: `${name}: its data is discarded and filled anew from ${from}, as discardDataOn says${lost && `; ${lost}`}`,
    }),
  };
}

export function dataSentence(data: DataStatus, { cluster }: Pick<Group, "cluster">): string {
  switch (data.state) {
    case "foreign":
      return `its data is of another cluster: ${data.cluster}`;
    case "unmarked":
      return `its data is of unknown origin: ${data.databases}`;
    case "errant":
      return `it has ${counted(data.count)} of ${cluster} that ${data.lackedBy} lacks: ${data.transactions}`;
    default:
      return `its data is ${data.state}`;
  }
}

function counted(count: number): string {
  return `${count} transaction${count === 1 ? "" : "s"}`;
}

/** Of a member of the group. */
export function planWrites(name: string, leader: string, status: MemberStatus): PlainStep[] {
  switch (status.writes?.state) {
    case "offline":
      return [lettingClientsIn(name)];
    case "closed":
      return [
        {
          sentence: `${name}: open the primary for writes (super_read_only off)`,
          task: { do: "open", member: name },
        },
      ];
    case "open":
      return [
        {
          sentence: `${name}: close for writes (super_read_only on), since ${leader} is the primary`,
          task: { do: "close", member: name },
        },
      ];
    case "opens at restart":
      return [
        {
          sentence: `${name}: start closed for writes (nothing persisted for super_read_only)`,
          task: { do: "configure", member: name },
        },
      ];
    default:
      return [];
  }
}

export function planSettings(name: string, { settings }: MemberStatus): PlainStep[] {
  switch (settings?.state) {
    case "other":
      return [
        {
          sentence: `${name}: set how it finds the group (${settings.of})`,
          task: { do: "configure", member: name },
        },
      ];
    case "follows":
      return [unfollowing(name, settings.source)];
    default:
      return [];
  }
}

export function unfollowing(name: string, source: string): PlainStep {
  return {
    sentence: `${name}: apply what it received, and stop following ${source}`,
    task: { do: "stop following", member: name },
  };
}

/** Where a member is reached concerns the others; who that is, the next read knows. */
export function planAddress(name: string, { live, desired }: Cluster): PlainStep[] {
  const [old, now] = [live.members[name], desired.members[name]];
  if (old === undefined || (old.address === now?.address && old.port === now?.port)) return [];
  const sentence = `${name}: reach it at ${now?.address}:${now?.port}`;
  return [{ sentence, task: { do: "await", member: name } }];
}
