/** The members of a MySQL cluster: how each is reached, and how all are asked at the same time. */

import * as v from "valibot";
import { hostSchema, integerIn, textOf } from "../../check";
import { isMap } from "../../difference";
import { HostAway, HostKeyMismatch, HostUnreachable, ReadTimedOut } from "../../errors";
import type { Context, Host, Properties, Property } from "../../kind";
import * as values from "../../schema/values";
import type { Shell } from "../../ssh/shell";
import type { AskedAccount } from "./accounts";
import { type Answer, parseAnswer } from "./probe";

export interface Member {
  readonly host: Host;
  readonly address: string;
  readonly port: number;
}

export type Members = Readonly<Record<string, Member>>;

/** By member; a machine that cannot be reached stands among them as silent. */
export type Answers = Readonly<Record<string, Answer>>;

export const defaultPort = 3306;

export const memberName = textOf(values.hostName);

export const membersSchema = v.record(
  memberName,
  v.strictObject({
    host: hostSchema,
    address: textOf(values.sshAddress),
    port: v.optional(integerIn(values.port)),
  }),
);

export function withDefaultPorts(members: Property | undefined): Property | undefined {
  return eachOf(members, (member) => ({ port: defaultPort, ...member }));
}

/** Changes each item of a map, and leaves alone what a preview does not know. */
export function eachOf(
  value: Property | undefined,
  change: (item: Properties) => Properties,
): Property | undefined {
  if (!isMap(value)) return value;
  const items = Object.entries(value as Properties);
  return Object.fromEntries(
    items.map(([name, item]) => [name, isMap(item) ? change(item as Properties) : item]),
  );
}

export function hostsOf(members: unknown): readonly Host[] {
  if (!isMap(members)) return [];
  return Object.values(members).flatMap((member) =>
    // The engine hands a kind what its own check has let through.
    isMap(member) && isMap(member.host) ? [member.host as unknown as Host] : [],
  );
}

export function memberOf(name: string, members: Members): Member {
  const member = members[name];
  if (member === undefined) throw new Error(`${name} is no member of the cluster`);
  return member;
}

export interface MemberProbe {
  readonly doing: string;
  readonly script: Shell;
  /** The accounts that the script asks about, in its order. */
  readonly accounts: readonly AskedAccount[];
}

/** The member's machine is not there. Where another one answers at its address by now, it is no less gone. */
type Absent = HostUnreachable | HostKeyMismatch;

function isAbsent(answer: unknown): answer is Absent {
  return answer instanceof HostUnreachable || answer instanceof HostKeyMismatch;
}

/** Asks every member at the same time. Fails when none of the machines can be reached. */
export async function askMembers(
  members: Members,
  probe: MemberProbe,
  context: Context,
): Promise<Answers> {
  const asked = await Promise.all(
    Object.entries(members).map(
      async ([name, member]) => [name, await askMember(member, probe, context)] as const,
    ),
  );
  const silent = asked.flatMap(([, answer]) => (isAbsent(answer) ? [answer] : []));
  if (silent.length === asked.length) {
    // That a member is away is no news: the one to tell is why another does not answer.
    throw silent.find((error) => !(error instanceof HostAway)) ?? silent[0];
  }
  return Object.fromEntries(asked.map(([name, answer]) => [name, answered(answer)]));
}

export async function askMember(
  member: Member,
  { script, doing, accounts }: MemberProbe,
  context: Context,
): Promise<Answer | Absent> {
  try {
    const answer = await context.ask(member.host, script.text, doing);
    return parseAnswer(answer, accounts);
  } catch (error) {
    if (isAbsent(error)) return error;
    if (error instanceof ReadTimedOut) return { mysqld: "silent", reason: error.message };
    throw error;
  }
}

/** A machine that cannot be reached is as silent as a mysqld that does not run: the others are judged without it. */
export function answered(answer: Answer | Absent): Answer {
  return isAbsent(answer)
    ? {
        mysqld: "silent",
        reason: answer.message,
        isUnreachable: true,
        ...(answer instanceof HostAway && { isAway: true }),
      }
    : answer;
}

export interface MemberCommand {
  readonly member: Member;
  readonly name: string;
  readonly script: Shell;
  readonly doing: string;
  readonly secrets: readonly string[];
  /** Default 120: a statement waits for locks and for the acknowledgement of a replica. */
  readonly deadlineSeconds?: number | undefined;
}

export function runOn(
  { member, name, script, doing, secrets, deadlineSeconds = 120 }: MemberCommand,
  context: Context,
): Promise<string> {
  return context.run(member.host, {
    script: script.text,
    doing,
    deadlineSeconds,
    onProgress: (message) => context.progress(`${name}: ${message}`),
    secrets,
  });
}

/** A stack, a project or a resource that is renamed changes nothing about the data: the state names its cluster. */
export function withKnownCluster(inputs: Properties, olds: Properties): Properties {
  return { ...inputs, cluster: olds.cluster ?? inputs.cluster };
}
