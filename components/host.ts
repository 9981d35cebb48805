/** A machine, as the components take it: they do not know whether it is a container or was there before. */
import type * as pulumi from "@pulumi/pulumi";
import type { HostArgs } from "../provider/resources/host";
import type { Machine } from "../provider/resources/machine";
import type { PackagePolicy } from "./packages";

export interface Host {
  /** Names resources, and so is no output. */
  readonly name: string;
  /** IPv4: where the other hosts reach it. */
  readonly address: pulumi.Input<string>;
  /** IPv4 at which the internet reaches it: what the DNS says of it. Default: `address`. */
  readonly publicAddress?: pulumi.Input<string>;
  /** IPv6 at which the internet reaches it. The other hosts speak IPv4 with it all the same. Default: none. */
  readonly address6?: pulumi.Input<string>;
  /** How it is reached over SSH. */
  readonly host: HostArgs;
  readonly machine: Machine;
  /**
   * As the settings of the stack say: nothing is asked of it and nothing on it is changed, and the others do without it.
   * Default false.
   */
  readonly away?: boolean;
  /** What all on it goes with when it is deleted: a container. Nothing on it is cleaned up then. */
  readonly deletedWith?: pulumi.Resource;
  /** How packages are installed on it. Default: from the host's own sources, and nothing is held. */
  readonly packagePolicy?: PackagePolicy;
  /** What lets in whoever is to reach what is on it, and it on the others: services wait for that. */
  readonly opened?: readonly pulumi.Resource[];
  /** What writes the package sources of the policy: all on it waits for that. */
  readonly packageSources?: pulumi.Resource;
}

/** Whether a host takes part: it is not away. */
export function isHere({ away = false }: Pick<Host, "away">): boolean {
  return !away;
}

/** The options of a resource on a host: it is made when the host is known to be good, and goes with it. */
export function onHost(
  { machine, deletedWith, packageSources, opened = [] }: Host,
  parent: pulumi.Resource,
  dependsOn: readonly pulumi.Resource[] = [],
): pulumi.CustomResourceOptions {
  return {
    parent,
    // A wrong machine stops everything before anything on it is changed.
    dependsOn: [machine, ...(packageSources ? [packageSources] : []), ...opened, ...dependsOn],
    ...(deletedWith && { deletedWith }),
  };
}
