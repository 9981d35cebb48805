import test from "ava";
import { kinds } from "../../../provider/kinds";
import { stateOf } from "../../../provider/protocol/state";

const sshKey = kinds.find(({ type }) => type === "trilithon:index:SshKey") ?? missing();
const properties = {
  comment: "lb-01",
  privateKey: "the private half",
  publicKey: "the public half",
};
const claim = "claim";
const secretNames = (secrets: readonly (readonly string[])[]) =>
  [...new Set(secrets.map(([name]) => name))].sort();

function missing(): never {
  throw new Error("no such kind");
}

test("a refresh makes no secret of what a key shows to all, and undoes it where one did", (t) => {
  for (const former of [[["privateKey"]], [["privateKey"], ["publicKey"]]]) {
    t.deepEqual(secretNames(stateOf(sshKey, properties, former, { claim }).secrets), [
      "applied",
      "privateKey",
    ]);
  }
});

test("what is derived from a secret is one", (t) => {
  t.deepEqual(secretNames(stateOf(sshKey, properties, [["comment"]], { claim }).secrets), [
    ...["applied", "comment", "formerPublicKeys", "privateKey", "publicKey"],
  ]);
});
