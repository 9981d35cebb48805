/** Where applications log in to a database from: MySQL's accounts name these addresses, and nobody comes from any other. */
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";

/** By the socket of a member: whoever looks into the database there, as `npm run db` does. */
const socket = "localhost";

/**
 * The host parts of an account, those of hosts that are away as well: what runs there goes on. On an application's host the proxy speaks for it,
 * from the host's own address, as the host does with all others; the firewall knows it by that one as well.
 */
export function clientParts(clients: readonly Host[]): pulumi.Output<string[]> {
  return addressesOf(clients).apply((addresses) => [...addresses, socket]);
}

export function addressesOf(hosts: readonly Host[]): pulumi.Output<string[]> {
  return pulumi.all(hosts.map(({ address }) => address));
}

/** Accounts have a limit of connections each, and an application has an account for each of its hosts. */
export function shareCount(clients: readonly Host[] | undefined): number {
  return Math.max(1, clients?.length ?? 1);
}

/** The host parts of accounts that are to stay, by account; those of an application that may come from anywhere are not among them. */
export function hostPartsOf(
  clients: Readonly<Record<string, readonly Host[] | undefined>>,
): Record<string, pulumi.Output<string[]>> {
  return Object.fromEntries(
    Object.entries(clients).flatMap(([account, hosts]) =>
      hosts === undefined ? [] : [[account, clientParts(hosts)] as const],
    ),
  );
}
