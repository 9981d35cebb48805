/** What is done where nobody forms a group: the first creation, and the way back after all were down or had no majority. */

import { awaiting, awaitingClone, lettingClientsIn, refusal } from "../mysql/steps";
import { type Cluster, isRunning, strangersOf } from "./cluster";
import { planAccount, planEnd, stopping } from "./plan-group";
import { dataSentence, planEntry, unfollowing } from "./plan-member";
import type { PlainStep } from "./steps";

export function planRestart(cluster: Cluster): PlainStep[] {
  const { desired, status, live } = cluster;
  const names = Object.keys(desired.members).filter(
    (name) => status[name]?.mysqld.state !== "away",
  );
  const silent = names.filter((name) => !isRunning(status[name]));
  const cloning = names.filter((name) => status[name]?.data?.state === "cloning");
  const hasData = (name: string) => {
    const found = (status[name] ?? live.status[name])?.data?.state;
    return found === "ok" || found === "errant";
  };
  const holders = Object.keys({ ...live.status, ...status }).filter(hasData);
  if (silent.length + cloning.length > 0) {
    return [
      ...silent.map((name) => planSilent(name, holders, cluster)),
      ...cloning.map(awaitingClone),
    ];
  }
  return holders.length === 0 ? planFoundation(names, cluster) : planReturn(names, cluster);
}

/** It may hold what the others lack: nobody is made the first of a group before it was asked. */
function planSilent(name: string, holders: readonly string[], { status }: Cluster): PlainStep {
  const { mysqld } = status[name] ?? { mysqld: { state: "not installed" } };
  if (mysqld.state !== "silent" || mysqld.isUnreachable !== true || holders.length === 0) {
    return awaiting(name, mysqld.state === "away" ? { state: "not installed" } : mysqld);
  }
  const reason =
    "no group has a majority, and it cannot be asked: it may hold what the others lack";
  const remedy = `bring ${name} back, or say that it is away`;
  return refusal(name, reason, remedy);
}

/** No member has data of this cluster: one is made the first. */
function planFoundation(names: readonly string[], cluster: Cluster): PlainStep[] {
  const { desired, status } = cluster;
  if (desired.away.length > 0) {
    const reason = `no member has data of cluster ${desired.cluster}, and ${desired.away.join(", ")} cannot be asked`;
    const remedy = "bring it back, or take it out of the members to begin without its data";
    return [refusal(desired.away.join(", "), reason, remedy)];
  }
  const unmarked = names.find((name) => status[name]?.data?.state === "unmarked");
  const founder = desired.primary || unmarked || names[0] || "";
  const { data } = status[founder] ?? {};
  if (data?.state === "foreign") {
    const remedy = `choose another primary, or name its cluster to take over its data as it is: "${data.cluster}"`;
    return [refusal(founder, dataSentence(data, desired), remedy)];
  }
  const existing = data?.state === "unmarked" ? ", keeping its databases" : "";
  const warning = warningOfFoundation(cluster);
  return [
    {
      sentence: `${founder}: mark its data as that of cluster ${desired.cluster}${existing}`,
      task: { do: "found", member: founder },
      ...(warning !== undefined && { warning }),
    },
    ...planStart(founder, names, cluster, `${founder}: make it the first member of the group`),
  ];
}

/** What the cluster had is not there any more, or is with members of which nobody knows. */
function warningOfFoundation(cluster: Cluster): string | undefined {
  const { live, desired } = cluster;
  const hadData = Object.values(live.status ?? {}).some((one) => one.data?.state === "ok");
  if (hadData) {
    return `no member has the data of cluster ${desired.cluster} any more: it begins empty`;
  }
  const unasked = takenOutUnasked(cluster);
  if (unasked.length === 0) return undefined;
  const only = unasked.map((name) => `what only ${name} has is lost`).join(", ");
  return `no member has data of cluster ${desired.cluster}, and ${unasked.join(", ")} cannot be asked: it begins without theirs: ${only}`;
}

/** Members that are taken out, and do not answer: each may hold what the others lack. */
function takenOutUnasked({ live, desired }: Cluster): string[] {
  return Object.keys(live.members).filter(
    (name) =>
      desired.members[name] === undefined &&
      ["silent", "away"].includes(live.status?.[name]?.mysqld.state ?? ""),
  );
}

/** The member that has all that any has brings the group back. */
function planReturn(names: readonly string[], cluster: Cluster): PlainStep[] {
  const { desired, status, live } = cluster;
  const { fullest = "" } = live;
  const conflicts = conflictsOf(cluster);
  if (conflicts.length > 0) return conflicts;
  if (fullest === "") {
    const remedy = "leave one of the members out of discardDataOn: its data is the one that stays";
    return [
      refusal(names.join(", "), "no group has a majority, and none of them is to stay", remedy),
    ];
  }
  if (desired.members[fullest] === undefined) {
    const reason = "it has what the other members lack, and no group has a majority";
    return [refusal(fullest, reason, "keep it among the members until the group is back")];
  }
  const cutOff = names.filter((name) => status[name]?.membership?.state === "without quorum");
  const isGivenUp = names.some(
    (name) => desired.discardDataOn.includes(name) && status[name]?.data?.state === "errant",
  );
  const most = `it has all that any other has${isGivenUp ? " whose data is not given up" : ""}`;
  const why = names.length === 1 ? "it is the only member that is not away" : most;
  const strangers = Object.values(live.status).map(strangersOf).filter(Boolean);
  const missing = [...desired.away, ...takenOutUnasked(cluster), ...new Set(strangers)];
  const away = missing.map((name) => `what only ${name} has is lost`);
  const step: PlainStep = {
    sentence: `${fullest}: bring the group back from it, since ${why} (asked: ${names.join(", ")})`,
    ...(away.length > 0 && {
      warning: `${fullest}: the group goes on with what it has, without ${missing.join(", ")}: ${away.join(", ")}`,
    }),
    task: { do: "bootstrap", member: fullest },
  };
  return [
    ...cutOff.map((name) => stopping(name, "it has no majority")),
    ...planStart(fullest, names, cluster, step),
  ];
}

/** No member has all: whose data is given up is not for us to say. */
function conflictsOf({ live, desired, status }: Cluster): PlainStep[] {
  if (live.fullest !== undefined && live.fullest !== "") return [];
  return Object.keys({ ...live.status, ...status }).flatMap((name) => {
    const { data } = status[name] ?? live.status[name] ?? {};
    if (data?.state !== "errant" || desired.discardDataOn.includes(name)) return [];
    const remedy = `choose whose data is given up: discardDataOn: ["${name}"]`;
    return [refusal(name, dataSentence(data, desired), remedy)];
  });
}

/** One is the first, the others join it. */
function planStart(
  first: string,
  names: readonly string[],
  cluster: Cluster,
  step: string | PlainStep,
): PlainStep[] {
  const { status, live } = cluster;
  const bootstrap: PlainStep =
    typeof step === "string" ? { sentence: step, task: { do: "bootstrap", member: first } } : step;
  const following = names.flatMap((name) => {
    const settings = status[name]?.settings;
    return settings?.state === "follows" ? [unfollowing(name, settings.source)] : [];
  });
  const offline = names.filter((name) => status[name]?.writes?.state === "offline");
  const open = Object.keys(live.members).filter(
    (name) => (status[name] ?? live.status[name])?.writes?.state === "open",
  );
  const entries = names
    .filter((name) => name !== first)
    .flatMap((name) => planEntry(name, first, cluster));
  return [
    ...open.map(
      (name): PlainStep => ({
        sentence: `${name}: close for writes (super_read_only on) until the group is there`,
        warning: `${name}: refuses writes until the group is there`,
        task: { do: "close", member: name },
      }),
    ),
    ...following,
    ...planAccount(first, "closed", cluster),
    bootstrap,
    ...entries,
    ...offline.map(lettingClientsIn),
    ...planEnd(first, entries, cluster),
  ];
}
