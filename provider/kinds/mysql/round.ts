/** What all topologies have in common when they carry steps out, round after round. */

import { Refused } from "../../errors";
import type { Context, Step } from "../../kind";
import type { Shell } from "../../ssh/shell";
import { type Member, type Members, memberOf, runOn } from "./members";
import { isRefusal } from "./steps";

interface Cluster {
  readonly cluster: string;
  readonly members: Members;
  readonly replicationAccount: { readonly password: string };
}

/** The cluster as last seen, and as desired. */
export interface Round<Topology extends Cluster = Cluster> {
  readonly live: Topology | undefined;
  readonly desired: Topology;
  readonly context: Context;
}

export function refuse(
  steps: readonly (Step & { readonly task: { readonly do: string } })[],
): void {
  const refusals = steps.filter(isRefusal);
  if (refusals.length > 0) throw new Refused(refusals);
}

/** Runs a script on a member; the account's password shows nowhere. */
export function runMember(
  name: string,
  script: Shell,
  round: Round,
  deadlineSeconds?: number,
): Promise<string> {
  const { desired, context } = round;
  const command = {
    member: knownMember(name, round),
    name,
    script,
    doing: `setting up MySQL of cluster ${desired.cluster}`,
    secrets: [desired.replicationAccount.password],
    deadlineSeconds,
  };
  return runOn(command, context);
}

/** A member that is to leave is known to the state alone. */
export function knownMember(name: string, { live, desired }: Round): Member {
  return memberOf(name, { ...live?.members, ...desired.members });
}
