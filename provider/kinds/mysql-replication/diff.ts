/** Where the cluster differs from what is desired. */

import { compare, differences, isMap } from "../../difference";
import type { Difference } from "../../kind";
import type { Replication } from "./args";
import { aspects } from "./status";

/** Of a member only its instance and where the others reach it count. */
export function diff(live: Replication, desired: Replication): Difference[] {
  return [
    ...differencesOfMembers(live, desired),
    ...compare(live, desired, ["primary"]),
    ...differencesOfStatus(live, desired),
    ...compare(live, desired, ["durability", "replicationAccount"]),
  ];
}

function differencesOfMembers(live: Replication, desired: Replication): Difference[] {
  if (!isMap(desired.members)) return [{ path: ["members"], kind: "update" }];
  const names = new Set([...Object.keys(desired.members), ...Object.keys(live.members)]);
  return [...names].flatMap((name): Difference[] => {
    const path = ["members", name];
    const [old, now] = [live.members[name], desired.members[name]];
    if (old === undefined) return [{ path, kind: "add" }];
    if (now === undefined) return [{ path, kind: "delete" }];
    return [
      ...differences([...path, "host", "instance"], old.host?.instance, now.host?.instance),
      ...differences([...path, "address"], old.address, now.address),
      ...differences([...path, "port"], old.port, now.port),
    ];
  });
}

/** Of a member that does not run, that alone. Of one that left, nothing: `members` says it. */
function differencesOfStatus(live: Replication, desired: Replication): Difference[] {
  if (!isMap(desired.status)) return [{ path: ["status"], kind: "update" }];
  return Object.entries(desired.status).flatMap(([name, then]) => {
    const now = live.status?.[name];
    const path = ["status", name];
    if (now === undefined || !isMap(then)) return [{ path, kind: "add" }];
    const seen = now.mysqld?.state === "running" ? aspects : (["mysqld"] as const);
    return seen.flatMap((aspect): Difference[] =>
      now[aspect]?.state === then[aspect]?.state
        ? []
        : [{ path: [...path, aspect], kind: "update" }],
    );
  });
}
