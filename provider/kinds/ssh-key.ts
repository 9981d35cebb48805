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
  apply: async (_, __, wanted) => {
    const { makeKeyPair } = await import("../ssh/key-pair");
    const pair = makeKeyPair(wanted.comment);
    return { ...wanted, privateKey: pair.private, publicKey: pair.public };
  },
  computedOutputs: ["privateKey", "publicKey"],
  derivedOutputs: ["privateKey", "publicKey"],
  secretOutputs: ["privateKey"],
};
