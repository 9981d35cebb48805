/** Asks every member at the same time, and tells from the answers how the cluster is. */

import type { Context } from "../../kind";
import { parseGtidSet, subtract } from "../mysql/gtid";
import { type Answers, answered, askMember, askMembers, type MemberProbe } from "../mysql/members";
import { withNewNames } from "../mysql/new-names";
import { type Answer, type Facts, renderProbe } from "../mysql/probe";
import { askedAccounts, observedAccount } from "../mysql/replication-account";
import { rolesOf, runningFacts } from "../mysql/roles";
import type { Durability, Replication } from "./args";
import { isStrict, statusOf } from "./status";

export async function readReplication(
  recorded: Replication,
  context: Context,
  desired?: Replication,
): Promise<Replication | undefined> {
  const expected = desired === undefined ? recorded : withNewNames(recorded, desired);
  const probe = probeOf(expected);
  const answers = await askMembers(expected.members, probe, context);
  return observe(await withLatePrimary(answers, { expected, probe, context }), expected);
}

/** Answers `undefined` when there is no MySQL on any member. */
export function observe(answers: Answers, expected: Replication): Replication | undefined {
  if (Object.values(answers).every(({ mysqld }) => mysqld === "absent")) return undefined;
  const roles = rolesOf(answers, expected);
  const speaker = answers[roles.primary === "" ? expected.primary : roles.primary];
  return {
    ...expected,
    primary: roles.primary,
    lastKnownDurability: expected.lastKnownDurability ?? expected.durability,
    ...toldByPrimary(speaker, expected),
    status: statusOf(answers, roles, expected),
  };
}

/** What the replication account needs: to follow, and to be cloned from. */
export const replicationPrivileges = ["BACKUP_ADMIN", "REPLICATION SLAVE"];

/** The greatest timeout there is: 49 days. MySQL has no "for ever". */
export const foreverMilliseconds = 4294967295;

/** Where the primary is silent, its status says so, and the rest stands as last known. */
function toldByPrimary(answer: Answer | undefined, expected: Replication): Partial<Replication> {
  if (answer?.mysqld !== "running") return {};
  const account = expected.replicationAccount;
  const durability = durabilityOf(answer.facts, Object.keys(expected.members).length > 1);
  return {
    durability,
    lastKnownDurability: durability,
    replicationAccount: observedAccount(answer, account, replicationPrivileges),
  };
}

function durabilityOf(facts: Facts, hasReplicas: boolean): Durability {
  if (hasReplicas && !isStrict(facts)) return { carryOnAfterSeconds: 0 };
  const milliseconds = Number(facts.variables.rpl_semi_sync_source_timeout ?? 0);
  if (milliseconds === foreverMilliseconds) return "wait-for-replica";
  return { carryOnAfterSeconds: milliseconds / 1000 };
}

function probeOf({ cluster, replicationAccount }: Replication): MemberProbe {
  const accounts = askedAccounts(replicationAccount);
  const replicationPassword = replicationAccount.password;
  return {
    doing: `reading MySQL of cluster ${cluster}`,
    script: renderProbe({ accounts, replicationPassword }),
    accounts,
  };
}

interface Asking {
  readonly expected: Replication;
  readonly probe: MemberProbe;
  readonly context: Context;
}

/**
 * Under load a replica may have what the primary got only after it had answered. So where a replica has more of the
 * primary's own transactions than the primary said, the primary is asked again.
 */
async function withLatePrimary(
  answers: Answers,
  { expected, probe, context }: Asking,
): Promise<Answers> {
  const { primary } = rolesOf(answers, expected);
  const member = expected.members[primary];
  const answer = answers[primary];
  if (member === undefined || answer?.mysqld !== "running") return answers;
  const others = [...runningFacts(answers)].filter(([name]) => name !== primary);
  const isAhead = others.some(([, facts]) => isAheadOf(facts, answer.facts));
  if (!isAhead) return answers;
  return { ...answers, [primary]: answered(await askMember(member, probe, context)) };
}

function isAheadOf(facts: Facts, primary: Facts): boolean {
  if (facts.cluster !== primary.cluster) return false;
  const more = subtract(parseGtidSet(facts.gtidExecuted), parseGtidSet(primary.gtidExecuted));
  return more.has(primary.serverUuid.toLowerCase());
}
