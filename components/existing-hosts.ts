/** Hosts that were there before: virtual machines and bare metal, listed in the settings. */
import * as pulumi from "@pulumi/pulumi";
import { Machine } from "../provider/resources/machine";
import type { Host } from "./host";
import type { HostSettings } from "./settings";

export interface ExistingHostsArgs {
  readonly hosts: readonly HostSettings[];
  /** For hosts without a key of their own. */
  readonly privateKey?: string;
}

/** Looks at each machine before anything is changed on any. */
export class ExistingHosts extends pulumi.ComponentResource {
  readonly hosts: readonly (HostSettings & Host)[];

  constructor(name: string, args: ExistingHostsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:ExistingHosts", name, {}, opts);
    this.hosts = args.hosts.map((settings) => {
      const host = {
        name: settings.name,
        address: settings.sshAddress ?? settings.address,
        port: settings.port ?? 22,
        user: settings.user ?? "root",
        // That there is one was checked with the settings.
        hostKey: settings.hostKey ?? "",
        privateKey: pulumi.secret(settings.privateKey ?? args.privateKey ?? ""),
      };
      const machine = new Machine(settings.name, { host }, { parent: this });
      return { ...settings, host, machine };
    });
    this.registerOutputs({});
  }
}
