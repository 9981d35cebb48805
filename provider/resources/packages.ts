import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import type { HostArgs } from "./host";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";

/** A package source, as in a deb822 file of sources.list(5). */
export interface PackageSourceArgs {
  /** `https://deb.nodesource.com/node_24.x`. One or more. */
  readonly uris: pulumi.Input<pulumi.Input<string>[]>;
  /** `trixie`, or a path that ends with `/` for a repository without suites. One or more. */
  readonly suites: pulumi.Input<pulumi.Input<string>[]>;
  /** `main`. Default none, which only a path as suite allows. */
  readonly components?: pulumi.Input<pulumi.Input<string>[]>;
  /** `amd64`. Default: the host's own. */
  readonly architectures?: pulumi.Input<pulumi.Input<string>[]>;
  /** The public key that signs it: armoured text, or a file's path on the host. Default: any key that the host trusts. */
  readonly key?: pulumi.Input<string>;
}

export interface PackagesArgs {
  /** Where they are. Another one is another resource. */
  readonly host: pulumi.Input<HostArgs>;
  /** Names them on their host, in the resource's id and in messages. Default `packages`. */
  readonly name?: pulumi.Input<string>;
  /**
   * Debian package to version: `present` for any, or a version or pattern as in `apt-get install haproxy=3.2.*`, with the
   * epoch where it has one (`1:9.*`). `libc6:i386` is a package of another architecture. What is taken out stays installed.
   */
  readonly packages?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Keeps upgrades by others (unattended-upgrades, `apt upgrade`) off: all of `packages`, or those named. Default none. */
  readonly hold?: pulumi.Input<boolean | pulumi.Input<string>[]>;
  /** Sources that are written for apt before, by name: `/etc/apt/sources.list.d/trilithon-NAME.sources`. */
  readonly sources?: pulumi.Input<Record<string, pulumi.Input<PackageSourceArgs>>>;
  /** Sources that another resource writes on the same host first: a preview asks them as if they were there. */
  readonly hostSources?: pulumi.Input<Record<string, pulumi.Input<PackageSourceArgs>>>;
  /** Packages that may go, or become older, for these. Default none: what would remove a package is refused in the preview. */
  readonly allowRemoval?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Units that their packages stop to be upgraded, `mysql.service`: they may, and are started again. Default none: a
   * unit goes on with what it was started with, until its `Service` restarts it.
   */
  readonly mayStop?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * Debian packages on one host. A preview asks apt and shows every package that comes, goes, or changes its version;
 * nothing is removed or made older that is not named. Daemons do not start as they are installed.
 * Destroying it removes its package sources and holds; the packages stay installed.
 */
export class Packages extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  /** What is installed, by package. For `runsWith` of a `Service`: so an upgrade restarts it. */
  declare readonly versions: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(name: string, args: PackagesArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:Packages",
      name,
      { ...args, plan: undefined, versions: undefined },
      withPackageVersion(opts),
    );
  }
}
