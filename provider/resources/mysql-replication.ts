import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import type { HostArgs } from "./host";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";

export interface MysqlMemberArgs {
  /** How the machine is reached. */
  readonly host: pulumi.Input<HostArgs>;
  /** Where the other members reach its mysqld. */
  readonly address: pulumi.Input<string>;
  /** Where its mysqld listens. Default 3306. */
  readonly port?: pulumi.Input<number>;
}

export interface MysqlReplicationArgs {
  /**
   * Names the cluster when it is made; its data is marked with it. 1 to 64 letters, digits and _. A cluster keeps its
   * name: another one given later is not looked at, so a stack, project or resource can be renamed.
   */
  readonly cluster: pulumi.Input<string>;
  /** Host name to member. One or more; to wait for a replica, two or more. */
  readonly members: pulumi.Input<Record<string, pulumi.Input<MysqlMemberArgs>>>;
  /**
   * The member that takes writes. Another one than before is a planned switch; where the former one does not answer and
   * is taken out of `members`, a promotion.
   */
  readonly primary: pulumi.Input<string>;
  /**
   * `wait-for-replica`: a commit is acknowledged only once a replica has it, however long that takes.
   * `{ carryOnAfterSeconds: n }`, 1 to 86400: after n seconds without a replica the primary carries on alone.
   */
  readonly durability: pulumi.Input<
    "wait-for-replica" | { readonly carryOnAfterSeconds: pulumi.Input<number> }
  >;
  /** The account that replicas use for replication and CLONE. */
  readonly replicationAccount: pulumi.Input<{
    readonly name: pulumi.Input<string>;
    readonly password: pulumi.Input<string>;
    /** The addresses of all members, also of those that are away. Whatever else has the account's name is dropped. Default: any host, `%`. */
    readonly from?: pulumi.Input<pulumi.Input<string>[]>;
  }>;
  /**
   * On each member the path of the certificates (PEM) that it trusts: with it, replicas verify the primary's certificate, that its address
   * is in it as well. Each mysqld has to have such a certificate before. Default: what is sent is encrypted, and nobody verified.
   */
  readonly authority?: pulumi.Input<string>;
  /** Names of members whose data may be thrown away and filled anew by CLONE. Each is a confirmation; remove it afterwards. */
  readonly discardDataOn?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * Replication over all members of a MySQL cluster: who is the primary, who follows, semi-synchronous state.
 * An empty member is filled by CLONE. Refuses what could lose data unless told by name.
 * Destroying it leaves all data as it is.
 */
export class MysqlReplication extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  /** The name that the cluster was made with. */
  declare readonly cluster: pulumi.Output<string>;

  constructor(name: string, args: MysqlReplicationArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:MysqlReplication",
      name,
      { ...args, plan: undefined },
      withPackageVersion(opts),
    );
  }
}
