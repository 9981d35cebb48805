/** What the IPv6 addresses of a stack must agree with. */
import * as v from "valibot";
import { address6, placeIn6, subnet6 } from "../address6";
import { type Fault, unexpected } from "../expectation";
import { isRecord } from "../rule";
import { checkVirtualAddress6 } from "../virtual-address6";

type Values = Readonly<Record<string, unknown>>;

interface Host {
  readonly path: string;
  readonly values: Values;
  readonly name: string | undefined;
  readonly roles: readonly string[];
}

export function checkAddress6(values: Values, hosts: readonly Host[]): readonly Fault[] {
  return [
    ...checkUnique(hosts),
    ...checkShared(values, hosts),
    ...(isRecord(values.containers) ? checkContainers(values, values.containers, hosts) : []),
  ];
}

function checkUnique(hosts: readonly Host[]): readonly Fault[] {
  const all = hosts.map(({ values }) => wellFormed(values.address6));
  return hosts.flatMap(({ path }, index) => {
    const first = all.indexOf(all[index]);
    if (all[index] === undefined || first === index) return [];
    const remedy = `${hosts[first]?.path} has it`;
    const message = unexpected("an address that no other host has", all[index], remedy);
    return [{ path: `${path}.address6`, message }];
  });
}

function checkShared({ loadBalancer }: Values, hosts: readonly Host[]): readonly Fault[] {
  const { virtualAddress, virtualAddress6 } = isRecord(loadBalancer) ? loadBalancer : {};
  if (wellFormed(virtualAddress6) === undefined) return [];
  const named = (isBalancing: boolean) =>
    hosts
      .filter(({ roles }) => roles.includes("load-balancer") === isBalancing)
      .map(({ path, name = path, values }) => ({ name, address6: values.address6 }));
  const sharing = { virtualAddress, virtualAddress6, hosts: named(true), others: named(false) };
  return checkVirtualAddress6(sharing).map(({ path, message }) => ({
    path: `loadBalancer.${path}`,
    message,
  }));
}

function checkContainers(
  { loadBalancer }: Values,
  containers: Values,
  hosts: readonly Host[],
): readonly Fault[] {
  const given = containers.subnet6;
  const parsed = v.safeParse(subnet6, given);
  const subnet = parsed.success ? parsed.output : undefined;
  const { virtualAddress6 } = isRecord(loadBalancer) ? loadBalancer : {};
  return [
    ...hosts.flatMap(({ path, values }) =>
      given === undefined
        ? checkNone(`${path}.address6`, values.address6)
        : checkIn(`${path}.address6`, values.address6, subnet),
    ),
    ...(given === undefined || virtualAddress6 === undefined
      ? []
      : checkIn("loadBalancer.virtualAddress6", virtualAddress6, subnet)),
  ];
}

/** Their network speaks IPv4 alone then. */
function checkNone(path: string, value: unknown): readonly Fault[] {
  if (value === undefined) return [];
  const remedy = "give containers.subnet6 as well, which makes their network anew";
  return [{ path, message: unexpected("nothing", value, remedy) }];
}

/** The engine would choose one for a host without, and it may be another host's. */
function checkIn(path: string, value: unknown, subnet: string | undefined): readonly Fault[] {
  if (subnet === undefined) return [];
  if (value === undefined) return [{ path, message: unexpected(`an address in ${subnet}`, value) }];
  const address = wellFormed(value);
  if (address === undefined) return [];
  switch (placeIn6(subnet, address)) {
    case "outside":
      return [{ path, message: unexpected(`an address in ${subnet}`, address) }];
    case "taken": {
      const remedy = "the first two belong to the network";
      return [{ path, message: unexpected(`a free address in ${subnet}`, address, remedy) }];
    }
    case "free":
      return [];
  }
}

function wellFormed(value: unknown): string | undefined {
  const result = v.safeParse(address6, value);
  return result.success ? result.output : undefined;
}
