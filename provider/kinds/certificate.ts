/** A certificate that an authority of one's own signs; it lives in the state only. */

import * as v from "valibot";
import { failures, integer, text } from "../check";
import type { Kind } from "../kind";
import { certificateName, generatedCertificate } from "./generated-certificate";

interface Certificate {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly authorityCertificate: string;
  readonly authorityPrivateKey: string;
  readonly days?: number;
  readonly keeper?: string;
  readonly renewal: "due" | "not due";
  readonly certificate?: string;
  readonly privateKey?: string;
}

const schema = v.strictObject({
  name: certificateName,
  addresses: v.pipe(
    v.array(text(/^[A-Za-z0-9.:-]{1,253}$/, "an IP address or a domain name")),
    v.minLength(1, "expected one address or more"),
  ),
  authorityCertificate: text(/^-----BEGIN CERTIFICATE-----\s/, "a certificate (PEM)"),
  authorityPrivateKey: text(/^-----BEGIN PRIVATE KEY-----\s/, "a private key (PEM)"),
  days: v.optional(integer(1, 3652)),
  keeper: v.optional(v.string("expected a text")),
  renewal: v.optional(v.string()),
});

export const certificate: Kind<Certificate> = {
  ...generatedCertificate<Certificate>(
    "a certificate",
    // An authority that is renewed keeps its key: what it signed stays good.
    ["name", "addresses", "authorityPrivateKey", "days", "keeper"],
  ),
  type: "trilithon:index:Certificate",
  check: (inputs) => ({
    args: { ...inputs, renewal: "not due" },
    failures: failures(schema, inputs),
  }),
  apply: async (_, __, wanted) => {
    const { makeCertificate } = await import("../certificates");
    const { name, addresses, days, authorityCertificate, authorityPrivateKey } = wanted;
    const authority = { certificate: authorityCertificate, privateKey: authorityPrivateKey };
    return { ...wanted, ...(await makeCertificate({ name, addresses, days, authority })) };
  },
  computedOutputs: ["certificate", "privateKey"],
  derivedOutputs: ["certificate", "privateKey"],
  secretOutputs: ["privateKey", "authorityPrivateKey"],
};
