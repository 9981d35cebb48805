/** What can be done to a cluster, in which order, and the steps that any member may need. */

import type { Step, StepText } from "../../kind";

export type Task =
  | { readonly do: "refuse" }
  | { readonly do: "await"; readonly member: string }
  | { readonly do: "close"; readonly member: string }
  | { readonly do: "let clients in"; readonly member: string }
  | { readonly do: "found"; readonly member: string }
  | { readonly do: "promote"; readonly member: string }
  | { readonly do: "set replication account"; readonly member: string }
  | { readonly do: "leave"; readonly member: string }
  | {
      readonly do: "forget";
      readonly member: string;
      readonly why: "it does not answer" | "it is away";
    }
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

export function opening(name: string): PlainStep {
  const sentence = `${name}: open for writes (super_read_only off)`;
  return { sentence, task: { do: "open", member: name } };
}

export function acknowledging(name: string): PlainStep {
  const sentence = `${name}: tell the primary what it has received (semi-synchronous)`;
  return { sentence, task: { do: "acknowledge", member: name } };
}

export function following(name: string, source: string, was = ""): PlainStep {
  const sentence = `${name}: follow ${source}${was}`;
  return { sentence, task: { do: "follow", member: name, source } };
}
