/** Runs a script on one member; no password of the cluster is shown in what it says. */

import type { Context } from "../../kind";
import type { Shell } from "../../ssh/shell";
import type { Member, Replication } from "./args";

/** What all that is done in one round has in common: the cluster as last seen, and as wanted. */
export interface Setting {
  readonly live: Replication | undefined;
  readonly wanted: Replication;
  readonly context: Context;
}

/** A statement waits for locks and for the acknowledgement of a replica. */
const statementSeconds = 120;

interface Run {
  readonly member: Member;
  readonly name: string;
  readonly script: Shell;
  readonly deadlineSeconds?: number | undefined;
}

export function runOn(
  { member, name, script, deadlineSeconds = statementSeconds }: Run,
  { wanted, context }: Setting,
): Promise<string> {
  const { replicationAccount, accounts, cluster } = wanted;
  const passwords = Object.values(accounts).map(({ password }) => password);
  return context.run(member.host, {
    script: script.text,
    doing: `setting up MySQL of cluster ${cluster}`,
    deadlineSeconds,
    onProgress: (message) => context.progress(`${name}: ${message}`),
    secrets: [replicationAccount.password, ...passwords],
  });
}

export function memberOf(name: string, { members }: Replication): Member {
  const member = members[name];
  if (member === undefined) throw new Error(`${name} is no member of the cluster`);
  return member;
}
