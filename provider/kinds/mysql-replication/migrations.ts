/** What brings the states of older versions forward. */

import { isMap } from "../../difference";
import type { Migration, Properties } from "../../kind";

/** Version 0 held what the cluster holds as well, which is read anew, and its status as sentences. */
export const statusAsCodes: Migration = ({
  databases: _,
  accounts: __,
  topology,
  ...rest
}: Properties) => {
  if (!isMap(topology)) return rest;
  const members = Object.entries(topology).map(([name, said]) => [
    name,
    isMap(said) ? statusOf(said, rest.cluster) : {},
  ]);
  return { status: Object.fromEntries(members), ...rest };
};

/** A sentence other than that of a healthy member lasts until the next read. */
function statusOf(said: Readonly<Record<string, unknown>>, cluster: unknown): Properties {
  const { mysqld, ...aspects } = said;
  const healthy: Readonly<Record<string, readonly unknown[]>> = {
    data: [cluster],
    writes: ["on the primary only"],
    replication: ["in step"],
    // Off is right for a member that is alone.
    semiSynchronous: ["on", "off"],
  };
  const codes = Object.entries(aspects).map(([aspect, sentence]) => [
    aspect,
    { state: healthy[aspect]?.includes(sentence) ? "ok" : "unknown" },
  ]);
  return {
    mysqld: { state: mysqld === "running" ? "running" : "silent" },
    ...Object.fromEntries(codes),
  };
}
