/** What an authority and the certificates that it signs have in common: they are made once, and renewed in time. */

import { X509Certificate } from "node:crypto";
import { text } from "../check";
import type { Kind, Step } from "../kind";
import { generated } from "./generated";

interface Renewed {
  readonly name: string;
  /** In a read: whether it ends so soon that it is to be made anew. */
  readonly renewal: "due" | "not due";
  readonly certificate?: string;
}

export const certificateName = text(
  /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/,
  "a name of at most 64 characters",
);

/** `keys` changing makes a new one; so does its age, `daysBefore` its end. */
export function generatedCertificate<Args extends Renewed>(
  what: string,
  keys: readonly string[],
  daysBefore: (args: Args) => number,
): Pick<Kind<Args>, "id" | "hosts" | "read" | "diff" | "plan" | "remove"> {
  const base = generated<Args>(`make ${what}`, [...keys, "renewal"], "certificate");
  return {
    ...base,
    read: async (expected) =>
      expected.certificate === undefined
        ? undefined
        : { ...expected, renewal: endsWithin(expected.certificate, daysBefore(expected)) },
    plan: (live, wanted, owner) =>
      base
        .plan(live, wanted, owner)
        .map((step) => (live?.renewal === "due" ? renewalOf(step, what, live) : step)),
  };
}

/** A warning, as a resource that is on no host has no other line in a preview. */
function renewalOf(step: Step, what: string, { name, certificate }: Renewed): Step {
  const end = dayOf(endOf(certificate));
  return {
    ...step,
    sentence: `renew ${what}: it ends on ${end}`,
    warning: `${what} for ${name} ends on ${end}: it is renewed`,
  };
}

function endsWithin(certificate: string, days: number): Renewed["renewal"] {
  return endOf(certificate) < Date.now() + days * 24 * 3600 * 1000 ? "due" : "not due";
}

/** What is not there ends at once. */
function endOf(certificate: string | undefined): number {
  return certificate === undefined ? 0 : Date.parse(new X509Certificate(certificate).validTo);
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
