/** What a pair (one primary and its replicas) is told, checked and with every default filled in. */

import * as v from "valibot";
import { failures, integerIn, text, textOf } from "../../check";
import { isMap } from "../../difference";
import type { Failure, Properties } from "../../kind";
import { isUnknown } from "../../protocol/values";
import * as values from "../../schema/values";
import {
  type Members,
  memberName,
  membersSchema,
  withDefaultPorts,
  withKnownCluster,
} from "../mysql/members";
import { accountHost, password } from "../mysql/names";
import { type ReplicationAccount, withSortedHosts } from "../mysql/replication-account";
import { desiredStatus, type MemberStatus } from "./status";

export type Durability = "wait-for-replica" | { readonly carryOnAfterSeconds: number };

export interface Replication {
  /** The marker that the members' data carry. Once a cluster is made it keeps its marker. */
  readonly cluster: string;
  readonly members: Members;
  /** In a read: who is the primary in truth; empty when nobody is. */
  readonly primary: string;
  /** In a read: what a commit waits for in truth; `carryOnAfterSeconds: 0` where it waits for nothing. */
  readonly durability: Durability;
  readonly replicationAccount: ReplicationAccount;
  /** On each member the path of what it trusts. Without it the primary's certificate is not verified. */
  readonly authority?: string;
  readonly discardDataOn: readonly string[];
  readonly status: Readonly<Record<string, MemberStatus>>;
  /** In a read: what a commit waited for when the primary was last seen. */
  readonly lastKnownDurability?: Durability;
}

const schema = v.strictObject({
  cluster: textOf(values.clusterName),
  members: membersSchema,
  primary: memberName,
  durability: v.union(
    [
      v.literal("wait-for-replica"),
      v.strictObject({
        carryOnAfterSeconds: v.union([integerIn(values.carryOnSeconds), v.custom(isUnknown)]),
      }),
    ],
    'expected "wait-for-replica" or { carryOnAfterSeconds: 1 to 86400 }',
  ),
  replicationAccount: v.strictObject({
    name: textOf(values.accountName),
    password,
    from: v.optional(v.array(accountHost)),
  }),
  authority: v.optional(text(/^(\/[A-Za-z0-9._-]+)+$/, "an absolute path")),
  discardDataOn: v.optional(v.array(memberName)),
  // Filled in by `check` itself, and handed back to it by the engine.
  status: v.optional(v.record(memberName, v.record(v.string(), v.looseObject({})))),
});

export function check(
  inputs: Properties,
  olds: Properties = {},
): { args: Properties; failures: Failure[] } {
  const kept = withKnownCluster(inputs, olds);
  return {
    args: {
      ...kept,
      members: withDefaultPorts(inputs.members),
      replicationAccount: withSortedHosts(inputs.replicationAccount),
      discardDataOn: inputs.discardDataOn ?? [],
      status: isMap(inputs.members) ? desiredStatus(Object.keys(inputs.members)) : inputs.members,
    },
    failures: [...failures(schema, kept), ...contradictions(inputs)],
  };
}

function contradictions(inputs: Properties): Failure[] {
  const { members, primary, durability, discardDataOn } = inputs;
  if (!isMap(members)) return [];
  const names = Object.keys(members);
  const known = `one of ${names.join(", ")}`;
  const faults: Failure[] = [];
  if (typeof primary === "string" && !isUnknown(primary) && !names.includes(primary)) {
    faults.push({ property: "primary", reason: `expected ${known}, got "${primary}"` });
  }
  if (durability === "wait-for-replica" && names.length < 2) {
    const reason = "expected two members or more to wait for a replica, got one";
    faults.push({ property: "durability", reason });
  }
  for (const name of Array.isArray(discardDataOn) ? discardDataOn : []) {
    if (isUnknown(name) || names.includes(name)) continue;
    faults.push({ property: "discardDataOn", reason: `expected ${known}, got "${name}"` });
  }
  return faults;
}
