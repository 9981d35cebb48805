/** What zones and records must be, for the settings and for arguments alike. */
import { isIPv6 } from "node:net";
import * as v from "valibot";
import { type DnsRecord, isIn, isSameSet, type RecordName, recordTypes, stayingTtl } from "./dns";
import { type Fault, unexpected } from "./expectation";
import { integer, isRecord, list, oneOf, record, text } from "./rule";
import { anyAddress, domain, isIpv4 } from "./rules";

/** Names of services have underscores, and `*` stands for all names below. */
const recordName = text(
  "a domain name without a dot at its end, such as mail.example.com",
  (value) =>
    value.length <= 253 &&
    /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/.test(value),
);

const recordEntries = {
  name: recordName,
  type: oneOf(...recordTypes),
  // A week: longer ones are cut by most resolvers.
  ttl: integer(0, 604_800),
  values: list(
    "a list of values",
    text("a value as zone files have it, in one line", (value) => /^[\x20-\x7e]+$/.test(value)),
    1,
  ),
};

export const dnsRecord = record("a record with name, type, ttl and values", recordEntries);
export const zoneNames = list("a list of domain names", domain, 1);

/** Of a stack. */
export const dnsOptions = {
  zones: v.exactOptional(zoneNames),
  addresses: v.exactOptional(list("a list of IP addresses", anyAddress, 1)),
  records: v.exactOptional(
    list(
      "a list of records",
      record("a record with name, type and values", {
        ...recordEntries,
        ttl: v.exactOptional(recordEntries.ttl, stayingTtl),
      }),
    ),
  ),
  resolvers: v.exactOptional(list("a list of IP addresses", anyAddress, 1)),
};

/** A zone inside of another one would be asked at both. */
export function checkZones(given: unknown, names: readonly string[]): readonly Fault[] {
  const zones = wellFormedZones(given);
  const within = zones.flatMap((zone, index) => {
    const other = zones.find((one, place) => place !== index && isIn(zone, one));
    if (other === undefined || (other === zone && zones.indexOf(zone) === index)) return [];
    const expected = `a name that is not in ${other}`;
    return [{ path: `zones[${index}]`, message: unexpected(expected, zone) }];
  });
  const outside = zones.length === 0 ? [] : names.filter((name) => !isInOneOf(name, zones));
  return [
    ...within,
    ...outside.map((name) => ({
      path: "zones",
      message: `expected zones that have all names of the site, got ${zones.join(", ")}: ${name} is in none`,
    })),
  ];
}

/** None where some are no names, which was told already. */
export function wellFormedZones(given: unknown): readonly string[] {
  const parsed = v.safeParse(zoneNames, given);
  return parsed.success ? parsed.output : [];
}

/** `taken`: names that have addresses of the site's. */
export function checkRecords(
  given: unknown,
  zones: readonly string[],
  taken: readonly string[],
): readonly Fault[] {
  const records = Array.isArray(given) ? given.map(named) : [];
  return records.flatMap((one, index) => {
    const path = `records[${index}]`;
    return [
      ...checkPlace(one, zones).map((message) => ({ path: `${path}.name`, message })),
      ...checkAmong(one, records.slice(0, index), taken).map((message) => ({ path, message })),
      ...one.values.flatMap((value, place) => {
        const expected = expectedValue(one.type, value);
        const at = `${path}.values[${place}]`;
        return expected === undefined ? [] : [{ path: at, message: unexpected(expected, value) }];
      }),
    ];
  });
}

interface Given extends RecordName {
  readonly values: readonly string[];
}

/** What is of another sort was told already. */
function named(value: unknown): Given {
  const { name, type, values } = isRecord(value) ? value : {};
  const known = recordTypes.find((one) => one === type) ?? "MX";
  const parsed = v.safeParse(recordName, name);
  return { name: parsed.success ? parsed.output : "", type: known, values: textsOf(values) };
}

function checkPlace({ name, type }: Given, zones: readonly string[]): readonly string[] {
  if (name === "" || zones.length === 0) return [];
  if (!isInOneOf(name, zones)) return [unexpected(`a name in ${zones.join(" or ")}`, name)];
  if (type !== "NS" || !zones.includes(name)) return [];
  return [unexpected("a name below the zone's, as its own name servers are known", name)];
}

function checkAmong(
  one: Given,
  before: readonly Given[],
  taken: readonly string[],
): readonly string[] {
  const set = `${one.name} ${one.type}`;
  if (one.name !== "" && before.some((other) => isSameSet(one, other))) {
    return [`expected one record of a name and type, got ${set} again: give it all values`];
  }
  const others = before.filter(({ name }) => name === one.name);
  const isAlias = [one, ...others].some(({ type }) => type === "CNAME");
  const hasMore = others.length > 0 || (one.type === "CNAME" && taken.includes(one.name));
  if (!isAlias || !hasMore) return [];
  return [`expected nothing beside a CNAME, got ${set}: ${one.name} has other records`];
}

/** What the others have to be is the name server's to say, before a zone is live. */
function expectedValue(type: DnsRecord["type"], value: string): string | undefined {
  switch (type) {
    case "A":
      return isIpv4(value) ? undefined : "an IPv4 address such as 10.0.0.11";
    case "AAAA":
      return isIPv6(value) ? undefined : "an IPv6 address such as 2001:db8::11";
    case "TXT":
      return /^"[^"]*"( "[^"]*")*$/.test(value)
        ? undefined
        : 'text in quotes such as "v=spf1 -all"';
    default:
      return undefined;
  }
}

function isInOneOf(name: string, zones: readonly string[]): boolean {
  return zones.some((zone) => isIn(name, zone));
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
