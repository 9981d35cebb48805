import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import type { HostArgs } from "./host";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";

export interface RetiredKeysArgs {
  /** How it is reached; the keys are those of its `user`. */
  readonly host: pulumi.Input<HostArgs>;
  /** Public keys, `ssh-ed25519 AAAA...`, none of them the one by which the host is reached. */
  readonly keys: pulumi.Input<readonly pulumi.Input<string>[]>;
}

/**
 * Keys by which nobody is let in over SSH any more. They are taken out over a new connection by the key in use, so nobody is locked out. Make it
 * depend on all else that is on the host: until then that may be reached by a former key alone.
 */
export class RetiredKeys extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;

  constructor(name: string, args: RetiredKeysArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:RetiredKeys",
      name,
      { ...args, plan: undefined },
      withPackageVersion(opts),
    );
  }
}
