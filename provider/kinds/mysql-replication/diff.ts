/** Where the cluster differs from what is desired. */

import { compare, isMap } from "../../difference";
import type { Difference } from "../../kind";
import { differencesOfMembers, differencesOfStatus } from "../mysql/differences";
import type { Replication } from "./args";
import { isRunning } from "./cluster";
import { aspects, lacksVerification } from "./status";

export function diff(live: Replication, desired: Replication): Difference[] {
  return [
    ...differencesOfMembers(live, desired),
    ...compare(live, desired, ["primary"]),
    ...differencesOfStatus(live, desired, aspects),
    ...differencesOfVerification(live, desired),
    ...compare(live, desired, ["durability", "replicationAccount"]),
  ];
}

function differencesOfVerification(live: Replication, desired: Replication): Difference[] {
  if (!isMap(desired.members)) return [];
  return Object.keys(desired.members)
    .filter((name) => isRunning(live.status?.[name]) && lacksVerification(name, live, desired))
    .map((name) => ({ path: ["status", name, "replication", "authority"], kind: "update" }));
}
