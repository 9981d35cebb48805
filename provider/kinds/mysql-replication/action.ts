/** The things that are done to a cluster, and their sentences. */

import type { Step } from "../../kind";

export type Action =
  | { readonly do: "refuse" }
  | { readonly do: "await"; readonly member: string }
  | { readonly do: "close"; readonly member: string }
  | { readonly do: "found"; readonly member: string }
  | { readonly do: "promote"; readonly member: string }
  | { readonly do: "set replication account"; readonly member: string }
  | { readonly do: "leave"; readonly member: string }
  | { readonly do: "acknowledge"; readonly member: string; readonly as: "source" | "replica" }
  | {
      readonly do: "fill";
      readonly member: string;
      readonly from: string;
      readonly discards: "nothing" | "its data";
    }
  | { readonly do: "follow"; readonly member: string; readonly source: string }
  | { readonly do: "open"; readonly member: string }
  | { readonly do: "create database"; readonly member: string; readonly name: string }
  | { readonly do: "set account"; readonly member: string; readonly name: string }
  | { readonly do: "drop account"; readonly member: string; readonly name: string };

export interface ReplicationStep extends Step {
  readonly action: Action;
}

/**
 * The order in which things are done. Nobody but the primary takes writes before anything else happens, it takes them
 * only once it knows whom to wait for, and applications get their accounts when replicas follow.
 */
const order: readonly Action["do"][] = [
  "refuse",
  "await",
  "leave",
  "close",
  "promote",
  "found",
  "acknowledge",
  "open",
  "set replication account",
  "fill",
  "follow",
  "create database",
  "set account",
  "drop account",
];

export function inOrder(steps: readonly ReplicationStep[]): ReplicationStep[] {
  const rank = ({ action }: ReplicationStep) => order.indexOf(action.do);
  return [...steps].sort((one, other) => rank(one) - rank(other));
}
