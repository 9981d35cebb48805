/** Who holds what a new container or network wanted: the engine says that it is taken, not by whom. */

import type { ContainerInfo } from "dockerode";
import type { ContainerArgs } from "./container-args";
import { dockerEngine } from "./engine";

/** The error, and behind it the containers that have the ports or addresses asked for. */
export async function withHolder(error: unknown, args: ContainerArgs): Promise<unknown> {
  if (!(error instanceof Error)) return error;
  const engine = await dockerEngine();
  // The engine's own message stands in any case: a failing question after it would only hide it.
  const others = await engine.listContainers().catch(() => []);
  const holders = others.filter((other) => nameOf(other) !== args.name);
  const found = holders.flatMap((other) => [
    ...portsHeld(other, args),
    ...addressesHeld(other, args),
  ]);
  return found.length === 0 ? error : new Error(`${error.message}: ${found.join(", ")}`);
}

/** The first address of a subnet, and how many there are. */
export function isOverlapping(one: string, other: string): boolean {
  const [a, b] = [parseSubnet(one), parseSubnet(other)];
  return a !== undefined && b !== undefined && a.first <= b.last && b.first <= a.last;
}

function portsHeld(other: ContainerInfo, { ports = [] }: ContainerArgs): string[] {
  return ports
    .filter(({ external, protocol = "tcp" }) =>
      other.Ports.some(({ PublicPort, Type }) => PublicPort === external && Type === protocol),
    )
    .map(({ external }) => `port ${external} is container ${nameOf(other)}'s`);
}

function addressesHeld(other: ContainerInfo, { networksAdvanced = [] }: ContainerArgs): string[] {
  const held = Object.values(other.NetworkSettings.Networks).map(({ IPAddress }) => IPAddress);
  return networksAdvanced
    .filter(({ ipv4Address }) => ipv4Address !== undefined && held.includes(ipv4Address))
    .map(({ ipv4Address }) => `${ipv4Address} is container ${nameOf(other)}'s`);
}

function nameOf({ Names, Id }: ContainerInfo): string {
  return Names[0]?.replace(/^\//, "") ?? Id;
}

function parseSubnet(subnet: string): { first: number; last: number } | undefined {
  const [, a, b, c, d, bits] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(subnet) ?? [];
  if (bits === undefined) return undefined;
  const address = [a, b, c, d].reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1 };
}
