import test from "ava";
import fc from "fast-check";
import { LineFilter } from "../../../provider/ssh/progress-lines";

const text = "one\n@progress unpäcking (1 of 2)\ntwo\n@progressive\n @progress no\n@progress last";
const kept = "one\ntwo\n@progressive\n @progress no\n";

test("progress lines are taken out, however the text is cut into pieces", (t) => {
  const bytes = Buffer.from(text);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const said: string[] = [];
      const filter = new LineFilter((message) => said.push(message));
      const ends = [...cuts.sort((a, b) => a - b), bytes.length];
      const pieces = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
      const out = [...pieces.flatMap((piece) => filter.take(piece)), ...filter.rest()];
      t.is(Buffer.concat(out).toString("utf8"), kept);
      t.deepEqual(said, ["unpäcking (1 of 2)", "last"]);
    }),
  );
});

test("without anybody to tell, all of it is output", (t) => {
  const filter = new LineFilter(undefined);
  t.is(Buffer.concat([...filter.take(Buffer.from(text)), ...filter.rest()]).toString("utf8"), text);
});

test("bytes that are no text pass unharmed", (t) => {
  const bytes = Buffer.from([0xff, 0x00, 0x0a, 0xfe, 0x80]);
  const filter = new LineFilter(() => undefined);
  t.deepEqual(Buffer.concat([...filter.take(bytes), ...filter.rest()]), bytes);
});
