import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";

export interface PasswordArgs {
  /** Characters, 16 to 128, letters and digits. Default 32. */
  readonly length?: pulumi.Input<number>;
  /** Any text: changing it makes a new password. */
  readonly keeper?: pulumi.Input<string>;
}

/** A password made once and kept in the state as a secret. */
export class Password extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  declare readonly value: pulumi.Output<string>;

  constructor(name: string, args: PasswordArgs = {}, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:Password",
      name,
      { ...args, plan: undefined, value: undefined },
      secretOutputs(opts, "value"),
    );
  }
}

export interface SshKeyArgs {
  /** Stands at the end of the public key. Default: none. */
  readonly comment?: pulumi.Input<string>;
  /** Any text: changing it makes a new key pair. */
  readonly keeper?: pulumi.Input<string>;
}

/** An Ed25519 key pair made once; the private half is a secret in the state. */
export class SshKey extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  /** OpenSSH format. */
  declare readonly privateKey: pulumi.Output<string>;
  /** `ssh-ed25519 AAAA... comment` */
  declare readonly publicKey: pulumi.Output<string>;

  constructor(name: string, args: SshKeyArgs = {}, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:SshKey",
      name,
      { ...args, plan: undefined, privateKey: undefined, publicKey: undefined },
      secretOutputs(opts, "privateKey"),
    );
  }
}

function secretOutputs(
  opts: pulumi.CustomResourceOptions | undefined,
  ...names: string[]
): pulumi.CustomResourceOptions {
  return pulumi.mergeOptions(withPackageVersion(opts), { additionalSecretOutputs: names });
}
