import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import type { MysqlMemberArgs } from "./mysql-replication";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";

export type { MysqlMemberArgs };

export interface MysqlAccountArgs {
  /**
   * 1 to 256 characters without control characters. Give a secret: what is plain stands in the state as it is. Default
   * none: then only the system user of the same name can log in, over the socket (MySQL's `auth_socket`).
   */
  readonly password?: pulumi.Input<string>;
  /**
   * The account's host part: a host, or a pattern such as `10.0.%`. A list makes an account of each, all with the same password and grants; MySQL
   * takes the narrowest that fits. Default `%`; without a password `localhost`.
   */
  readonly from?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** Level to privileges: `{ "guestbook.*": ["SELECT", "INSERT"] }`. Privileges on `*.*` are told one by one, without ALL. */
  readonly grants: pulumi.Input<Record<string, pulumi.Input<pulumi.Input<string>[]>>>;
  /** How many connections it may have on a server at once, from each of the hosts in `from`. Default 0: as many as the server takes. */
  readonly maxConnections?: pulumi.Input<number>;
}

export interface MysqlContentArgs {
  /** The cluster's name, as its topology has it. */
  readonly cluster: pulumi.Input<string>;
  /** Host name to member, as the topology has them. */
  readonly members: pulumi.Input<Record<string, pulumi.Input<MysqlMemberArgs>>>;
  /** The member that takes writes. */
  readonly primary: pulumi.Input<string>;
  /** Databases to create (utf8mb4). Never dropped. */
  readonly databases?: pulumi.Input<pulumi.Input<string>[]>;
  /** Account name to account. A new password leaves the former one good as well. */
  readonly accounts?: pulumi.Input<Record<string, pulumi.Input<MysqlAccountArgs>>>;
  /** What becomes of accounts that are taken out, also of those from a host that is listed no more: `leave` where applications may still run with them. Default `drop`. */
  readonly formerAccounts?: pulumi.Input<"drop" | "leave">;
  /**
   * What becomes of the accounts when the resource is removed. `drop` leaves one whose password is another one by then. The databases
   * always stay. Default `leave`.
   */
  readonly accountsOnRemoval?: pulumi.Input<"drop" | "leave">;
}

/**
 * The databases, accounts and grants of a MySQL cluster, whatever its topology. Give it the topology in `dependsOn`.
 * Destroying it leaves all of them as they are, but for accounts that are to be dropped then.
 */
export class MysqlContent extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;

  constructor(name: string, args: MysqlContentArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:MysqlContent",
      name,
      { ...args, plan: undefined },
      withPackageVersion(opts),
    );
  }
}

export interface MysqlPasswordRetirementArgs {
  /** The cluster's name, as its topology has it. */
  readonly cluster: pulumi.Input<string>;
  /** Host name to member, as the topology has them. */
  readonly members: pulumi.Input<Record<string, pulumi.Input<MysqlMemberArgs>>>;
  /** The member that takes writes. */
  readonly primary: pulumi.Input<string>;
  /** Account name to the password that all who log in have by then. */
  readonly passwords: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /**
   * Account name to the hosts that `MysqlContent` has in its `from`: accounts of that name from elsewhere are dropped, if they have that password.
   * Default: all stay.
   */
  readonly from?: pulumi.Input<Record<string, pulumi.Input<pulumi.Input<string>[]>>>;
  /** Of these accounts, those whose content has `accountsOnRemoval: "drop"`: a preview says so when they go. Default none. */
  readonly dropped?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * Ends the former passwords, and the accounts from former hosts, that `MysqlContent` left good. Give it in `dependsOn` all that log in, so that
 * nobody is locked out.
 */
export class MysqlPasswordRetirement extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;

  constructor(
    name: string,
    args: MysqlPasswordRetirementArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "trilithon:index:MysqlPasswordRetirement",
      name,
      { ...args, plan: undefined },
      withPackageVersion(opts),
    );
  }
}
