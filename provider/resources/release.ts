import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";
import type { ServiceArgs } from "./service";

export interface ReleaseArgs extends ServiceArgs {
  /** Where the versions live on the host: `/srv/guestbook`, which gets `releases/<version>` and the link `current`. */
  readonly root: pulumi.Input<string>;
  /** The folder on this machine that holds the files, relative to the project. Read only when a version has to be sent. */
  readonly source: pulumi.Input<string>;
  /**
   * Run in the project to make `source`, when a version has to be sent and `source` does not hold it: it is not there, is
   * another version's or was changed since.
   */
  readonly build?: pulumi.Input<string>;
  /** Names of files and folders, anywhere in `source`, that are not sent. Default none. */
  readonly exclude?: pulumi.Input<pulumi.Input<string>[]>;
  /** A folder in `source`: only what is in it is sent, and it need not be there. Default all. */
  readonly part?: pulumi.Input<string>;
  /** `content`: `version` is what `hashContent` says of `source`; another content is then refused. Default: it is not looked at. */
  readonly versionOf?: pulumi.Input<"content">;
  /** The content's address: another version is another content, and the same version is never sent twice. At most 128 letters, digits and `. _ -`. */
  readonly version: pulumi.Input<string>;
  /** How many former versions stay on the host for a roll-back, 0 to 100. Default 4. */
  readonly keep?: pulumi.Input<number>;
}

/**
 * One version of an application on one host, with the unit that runs it: a Service whose transaction also sends the
 * version's files and switches `current` to it. A version that does not become ready is taken back.
 * Destroying it also removes all versions.
 */
export class Release extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;

  constructor(name: string, args: ReleaseArgs, opts?: pulumi.CustomResourceOptions) {
    super("trilithon:index:Release", name, { ...args, plan: undefined }, withPackageVersion(opts));
  }
}
