import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import type { HostArgs } from "./host";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";

export interface MachineArgs {
  /** How it is reached. */
  readonly host: pulumi.Input<HostArgs>;
}

/**
 * A machine that was reached, with the pinned host key and as root or by `sudo -n`, and runs what is needed
 * (systemd, apt). Make everything else depend on the machines, so that a wrong one stops all before anything is changed.
 */
export class Machine extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  /** `Debian GNU/Linux forky/sid` */
  declare readonly os: pulumi.Output<string>;
  /** What the machine, or the container's limit, has. */
  declare readonly memoryMegabytes: pulumi.Output<number>;
  declare readonly processors: pulumi.Output<number>;
  /** Of its sshd, on the machine itself: `host.port` may be forwarded to another one. Not there where it cannot be told. */
  declare readonly sshPort: pulumi.Output<number | undefined>;

  constructor(name: string, args: MachineArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:Machine",
      name,
      {
        ...args,
        plan: undefined,
        os: undefined,
        memoryMegabytes: undefined,
        processors: undefined,
        sshPort: undefined,
      },
      withPackageVersion(opts),
    );
  }
}
