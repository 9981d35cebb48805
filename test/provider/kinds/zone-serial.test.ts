import test from "ava";
import type { Context } from "../../../provider/kind";
import { zoneSerial } from "../../../provider/kinds/zone-serial";

// The kind uses nothing of it.
const context = {} as unknown as Context;
const owner = { project: "p", stack: "s", resource: "r", urn: "u", claim: "c", isNew: false };

test("the first serial is of the day, as its preview says, in the 32 bits that it may have", async (t) => {
  const foreseen = zoneSerial.foresee?.(undefined, { keeper: "a" });
  const { serial = 0 } = await zoneSerial.apply([], undefined, { keeper: "a" }, context);
  t.regex(String(serial), /^20\d\d[01]\d[0-3]\d01$/);
  t.true(serial > 2_026_000_000 && serial < 2 ** 32);
  t.deepEqual(Object.keys(foreseen ?? {}), ["serial"]);
  t.regex(String(foreseen?.serial), /01$/);
});

test("it grows by one with another content, as the preview says, and by nothing else", async (t) => {
  const made = { keeper: "a", serial: 2_026_113_001 };
  t.deepEqual(zoneSerial.plan(made, { keeper: "a" }, owner), []);
  const [step] = zoneSerial.plan(made, { keeper: "b" }, owner);
  t.is(step?.sentence, "take the next serial");
  t.deepEqual(zoneSerial.foresee?.(made, { keeper: "b" }), { serial: 2_026_113_002 });
  const changed = await zoneSerial.apply([], made, { keeper: "b" }, context);
  t.deepEqual(changed, { keeper: "b", serial: 2_026_113_002 });
  t.deepEqual(zoneSerial.diff(changed, { keeper: "b" }), []);
  // The former content is another change.
  const back = await zoneSerial.apply([], changed, { keeper: "a" }, context);
  t.is(back.serial, 2_026_113_003);
});

test("it is made by the plugin alone", (t) => {
  t.is(zoneSerial.check({ serial: 3 }).failures.length, 1);
});
