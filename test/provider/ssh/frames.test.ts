import test from "ava";
import fc from "fast-check";
import { FrameReader } from "../../../provider/ssh/frames";
import { frame } from "../../support/ssh-server";

const mark = "0123456789abcdef01234567";

interface Seen {
  readonly head: string;
  readonly text: string;
}

function reading(): { readonly reader: FrameReader; readonly seen: Seen[] } {
  const seen: Seen[] = [];
  const reader = new FrameReader(mark, ({ kind, numbers, bytes }) => {
    seen.push({ head: [kind, ...numbers].join(" "), text: bytes.toString("latin1") });
  });
  return { reader, seen };
}

const frames = [
  frame(mark, "begin"),
  frame(mark, "out 0", Buffer.from("one\n")),
  frame(mark, "err 12", Buffer.from([0, 255, 10])),
  frame(mark, "out 0", Buffer.alloc(4096, "x")),
  frame(mark, "exit 0 256 4100 0"),
  frame(mark, "end"),
];
const expected: readonly Seen[] = [
  { head: "begin", text: "" },
  { head: "out 0", text: "one\n" },
  { head: "err 12", text: "\x00ÿ\n" },
  { head: "out 0", text: "x".repeat(4096) },
  { head: "exit 0 256 4100 0", text: "" },
  { head: "end", text: "" },
];

test("frames are found among noise, however the stream is cut", (t) => {
  const noise = fc.string({ maxLength: 30 }).map((text) => Buffer.from(text));
  fc.assert(
    fc.property(noise, fc.array(fc.nat(6000)), (between, cuts) => {
      const whole = Buffer.concat([between, ...frames.flatMap((one) => [one, between])]);
      const { reader, seen } = reading();
      const ends = [...cuts.sort((one, other) => one - other), whole.length];
      for (const [i, end] of ends.entries()) reader.take(whole.subarray(ends[i - 1] ?? 0, end));
      t.deepEqual(seen, expected);
    }),
    { numRuns: 200 },
  );
});

test("frames that come byte by byte are taken as soon as they are whole", (t) => {
  const { reader, seen } = reading();
  for (const byte of frame(mark, "out 0", Buffer.from("one\n"))) {
    t.deepEqual(seen, []);
    reader.take(Buffer.from([byte]));
  }
  t.deepEqual(seen, [{ head: "out 0", text: "one\n" }]);
});

test("a frame into which something wrote is none, and the next one is found", (t) => {
  const whole = frame(mark, "out 0", Buffer.from("an answer"));
  for (let at = 1; at < whole.length - 1; at += 1) {
    const { reader, seen } = reading();
    reader.take(Buffer.concat([whole.subarray(0, at), Buffer.from("#"), whole.subarray(at)]));
    reader.take(frame(mark, "end"));
    t.deepEqual(seen, [{ head: "end", text: "" }], `at ${at}`);
  }
});

test("digits that are written into a frame's length or numbers do not make it another", (t) => {
  const whole = frame(mark, "exit 0 0 3 0");
  for (let at = 1; at < whole.length - 1; at += 1) {
    const { reader, seen } = reading();
    reader.take(Buffer.concat([whole.subarray(0, at), Buffer.from("9"), whole.subarray(at)]));
    // What a frame lacks it may take from what follows, and gives it back once it proves to be none.
    reader.take(Buffer.alloc(5000, "x"));
    reader.take(frame(mark, "end"));
    t.deepEqual(seen, [{ head: "end", text: "" }], `at ${at}`);
  }
});

test("a length that no frame has is not waited for", (t) => {
  const { reader, seen } = reading();
  reader.take(Buffer.from(`\n${mark} out 0 999999\nabc`));
  reader.take(frame(mark, "end"));
  t.deepEqual(seen, [{ head: "end", text: "" }]);
  const { reader: other, seen: otherSeen } = reading();
  other.take(Buffer.from(`\n${mark} ${"head without an end ".repeat(10)}`));
  other.take(frame(mark, "end"));
  t.deepEqual(otherSeen, [{ head: "end", text: "" }]);
});

test("another mark is noise", (t) => {
  const { reader, seen } = reading();
  reader.take(frame("f".repeat(24), "out 0", Buffer.from("not ours")));
  t.deepEqual(seen, []);
  t.true(reader.noise.includes("not ours"));
});

test("the last of the noise is kept, and no more than that", (t) => {
  const { reader } = reading();
  reader.take(Buffer.from("first "));
  reader.take(Buffer.alloc(20_000, "x"));
  reader.take(frame(mark, "begin"));
  reader.take(Buffer.from("last"));
  t.true(reader.noise.endsWith("xxlast"));
  t.true(reader.noise.length < 5000);
});
