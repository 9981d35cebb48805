/** A host that was there before: a virtual machine or bare metal. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { HostArgs } from "../provider/resources/host";
import { Machine } from "../provider/resources/machine";
import { address6 } from "./address6";
import { checkArgs, whenKnown } from "./check-args";
import type { Host } from "./host";
import { allAddresses, declareListens, type OwnListen, ssh } from "./listens";
import { defaultPorts } from "./options";
import { address, hostKey, hostName, port, privateKey, sshAddress, userName } from "./rules";

export interface ExistingHostArgs {
  /** IPv4: where the other hosts reach it. */
  readonly address: pulumi.Input<string>;
  /** IPv4 at which the internet reaches it, for the DNS. Default: `address`. */
  readonly publicAddress?: pulumi.Input<string>;
  /**
   * IPv6 at which the internet reaches it: load balancers and name servers answer there as well, and the DNS says so. The hosts speak
   * IPv4 with each other. Default: none.
   */
  readonly address6?: pulumi.Input<string>;
  /** Where its sshd answers from here: a name or an IP address. Default: `address`. */
  readonly sshAddress?: pulumi.Input<string>;
  /** Of its sshd. Default 22. */
  readonly port?: pulumi.Input<number>;
  /** `root`, or a user with password-less `sudo`. Default `root`. */
  readonly user?: pulumi.Input<string>;
  /** Its public host key, pinned: what `cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub` says on the machine itself. */
  readonly hostKey: pulumi.Input<string>;
  /** The client's key, in OpenSSH or PEM format without a passphrase. Kept as a secret. */
  readonly privateKey: pulumi.Input<string>;
}

/**
 * A machine that is reached over SSH and looked at before anything on it is changed. Its name is that which the
 * other components, messages and previews use. All of its arguments may be outputs: a machine that the same program makes.
 *
 *     new ExistingHost("web-01", { address: "10.0.0.21", hostKey: "ssh-ed25519 AAAA...", privateKey });
 */
export class ExistingHost extends pulumi.ComponentResource implements Host {
  readonly name: string;
  readonly address: pulumi.Output<string>;
  readonly publicAddress: pulumi.Output<string>;
  readonly address6?: pulumi.Output<string>;
  readonly host: HostArgs;
  readonly machine: Machine;
  /** Its sshd. */
  readonly listens: pulumi.Output<readonly OwnListen[]>;

  constructor(name: string, args: ExistingHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:ExistingHost", name, {}, opts);
    const check = { component: `ExistingHost ${name}`, entries, plain: ["name"] };
    checkArgs(check, { ...args, name });
    const { address, sshAddress = address, port = defaultPorts.ssh, user = "root" } = args;
    const { hostKey, privateKey, publicAddress = address } = args;
    const known = whenKnown(check, { address, publicAddress, sshAddress, port, user, hostKey });
    this.name = name;
    this.address = known.address;
    this.publicAddress = known.publicAddress;
    if (args.address6 !== undefined) {
      this.address6 = whenKnown(check, { address6: args.address6 }).address6;
    }
    this.host = {
      name,
      address: known.sshAddress,
      port: known.port,
      user: known.user,
      hostKey: known.hostKey,
      privateKey: pulumi.secret(privateKey),
    };
    this.machine = new Machine(name, { host: this.host }, { parent: this });
    // Behind a forwarded port the machine's own is another one.
    const sshPort = pulumi
      .all([this.machine.sshPort, known.port])
      .apply(([own, port]) => own ?? port);
    this.listens = declareListens([
      {
        ...{ host: name, address: allAddresses, port: sshPort, protocol: "tcp", what: ssh },
        for: { operators: true },
      },
    ]);
    this.registerOutputs({ address: this.address });
  }
}

const entries = {
  name: hostName,
  address,
  publicAddress: v.exactOptional(address),
  address6: v.exactOptional(address6),
  sshAddress: v.exactOptional(sshAddress),
  port: v.exactOptional(port),
  user: v.exactOptional(userName),
  hostKey,
  privateKey,
};
