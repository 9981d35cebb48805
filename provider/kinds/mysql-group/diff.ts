/** Where a group differs from what is desired. */

import { compare } from "../../difference";
import type { Difference } from "../../kind";
import { differencesOfMembers, differencesOfStatus } from "../mysql/differences";
import type { Group } from "./args";
import { aspects } from "./status";

export function diff(live: Group, desired: Group): Difference[] {
  return [
    ...differencesOfMembers(live, desired),
    ...differencesOfPrimary(live, desired),
    ...differencesOfStatus(live, desired, aspects),
    ...compare(live, desired, ["replicationAccount"]),
  ];
}

/** Without a wish, whoever is the primary is right, unless it is away: nobody is led to it then. */
function differencesOfPrimary(live: Group, desired: Group): Difference[] {
  if (desired.primary !== "") return compare(live, desired, ["primary"]);
  return desired.away.includes(live.primary) ? [{ path: ["primary"], kind: "update" }] : [];
}
