/** Asks every member at the same time, and tells from the answers how the cluster stands. */

import { HostUnreachable } from "../../errors";
import type { Context } from "../../kind";
import type { Member, Replication } from "./args";
import type { Facts } from "./facts";
import { parseGtidSet, subtract } from "./gtid";
import { type Answer, parseAnswer, renderQuestion } from "./question";
import { type Answers, rolesOf, runningFacts } from "./roles";
import { standingsOf } from "./standing";

export async function readReplication(
  expected: Replication,
  context: Context,
): Promise<Replication | undefined> {
  const members = Object.entries(expected.members);
  const asked = await Promise.all(
    members.map(
      async ([name, member]) => [name, await askMember(member, expected, context)] as const,
    ),
  );
  const [, first] = asked[0] ?? [];
  if (asked.every(([, answer]) => answer instanceof HostUnreachable)) throw first;
  const answers = Object.fromEntries(asked.map(([name, answer]) => [name, answered(answer)]));
  return standingsOf(await withLatePrimary(answers, expected, context), expected);
}

/** A machine that cannot be reached is as silent as a mysqld that does not run: the others are judged without it. */
function answered(answer: Answer | HostUnreachable): Answer {
  return answer instanceof HostUnreachable ? { mysqld: "silent", reason: answer.message } : answer;
}

async function askMember(
  member: Member,
  expected: Replication,
  context: Context,
): Promise<Answer | HostUnreachable> {
  const question = renderQuestion(expected, member).text;
  const doing = `reading MySQL of cluster ${expected.cluster}`;
  try {
    return parseAnswer(await context.ask(member.host, question, doing), expected);
  } catch (error) {
    if (error instanceof HostUnreachable) return error;
    throw error;
  }
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
  if (!isAhead) return answers;
  return { ...answers, [primary]: answered(await askMember(member, expected, context)) };
}

function isAheadOf(facts: Facts, primary: Facts): boolean {
  if (facts.cluster !== primary.cluster) return false;
  const more = subtract(parseGtidSet(facts.gtidExecuted), parseGtidSet(primary.gtidExecuted));
  return more.has(primary.serverUuid.toLowerCase());
}
