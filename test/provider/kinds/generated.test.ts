import test from "ava";
import type { Context, Owner } from "../../../provider/kind";
import { password } from "../../../provider/kinds/password";
import { sshKey } from "../../../provider/kinds/ssh-key";

const owner = {} as Owner;
const context = {} as Context;

test("another keeper makes another password, and the preview says so", async (t) => {
  const made = await password.apply([], undefined, { length: 32 }, context);
  const wanted = { length: 32, keeper: "2" };
  t.is(password.plan(undefined, wanted, owner)[0]?.sentence, "make a password");
  t.deepEqual(password.plan(made, { length: 32 }, owner), []);
  t.is(password.plan(made, wanted, owner)[0]?.sentence, "make another password");
  const changed = await password.apply([], made, wanted, context);
  t.not(changed.value, made.value);
  t.deepEqual(password.plan(changed, wanted, owner), []);
});

test("a key pair knows the public keys before it, as the preview does", async (t) => {
  const first = await sshKey.apply([], undefined, {}, context);
  t.deepEqual(first.formerPublicKeys, []);
  const second = await sshKey.apply([], first, { keeper: "2" }, context);
  t.deepEqual(second.formerPublicKeys, [first.publicKey]);
  t.deepEqual(sshKey.foresee?.(second, { keeper: "3" }), {
    formerPublicKeys: [second.publicKey, first.publicKey],
  });
  // What was recorded before there was such a list.
  const { formerPublicKeys: _, ...recorded } = first;
  const next = await sshKey.apply([], recorded, { keeper: "2" }, context);
  t.deepEqual(next.formerPublicKeys, [first.publicKey]);
  t.is(sshKey.plan(second, { keeper: "3" }, owner)[0]?.sentence, "make another key pair");
});
