/** Where a group differs from what is desired. */

import { compare } from "../../difference";
import type { Difference } from "../../kind";
import { differencesOfMembers, differencesOfStatus } from "../mysql/differences";
import type { Group } from "./args";
import { aspects } from "./status";

export function diff(live: Group, desired: Group): Difference[] {
  return [
    ...differencesOfMembers(live, desired),
    // Without a wish, whoever is the primary is right.
    ...(desired.primary === "" ? [] : compare(live, desired, ["primary"])),
    ...differencesOfStatus(live, desired, aspects),
    ...compare(live, desired, ["replicationAccount"]),
  ];
}
