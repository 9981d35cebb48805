/** An Ed25519 key pair made once; it lives in the state only. */

import * as v from "valibot";
import { failures } from "../check";
import type { Kind } from "../kind";
import { generated } from "./generated";

interface SshKey {
  readonly comment?: string;
  readonly keeper?: string;
  readonly privateKey?: string;
  readonly publicKey?: string;
  /** Those before it, the latest first. What was recorded before there was one has none. */
  readonly formerPublicKeys?: readonly string[];
}

const schema = v.strictObject({
  comment: v.optional(
    v.pipe(v.string("expected a text"), v.regex(/^[^\n]*$/, "expected one line")),
  ),
  keeper: v.optional(v.string("expected a text")),
});

export const sshKey: Kind<SshKey> = {
  ...generated<SshKey>("make a key pair", ["comment", "keeper"], "publicKey"),
  type: "trilithon:index:SshKey",
  check: (inputs) => ({ args: inputs, failures: failures(schema, inputs) }),
  apply: async (_, live, wanted) => {
    const { makeKeyPair } = await import("../ssh/key-pair");
    const pair = makeKeyPair(wanted.comment);
    const formerPublicKeys = formerKeys(live);
    return { ...wanted, privateKey: pair.private, publicKey: pair.public, formerPublicKeys };
  },
  foresee: (live) => ({ formerPublicKeys: formerKeys(live) }),
  computedOutputs: ["privateKey", "publicKey", "formerPublicKeys"],
  derivedOutputs: ["privateKey", "publicKey", "formerPublicKeys"],
  secretOutputs: ["privateKey"],
};

function formerKeys(live: SshKey | undefined): readonly string[] {
  if (live?.publicKey === undefined) return [];
  return [live.publicKey, ...(live.formerPublicKeys ?? [])];
}
