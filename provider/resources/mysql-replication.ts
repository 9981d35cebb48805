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

export interface MysqlAccountArgs {
  /** 1 to 256 characters without control characters. Give a secret: what is plain stands in the state as it is. */
  readonly password: pulumi.Input<string>;
  /** The account's host part: a host, or a pattern such as `10.0.%`. Default `%`. */
  readonly from?: pulumi.Input<string>;
  /** Level to privileges: `{ "guestbook.*": ["SELECT", "INSERT"] }`. Privileges on `*.*` are told one by one, without ALL. */
  readonly grants: pulumi.Input<Record<string, pulumi.Input<pulumi.Input<string>[]>>>;
}

export interface MysqlReplicationArgs {
  /** Names the cluster; a member's data directory is marked with it. 1 to 64 letters, digits and _. */
  readonly cluster: pulumi.Input<string>;
  /** Host name to member. One or more; to wait for a replica, two or more. */
  readonly members: pulumi.Input<Record<string, pulumi.Input<MysqlMemberArgs>>>;
  /** The member that takes writes when the cluster is made. A role moved later by a fail-over is no difference. */
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
  }>;
  /** Databases to create (utf8mb4). Never dropped. */
  readonly databases?: pulumi.Input<pulumi.Input<string>[]>;
  /** Account name to account. Accounts taken out of here are dropped. */
  readonly accounts?: pulumi.Input<Record<string, pulumi.Input<MysqlAccountArgs>>>;
  /** Names of members whose data may be thrown away and filled anew by CLONE. Each is a confirmation; remove it afterwards. */
  readonly discardDataOn?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * Replication over all members of a MySQL cluster: accounts, who is primary, who follows, semi-synchronous state.
 * An empty member is filled by CLONE. Refuses what could lose data unless told by name.
 * Destroying it leaves all data and accounts as they are.
 */
export class MysqlReplication extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;

  constructor(name: string, args: MysqlReplicationArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:MysqlReplication",
      name,
      { ...args, plan: undefined },
      withPackageVersion(opts),
    );
  }
}
