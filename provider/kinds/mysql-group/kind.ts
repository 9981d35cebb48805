/** Group Replication over all members of a MySQL cluster: who is in the group, and who is its primary. */

import type { Kind } from "../../kind";
import { hostsOf } from "../mysql/members";
import { applyGroup } from "./apply";
import { check, type Group } from "./args";
import { diff } from "./diff";
import { plan } from "./plan";
import { readGroup } from "./read";
import type { GroupStep } from "./steps";

export const mysqlGroup: Kind<Group, GroupStep> = {
  type: "trilithon:index:MysqlGroup",
  check,
  id: ({ cluster }) => cluster,
  hosts: ({ members, away }) =>
    hostsOf(members).filter((_, index) => !away.includes(Object.keys(members)[index] ?? "")),
  read: readGroup,
  diff,
  plan,
  apply: applyGroup,
  remove: async () => {},
  leaves: ({ cluster, members }) => [
    `the data and the group of cluster ${cluster} on ${Object.keys(members).join(", ")}`,
  ],
  secretOutputs: ["replicationAccount.password"],
};
