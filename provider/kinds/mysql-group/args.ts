/** What a group is told, checked and with every default filled in. */

import * as v from "valibot";
import { failures, textOf } from "../../check";
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

export interface Group {
  /** The marker that the members' data carry. Once a cluster is made it keeps its marker. */
  readonly cluster: string;
  readonly members: Members;
  /**
   * Who is to be the primary; empty: whoever is stays it. In a read: who it is in truth; empty when nobody is, or when
   * several are.
   */
  readonly primary: string;
  readonly replicationAccount: ReplicationAccount;
  readonly discardDataOn: readonly string[];
  /** Members of which nothing is asked. */
  readonly away: readonly string[];
  readonly status: Readonly<Record<string, MemberStatus>>;
  /** In a read, where nobody forms a group: who has all that any member has; empty where nobody has. */
  readonly fullest?: string;
}

/** MySQL's limit. */
const membersAtMost = 9;

const schema = v.strictObject({
  cluster: textOf(values.clusterName),
  members: membersSchema,
  primary: v.optional(memberName),
  replicationAccount: v.strictObject({
    name: textOf(values.accountName),
    password,
    from: v.optional(v.array(accountHost)),
  }),
  discardDataOn: v.optional(v.array(memberName)),
  away: v.optional(v.array(memberName)),
  // Filled in by `check` itself, and handed back to it by the engine.
  status: v.optional(v.record(memberName, v.record(v.string(), v.looseObject({})))),
});

export function check(
  inputs: Properties,
  olds: Properties = {},
): { args: Properties; failures: Failure[] } {
  const { primary, ...rest } = withKnownCluster(inputs, olds);
  const given = primary === "" ? rest : { ...rest, ...(primary !== undefined && { primary }) };
  const { members, away = [] } = inputs;
  return {
    args: {
      ...rest,
      members: withDefaultPorts(members),
      replicationAccount: withSortedHosts(inputs.replicationAccount),
      primary: primary ?? "",
      discardDataOn: inputs.discardDataOn ?? [],
      away,
      status:
        isMap(members) && Array.isArray(away)
          ? desiredStatus(Object.keys(members), away.map(String))
          : members,
    },
    failures: [...failures(schema, given), ...contradictions(inputs)],
  };
}

function contradictions({ members, primary, discardDataOn, away }: Properties): Failure[] {
  if (!isMap(members)) return [];
  const names = Object.keys(members);
  const isAway = (name: string) => Array.isArray(away) && away.includes(name);
  const known = `one of ${names.join(", ")}`;
  const faults: Failure[] = [];
  if (names.length > membersAtMost) {
    const reason = `expected ${membersAtMost} members at most, got ${names.length}`;
    faults.push({ property: "members", reason });
  }
  if (names.length > 0 && names.every(isAway)) {
    faults.push({ property: "away", reason: "expected one member or more that is not away" });
  }
  if (typeof primary === "string" && primary !== "" && !isUnknown(primary)) {
    if (!names.includes(primary)) {
      faults.push({ property: "primary", reason: `expected ${known}, got "${primary}"` });
    } else if (isAway(primary)) {
      const reason = `expected a member that is not away, got "${primary}"`;
      faults.push({ property: "primary", reason });
    }
  }
  for (const [property, list] of Object.entries({ discardDataOn, away })) {
    for (const name of Array.isArray(list) ? list : []) {
      if (isUnknown(name) || names.includes(String(name))) continue;
      faults.push({ property, reason: `expected ${known}, got "${name}"` });
    }
  }
  return faults;
}
