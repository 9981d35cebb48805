import test from "ava";
import { utils } from "ssh2";
import { makeKeyPair } from "../../../provider/ssh/key-pair";

test("every pair can be used, however its numbers begin", (t) => {
  for (let count = 0; count < 1000; count += 1) {
    const pair = makeKeyPair();
    t.false(utils.parseKey(pair.private) instanceof Error);
    t.false(utils.parseKey(pair.public) instanceof Error);
  }
});

test("a comment ends the public key", (t) => {
  t.regex(makeKeyPair("lb-01").public, /^ssh-ed25519 AAAA\S+ lb-01$/);
});
