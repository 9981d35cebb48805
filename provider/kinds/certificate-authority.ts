/** An authority of one's own, made once; it lives in the state only. Renewed, it keeps its key: what it signed stays good. */

import * as v from "valibot";
import { failures } from "../check";
import type { Kind } from "../kind";
import { certificateName, generatedCertificate } from "./generated-certificate";

interface CertificateAuthority {
  readonly name: string;
  readonly keeper?: string;
  readonly renewal: "due" | "not due";
  readonly certificate?: string;
  readonly privateKey?: string;
}

/** What it signs lasts 10 years: it has to outlive that. */
const renewedBeforeDays = 11 * 365.25;

const schema = v.strictObject({
  name: certificateName,
  keeper: v.optional(v.string("expected a text")),
  renewal: v.optional(v.string()),
});

export const certificateAuthority: Kind<CertificateAuthority> = {
  ...generatedCertificate<CertificateAuthority>(
    "an authority",
    ["name", "keeper"],
    () => renewedBeforeDays,
  ),
  type: "trilithon:index:CertificateAuthority",
  check: (inputs) => ({
    args: { ...inputs, renewal: "not due" },
    failures: failures(schema, inputs),
  }),
  apply: async (_, live, wanted) => {
    const { makeAuthority } = await import("../certificates");
    const isRenewed = live?.name === wanted.name && live.keeper === wanted.keeper;
    const made = await makeAuthority(wanted.name, isRenewed ? live.privateKey : undefined);
    return { ...wanted, ...made };
  },
  computedOutputs: ["certificate", "privateKey"],
  derivedOutputs: ["certificate", "privateKey"],
  secretOutputs: ["privateKey"],
};
