/** How load balancers end TLS: by whose certificates, and what is told to browsers. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { Certificate, CertificateAuthority } from "../provider/resources/generated";
import { type AcmeCertificates, makeAcme } from "./acme";
import {
  type AcmeChallenge,
  challenge,
  checkVariables,
  plainChallengeArgs,
} from "./acme-challenge";
import { checkCertificates, type GivenCertificate, lifeLeft } from "./certificate-check";
import { checkArgs, refuse } from "./check-args";
import { type Fault, unexpected } from "./expectation";
import { hiddenText, integer, isRecord, list, oneOf, record, rule, text } from "./rule";
import { keeper, port } from "./rules";

export interface CertificatePair {
  /** PEM: the server's certificate, followed by those of the authorities up to the root, which may be left out. */
  readonly certificate: pulumi.Input<string>;
  /** PEM, without a passphrase. Kept as a secret, in a file that only root reads. */
  readonly key: pulumi.Input<string>;
}

/** An authority that speaks ACME, as Let's Encrypt does. */
export interface AcmeArgs {
  /** Of the account: where the authority writes to. */
  readonly email: pulumi.Input<string>;
  /** URL of its directory. Default: Let's Encrypt's. */
  readonly directory?: pulumi.Input<string>;
  /**
   * How it is shown whose the names are. `http-01`: it asks at port 80 of each of them. `dns-01`: it looks for a record that lego makes at
   * `provider`, by what `environment` says. Default `http-01`.
   */
  readonly challenge?: AcmeChallenge;
  /** PEM: whom to trust for `directory`. Default: the host's roots. */
  readonly directoryCa?: pulumi.Input<string>;
}

/** One of four says whose certificates: `certificate` and `key`, `certificates`, `ownCa`, or `acme`. */
export interface HttpsArgs {
  /** As in `CertificatePair`: for all host names. */
  readonly certificate?: pulumi.Input<string>;
  /** That of the certificate. */
  readonly key?: pulumi.Input<string>;
  /** Several: a visitor gets the one that has the name that is asked for, and without a name the first. */
  readonly certificates?: readonly CertificatePair[];
  /** `true`: an authority of the stack's own signs one for all host names and addresses of the load balancers. */
  readonly ownCa?: true;
  /**
   * With `ownCa`, any text: another one than before makes another authority, and a new certificate. It is signed by the former one as well: who
   * trusts that one goes on for a week.
   */
  readonly authorityKeeper?: pulumi.Input<string>;
  /** Each load balancer gets a certificate for all host names by itself, and renews it: its key never leaves the host. */
  readonly acme?: AcmeArgs;
  /** PEM: whom to trust for given certificates or those of `acme`, if systems do not by themselves. `npm run verify` does so. Default: their roots. */
  readonly ca?: pulumi.Input<string>;
  /** On all addresses of each host. Default 443. */
  readonly port?: pulumi.Input<number>;
  /** `true`: HTTP/3 as well, at the same port over UDP. HAProxy has to be built with QUIC, as 3.2 of Debian 14 is. Default `false`. */
  readonly http3?: boolean;
  /**
   * Browsers that were here once come by TLS alone for so many days, 1 to 1095; with `includeSubDomains` to all names below as well, with
   * `preload` before their first visit (hstspreload.org), which is hard to undo. Default: nothing is said.
   */
  readonly hsts?: pulumi.Input<{
    readonly days: number;
    readonly includeSubDomains?: boolean;
    readonly preload?: boolean;
  }>;
}

export const defaultHttpsPort = 443;
/** One that is given and ends within these is told by each preview. */
const warnedDays = 30;
/** Mozilla's limit is 366 with the day before; `up` renews it within the last third. */
const ownCertificateDays = 365;

const isTrueOrFalse = rule(
  "true or false",
  (value): value is boolean => typeof value === "boolean",
);
// What is in them is checked by `certificate-check.ts`.
const certificate = hiddenText("a certificate (PEM)", () => true);
const key = hiddenText("a private key (PEM)", () => true);

const httpsObject = record("an object", {
  certificate: v.exactOptional(certificate),
  key: v.exactOptional(key),
  certificates: v.exactOptional(
    list(
      "a list of certificates with their keys",
      record("an object with certificate and key", { certificate, key }),
      1,
    ),
  ),
  ownCa: v.exactOptional(rule("true", (value): value is true => value === true)),
  authorityKeeper: v.exactOptional(keeper),
  acme: v.exactOptional(
    record("an object with email", {
      email: text("an e-mail address", (value) =>
        /^[A-Za-z0-9._%+-]{1,64}@([a-z0-9-]+\.)+[a-z0-9-]+$/.test(value),
      ),
      directory: v.exactOptional(
        text("an https URL", (value) =>
          /^https:\/\/[A-Za-z0-9.-]+(:\d+)?\/[A-Za-z0-9._~/-]*$/.test(value),
        ),
      ),
      challenge: v.exactOptional(challenge),
      directoryCa: v.exactOptional(certificate),
    }),
  ),
  ca: v.exactOptional(certificate),
  port: v.exactOptional(port),
  http3: v.exactOptional(isTrueOrFalse),
  hsts: v.exactOptional(
    record("an object with days", {
      days: integer(1, 1095),
      includeSubDomains: v.exactOptional(isTrueOrFalse),
      preload: v.exactOptional(isTrueOrFalse),
    }),
  ),
});

type HttpsValue = "own-ca" | v.InferOutput<typeof httpsObject>;

export const https = v.lazy(
  (value): v.GenericSchema<unknown, HttpsValue> =>
    isRecord(value) ? httpsObject : oneOf("own-ca"),
);

/** Arguments that say which resources and files there are. */
export const plainHttpsArgs = [
  ...["https", "https.certificates", "https.ownCa", "https.acme", "https.http3"],
  ...plainChallengeArgs.map((path) => `https.acme.${path}`),
];

export function hasHttp3(given: "own-ca" | HttpsArgs | undefined): boolean {
  return given !== undefined && given !== "own-ca" && given.http3 === true;
}

/** What has to agree, of what is known: whose certificates, that they are good, and that they have all names. */
export function checkHttps(given: unknown, names: readonly string[]): readonly Fault[] {
  if (!isRecord(given)) return [];
  return [
    ...checkSource(given),
    ...checkHsts(given.hsts),
    ...checkCertificates(pairsOf(given), names),
  ];
}

type Values = Readonly<Record<string, unknown>>;

function checkSource(given: Values): readonly Fault[] {
  const hasPair = given.certificate !== undefined || given.key !== undefined;
  const sources = [
    ...(hasPair ? ["certificate and key"] : []),
    ...["certificates", "ownCa", "acme"].filter((name) => given[name] !== undefined),
  ];
  if (sources.length !== 1) {
    const got = sources.length === 0 ? "none of them" : sources.join(" and ");
    const expected = "one of certificate and key, certificates, ownCa, acme";
    return [{ path: "https", message: `expected ${expected}, got ${got}` }];
  }
  const lacking = hasPair ? ["certificate", "key"].filter((name) => given[name] === undefined) : [];
  return [
    ...lacking.map((name) => ({
      path: `https.${name}`,
      message: unexpected(
        name === "key"
          ? "the private key of the certificate (PEM)"
          : "the certificate of the key (PEM)",
        undefined,
      ),
    })),
    ...checkCa(given),
    ...checkKeeper(given),
    ...(isRecord(given.acme) ? checkAcme(given.acme) : []),
  ];
}

function checkAcme({ directoryCa, challenge }: Values): readonly Fault[] {
  return [
    ...checkPem("https.acme.directoryCa", directoryCa),
    ...checkVariables("https.acme.challenge", challenge),
  ];
}

function checkCa({ ownCa, ca }: Values): readonly Fault[] {
  if (ownCa === undefined || ca === undefined) return checkPem("https.ca", ca);
  return [{ path: "https.ca", message: "expected nothing, got a value: ownCa has its own" }];
}

function checkKeeper({ ownCa, authorityKeeper }: Values): readonly Fault[] {
  if (authorityKeeper === undefined || ownCa !== undefined) return [];
  const message = unexpected("nothing", authorityKeeper, "only ownCa has an authority to be made");
  return [{ path: "https.authorityKeeper", message }];
}

function checkPem(path: string, value: unknown): readonly Fault[] {
  if (typeof value !== "string" || lifeLeft(value) !== undefined) return [];
  return [{ path, message: "expected a certificate (PEM), got something else (not shown)" }];
}

/** What the list that browsers have asks for: https://hstspreload.org */
function checkHsts(hsts: unknown): readonly Fault[] {
  if (!isRecord(hsts) || hsts.preload !== true) return [];
  const { days, includeSubDomains } = hsts;
  return [
    ...(typeof days === "number" && days < 365
      ? [{ path: "https.hsts.days", message: unexpected("365 or more with preload", days) }]
      : []),
    ...(includeSubDomains === true
      ? []
      : [
          {
            path: "https.hsts.includeSubDomains",
            message: unexpected("true with preload", includeSubDomains),
          },
        ]),
  ];
}

function pairsOf(given: Values): readonly GivenCertificate[] {
  const known = (value: unknown) => (typeof value === "string" ? value : undefined);
  const pair = (path: string, values: Values) => ({
    path,
    certificate: known(values.certificate),
    key: known(values.key),
  });
  const { certificates } = given;
  if (Array.isArray(certificates)) {
    return certificates.map((one: unknown, index) =>
      pair(`https.certificates[${index}]`, isRecord(one) ? one : {}),
    );
  }
  return given.certificate === undefined && given.key === undefined ? [] : [pair("https", given)];
}

export interface OwnNames {
  readonly names: pulumi.Input<readonly string[]>;
  /** IPv4. */
  readonly addresses: pulumi.Input<readonly string[]>;
}

export interface Certificates {
  /** Files of HAProxy's. */
  readonly pairs: readonly {
    readonly certificate: pulumi.Output<string>;
    readonly key: pulumi.Output<string>;
  }[];
  /** Each host gets one by itself then. */
  readonly acme?: AcmeCertificates;
  /** Whom visitors have to trust, where systems do not by themselves. */
  readonly ca: pulumi.Output<string | undefined>;
}

/** The given ones, or one of an authority that is made for it. */
export function certificatesOf(
  parent: pulumi.Resource,
  name: string,
  given: "own-ca" | HttpsArgs,
  { names, addresses }: OwnNames,
): Certificates {
  if (given === "own-ca") return makeOwn(parent, name, { names, addresses });
  if (given.ownCa) return makeOwn(parent, name, { names, addresses }, given.authorityKeeper);
  if (given.acme) {
    const acme = makeAcme(parent, name, checkedAcme(name, given.acme), names);
    return { pairs: [], acme, ca: pulumi.output(given.ca) };
  }
  const { certificate = "", key = "", certificates = [{ certificate, key }], ca } = given;
  const outputs = pulumi.all([certificates, names]).apply(([known, all]) => {
    const values = given.certificates ? { certificates: known } : { ...known[0] };
    refuse(`LoadBalancer ${name}`, checkCertificates(pairsOf(values), all));
    for (const { path, certificate = "" } of pairsOf(values)) warnOfEnd(path, certificate);
    return known;
  });
  return {
    pairs: certificates.map((_, index) => ({
      // What came with a secret key would be hidden in previews as well.
      certificate: pulumi.unsecret(outputs.apply((known) => known[index]?.certificate ?? "")),
      key: pulumi.secret(outputs.apply((known) => known[index]?.key ?? "")),
    })),
    ca: pulumi.output(ca),
  };
}

/** They come to stand in a script's configuration. */
function checkedAcme(name: string, { email, directory, ...rest }: AcmeArgs): AcmeArgs {
  const check = { component: `LoadBalancer ${name}`, entries: { https }, plain: [] };
  const known = pulumi.output({ email, directory }).apply((acme) => {
    checkArgs(check, { https: { acme } });
    return acme;
  });
  return {
    ...rest,
    email: known.apply((acme) => acme.email),
    ...(directory !== undefined && { directory: known.apply((acme) => acme.directory ?? "") }),
  };
}

function warnOfEnd(path: string, certificate: string): void {
  const left = lifeLeft(certificate);
  if (left === undefined || left.days > warnedDays) return;
  pulumi.log.warn(`${path}.certificate ends on ${left.end}, in ${left.days} days: set a new one`);
}

function makeOwn(
  parent: pulumi.Resource,
  name: string,
  { names, addresses }: OwnNames,
  keeper?: pulumi.Input<string>,
): Certificates {
  const domain = pulumi.output(names).apply(([first = ""]) => first);
  const authority = new CertificateAuthority(
    `${name}-authority`,
    // Browsers and systems list it by this name.
    {
      name: domain.apply((domain) => `${domain.slice(0, 50)} authority`),
      ...(keeper !== undefined && { keeper }),
    },
    { parent },
  );
  const certificate = new Certificate(
    `${name}-certificate`,
    {
      name: domain.apply((domain) => domain.slice(0, 64)),
      addresses: pulumi
        .all([names, addresses])
        .apply(([names, addresses]) => [...new Set([...names, ...addresses])]),
      days: ownCertificateDays,
      authorityCertificate: authority.certificate,
      authorityPrivateKey: authority.privateKey,
    },
    { parent },
  );
  // Followed by those that lead to a former authority, which visitors may trust alone.
  const chain = pulumi.interpolate`${certificate.certificate}${authority.crossCertificates}`;
  return {
    pairs: [{ certificate: chain, key: certificate.privateKey }],
    ca: authority.certificate,
  };
}
