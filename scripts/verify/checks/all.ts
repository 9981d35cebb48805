/** All checks of a stack: those that can run side by side, and those that want the stack for themselves. */
import type { Check } from "../check";
import type { Endpoints } from "../endpoints";
import { backupChecks } from "./backup";
import { certificateChecks } from "./certificate";
import { certificateRenewalChecks } from "./certificate-renewal";
import { dnsChecks } from "./dns";
import { edgeChecks } from "./edge";
import { failoverCheck } from "./failover";
import { firewallChecks } from "./firewall";
import { groupChecks } from "./group";
import { guestBookChecks } from "./guest-book";
import { hardeningChecks } from "./hardening";
import { hostServingChecks, takingPartChecks } from "./host-serving";
import { ipv6Checks } from "./ipv6";
import { listensChecks } from "./listens";
import { monitoringChecks } from "./monitoring";
import { replicationChecks } from "./replication";
import { balanceChecks, publicFileChecks, siteCheck } from "./serving";
import { unitChecks } from "./units";
import { virtualAddressChecks } from "./virtual-address";
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
  const { isGuestBook, database } = endpoints;
  // An entry of the book can be followed only where there is a database.
  const isWriting = changes === "allowed" && isGuestBook && database !== undefined;
  return {
    together: [
      ...unitChecks(endpoints),
      ...takingPartChecks(endpoints),
      ...hostServingChecks(endpoints),
      ...virtualAddressChecks(endpoints),
      ...ipv6Checks(endpoints),
      ...certificateChecks(endpoints),
      ...certificateRenewalChecks(endpoints),
      ...dnsChecks(endpoints),
      ...backupChecks(endpoints),
      ...monitoringChecks(endpoints),
      ...(isGuestBook
        ? guestBookChecks(endpoints)
        : [siteCheck(endpoints), ...publicFileChecks(endpoints)]),
      ...(isWriting ? [writeCheck(endpoints)] : []),
      ...replicationChecks(endpoints),
      ...groupChecks(endpoints),
      ...listensChecks(endpoints),
      ...firewallChecks(endpoints),
      ...hardeningChecks(endpoints),
      ...edgeChecks(endpoints),
    ],
    // The others' requests would take the turns that it counts.
    alone: [...balanceChecks(endpoints), ...(failover ? [failover] : [])],
  };
}
