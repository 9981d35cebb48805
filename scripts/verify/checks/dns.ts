/** Who is asked for the site's names says what the stack declares: its own name servers, and resolvers where the settings name some. */
import type { CaaRecord } from "node:dns";
import { Resolver } from "node:dns/promises";
import { type Check, type Finding, failed, passed } from "../check";
import { type DnsRecord, type Endpoints, startCommand } from "../endpoints";

export function dnsChecks({
  dns,
  nameServers,
  resolvers,
  away,
  stack,
}: Pick<Endpoints, "dns" | "nameServers" | "resolvers" | "away" | "stack">): readonly Check[] {
  const own = Object.entries(nameServers)
    .filter(([host]) => !away.includes(host))
    .map(([host, { name, address }]) => ({
      name: `${host}: its name server answers for the site`,
      // A host without the address has no other way to be asked either.
      asked: { who: `${name} (${address})`, address },
      remedy: `${startCommand(stack)}; why: journalctl -u nsd on ${host}`,
    }));
  const others = resolvers.map((address) => ({
    name: `${address} finds the site`,
    asked: { who: address, address },
    remedy:
      "at the registrar, lead the zone to its name servers; at a provider, keep endpoints.dns; a change is there after the former answer's time to live",
  }));
  return [...own, ...others].map(({ name, asked, remedy }) => ({
    ...{ name, remedy, expected: "the records of endpoints.dns", deadlineSeconds: 25 },
    run: async () => judgeDns(await Promise.all(dns.map((one) => compare(one, asked.address)))),
  }));
}

/** A line for each record that is another one. */
export function judgeDns(compared: readonly (string | undefined)[]): Finding {
  const lines = compared.flatMap((line) => line ?? []);
  const seen = `${compared.length - lines.length} of ${compared.length} as declared`;
  return lines.length === 0 ? passed(seen) : { ...failed(seen), lines };
}

async function compare(record: DnsRecord, address: string): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: 2000, tries: 3 });
  resolver.setServers([address]);
  const answered = await ask(resolver, record).catch(({ code, message }) => `${code ?? message}`);
  return compareRecord(record, answered);
}

/** What was answered, or why nothing was. */
export function compareRecord(
  { name, type, values }: DnsRecord,
  answered: readonly string[] | string,
): string | undefined {
  const isKnown = typeof answered !== "string";
  const [wanted, found] = [values, isKnown ? answered : []].map((all) => all.map(plain).sort());
  if (isKnown && String(wanted) === String(found)) return undefined;
  const got = isKnown ? answered.join(", ") || "nothing" : answered;
  return `${name} ${type}: expected ${values.join(", ")}, got ${got}`;
}

/** Names are the same in any case, and with a dot at their end or without; quotes may be left out. */
function plain(value: string): string {
  return value.startsWith('"')
    ? value
    : value
        .split(/\s+/)
        .map((word) => word.toLowerCase().replace(/\.$/, "").replaceAll('"', ""))
        .join(" ");
}

/** As zone files have them. */
async function ask(resolver: Resolver, { name, type }: DnsRecord): Promise<readonly string[]> {
  switch (type) {
    case "A":
      return resolver.resolve4(name);
    case "AAAA":
      return resolver.resolve6(name);
    case "CNAME":
      return resolver.resolveCname(name);
    case "NS":
      return resolver.resolveNs(name);
    case "CAA":
      return (await resolver.resolveCaa(name)).map(writeCaa);
    case "MX":
      return (await resolver.resolveMx(name)).map(
        ({ priority, exchange }) => `${priority} ${exchange}`,
      );
    case "SRV":
      return (await resolver.resolveSrv(name)).map(
        ({ priority, weight, port, name }) => `${priority} ${weight} ${port} ${name}`,
      );
    case "TXT":
      return (await resolver.resolveTxt(name)).map((parts) =>
        parts.map((part) => `"${part}"`).join(" "),
      );
  }
}

function writeCaa({ critical, ...tags }: CaaRecord): string {
  const [[tag, value] = ["", ""]] = Object.entries(tags);
  return `${critical} ${tag} "${value}"`;
}
