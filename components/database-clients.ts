/** Where applications log in to a database from: MySQL's accounts name these addresses, and nobody comes from any other. */
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";

/**
 * Those of hosts that are away as well: what runs there goes on. On an application's host the proxy speaks for it, and comes from the host's own
 * address like everything on it that speaks with the others; the firewall knows it by that one as well.
 */
export function addressesOf(hosts: readonly Host[]): pulumi.Output<string[]> {
  return pulumi.all(hosts.map(({ address }) => address));
}

/** Accounts have a limit of connections each, and an application has an account for each of its hosts. */
export function partsOf(clients: readonly Host[] | undefined): number {
  return Math.max(1, clients?.length ?? 1);
}

/** The host parts of accounts that are to stay, by account; those of an application that may come from anywhere are not among them. */
export function hostPartsOf(
  clients: Readonly<Record<string, readonly Host[] | undefined>>,
): Record<string, pulumi.Output<string[]>> {
  return Object.fromEntries(
    Object.entries(clients).flatMap(([account, hosts]) =>
      hosts === undefined ? [] : [[account, addressesOf(hosts)] as const],
    ),
  );
}
