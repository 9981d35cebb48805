/** Replication over all members of a MySQL cluster: who is the primary, who follows, and whether that is in effect. */

import type { Kind } from "../../kind";
import { hostsOf } from "../mysql/members";
import { applyReplication } from "./apply";
import { check, type Replication } from "./args";
import { diff } from "./diff";
import { statusAsCodes } from "./migrations";
import { plan } from "./plan";
import { readReplication } from "./read";
import type { ReplicationStep } from "./steps";

export const mysqlReplication: Kind<Replication, ReplicationStep> = {
  type: "trilithon:index:MysqlReplication",
  check,
  id: ({ cluster }) => cluster,
  hosts: ({ members }) => hostsOf(members),
  read: readReplication,
  diff,
  plan,
  apply: applyReplication,
  remove: async () => {},
  leaves: ({ cluster, members }) => [
    `the data and replication of cluster ${cluster} on ${Object.keys(members).join(", ")}`,
  ],
  secretOutputs: ["replicationAccount.password"],
  migrations: [statusAsCodes],
};
