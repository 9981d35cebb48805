/** What the settings of the DNS must agree with. */
import { zonesOf } from "../dns";
import { checkRecords, checkZones, wellFormedZones } from "../dns-check";
import { type Fault, unexpected } from "../expectation";
import { isRecord } from "../rule";

interface Stack {
  /** Of the site. */
  readonly names: readonly string[];
  readonly hosts: readonly { readonly roles: readonly string[] }[];
}

export function checkDns(
  { dns, loadBalancer }: Readonly<Record<string, unknown>>,
  { names, hosts }: Stack,
): readonly Fault[] {
  const given = isRecord(dns) ? dns : {};
  const { zones = zonesOf(names) } = given;
  const faults = [
    ...checkZones(given.zones, names),
    ...checkRecords(given.records, wellFormedZones(zones), names),
    ...(hosts.some(({ roles }) => roles.includes("name-server"))
      ? checkAddresses(given.addresses, loadBalancer)
      : []),
  ];
  return faults.map(({ path, message }) => ({ path: `dns.${path}`, message }));
}

/** Where a command moves an address, nobody but the settings knows it. */
function checkAddresses(addresses: unknown, loadBalancer: unknown): readonly Fault[] {
  const { onMove, virtualAddress } = isRecord(loadBalancer) ? loadBalancer : {};
  if (onMove === undefined || virtualAddress !== undefined || addresses !== undefined) return [];
  const expected = "the address that loadBalancer.onMove moves";
  return [{ path: "addresses", message: unexpected(expected, addresses) }];
}
