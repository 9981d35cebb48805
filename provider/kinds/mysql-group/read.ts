/** Asks every member at the same time, and tells from the answers how the group is. */

import { isMap } from "../../difference";
import type { Context } from "../../kind";
import { hasUnknown } from "../../protocol/values";
import { type Answers, askMembers, type MemberProbe, type Members } from "../mysql/members";
import { withNewNames } from "../mysql/new-names";
import { renderProbe } from "../mysql/probe";
import { askedAccounts, observedAccount } from "../mysql/replication-account";
import type { Group } from "./args";
import { statusOf } from "./status";
import { topologyOf } from "./topology";

export async function readGroup(
  recorded: Group,
  context: Context,
  desired?: Group,
): Promise<Group | undefined> {
  const expected = desired === undefined ? recorded : expectedOf(recorded, desired);
  const all = { ...newMembers(expected, desired), ...expected.members };
  return seenFrom(await ask({ ...expected, members: all }, context), expected, all);
}

/** Members that the state does not know yet are asked as well, where they can be: they may be in a group of their own. */
function newMembers({ members }: Group, desired: Group | undefined): Members {
  if (desired === undefined || !isMap(desired.members)) return {};
  const added = Object.entries(desired.members).filter(
    ([name, member]) => members[name] === undefined && isMap(member) && !hasUnknown(member),
  );
  return Object.fromEntries(added);
}

/** The members are those of the state; the status is of all that were asked. */
export function seenFrom(answers: Answers, expected: Group, members: Members): Group | undefined {
  const live = observe(answers, { ...expected, members });
  return live && { ...live, members: expected.members };
}

function ask(expected: Group, context: Context): Promise<Answers> {
  const { cluster, replicationAccount, members, away } = expected;
  const accounts = askedAccounts(replicationAccount);
  const probe: MemberProbe = {
    doing: `reading MySQL of cluster ${cluster}`,
    script: renderProbe({
      accounts,
      replicationPassword: replicationAccount.password,
      topology: "group",
    }),
    accounts,
  };
  const asked = Object.entries(members).filter(([name]) => !away.includes(name));
  return askMembers(Object.fromEntries(asked), probe, context);
}

/** Who is away, and whose data is given up, is what the program says now. */
function expectedOf(recorded: Group, desired: Group): Group {
  const { away, discardDataOn } = desired;
  return { ...withNewNames(recorded, desired), ...{ away, discardDataOn } };
}

/** Answers `undefined` when there is no MySQL on any member. */
export function observe(answers: Answers, expected: Group): Group | undefined {
  if (Object.values(answers).every(({ mysqld }) => mysqld === "absent")) return undefined;
  const topology = topologyOf(answers, expected);
  const { primaries, fullest } = topology;
  const primary = primaries.length === 1 ? (primaries[0] ?? "") : "";
  const isBegun = topology.transactions !== undefined || topology.candidates.length > 0;
  return {
    ...expected,
    primary,
    replicationAccount: isBegun
      ? accountOf(answers, primary || fullest, expected)
      : { name: "", password: "" },
    status: statusOf(answers, topology, expected),
    fullest,
  };
}

/** To be cloned from, to be connected to whatever the limits are, to form a group, and to send the binary log. */
export const groupPrivileges = [
  ...["BACKUP_ADMIN", "CONNECTION_ADMIN"],
  ...["GROUP_REPLICATION_STREAM", "REPLICATION SLAVE"],
];

/** Where nobody can tell, it stands as last known. */
function accountOf(
  answers: Answers,
  speaker: string,
  { replicationAccount }: Group,
): Group["replicationAccount"] {
  const answer = answers[speaker];
  if (answer?.mysqld !== "running") return replicationAccount;
  return observedAccount(answer, replicationAccount, groupPrivileges);
}
