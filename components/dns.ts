/** The records of a site in the DNS, as data: they come of the site's names and of where its load balancers are reached. */
import { isIPv6 } from "node:net";
import { isIpv4 } from "./rules";

export const recordTypes = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT"] as const;

/** All records of one name and type. */
export interface DnsRecord {
  /** `www.foobar.com`, without a dot at its end. */
  readonly name: string;
  readonly type: (typeof recordTypes)[number];
  /** Seconds for which whoever asked keeps the answer. */
  readonly ttl: number;
  /** As zone files have them: `10.0.0.10`, `0 issue "letsencrypt.org"`, `10 mail.foobar.com`. */
  readonly values: readonly string[];
}

/** Of an address that moves, the former one is asked no longer than this. */
export const movingTtl = 60;
/** An hour: what stays. */
export const stayingTtl = 3600;

/** `foobar.com` for `www.foobar.com`, and for all names below it. */
export function zonesOf(names: readonly string[]): readonly string[] {
  const bases = [...new Set(names.map((name) => name.replace(/^www\.(?=.*\.)/, "")))];
  return bases.filter((base) => !bases.some((other) => other !== base && isIn(base, other)));
}

export function isIn(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

export interface Site {
  /** All that are served, or lead to one that is. */
  readonly names: readonly string[];
  readonly zones: readonly string[];
  /** Where the load balancers are reached. */
  readonly addresses: readonly string[];
  /** What the authority that gives the certificates calls itself, where it is known. */
  readonly issuer: string | undefined;
  /** Further ones. */
  readonly records: readonly DnsRecord[];
}

export function recordsOf({ names, zones, addresses, issuer, records }: Site): DnsRecord[] {
  const certificates = issuer === undefined ? [] : zones;
  return withGiven(
    [
      ...names.flatMap((name) => addressRecords(name, addresses, movingTtl)),
      ...certificates.map(
        (name): DnsRecord => ({
          ...{ name, type: "CAA", ttl: stayingTtl },
          values: [`0 issue "${issuer}"`],
        }),
      ),
    ],
    records,
  );
}

export function addressRecords(
  name: string,
  addresses: readonly string[],
  ttl: number,
): readonly DnsRecord[] {
  const all: readonly DnsRecord[] = [
    { name, type: "A", ttl, values: addresses.filter(isIpv4) },
    { name, type: "AAAA", ttl, values: addresses.filter(isIPv6) },
  ];
  return all.filter(({ values }) => values.length > 0);
}

/** One that is given stands in the place of ours of the same name and type. */
export function withGiven(own: readonly DnsRecord[], given: readonly DnsRecord[]): DnsRecord[] {
  return [...own.filter((one) => !given.some((other) => isSameSet(one, other))), ...given];
}

/** What names a set of records. */
export type RecordName = Pick<DnsRecord, "name" | "type">;

export function isSameSet(one: RecordName, other: RecordName): boolean {
  return one.name === other.name && one.type === other.type;
}
