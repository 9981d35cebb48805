/** What can be done to a group, and in which order. */

import type { Step, StepText } from "../../kind";

export type Task =
  | { readonly do: "refuse" }
  /** Nothing on any member. */
  | { readonly do: "note" }
  | { readonly do: "await"; readonly member: string }
  /** Until the group has put out whom it counts and does not reach. */
  | { readonly do: "await expulsion"; readonly member: string }
  | { readonly do: "close"; readonly member: string }
  | { readonly do: "stop"; readonly member: string }
  | { readonly do: "stop following"; readonly member: string }
  | { readonly do: "found"; readonly member: string }
  | {
      readonly do: "set replication account";
      readonly member: string;
      /** Whether it is the primary of a group; one that is about to be is closed. */
      readonly on: "primary" | "closed";
    }
  | { readonly do: "bootstrap"; readonly member: string }
  | { readonly do: "configure"; readonly member: string }
  | {
      readonly do: "fill";
      readonly member: string;
      readonly from: string;
      readonly discards: "nothing" | "its data";
    }
  | {
      readonly do: "join";
      readonly member: string;
      readonly through: string;
      /** One that was just filled starts, and then joins by itself. */
      readonly after: "fill" | "nothing";
    }
  | { readonly do: "let clients in"; readonly member: string }
  | { readonly do: "open"; readonly member: string }
  | { readonly do: "switch"; readonly member: string; readonly from: string }
  | { readonly do: "leave"; readonly member: string }
  | { readonly do: "forget"; readonly member: string };

export interface GroupStep extends Step {
  readonly task: Task;
}

/** A step before it says where it is done. */
export interface PlainStep extends StepText {
  readonly task: Task;
}

export function placed(step: PlainStep): GroupStep {
  const { task } = step;
  const isOnMember = "member" in task && task.member !== "";
  return { ...(isOnMember && { host: task.member }), action: task.do, ...step };
}

/**
 * The order in which things are done; what shares a line keeps its own. Nobody takes writes any more before one is made
 * the first of a group, and a member leaves once all others are in.
 */
const order: readonly (readonly Task["do"][])[] = [
  ["refuse"],
  ["note"],
  ["await"],
  ["await expulsion"],
  ["close"],
  ["stop"],
  ["stop following"],
  ["found"],
  ["set replication account"],
  ["bootstrap"],
  ["configure"],
  ["fill", "join"],
  ["let clients in"],
  ["open"],
  ["switch"],
  ["leave", "forget"],
];

export function inOrder(steps: readonly PlainStep[]): PlainStep[] {
  const rank = ({ task }: PlainStep) => order.findIndex((group) => group.includes(task.do));
  return [...steps].sort((one, other) => rank(one) - rank(other));
}
