import type * as pulumi from "@pulumi/pulumi";

/** How to reach a machine over SSH. Changing any of it, save `name` and `instance`, changes nothing on the machine. */
export interface HostArgs {
  /** The name that messages, resource ids and previews use. */
  readonly name: pulumi.Input<string>;
  /** Where sshd answers: a name or an IP address. */
  readonly address: pulumi.Input<string>;
  /** Of its sshd, 1 to 65535. */
  readonly port: pulumi.Input<number>;
  /** `root`, or a user with password-less `sudo`. */
  readonly user: pulumi.Input<string>;
  /** The public host key, pinned: `ssh-ed25519 AAAA...`. */
  readonly hostKey: pulumi.Input<string>;
  /** The client's private key, OpenSSH or PEM without a passphrase. Give a secret: what is plain stands in the state as it is. */
  readonly privateKey: pulumi.Input<string>;
  /** Tried in this order where the machine does not let us in by `privateKey` yet: its `Machine` then tells it of that one. Default: none but that of before. */
  readonly formerPrivateKeys?: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** One life of a machine that can be made anew (a container's id): everything on it is made again when this changes. */
  readonly instance?: pulumi.Input<string>;
}
