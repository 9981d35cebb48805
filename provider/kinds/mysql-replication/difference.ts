/** Where the cluster differs from what is wanted. */

import { compare, differences, isMap } from "../../difference";
import type { Difference } from "../../kind";
import type { Replication } from "./args";
import { right } from "./args";

/**
 * Who is the primary is no difference, nor are databases that nobody wants any more: they are never dropped.
 * Of a member only its life and where the others reach it count.
 */
export function diff(live: Replication, wanted: Replication): Difference[] {
  return [
    ...replaced(live, wanted),
    ...differencesOfMembers(live, wanted),
    ...differencesOfTopology(live, wanted),
    ...compare(live, wanted, ["durability", "replicationAccount"]),
    ...differencesOfDatabases(live, wanted),
    ...compare(live, wanted, ["accounts"]),
  ];
}

function replaced(live: Replication, wanted: Replication): Difference[] {
  if (live.cluster === wanted.cluster) return [];
  return [{ path: ["cluster"], kind: "update", replace: true }];
}

function differencesOfMembers(live: Replication, wanted: Replication): Difference[] {
  if (!isMap(wanted.members)) return [{ path: ["members"], kind: "update" }];
  const names = new Set([...Object.keys(wanted.members), ...Object.keys(live.members)]);
  return [...names].flatMap((name): Difference[] => {
    const path = ["members", name];
    const [old, now] = [live.members[name], wanted.members[name]];
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
function differencesOfTopology(live: Replication, wanted: Replication): Difference[] {
  if (!isMap(wanted.topology)) return [];
  return Object.entries(wanted.topology).flatMap(([name, then]) => {
    const now = live.topology[name];
    const path = ["topology", name];
    if (now === undefined || !isMap(then)) return [{ path, kind: "add" }];
    const isRunning = now.mysqld === right.mysqld;
    return compare(now, then, isRunning ? Object.keys(then) : ["mysqld"]).map((one) => ({
      ...one,
      path: [...path, ...one.path],
    }));
  });
}

function differencesOfDatabases(live: Replication, wanted: Replication): Difference[] {
  const path = ["databases"];
  if (!Array.isArray(wanted.databases)) return [{ path, kind: "update" }];
  const isThere = (name: string) => live.databases.includes(name);
  return wanted.databases.every(isThere) ? [] : [{ path, kind: "update" }];
}
