/** The edge of the site: what load balancers refuse by themselves, whom they let in, and what they tell browsers. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { refuse } from "./check-args";
import { type Fault, unexpected } from "./expectation";
import type { HaproxyEdge } from "./render/edge";
import { saltOf, sha512Crypt } from "./render/sha512-crypt";
import { hiddenText, integer, isRecord, list, mapping, oneOf, record, rule, text } from "./rule";
import { sourceNetwork } from "./rules";

export interface EdgeArgs {
  /**
   * So many requests of one address, or of one /64 of IPv6, in so many seconds, 1 to 60 (default 10); what is more is answered 429.
   * Default: any number.
   */
  readonly rateLimit?: pulumi.Input<{
    readonly requests: number;
    readonly seconds?: number | undefined;
  }>;
  /**
   * New connections a second of one address, or of one /64 of IPv6, averaged over 10 seconds; what is more is closed before TLS is
   * spoken. `none`: any number. Default 300.
   */
  readonly connectionsPerSecond?: pulumi.Input<number | "none">;
  /** All headers of a request together, 1 to 60; what is more is answered 431. Default: 400 where 64 do not hold the request. */
  readonly headerKilobytes?: pulumi.Input<number>;
  /** Path and query of a request, 1 to 60; what is more is answered 414. Default: as all of the request. */
  readonly urlKilobytes?: pulumi.Input<number>;
  /** Networks, as `203.0.113.0/24` or `2001:db8::/32`: all others are answered 403. Default: everybody is let in. */
  readonly allow?: pulumi.Input<readonly pulumi.Input<string>[]>;
  /**
   * Names to passwords, of 12 to 128 characters: who has none of these is answered 401 (basic authentication). Hosts get salted hashes. Default: nobody
   * is asked.
   */
  readonly users?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /** With both: whether visitors have to be in `allow` and one of `users`, or either. Default `all`. */
  readonly satisfy?: pulumi.Input<"all" | "any">;
  /**
   * Headers of answers, for those that have none of that name; `false` leaves out one of ours. Default `X-Content-Type-Options: nosniff`
   * and `Referrer-Policy: strict-origin-when-cross-origin`.
   */
  readonly headers?: pulumi.Input<Readonly<Record<string, pulumi.Input<string | false>>>>;
  /** What visitors get while `npm run maintenance -- on` is in effect. */
  readonly maintenance?: pulumi.Input<MaintenanceArgs>;
}

export interface MaintenanceArgs {
  /** Of the page, a paragraph a line. Default: that the site is back soon. */
  readonly text?: string | undefined;
  /** When to ask again, 1 to 86400. Default 300. */
  readonly retryAfterSeconds?: number | undefined;
  /** Networks that see the site all the same. Default none; of a stack those of `firewall.operators`. */
  readonly operators?: readonly string[] | undefined;
}

/**
 * Ten seconds of it are an office of 500 whose browsers open six connections each at the same time; and a processor makes some thousand
 * handshakes a second, so that one address takes no more than about a third of one.
 */
const defaultConnectionsPerSecond = 300;
const defaultRateSeconds = 10;
const defaultRetryAfterSeconds = 300;

/**
 * No application depends on the contrary: a browser is not to take a file for what its type does not say, and other sites are told where
 * a visitor came from without the path, as browsers do by themselves today. Not here: what keeps a page out of other sites' frames, as it
 * would break what is made for them, such as WordPress's embeds.
 */
const defaultHeaders: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "strict-origin-when-cross-origin",
};

export const defaultMaintenanceText =
  "The site is being worked on, and will be back soon.\nThank you for your patience.";

const network = list("a list of networks", sourceNetwork, 1);
const isHeaderValue = (value: unknown): value is string | false =>
  value === false ||
  (typeof value === "string" && value.length <= 4000 && /^[\x21-\x7e]([\x20-\x7e]*)$/.test(value));

export const edge = record("an object", {
  rateLimit: v.exactOptional(
    record("an object with requests", {
      // One page of a site is several of them.
      requests: integer(10, 1_000_000),
      seconds: v.exactOptional(integer(1, 60)),
    }),
  ),
  connectionsPerSecond: v.exactOptional(
    rule(
      "an integer from 1 to 100000, or none",
      (value): value is number | "none" => value === "none" || v.is(integer(1, 100_000), value),
    ),
  ),
  headerKilobytes: v.exactOptional(integer(1, 60)),
  urlKilobytes: v.exactOptional(integer(1, 60)),
  allow: v.exactOptional(network),
  users: v.exactOptional(
    v.pipe(
      mapping(
        "an object of names and passwords",
        text("a name of at most 64 letters, digits, hyphens and underscores", (name) =>
          /^[A-Za-z0-9_-]{1,64}$/.test(name),
        ),
        hiddenText("a password of 12 to 128 letters, digits and signs", (password) =>
          /^[\x20-\x7e]{12,128}$/.test(password),
        ),
      ),
      v.check(
        (users) => Object.keys(users).length > 0,
        "expected a name with its password, got none: take it out to let everybody in",
      ),
    ),
  ),
  satisfy: v.exactOptional(oneOf("all", "any")),
  headers: v.exactOptional(
    mapping(
      "an object of headers",
      text("the name of a header such as X-Frame-Options", (name) =>
        /^[A-Za-z][A-Za-z0-9-]*$/.test(name),
      ),
      rule("one line of text, or false", isHeaderValue),
    ),
  ),
  maintenance: v.exactOptional(
    record("an object with text, retryAfterSeconds or operators", {
      text: v.exactOptional(
        text(
          "a text of at most 2000 characters",
          (value) => value.trim() !== "" && value.length <= 2000 && !/(?!\n)\p{Cc}/u.test(value),
        ),
      ),
      retryAfterSeconds: v.exactOptional(integer(1, 86_400)),
      operators: v.exactOptional(list("a list of networks", sourceNetwork)),
    }),
  ),
});

/** By these an answer is read: another one would be another answer. */
const ofAnswer = [
  ...["connection", "content-encoding", "content-length", "content-range", "content-type"],
  ...["date", "etag", "keep-alive", "last-modified", "location", "retry-after", "set-cookie"],
  ...["trailer", "transfer-encoding", "upgrade", "vary", "www-authenticate", "x-served-by"],
];
/** Browsers ignore them with any other value. */
const onlyValues: Readonly<Record<string, readonly string[]>> = {
  "x-content-type-options": ["nosniff"],
  "x-frame-options": ["DENY", "SAMEORIGIN"],
};

/** What has to agree. */
export function checkEdge(given: unknown): readonly Fault[] {
  if (!isRecord(given)) return [];
  const { allow, users, satisfy, headers } = given;
  return [
    ...(satisfy !== undefined && (allow === undefined || users === undefined)
      ? [fault("satisfy", "nothing, as it is about allow and users together", satisfy)]
      : []),
    ...(isRecord(headers) ? checkHeaders(headers) : []),
  ];
}

function checkHeaders(headers: Readonly<Record<string, unknown>>): readonly Fault[] {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const ours = Object.keys(defaultHeaders).map((name) => name.toLowerCase());
  return Object.entries(headers).flatMap(([name, value], at) => {
    const path = `headers.${name}`;
    const key = name.toLowerCase();
    const values = onlyValues[key];
    if (names.indexOf(key) !== at) return [fault(path, "a header that is there once", name)];
    if (key === "strict-transport-security") {
      return [fault(path, "a header that is not https.hsts", name, "set that")];
    }
    if (ofAnswer.includes(key)) {
      return [fault(path, "a header that says how browsers treat a page", name)];
    }
    if (value === false && !ours.includes(key)) {
      return [fault(path, "one line of text", value, "it is not sent by itself, take it out")];
    }
    if (typeof value === "string" && values !== undefined && !values.includes(value)) {
      return [fault(path, values.join(" or "), value)];
    }
    return [];
  });
}

function fault(path: string, expected: string, value: unknown, remedy?: string): Fault {
  return { path: `edge.${path}`, message: unexpected(expected, value, remedy) };
}

/** With the passwords as secrets, wherever they come from. */
export function withHiddenUsers(args: EdgeArgs): EdgeArgs {
  return args.users === undefined ? args : { ...args, users: pulumi.secret(args.users) };
}

/** Whoever reads the network reads the passwords, where nobody ends TLS. */
export function warnOfPlainPasswords(
  name: string,
  {
    edge,
    https,
    trustedProxies,
  }: {
    readonly edge?: EdgeArgs;
    readonly https?: unknown;
    readonly trustedProxies?: unknown;
  },
): void {
  if (edge?.users === undefined || https !== undefined || trustedProxies !== undefined) return;
  pulumi.log.warn(
    `LoadBalancer ${name}: edge.users: passwords come in plain text, as nobody ends TLS: set https`,
  );
}

/** As HAProxy's configuration has it; what became known late has to agree as well. */
export function completeEdge(
  component: string,
  given: pulumi.Unwrap<EdgeArgs>,
  domain: string,
): HaproxyEdge {
  refuse(component, checkEdge(given));
  const { rateLimit, users, headers = {}, maintenance = {}, ...rest } = given;
  const { connectionsPerSecond = defaultConnectionsPerSecond, satisfy = "all" } = rest;
  const { retryAfterSeconds = defaultRetryAfterSeconds, operators = [] } = maintenance;
  return {
    ...rest,
    ...{ connectionsPerSecond, satisfy },
    rateLimit: rateLimit && {
      requests: rateLimit.requests,
      seconds: rateLimit.seconds ?? defaultRateSeconds,
    },
    users: users && hashed(users, domain),
    headers: completeHeaders(headers),
    maintenance: { retryAfterSeconds, operators },
  };
}

/**
 * A salt has to be another one for each user of each site, and the same in each preview: it is made of their names, which tell nothing of the
 * password.
 */
function hashed(users: Readonly<Record<string, string>>, domain: string) {
  const place = [pulumi.getProject(), pulumi.getStack(), domain];
  return Object.fromEntries(
    Object.entries(users).map(([name, password]) => [
      name,
      sha512Crypt(password, saltOf(...place, name)),
    ]),
  );
}

function completeHeaders(given: Readonly<Record<string, string | false>>) {
  const named = Object.keys(given).map((name) => name.toLowerCase());
  const ours = Object.entries(defaultHeaders).filter(
    ([name]) => !named.includes(name.toLowerCase()),
  );
  const theirs = Object.entries(given).flatMap(([name, value]) =>
    value === false ? [] : [[name, value] as const],
  );
  return Object.fromEntries([...ours, ...theirs]);
}

/** Of a stack: the operators of its firewall see the site during maintenance, unless others are named. */
export function edgeOfStack({
  edge = {},
  firewall,
}: {
  readonly edge?: StackEdge | undefined;
  readonly firewall: "none" | { readonly operators?: readonly string[] };
}): EdgeArgs {
  const own = firewall === "none" ? undefined : firewall.operators;
  const operators = edge.maintenance?.operators ?? own;
  if (operators === undefined) return edge;
  return { ...edge, maintenance: { ...edge.maintenance, operators } };
}

type StackEdge = v.InferOutput<typeof edge>;
