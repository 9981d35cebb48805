/** Replication over all members of a MySQL cluster. */

import { isMap } from "../../difference";
import type { Host, Kind } from "../../kind";
import type { ReplicationStep } from "./action";
import { applyReplication } from "./apply";
import { check, type Replication } from "./args";
import { diff } from "./difference";
import { plan } from "./plan";
import { readReplication } from "./read";

export const mysqlReplication: Kind<Replication, ReplicationStep> = {
  type: "trilithon:index:MysqlReplication",
  check,
  id: ({ cluster }) => cluster,
  hosts,
  read: readReplication,
  diff,
  plan,
  apply: applyReplication,
  remove: async () => {},
  leaves: ({ cluster, members }) => [
    `the data, accounts and replication of cluster ${cluster} on ${Object.keys(members).join(", ")}`,
  ],
  secretOutputs: ["replicationAccount.password"],
};

function hosts({ members }: Replication): readonly Host[] {
  if (!isMap(members)) return [];
  return Object.values(members).flatMap((member) =>
    isMap(member) && isMap(member.host) ? [member.host] : [],
  );
}
