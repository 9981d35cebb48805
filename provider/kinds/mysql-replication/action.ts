/** The things that are done to a cluster, and their sentences. */

import type { StepText } from "../../kind";

export type Action =
  | { readonly do: "refuse" }
  | { readonly do: "await"; readonly member: string }
  | { readonly do: "close"; readonly member: string }
  | { readonly do: "found"; readonly member: string }
  | { readonly do: "promote"; readonly member: string }
  | { readonly do: "set replication account"; readonly member: string }
  | { readonly do: "leave"; readonly member: string }
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
  | { readonly do: "create database"; readonly member: string; readonly name: string }
  | { readonly do: "set account"; readonly member: string; readonly name: string }
  | { readonly do: "drop account"; readonly member: string; readonly name: string };

export interface ReplicationStep extends StepText {
  readonly action: Action;
}

/**
 * The order in which things are done; what shares a line keeps its own. Nobody but the primary takes writes before
 * anything else happens, it takes them only once it waits for replicas that are there, and applications get their
 * accounts last.
 */
const order: readonly (readonly Action["do"][])[] = [
  ["refuse"],
  ["await"],
  ["close"],
  ["promote"],
  ["found"],
  ["set replication account"],
  ["acknowledge"],
  ["pause"],
  ["fill", "follow"],
  ["wait for replicas"],
  ["leave"],
  ["open"],
  ["create database"],
  ["set account"],
  ["drop account"],
];

export function inOrder(steps: readonly ReplicationStep[]): ReplicationStep[] {
  const rank = ({ action }: ReplicationStep) =>
    order.findIndex((group) => group.includes(action.do));
  return [...steps].sort((one, other) => rank(one) - rank(other));
}
