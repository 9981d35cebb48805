/** Where the cluster differs from what is desired. */

import { compare } from "../../difference";
import type { Difference } from "../../kind";
import { differencesOfMembers, differencesOfStatus } from "../mysql/differences";
import type { Replication } from "./args";
import { aspects } from "./status";

export function diff(live: Replication, desired: Replication): Difference[] {
  return [
    ...differencesOfMembers(live, desired),
    ...compare(live, desired, ["primary"]),
    ...differencesOfStatus(live, desired, aspects),
    ...compare(live, desired, ["durability", "replicationAccount"]),
  ];
}
