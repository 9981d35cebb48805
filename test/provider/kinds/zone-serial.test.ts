import test from "ava";
import type { Context } from "../../../provider/kind";
import { zoneSerial } from "../../../provider/kinds/zone-serial";

// The kind uses nothing of it.
const context = {} as unknown as Context;
const owner = { project: "p", stack: "s", resource: "r", urn: "u", claim: "c", isNew: false };

test("the first serial is the time in seconds, in the 32 bits that it may have", async (t) => {
  const before = Math.floor(Date.now() / 1000);
  const { serial = 0 } = await zoneSerial.apply([], undefined, { keeper: "a" }, context);
  t.true(serial >= before && serial < 2 ** 32);
});

test("it grows by one with another content, as the preview says, and by nothing else", async (t) => {
  const made = { keeper: "a", serial: 1_796_000_000 };
  t.deepEqual(zoneSerial.plan(made, { keeper: "a" }, owner), []);
  const [step] = zoneSerial.plan(made, { keeper: "b" }, owner);
  t.is(step?.sentence, "take the next serial");
  t.deepEqual(zoneSerial.foresee?.(made, { keeper: "b" }), { serial: 1_796_000_001 });
  const changed = await zoneSerial.apply([], made, { keeper: "b" }, context);
  t.deepEqual(changed, { keeper: "b", serial: 1_796_000_001 });
  t.deepEqual(zoneSerial.diff(changed, { keeper: "b" }), []);
  // The former content is another change.
  const back = await zoneSerial.apply([], changed, { keeper: "a" }, context);
  t.is(back.serial, 1_796_000_002);
});

test("a preview of the first one knows nothing of it", (t) => {
  t.deepEqual(zoneSerial.foresee?.(undefined, { keeper: "a" }), {});
  t.deepEqual(zoneSerial.computedOutputs, ["serial"]);
  t.is(zoneSerial.check({ serial: 3 }).failures.length, 1);
});
