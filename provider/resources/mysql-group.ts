import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import type { MysqlMemberArgs } from "./mysql-replication";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";

export interface MysqlGroupReplicationArgs {
  /**
   * Names the cluster when it is made; its data is marked with it. 1 to 64 letters, digits and _. A cluster keeps its
   * name: another one given later is not looked at, so a stack, project or resource can be renamed.
   */
  readonly cluster: pulumi.Input<string>;
  /** Host name to member, 1 to 9. With an odd number each half knows whether it is the greater one. */
  readonly members: pulumi.Input<Record<string, pulumi.Input<MysqlMemberArgs>>>;
  /** The member that takes writes: another one than at present is a planned switch. Default: whoever is the primary stays it. */
  readonly primary?: pulumi.Input<string>;
  /** The account that members use for replication and CLONE. */
  readonly replicationAccount: pulumi.Input<{
    readonly name: pulumi.Input<string>;
    readonly password: pulumi.Input<string>;
    /** The addresses of all members, also of those that are away. Whatever else has the account's name is dropped. Default: any host, `%`. */
    readonly from?: pulumi.Input<pulumi.Input<string>[]>;
  }>;
  /** Names of members whose data may be thrown away and filled anew by CLONE. Each is a confirmation; remove it afterwards. */
  readonly discardDataOn?: pulumi.Input<pulumi.Input<string>[]>;
  /** Names of members that are known to be away: nothing is asked of them, and a group may be brought back without them. */
  readonly away?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * Group Replication over all members of a MySQL cluster, with one primary that the members elect. An empty member is filled by
 * CLONE; one that comes back joins by itself. Refuses what could lose data unless told by name.
 * Destroying it leaves all data as it is.
 */
export class MysqlGroupReplication extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  /** The name that the cluster was made with. */
  declare readonly cluster: pulumi.Output<string>;

  constructor(name: string, args: MysqlGroupReplicationArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:MysqlGroup",
      name,
      { ...args, plan: undefined },
      withPackageVersion(opts),
    );
  }
}
