/** Asks every member at the same time, and tells from the answers how the cluster stands. */

import type { Context } from "../../kind";
import type { Member, Replication } from "./args";
import { parseGtidSet, subtract } from "./gtid";
import { type Answer, type Facts, parseAnswer, renderQuestion } from "./question";
import { type Answers, rolesOf, runningFacts } from "./roles";
import { standingsOf } from "./standing";

export async function readReplication(
  expected: Replication,
  context: Context,
): Promise<Replication | undefined> {
  const members = Object.entries(expected.members);
  const answers = await Promise.all(
    members.map(
      async ([name, member]) => [name, await askMember(member, expected, context)] as const,
    ),
  );
  const all = Object.fromEntries(answers);
  return standingsOf(await withLatePrimary(all, expected, context), expected);
}

async function askMember(member: Member, expected: Replication, context: Context): Promise<Answer> {
  const question = renderQuestion(expected, member).text;
  const doing = `reading MySQL of cluster ${expected.cluster}`;
  return parseAnswer(await context.ask(member.host, question, doing), expected);
}

/**
 * Under load a replica may have what the primary got only after it had answered. So where a replica has more of the
 * primary's own transactions than the primary said, the primary is asked again.
 */
async function withLatePrimary(
  answers: Answers,
  expected: Replication,
  context: Context,
): Promise<Answers> {
  const { primary } = rolesOf(answers, expected);
  const member = expected.members[primary];
  const answer = answers[primary];
  if (member === undefined || answer?.mysqld !== "running") return answers;
  const others = [...runningFacts(answers)].filter(([name]) => name !== primary);
  const isAhead = others.some(([, facts]) => isAheadOf(facts, answer.facts));
  return isAhead ? { ...answers, [primary]: await askMember(member, expected, context) } : answers;
}

function isAheadOf(facts: Facts, primary: Facts): boolean {
  if (facts.cluster !== primary.cluster) return false;
  const more = subtract(parseGtidSet(facts.gtidExecuted), parseGtidSet(primary.gtidExecuted));
  return more.has(primary.serverUuid.toLowerCase());
}
