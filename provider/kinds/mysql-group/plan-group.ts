/** What is done where a group has a majority: its members are led by MySQL, the others are brought in. */

import { compare } from "../../difference";
import { accountSentence } from "../mysql/replication-account";
import { awaiting, lettingClientsIn, refusal } from "../mysql/steps";
import type { Group } from "./args";
import { type Cluster, isRunning, strangersOf } from "./cluster";
import { planAddress, planEntry, planSettings, planWrites } from "./plan-member";
import { groupPrivileges } from "./read";
import type { PlainStep } from "./steps";

export function planGroup(cluster: Cluster): PlainStep[] {
  const { live, desired } = cluster;
  const split = splitOf(live);
  if (split.length > 1) return planSplit(split, cluster);
  const leader = live.primary;
  if (leader === "") {
    const electing = Object.keys(live.status).filter((name) =>
      ["electing", "split"].includes(live.status[name]?.membership?.state ?? ""),
    );
    const member = electing[0] ?? "";
    return [
      {
        sentence: `${member}: look again once the group has elected a primary`,
        task: { do: "await", member },
      },
    ];
  }
  if ({ ...live.members, ...desired.members }[leader] === undefined) {
    const reason = "the group has a primary that is none of the members";
    return [refusal(leader, reason, "add it to the members")];
  }
  const steps = Object.keys(desired.members).flatMap((name) => planMember(name, leader, cluster));
  return [
    ...planStrangers(cluster),
    ...steps,
    ...(desired.away.includes(leader) ? [] : planAccount(leader, "primary", cluster)),
    ...planEnd(leader, steps, cluster),
  ];
}

/** MySQL puts out whom it does not reach. Nobody can put out one that takes part. */
function planStrangers({ live }: Cluster): PlainStep[] {
  const inGroup = Object.entries(live.status).filter(([, { membership }]) =>
    ["ok", "recovering"].includes(membership?.state ?? ""),
  );
  const [member, status] = inGroup.find(([, one]) => strangersOf(one) !== "") ?? [];
  const strangers = strangersOf(status);
  if (member === undefined) return [];
  return [
    {
      sentence: `${member}: wait until the group has put out ${strangers}, which is none of the members (given up after 30 s where it takes part)`,
      warning: `the group counts ${strangers}, which is none of the members: until it is put out, fewer of the members may fail`,
      task: { do: "await expulsion", member },
    },
  ];
}

/** The primaries of several groups. */
function splitOf({ status }: Group): string[] {
  const primaries = Object.values(status).flatMap(({ membership }) =>
    membership?.state === "split" ? [membership.primary] : [],
  );
  return [...new Set(primaries)];
}

/** Which of two groups is given up is not for us to say. */
function planSplit(primaries: readonly string[], { live, desired, status }: Cluster): PlainStep[] {
  // One that does not answer may be in either of them.
  const silent = Object.entries({ ...live.status, ...status }).flatMap(([name, { mysqld }]) =>
    mysqld.state === "running" || mysqld.state === "away" ? [] : [awaiting(name, mysqld)],
  );
  if (silent.length > 0) return silent;
  const groupOf = (primary: string) =>
    Object.keys(live.status).filter((name) => {
      const membership = live.status[name]?.membership;
      return membership?.state === "split" && membership.primary === primary;
    });
  // Nobody has given up what one has that is none of the members.
  const strangersIn = (primary: string) =>
    groupOf(primary)
      .map((name) => strangersOf(live.status[name]))
      .filter(Boolean);
  const kept = primaries.filter(
    (primary) =>
      groupOf(primary).some((name) => !desired.discardDataOn.includes(name)) ||
      strangersIn(primary).length > 0,
  );
  if (kept.length === 1) {
    return primaries
      .filter((primary) => !kept.includes(primary))
      .flatMap(groupOf)
      .map((name) => stopping(name, `the group of ${kept[0]} is the one that stays`));
  }
  const groups = primaries.map((primary) => {
    const members = new Set([...groupOf(primary), ...strangersIn(primary)]);
    return `that of ${primary} (${[...members].join(", ")})`;
  });
  const remedy = "name all members of the one that is given up in discardDataOn";
  return [refusal(primaries.join(" and "), `there are two groups: ${groups.join(", ")}`, remedy)];
}

export function stopping(name: string, why: string): PlainStep {
  return {
    sentence: `${name}: leave the group that it is in, since ${why}`,
    warning: `${name}: refuses writes until it is in the group again`,
    task: { do: "stop", member: name },
  };
}

function planMember(name: string, leader: string, cluster: Cluster): PlainStep[] {
  const status = cluster.status[name];
  if (status === undefined || status.mysqld.state === "away") return [];
  if (!isRunning(status)) return [awaiting(name, status.mysqld)];
  const { membership } = status;
  const isIn = membership?.state === "ok" || membership?.state === "recovering";
  const entry = membership?.state === "ok" ? [] : planEntry(name, leader, cluster);
  const writes = planWrites(name, leader, status);
  if (!isIn) {
    // A member that enters is closed, and configured, by its entry.
    const isOffline = status.writes?.state === "offline";
    return [...entry, ...(isOffline ? [lettingClientsIn(name)] : [])];
  }
  return [...entry, ...writes, ...planSettings(name, status), ...planAddress(name, cluster)];
}

/** On the primary, or on the member that is about to be the first of a group. */
export function planAccount(
  member: string,
  on: "primary" | "closed",
  { live, desired }: Cluster,
): PlainStep[] {
  if (compare(live, desired, ["replicationAccount"]).length === 0) return [];
  const [old, now] = [live.replicationAccount, desired.replicationAccount];
  return [
    {
      sentence: `${member}: ${accountSentence(old, now, groupPrivileges)}`,
      task: { do: "set replication account", member, on },
    },
  ];
}

/**
 * What is done once all are in that can be: the planned switch, to whom the program says or away from a primary that is to
 * leave, and who leaves. A primary that nobody can follow yet stays for this round.
 */
export function planEnd(
  leader: string,
  steps: readonly PlainStep[],
  { live, desired, status }: Cluster,
): PlainStep[] {
  // One that is away and runs would go on as the primary, and no application is led to it any more.
  const isLeaving = desired.members[leader] === undefined || desired.away.includes(leader);
  const isIn = (name: string) =>
    status[name]?.membership?.state === "ok" ||
    steps.some(({ task }) => task.do === "join" && task.member === name);
  const successors = [desired.primary, ...Object.keys(desired.members)].filter(isIn);
  const target = desired.primary !== "" || isLeaving ? (successors[0] ?? leader) : leader;
  const isWish = desired.primary === "" || target === desired.primary || isLeaving;
  const isSwitched = target !== leader && isWish;
  const leaving = Object.keys(live.members).filter(
    (name) => desired.members[name] === undefined && (name !== leader || isSwitched),
  );
  return [
    ...(isSwitched ? [switching(leader, target)] : []),
    ...leaving.map((name) => planLeaving(name, live)),
  ];
}

function switching(leader: string, target: string): PlainStep {
  return {
    sentence: `${target}: make it the primary instead of ${leader} (MySQL refuses writes for less than a second; given up after 30 s where a transaction runs that long)`,
    warning: `${target} becomes the primary instead of ${leader}: no acknowledged write is lost, writes are refused for less than a second`,
    task: { do: "switch", member: target, from: leader },
  };
}

/** Of a member that is taken out. */
function planLeaving(name: string, live: Group): PlainStep {
  return isRunning(live.status?.[name]) || live.status?.[name] === undefined
    ? {
        sentence: `${name}: leave the group (it keeps its data and stays closed for writes)`,
        task: { do: "leave", member: name },
      }
    : {
        sentence: `${name}: take it out without telling it, since it does not answer`,
        warning: `${name} does not answer, and is taken out as it is`,
        task: { do: "forget", member: name },
      };
}
