/** What can be done to a cluster, in which order, and the steps that any member may need. */

import type { Step, StepText } from "../../kind";
import type { MysqldStatus } from "./status";

export type Task =
  | { readonly do: "refuse" }
  | { readonly do: "await"; readonly member: string }
  | { readonly do: "close"; readonly member: string }
  | { readonly do: "let clients in"; readonly member: string }
  | { readonly do: "found"; readonly member: string }
  | { readonly do: "promote"; readonly member: string }
  | { readonly do: "set replication account"; readonly member: string }
  | { readonly do: "leave"; readonly member: string }
  | { readonly do: "forget"; readonly member: string }
  | { readonly do: "pause"; readonly member: string }
  | { readonly do: "acknowledge"; readonly member: string }
  | {
      readonly do: "fill";
      readonly member: string;
      readonly from: string;
      readonly discards: "nothing" | "its data";
    }
  | { readonly do: "follow"; readonly member: string; readonly source: string }
  | { readonly do: "wait for replicas"; readonly member: string }
  | { readonly do: "open"; readonly member: string }
  | { readonly do: "hand over"; readonly member: string; readonly to: string };

export interface ReplicationStep extends Step {
  readonly task: Task;
}

/** A step before it says where it is done. */
export interface PlainStep extends StepText {
  readonly task: Task;
}

export function placed(step: PlainStep): ReplicationStep {
  const { task } = step;
  const isOnMember = "member" in task && task.member !== "";
  return { ...(isOnMember && { host: task.member }), action: task.do, ...step };
}

/**
 * The order in which things are done; what shares a line keeps its own. Nobody but the primary takes writes before
 * anything else happens, and it takes them only once it waits for replicas that are there.
 */
const order: readonly (readonly Task["do"][])[] = [
  ["refuse"],
  ["await"],
  ["close"],
  // Replicas are clients of the primary too.
  ["let clients in"],
  ["promote"],
  ["found"],
  ["set replication account"],
  ["acknowledge"],
  ["pause"],
  ["fill", "follow"],
  ["wait for replicas"],
  ["leave", "forget"],
  ["open"],
];

export function inOrder(steps: readonly PlainStep[]): PlainStep[] {
  const rank = ({ task }: PlainStep) => order.findIndex((group) => group.includes(task.do));
  return [...steps].sort((one, other) => rank(one) - rank(other));
}

export function isRefusal({ task }: PlainStep): boolean {
  return task.do === "refuse";
}

export function refusal(name: string, reason: string, remedy: string): PlainStep {
  return {
    sentence: `${name}: refuse, since ${reason}`,
    warning: `${name}: ${reason}; nothing will be changed. To go on, ${remedy}`,
    task: { do: "refuse" },
  };
}

export function awaiting(name: string, mysqld: MysqldStatus): PlainStep {
  const fault = faultOf(mysqld);
  const sentence =
    fault === undefined
      ? `${name}: look again once mysqld answers${silence(mysqld)}`
      : `${name}: go on once mysqld no longer runs ${fault}`;
  return { sentence, task: { do: "await", member: name } };
}

/** Why it is silent; that a machine cannot be reached is told for all that is on it. */
function silence(mysqld: MysqldStatus): string {
  return mysqld.state === "silent" && mysqld.isUnreachable !== true ? ` (${mysqld.reason})` : "";
}

function faultOf(mysqld: MysqldStatus): string | undefined {
  switch (mysqld.state) {
    case "duplicate":
      return `with the same ${mysqld.by} as ${mysqld.of}`;
    case "misconfigured":
      return `with ${mysqld.variable} ${mysqld.value}`;
    case "without plugins":
      return `without the plugins ${mysqld.plugins}`;
    default:
      return undefined;
  }
}

export function awaitingClone(name: string): PlainStep {
  const sentence = `${name}: wait until the CLONE that is under way has ended`;
  return { sentence, task: { do: "await", member: name } };
}

export function opening(name: string): PlainStep {
  const sentence = `${name}: open for writes (super_read_only off)`;
  return { sentence, task: { do: "open", member: name } };
}

export function lettingClientsIn(name: string): PlainStep {
  const sentence = `${name}: let clients connect again (offline_mode off)`;
  return { sentence, task: { do: "let clients in", member: name } };
}

export function acknowledging(name: string): PlainStep {
  const sentence = `${name}: tell the primary what it has received (semi-synchronous)`;
  return { sentence, task: { do: "acknowledge", member: name } };
}

export function following(name: string, source: string, was = ""): PlainStep {
  const sentence = `${name}: follow ${source}${was}`;
  return { sentence, task: { do: "follow", member: name, source } };
}
