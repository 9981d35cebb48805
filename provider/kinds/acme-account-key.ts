/** The key of an account at an authority that speaks ACME, made once; it lives in the state only. */

import { createHash, generateKeyPairSync } from "node:crypto";
import * as v from "valibot";
import { failures } from "../check";
import type { Kind } from "../kind";
import { generated } from "./generated";

interface AcmeAccountKey {
  readonly keeper?: string;
  readonly privateKey?: string;
  readonly thumbprint?: string;
}

const schema = v.strictObject({ keeper: v.optional(v.string("expected a text")) });

export const acmeAccountKey: Kind<AcmeAccountKey> = {
  ...generated<AcmeAccountKey>("make the key of an account", ["keeper"], "thumbprint"),
  type: "trilithon:index:AcmeAccountKey",
  check: (inputs) => ({ args: inputs, failures: failures(schema, inputs) }),
  apply: async (_, __, wanted) => ({ ...wanted, ...makeAccountKey() }),
  computedOutputs: ["privateKey", "thumbprint"],
  derivedOutputs: ["privateKey", "thumbprint"],
  secretOutputs: ["privateKey"],
};

/** The thumbprint is RFC 7638's: what answers a challenge (RFC 8555, 8.1). */
export function makeAccountKey(): { readonly privateKey: string; readonly thumbprint: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const { crv, kty, x, y } = publicKey.export({ format: "jwk" });
  const thumbprint = createHash("sha256")
    .update(JSON.stringify({ crv, kty, x, y }))
    .digest("base64url");
  // lego reads no PKCS #8.
  return { privateKey: privateKey.export({ type: "sec1", format: "pem" }).toString(), thumbprint };
}
