/** Where the members of a cluster, and their status, differ from what is desired. */

import { differences, isMap } from "../../difference";
import type { Difference } from "../../kind";
import type { Members } from "./members";

interface Cluster {
  readonly members: Members;
  /** Of each member: aspect to its state. */
  readonly status: Readonly<Record<string, object>>;
}

/** Of a member only its instance and where the others reach it count. */
export function differencesOfMembers(live: Cluster, desired: Cluster): Difference[] {
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
export function differencesOfStatus(
  live: Cluster,
  desired: Cluster,
  aspects: readonly string[],
): Difference[] {
  if (!isMap(desired.status)) return [{ path: ["status"], kind: "update" }];
  return Object.entries(desired.status).flatMap(([name, then]) => {
    const now = live.status?.[name];
    const path = ["status", name];
    if (now === undefined || !isMap(then)) return [{ path, kind: "add" }];
    const seen = stateOf(now, "mysqld") === "running" ? aspects : ["mysqld"];
    return seen.flatMap((aspect): Difference[] =>
      stateOf(now, aspect) === stateOf(then, aspect)
        ? []
        : [{ path: [...path, aspect], kind: "update" }],
    );
  });
}

function stateOf(status: object, aspect: string): unknown {
  const found: unknown = Reflect.get(status, aspect);
  return isMap(found) ? found.state : undefined;
}
