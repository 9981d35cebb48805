/** How an authority that speaks ACME is shown whose the names are: at port 80 of each of them, or in their DNS. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { checkArgs } from "./check-args";
import { dnsProviders } from "./dns-providers";
import { type Fault, unexpected } from "./expectation";
import { renderEnvironmentFile } from "./render/environment-file";
import { isRecord, mapping, record, rule, text } from "./rule";

export type AcmeChallenge = "http-01" | { readonly "dns-01": Dns01Args };

export interface Dns01Args {
  /** As lego calls whoever has the DNS of the names: `rfc2136`, `hetzner`. `lego dnshelp` lists them. */
  readonly provider: string;
  /** What lego is told of it, as `HETZNER_API_TOKEN`. Kept as a secret, in a file that only root reads. */
  readonly environment: Readonly<Record<string, pulumi.Input<string | number>>>;
}

const environment = mapping(
  "an object of variables",
  text("a variable in capital letters, as lego dnshelp tells it", (name) =>
    /^[A-Z][A-Z0-9_]{0,99}$/.test(name),
  ),
  v.custom<string | number>(
    (value) => typeof value === "number" || (typeof value === "string" && /^[^\0]+$/.test(value)),
    "expected a text or a number, got something else (not shown)",
  ),
);

const dns01 = record("an object with dns-01", {
  "dns-01": record("an object with provider and environment", {
    provider: text("a DNS provider of those that lego has in Debian", isProvider),
    environment,
  }),
});

export const challenge = v.lazy(
  (value): v.GenericSchema<unknown, AcmeChallenge> =>
    isRecord(value)
      ? dns01
      : rule("http-01 or an object with dns-01", (word): word is "http-01" => word === "http-01"),
);

/** They say which files there are. What a variable is may become known later. */
export const plainChallengeArgs = [
  ...["challenge", "challenge.dns-01", "challenge.dns-01.provider"],
  "challenge.dns-01.environment",
];

export function dns01Of(challenge: unknown): Dns01Args | undefined {
  const given = isRecord(challenge) ? challenge["dns-01"] : undefined;
  return isDns01(given) ? given : undefined;
}

function isDns01(value: unknown): value is Dns01Args {
  return isRecord(value) && typeof value.provider === "string" && isRecord(value.environment);
}

function isProvider(name: string): boolean {
  return Object.hasOwn(dnsProviders, name);
}

/** What the provider does not work without. A variable may also name a file on the host that has its value: `NAME_FILE`. */
export function checkVariables(path: string, challenge: unknown): readonly Fault[] {
  const { provider = "", environment: given = {} } = dns01Of(challenge) ?? {};
  const needed = isProvider(provider) ? (dnsProviders[provider] ?? "").split(" ") : [];
  const isGiven = (name: string) =>
    given[name] !== undefined || given[`${name}_FILE`] !== undefined;
  return needed
    .filter((names) => names !== "" && !names.split("|").some(isGiven))
    .map((names) => ({
      path: `${path}.dns-01.environment.${names.split("|")[0]}`,
      message: unexpected(`what lego needs for ${provider}`, undefined),
    }));
}

/** By their names: whoever reads a token in a file of settings can change what the names lead to. */
export function secretVariables(challenge: unknown): readonly string[] {
  // This one is the name of a key.
  const isOpen = (name: string) => name.endsWith("_TSIG_KEY");
  return Object.keys(dns01Of(challenge)?.environment ?? {}).filter(
    (name) => /(TOKENS?|SECRET|PASSWORD|KEY|CREDENTIALS|SIGNATURE)$/.test(name) && !isOpen(name),
  );
}

/** Nothing of it is shown: so nobody has to say which of them are secrets. */
export function renderVariables(component: string, dns01: Dns01Args): pulumi.Output<string> {
  const file = pulumi.output(dns01.environment).apply((known) => {
    checkArgs({ component, entries: { environment }, plain: [] }, { environment: known });
    const texts = Object.entries(known).map(([name, value]) => [name, String(value)] as const);
    return renderEnvironmentFile(Object.fromEntries(texts));
  });
  return pulumi.secret(file);
}
