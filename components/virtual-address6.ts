/** The IPv6 address that moves with the one which load balancers share: what it must agree with. */
import { type Fault, unexpected } from "./expectation";

interface Host {
  readonly name: unknown;
  readonly address6?: unknown;
}

interface Sharing {
  readonly virtualAddress: unknown;
  readonly virtualAddress6: unknown;
  /** The load balancers. */
  readonly hosts: readonly Host[];
  readonly others: readonly Host[];
}

/** Who has the address of IPv4 has this one as well, so there has to be one, and an interface that speaks IPv6. */
export function checkVirtualAddress6({
  virtualAddress,
  virtualAddress6,
  hosts,
  others,
}: Sharing): readonly Fault[] {
  if (virtualAddress6 === undefined) return [];
  const path = "virtualAddress6";
  if (virtualAddress === undefined) {
    const remedy = "it moves with virtualAddress: give that as well";
    return [{ path, message: unexpected("nothing", virtualAddress6, remedy) }];
  }
  const lacking = hosts.filter(({ address6 }) => address6 === undefined);
  if (lacking.length > 0) {
    const names = lacking.map(({ name }) => name).join(" and ");
    const remedy = `give ${names} an address6`;
    return [{ path, message: unexpected("nothing", virtualAddress6, remedy) }];
  }
  const holder = [...hosts, ...others].find(({ address6 }) => address6 === virtualAddress6);
  if (holder === undefined) return [];
  const remedy = `${holder.name} has it`;
  return [{ path, message: unexpected("an address that no host has", virtualAddress6, remedy) }];
}
