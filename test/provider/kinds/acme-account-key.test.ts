import { createHash, createPublicKey } from "node:crypto";
import test from "ava";
import type { Context } from "../../../provider/kind";
import { acmeAccountKey, makeAccountKey } from "../../../provider/kinds/acme-account-key";

// The kind uses nothing of it.
const context = {} as unknown as Context;
const owner = { project: "p", stack: "s", resource: "r", urn: "u", claim: "c", isNew: false };

test("a key has the thumbprint of RFC 7638, and the form that lego reads", (t) => {
  const { privateKey, thumbprint } = makeAccountKey();
  t.regex(privateKey, /^-----BEGIN EC PRIVATE KEY-----\n/);
  const { x, y } = createPublicKey(privateKey).export({ format: "jwk" });
  const text = `{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`;
  t.is(thumbprint, createHash("sha256").update(text).digest("base64url"));
});

test("it is made once, and anew for another keeper", async (t) => {
  t.is(acmeAccountKey.plan(undefined, {}, owner)[0]?.sentence, "make the key of an account");
  const made = await acmeAccountKey.apply([], undefined, {}, context);
  const live = await acmeAccountKey.read(made, context);
  t.deepEqual(live && acmeAccountKey.diff(live, {}), []);
  t.is(acmeAccountKey.diff(made, { keeper: "2" }).length, 1);
  t.deepEqual(acmeAccountKey.check({ length: 3 }).failures.length, 1);
});
