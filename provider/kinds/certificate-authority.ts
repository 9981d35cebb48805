/**
 * An authority of one's own, made once; it lives in the state only. Renewed, it keeps its key: what it signed stays good. Where another
 * one takes its place, both are trusted for a while.
 */

import * as v from "valibot";
import type { Certified } from "../certificates";
import { failures } from "../check";
import { compare } from "../difference";
import type { Difference, Kind } from "../kind";
import { certificateName, dateOf, generatedCertificate } from "./generated-certificate";

interface CertificateAuthority {
  readonly name: string;
  readonly keeper?: string;
  readonly renewal: "due" | "not due";
  readonly certificate?: string;
  readonly privateKey?: string;
  /** Its own, then those of the ones before it. What was recorded before there was one has none. */
  readonly trustedCertificates?: string;
  /** Its own once more, signed by the one before it, and so on. */
  readonly crossCertificates?: string;
  /** Until when the ones before it are trusted; empty where there is none. */
  readonly formerUntil?: string;
}

/** One week: time for whatever reads the certificates only when it starts. */
const formerDays = 7;

const schema = v.strictObject({
  name: certificateName,
  keeper: v.optional(v.string("expected a text")),
  renewal: v.optional(v.string()),
});

const keys = ["name", "keeper"];
const base = generatedCertificate<CertificateAuthority>("an authority", keys);
const outputs = [
  ...["certificate", "privateKey"],
  ...["trustedCertificates", "crossCertificates", "formerUntil"],
];

export const certificateAuthority: Kind<CertificateAuthority> = {
  ...base,
  type: "trilithon:index:CertificateAuthority",
  check: (inputs) => ({
    args: { ...inputs, renewal: "not due" },
    failures: failures(schema, inputs),
  }),
  diff: (live, wanted) => [...base.diff(live, wanted), ...differencesOfTrust(live)],
  plan: (live, wanted, owner) => {
    const steps = base.plan(live, wanted, owner);
    if (live?.certificate === undefined) return steps;
    if (isAnother(live, wanted)) {
      const until = dateOf(new Date(untilThen()));
      const sentence = `make another authority: the former one is trusted until ${until} as well`;
      return steps.map((step) => ({ ...step, sentence }));
    }
    const trust = differencesOfTrust(live).length > 0 ? [trustSentence(live)] : [];
    return [...steps, ...trust.map((sentence) => ({ action: "generate", sentence }))];
  },
  apply: async (_, live, wanted) => {
    const before = live && outputsOf(live);
    if (live === undefined || before === undefined) {
      const { makeAuthority } = await import("../certificates");
      return { ...wanted, ...alone(await makeAuthority(wanted.name)) };
    }
    return { ...wanted, ...(await successor(live, before, wanted)) };
  },
  foresee: (live, wanted) =>
    live !== undefined && base.diff(live, wanted).length === 0 ? { ...trusting(live) } : {},
  computedOutputs: outputs,
  derivedOutputs: outputs,
  secretOutputs: ["privateKey"],
};

function isAnother(live: CertificateAuthority, wanted: CertificateAuthority): boolean {
  return compare(live, wanted, keys).length > 0;
}

/** Which authorities are trusted is not recorded, or is to be another list by now. */
function differencesOfTrust(live: CertificateAuthority): Difference[] {
  if (live.trustedCertificates === undefined) {
    return [{ path: ["trustedCertificates"], kind: "add" }];
  }
  return isOver(live) ? [{ path: ["formerUntil"], kind: "update" }] : [];
}

function isOver({ formerUntil = "" }: CertificateAuthority): boolean {
  return formerUntil !== "" && Date.parse(formerUntil) < Date.now();
}

function trustSentence({ formerUntil = "" }: CertificateAuthority): string {
  if (formerUntil === "") return "record that it alone is trusted";
  return `trust the former authority no longer: it was to be until ${dateOf(new Date(formerUntil))}`;
}

type Outputs = Certified &
  Required<Pick<CertificateAuthority, "trustedCertificates" | "crossCertificates" | "formerUntil">>;

async function successor(
  live: CertificateAuthority,
  before: Outputs,
  wanted: CertificateAuthority,
): Promise<Outputs> {
  const { makeAuthority, crossSign } = await import("../certificates");
  if (isAnother(live, wanted)) {
    const own = await makeAuthority(wanted.name);
    return {
      ...own,
      trustedCertificates: own.certificate + before.trustedCertificates,
      crossCertificates: (await crossSign(own, before)) + before.crossCertificates,
      formerUntil: untilThen(),
    };
  }
  const kept = trusting(live) ?? before;
  if (base.diff(live, wanted).length === 0) return kept;
  const own = await makeAuthority(wanted.name, before.privateKey);
  const { trustedCertificates } = kept;
  return {
    ...{ ...kept, ...own },
    trustedCertificates: trustedCertificates.replace(before.certificate, own.certificate),
  };
}

/** With those before it as long as they are to be trusted. */
function trusting(live: CertificateAuthority): Outputs | undefined {
  const recorded = outputsOf(live);
  return recorded && isOver(live) ? alone(recorded) : recorded;
}

function alone({ certificate, privateKey }: Certified): Outputs {
  return {
    ...{ certificate, privateKey },
    ...{ trustedCertificates: certificate, crossCertificates: "", formerUntil: "" },
  };
}

function outputsOf(live: CertificateAuthority): Outputs | undefined {
  const { certificate, privateKey } = live;
  if (certificate === undefined || privateKey === undefined) return undefined;
  const { trustedCertificates = certificate, crossCertificates = "", formerUntil = "" } = live;
  return { certificate, privateKey, trustedCertificates, crossCertificates, formerUntil };
}

function untilThen(): string {
  return new Date(Date.now() + formerDays * 24 * 3600 * 1000).toISOString();
}
