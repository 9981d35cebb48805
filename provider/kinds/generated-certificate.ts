/** What an authority and the certificates that it signs have in common: they are made once, and renewed in time. */

import { X509Certificate } from "node:crypto";
import { text } from "../check";
import type { Kind } from "../kind";
import { generated } from "./generated";

interface Renewed {
  /** In a read: whether it ends so soon that it is to be made anew. */
  readonly renewal: "due" | "not due";
  readonly certificate?: string;
}

export const certificateName = text(
  /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/,
  "a name of at most 64 characters",
);

const secondsPerYear = 365.25 * 24 * 3600;

/** `keys` changing makes a new one; so does its age, `renewedBefore` years before its end. */
export function generatedCertificate<Args extends Renewed>(
  what: string,
  keys: readonly string[],
  renewedBefore: number,
): Pick<Kind<Args>, "id" | "hosts" | "read" | "diff" | "plan" | "remove"> {
  const base = generated<Args>(`make ${what}`, [...keys, "renewal"], "certificate");
  return {
    ...base,
    read: async (expected) =>
      expected.certificate === undefined
        ? undefined
        : { ...expected, renewal: endsWithin(expected.certificate, renewedBefore) },
    plan: (live, wanted, owner) =>
      base
        .plan(live, wanted, owner)
        .map((step) =>
          live?.renewal === "due" ? { ...step, sentence: `renew ${what}: it ends soon` } : step,
        ),
  };
}

function endsWithin(certificate: string, years: number): Renewed["renewal"] {
  const end = Date.parse(new X509Certificate(certificate).validTo);
  return end < Date.now() + years * secondsPerYear * 1000 ? "due" : "not due";
}
