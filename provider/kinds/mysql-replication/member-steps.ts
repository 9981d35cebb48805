/** Steps that any member may need, be it the primary or a replica. */

import type { ReplicationStep } from "./action";
import { right, type Standing } from "./args";
import type { Cluster } from "./cluster";

export function refusal(name: string, reason: string, remedy: string): ReplicationStep {
  return {
    sentence: `${name}: refuse, since ${reason}`,
    warning: `${name}: ${reason}; nothing will be changed. To go on, ${remedy}`,
    action: { do: "refuse" },
  };
}

export function awaiting(name: string, { mysqld = "" }: Partial<Standing>): ReplicationStep {
  const sentence = mysqld.startsWith(`${right.mysqld}, `)
    ? `${name}: go on once mysqld is no longer ${mysqld}`
    : `${name}: see how it stands once mysqld answers`;
  return { sentence, action: { do: "await", member: name } };
}

export function awaitingClone(name: string): ReplicationStep {
  const sentence = `${name}: wait until the CLONE that is under way has ended`;
  return { sentence, action: { do: "await", member: name } };
}

/** Where a member is reached concerns those that follow it; who that is, the next read knows. */
export function planAddress(name: string, { live, wanted }: Cluster): ReplicationStep[] {
  const [old, now] = [live.members[name], wanted.members[name]];
  if (old === undefined || (old.address === now?.address && old.port === now?.port)) return [];
  const sentence = `${name}: reach it at ${now?.address}:${now?.port}`;
  return [{ sentence, action: { do: "await", member: name } }];
}
