/** Whether a certificate and its key serve a site: everything that a browser, or HAProxy, would refuse later. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Fault } from "./expectation";
import { intermediate } from "./render/tls-profile";

export interface GivenCertificate {
  /** `https`, `https.certificates[1]` */
  readonly path: string;
  /** PEM. Left out where it is not known yet. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** Each with its first fault, and names that no certificate has. No message holds any of a text: a key may stand in the wrong place. */
export function checkCertificates(
  given: readonly GivenCertificate[],
  names: readonly string[],
  now = new Date(),
): readonly Fault[] {
  const faults = given.flatMap(({ path, certificate, key }): readonly Fault[] => {
    const found =
      (certificate === undefined ? undefined : faultOfChain(certificate, now)) ??
      (key === undefined ? undefined : faultOfKey(key)) ??
      (certificate === undefined || key === undefined ? undefined : faultOfPair(certificate, key));
    return found ? [{ path: `${path}.${found.at}`, message: found.message }] : [];
  });
  const isKnown = given.every(({ certificate }) => certificate !== undefined);
  return faults.length > 0 || given.length === 0 || !isKnown ? faults : checkNames(given, names);
}

/** How many days a certificate is still good for, and until when: `2027-01-31`. */
export function lifeLeft(certificate: string, now = new Date()) {
  const leaf = parseChain(certificate)?.[0];
  if (leaf === undefined) return undefined;
  const end = new Date(leaf.validTo);
  const days = Math.floor((end.getTime() - now.getTime()) / (24 * 3600 * 1000));
  return { days, end: dayOf(end) };
}

interface Found {
  readonly at: "certificate" | "key";
  readonly message: string;
}

const inCertificate = (expected: string, got: string): Found => ({
  at: "certificate",
  message: `expected ${expected}, got ${got}`,
});
const inKey = (expected: string, got: string): Found => ({
  at: "key",
  message: `expected ${expected}, got ${got}`,
});

function faultOfChain(certificate: string, now: Date): Found | undefined {
  const chain = parseChain(certificate);
  const [leaf] = chain ?? [];
  if (chain === undefined || leaf === undefined) {
    return inCertificate("a certificate (PEM)", "something else (not shown)");
  }
  const [begin, end] = [new Date(leaf.validFrom), new Date(leaf.validTo)];
  const valid = "a certificate that is valid now";
  if (end < now) return inCertificate(valid, `one that ended on ${dayOf(end)}`);
  if (begin > now) return inCertificate(valid, `one that begins on ${dayOf(begin)}`);
  const weakness = weaknessOf(leaf.publicKey);
  if (weakness) return inCertificate(strongKey, weakness);
  const stray = chain.findIndex((one, at) => at > 0 && !chain[at - 1]?.checkIssued(one));
  if (stray < 0) return undefined;
  return inCertificate(
    "each certificate to be followed by that of its issuer",
    `another one as number ${stray + 1}`,
  );
}

function parseChain(text: string): readonly X509Certificate[] | undefined {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g);
  try {
    return blocks?.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

const strongKey = `a key of RSA with ${intermediate.leastRsaBits} bits or more, or ECDSA with P-256 or P-384`;

function weaknessOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  const { modulusLength = 0, namedCurve = "" } = asymmetricKeyDetails ?? {};
  switch (asymmetricKeyType) {
    case "rsa":
      return modulusLength >= intermediate.leastRsaBits ? undefined : `RSA with ${modulusLength}`;
    case "ec":
      return intermediate.certificateCurves.some((curve) => curve === namedCurve)
        ? undefined
        : `ECDSA with ${namedCurve}`;
    default:
      return asymmetricKeyType ?? "another one";
  }
}

function faultOfKey(key: string): Found | undefined {
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(key)) {
    return inKey("a private key without a passphrase", "one with a passphrase");
  }
  return parseKey(key) ? undefined : inKey("a private key (PEM)", "something else (not shown)");
}

function parseKey(key: string): KeyObject | undefined {
  try {
    return createPrivateKey(key);
  } catch {
    return undefined;
  }
}

function faultOfPair(certificate: string, key: string): Found | undefined {
  const chain = parseChain(certificate) ?? [];
  const parsed = parseKey(key);
  if (parsed === undefined || chain[0]?.checkPrivateKey(parsed)) return undefined;
  const own = chain.findIndex((one) => one.checkPrivateKey(parsed));
  return own > 0
    ? inCertificate("the server's certificate first", `it as number ${own + 1}`)
    : inKey("the private key of the certificate", "another one");
}

/** A visitor who asks for a name gets a certificate that has it. */
function checkNames(
  given: readonly GivenCertificate[],
  names: readonly string[],
): readonly Fault[] {
  const leaves = given.flatMap(({ certificate = "" }) => parseChain(certificate)?.[0] ?? []);
  const path = given[0]?.path === "https" ? "https.certificate" : "https.certificates";
  return [...new Set(names)]
    .filter((name) => !leaves.some((leaf) => leaf.checkHost(name, { subject: "never" })))
    .map((name) => ({
      path,
      message: `expected a certificate for ${name}, got ${given.length > 1 ? "none" : "one"} for ${leaves.map(namesOf).join(", ")}`,
    }));
}

function namesOf({ subjectAltName = "" }: X509Certificate): string {
  const names = [...subjectAltName.matchAll(/DNS:([^,\s]+)/g)].map(([, name]) => name);
  return names.length > 0 ? names.join(", ") : "no name";
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
