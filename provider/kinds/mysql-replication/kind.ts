/** Replication over all members of a MySQL cluster. */

import { isMap } from "../../difference";
import type { Host, Kind, Step } from "../../kind";
import type { ReplicationStep } from "./action";
import { applyReplication } from "./apply";
import { check, type Replication } from "./args";
import { diff } from "./difference";
import { plan } from "./plan";
import { readReplication } from "./read";

interface PlannedReplicationStep extends Step {
  readonly step: ReplicationStep;
}

export const mysqlReplication: Kind<Replication, PlannedReplicationStep> = {
  type: "trilithon:index:MysqlReplication",
  check,
  id: ({ cluster }) => cluster,
  hosts,
  read: readReplication,
  diff,
  plan: (live, wanted) => plan(live, wanted).map(withPlace),
  apply: (steps, ...rest) =>
    applyReplication(
      steps.map(({ step }) => step),
      ...rest,
    ),
  remove: async () => {},
  leaves: ({ cluster, members }) => [
    `the data, accounts and replication of cluster ${cluster} on ${Object.keys(members).join(", ")}`,
  ],
  secretOutputs: ["replicationAccount.password"],
};

function withPlace(step: ReplicationStep): PlannedReplicationStep {
  const { action, ...text } = step;
  const isOnMember = "member" in action && action.member !== "";
  return { ...(isOnMember && { host: action.member }), action: action.do, ...text, step };
}

function hosts({ members }: Replication): readonly Host[] {
  if (!isMap(members)) return [];
  return Object.values(members).flatMap((member) =>
    isMap(member) && isMap(member.host) ? [member.host] : [],
  );
}
