/** X.509 certificates of an own authority, with ECDSA keys (P-256). */

import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

export interface Certified {
  /** PEM. */
  readonly certificate: string;
  /** PEM (PKCS #8). */
  readonly privateKey: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const daysPerYear = 365.25;

const authorityYears = 30;
const certificateDays = 10 * daysPerYear;

/** With the key of a former one, what that one signed stays good. */
export async function makeAuthority(name: string, formerKey?: string): Promise<Certified> {
  const keys = formerKey === undefined ? await makeKeys() : await readKeys(formerKey);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    ...goodFor(authorityYears * daysPerYear),
    keys,
    signingAlgorithm: algorithm,
    extensions: await extensionsOfAuthority(keys.publicKey, 1),
  });
  return { certificate: pem(certificate), privateKey: await writeKey(keys.privateKey) };
}

/**
 * The certificate of an authority, signed by the one before it. A server that sends it along is trusted by those who know the former
 * one alone. Where both have one name, a former one that allows no authority below it allows this one (RFC 5280, self-issued).
 */
export async function crossSign(authority: Certified, former: Certified): Promise<string> {
  const own = new x509.X509Certificate(authority.certificate);
  const signers = await readKeys(former.privateKey);
  const { publicKey } = await readKeys(authority.privateKey);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: own.subjectName.toJSON(),
    issuer: new x509.X509Certificate(former.certificate).subjectName.toJSON(),
    notBefore: own.notBefore,
    notAfter: own.notAfter,
    publicKey,
    signingKey: signers.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      ...(await extensionsOfAuthority(publicKey, 0)),
      await x509.AuthorityKeyIdentifierExtension.create(signers.publicKey),
    ],
  });
  return pem(certificate);
}

/** `authoritiesBelow` stand between it and a server's certificate at most. */
async function extensionsOfAuthority(publicKey: webcrypto.CryptoKey, authoritiesBelow: number) {
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  return [
    new x509.BasicConstraintsExtension(true, authoritiesBelow, true),
    new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
  ];
}

export interface CertificateRequest {
  readonly name: string;
  /** IP addresses and domain names. */
  readonly addresses: readonly string[];
  readonly authority: Certified;
  /** How long it is good for. Default 10 years. */
  readonly days?: number | undefined;
}

/** For servers that are each other's clients as well, as the members of a cluster are. */
export async function makeCertificate(request: CertificateRequest): Promise<Certified> {
  const authority = new x509.X509Certificate(request.authority.certificate);
  const signers = await readKeys(request.authority.privateKey);
  const keys = await makeKeys();
  const { digitalSignature, keyAgreement } = x509.KeyUsageFlags;
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const names = request.addresses.map((value) => ({
    type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const),
    value,
  }));
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [request.name] }],
    issuer: authority.subjectName.toJSON(),
    ...goodFor(request.days ?? certificateDays),
    publicKey: keys.publicKey,
    signingKey: signers.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(digitalSignature | keyAgreement, true),
      new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(signers.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), privateKey: await writeKey(keys.privateKey) };
}

/** From a day ago: a host's clock may be slow. */
function goodFor(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const day = 24 * 3600 * 1000;
  return {
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + days * day),
  };
}

function makeKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function readKeys(privateKey: string) {
  const [der] = x509.PemConverter.decode(privateKey);
  if (der === undefined) throw new Error("the authority's private key: expected PEM");
  const key = await webcrypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
  const { d: _, key_ops: __, ...open } = await webcrypto.subtle.exportKey("jwk", key);
  const publicKey = await webcrypto.subtle.importKey("jwk", open, algorithm, true, ["verify"]);
  return { privateKey: key, publicKey };
}

async function writeKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey("pkcs8", key);
  return `${x509.PemConverter.encode(der, "PRIVATE KEY")}\n`;
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}
