/** Authorities, certificates and passwords as the state of a stack has them, and certificates that are about to end. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import * as x509 from "@peculiar/x509";
import * as v from "valibot";
import type { Certified } from "../../provider/certificates";
import type { TestStack } from "../end-to-end/support/test-stack";

const resources = v.looseObject({
  deployment: v.looseObject({
    resources: v.array(
      v.looseObject({
        urn: v.string(),
        outputs: v.optional(v.record(v.string(), v.unknown())),
      }),
    ),
  }),
});
const secretText = v.looseObject({ plaintext: v.string() });

async function exported(stack: TestStack) {
  const { stdout } = await stack.pulumi("stack", "export", "--show-secrets");
  return v.parse(resources, JSON.parse(stdout));
}

/** `resource` is the name of a `CertificateAuthority`. */
export async function authorityOf(stack: TestStack, resource: string): Promise<Certified> {
  const { deployment } = await exported(stack);
  const found = deployment.resources.find(({ urn }) => urn.endsWith(`::${resource}`));
  const text = (name: string) => plainText(found?.outputs?.[name]);
  return { certificate: text("certificate"), privateKey: text("privateKey") };
}

/** All that the stack made for itself. */
export async function passwordsOf(stack: TestStack): Promise<readonly string[]> {
  const { deployment } = await exported(stack);
  return deployment.resources
    .filter(({ urn }) => urn.includes("trilithon:index:Password::"))
    .map(({ outputs }) => plainText(outputs?.value));
}

/** A secret stands in its envelope. */
function plainText(value: unknown): string {
  if (typeof value === "string") return value;
  return v.parse(v.string(), JSON.parse(v.parse(secretText, value).plaintext));
}

export async function changeState(
  stack: TestStack,
  resource: string,
  outputs: Readonly<Record<string, string>>,
): Promise<void> {
  const state = await exported(stack);
  for (const one of state.deployment.resources) {
    if (one.urn.endsWith(`::${resource}`)) one.outputs = { ...one.outputs, ...outputs };
  }
  const file = `${stack.place.project}/state.json`;
  await writeFile(file, JSON.stringify(state));
  const { status, stderr } = await stack.pulumi("stack", "import", "--file", file);
  await rm(file);
  if (status !== 0) throw new Error(stderr);
}

const day = 24 * 3600 * 1000;

/** Of a month, most of which is over. */
export async function makeShort(
  addresses: readonly string[],
  authority: Certified,
  notAfter: Date,
): Promise<Certified> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const [der] = x509.PemConverter.decode(authority.privateKey);
  if (der === undefined) throw new Error("the authority has no key");
  const signingKey = await webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
  const names = addresses.map((value) => ({
    type: /^[\d.]+$/.test(value) ? ("ip" as const) : ("dns" as const),
    value,
  }));
  const own = await x509.X509CertificateGenerator.create({
    subject: [{ CN: ["short"] }],
    issuer: new x509.X509Certificate(authority.certificate).subjectName.toJSON(),
    notBefore: new Date(notAfter.getTime() - 30 * day),
    ...{ notAfter, publicKey: keys.publicKey, signingKey, signingAlgorithm: algorithm },
    extensions: [
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(
        new x509.X509Certificate(authority.certificate).publicKey,
      ),
    ],
  });
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: `${own.toString("pem")}\n`,
    privateKey: `${x509.PemConverter.encode(key, "PRIVATE KEY")}\n`,
  };
}
