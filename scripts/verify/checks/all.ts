/** All checks of a stack: those that can run side by side, and those that want the stack for themselves. */
import type { Check } from "../check";
import type { Endpoints } from "../endpoints";
import { failoverCheck } from "./failover";
import { hostServingChecks } from "./host-serving";
import { replicationChecks } from "./replication";
import { balanceCheck, pageCheck, staticFileCheck } from "./serving";
import { unitChecks } from "./units";
import { writeCheck } from "./write";

export interface Checks {
  readonly together: readonly Check[];
  readonly alone: readonly Check[];
}

export function listChecks(
  endpoints: Endpoints,
  { changes }: { readonly changes: "allowed" | "none" },
): Checks {
  const failover = changes === "allowed" ? failoverCheck(endpoints) : undefined;
  return {
    together: [
      ...unitChecks(endpoints),
      ...hostServingChecks(endpoints),
      pageCheck(endpoints),
      staticFileCheck(endpoints),
      // An entry of the book can be followed only where there is a database.
      ...(changes === "allowed" && endpoints.database !== undefined ? [writeCheck(endpoints)] : []),
      ...replicationChecks(endpoints),
    ],
    // The others' requests would take the turns that it counts.
    alone: [balanceCheck(endpoints), ...(failover ? [failover] : [])],
  };
}
