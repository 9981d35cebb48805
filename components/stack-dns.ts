/** The DNS of a stack: the records of its site, and the name servers that answer with them where hosts have that role. */
import * as pulumi from "@pulumi/pulumi";
import { caaIssuerOf } from "./acme";
import { type DnsRecord, recordsOf, zonesOf } from "./dns";
import { isHere } from "./host";
import type { StackHosts } from "./hosts";
import type { LoadBalancer } from "./load-balancer";
import { NameServer } from "./name-server";
import type { StackSettings } from "./settings";

export interface StackDns {
  readonly records: pulumi.Output<readonly DnsRecord[]>;
  readonly nameServer: NameServer | undefined;
}

interface Place {
  readonly settings: StackSettings;
  readonly hosts: StackHosts;
  readonly loadBalancer: LoadBalancer;
}

export function createDns(
  { settings, hosts, loadBalancer }: Place,
  opts: pulumi.ComponentResourceOptions,
): StackDns {
  const names = namesOf(settings);
  const { zones = zonesOf(names), records: given = [], packages } = settings.dns;
  const records = pulumi
    .output(addressesOf(settings, hosts))
    .apply((addresses) =>
      recordsOf({ names, zones, addresses, issuer: issuerOf(settings), records: given }),
    );
  if (hosts.nameServers.length === 0) return { records, nameServer: undefined };
  const args = { hosts: hosts.nameServers, zones, records, after: loadBalancer.ready };
  const nameServer = new NameServer(
    "name-server",
    { ...args, ...(packages && { packages }) },
    opts,
  );
  return { records, nameServer };
}

/** All that are served, and those that lead there. */
function namesOf({ domain, applications, loadBalancer }: StackSettings): readonly string[] {
  const { aliases = [], redirects = {} } = loadBalancer;
  const further = Object.values(applications).flatMap(({ domains }) => domains);
  return [...new Set([domain, ...aliases, ...further, ...Object.keys(redirects)])];
}

/** Of those that move to who is in charge, or of all that serve. */
function addressesOf(
  { dns, loadBalancer: { virtualAddress, virtualAddress6 } }: StackSettings,
  { loadBalancers }: StackHosts,
): pulumi.Input<string>[] {
  if (dns.addresses) return [...dns.addresses];
  // Beside one that moves, those of the load balancers would lead visitors to one that is gone.
  if (virtualAddress !== undefined) return [virtualAddress, ...own(virtualAddress6)];
  const here = loadBalancers.filter(isHere);
  return [
    ...here.map(({ address, publicAddress = address }) => publicAddress),
    ...here.flatMap(({ address6 }) => own(address6)),
  ];
}

function own<Address>(address: Address | undefined): readonly Address[] {
  return address === undefined ? [] : [address];
}

function issuerOf({ https }: StackSettings): string | undefined {
  const acme = https === undefined || https === "own-ca" ? undefined : https.acme;
  return acme && caaIssuerOf(acme);
}
