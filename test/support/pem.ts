/** Certificates as somebody may give them: good ones, and all that can be wrong with one. */
import "reflect-metadata";
import { createPrivateKey, createPublicKey, generateKeyPairSync, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

export interface Pem {
  readonly certificate: string;
  readonly key: string;
}

export interface PemRequest {
  readonly names?: readonly string[];
  /** Days from now. */
  readonly from?: number;
  readonly to?: number;
  readonly algorithm?: "P-256" | "P-521" | "RSA 2048" | "RSA 1024" | "Ed25519";
  readonly issuer?: Issuer;
  readonly isAuthority?: boolean;
}

export interface Issuer extends Pem {
  readonly keys: webcrypto.CryptoKeyPair;
  readonly signing: SigningAlgorithm;
}

type SigningAlgorithm = (typeof algorithms)[keyof typeof algorithms];

const rsa = (modulusLength: number) => ({
  ...{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength },
  publicExponent: new Uint8Array([1, 0, 1]),
});
const algorithms = {
  "P-256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "P-521": { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" },
  "RSA 2048": rsa(2048),
  "RSA 1024": rsa(1024),
  Ed25519: { name: "Ed25519" },
};

/** Signed by its own key, if there is no issuer. */
export async function makePem({
  names = ["www.foobar.com"],
  from = -1,
  to = 90,
  algorithm = "P-256",
  issuer,
  isAuthority = false,
}: PemRequest = {}): Promise<Issuer> {
  const own = algorithms[algorithm];
  const generated = await webcrypto.subtle.generateKey(own, true, ["sign", "verify"]);
  // Each of these algorithms has a pair; the types know it of some only.
  const keys = generated as webcrypto.CryptoKeyPair;
  const day = 24 * 3600 * 1000;
  const subject = `CN=${names[0] ?? "nobody"}${isAuthority ? " authority" : ""}`;
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer ? new x509.X509Certificate(issuer.certificate).subject : subject,
    notBefore: new Date(Date.now() + from * day),
    notAfter: new Date(Date.now() + to * day),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: issuer?.signing ?? own,
    extensions: [
      new x509.BasicConstraintsExtension(isAuthority, undefined, true),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: "dns" as const, value })),
      ),
    ],
  });
  const der = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  const key = `${x509.PemConverter.encode(der, "PRIVATE KEY")}\n`;
  return { certificate: `${certificate.toString("pem")}\n`, key, keys, signing: own };
}

/** An authority whose key is RSA, as somebody else has made it. */
export async function readIssuer({ certificate, key }: Pem): Promise<Issuer> {
  const signing = algorithms["RSA 2048"];
  const own = createPrivateKey(key).export({ type: "pkcs8", format: "der" });
  const open = createPublicKey(key).export({ type: "spki", format: "der" });
  const keys = {
    privateKey: await webcrypto.subtle.importKey("pkcs8", own, signing, true, ["sign"]),
    publicKey: await webcrypto.subtle.importKey("spki", open, signing, true, ["verify"]),
  };
  return { certificate, key, keys, signing };
}

export function makeEncryptedKey(): string {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "prime256v1",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" },
  });
  return privateKey;
}
