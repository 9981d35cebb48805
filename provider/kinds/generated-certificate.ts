/** What an authority and the certificates that it signs have in common: they are made once, and renewed in time. */

import { X509Certificate } from "node:crypto";
import { text } from "../check";
import { compare } from "../difference";
import type { Kind } from "../kind";
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

/** `keys` changing makes a new one; so does its age, a third of its life before its end. */
export function generatedCertificate<Args extends Renewed>(
  what: string,
  keys: readonly string[],
): Pick<Kind<Args>, "id" | "hosts" | "read" | "diff" | "plan" | "remove"> {
  const base = generated<Args>(`make ${what}`, [...keys, "renewal"], "certificate");
  return {
    ...base,
    read: async (expected) => (expected.certificate === undefined ? undefined : aged(expected)),
    // Without a host there is no read before an update: what was recorded has grown older since.
    diff: (live, wanted) => base.diff(aged(live), wanted),
    plan: (live, wanted, owner) =>
      base
        .plan(live && aged(live), wanted, owner)
        .map((step) =>
          live?.certificate !== undefined && compare(live, wanted, keys).length === 0
            ? { ...step, sentence: `renew ${what}: it ends on ${endOf(live.certificate)}` }
            : step,
        ),
  };
}

function aged<Args extends Renewed>(live: Args): Args {
  return live.certificate === undefined ? live : { ...live, renewal: renewalOf(live.certificate) };
}

/** Who runs `up` once in three years has it in time. */
function renewalOf(certificate: string): Renewed["renewal"] {
  const { validFrom, validTo } = new X509Certificate(certificate);
  const [begin, end] = [Date.parse(validFrom), Date.parse(validTo)];
  return Date.now() > end - (end - begin) / 3 ? "due" : "not due";
}

/** `2036-11-27` */
function endOf(certificate: string): string {
  return dateOf(new Date(new X509Certificate(certificate).validTo));
}

export function dateOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
