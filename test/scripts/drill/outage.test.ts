import test from "ava";
import fc from "fast-check";
import { doubleHolding, median, outageOf } from "../../../scripts/drill/outage";

const good = (startedAt: number, endedAt = startedAt + 5) => ({ startedAt, endedAt });
const bad = (startedAt: number, failure: string) => ({
  startedAt,
  endedAt: startedAt + 1000,
  failure,
});

test("the outage is the longest time without a good answer", (t) => {
  const samples = [0, 100, 200].map((at) => good(at));
  const after = [900, 1000].map((at) => good(at));
  const failed = [bad(300, "status 503"), bad(400, "status 503"), bad(500, "hung up")];
  t.deepEqual(outageOf([...failed, ...after, ...samples], 100, 1000), {
    seconds: 0.7,
    sent: 7,
    failed: { "status 503": 2, "hung up": 1 },
  });
});

test("an answer that came late ends the outage when it came, not when it was asked for", (t) => {
  t.is(outageOf([good(0), good(100, 6100), good(200, 6200)], 0, 10_000).seconds, 6.095);
});

test("what ends after the fault counts to its end, and what begins after it does not count", (t) => {
  const samples = [good(0), good(100), good(9000), good(20_000)];
  t.is(outageOf(samples, 0, 5000).seconds, 8.9);
  t.is(outageOf([good(0), good(4000), good(5100), good(20_000)], 0, 5000).seconds, 4);
  t.is(outageOf([good(0), bad(100, "refused"), bad(9000, "refused")], 0, 5000).seconds, 9.995);
});

test("without any answer the outage is the whole time", (t) => {
  t.is(outageOf([bad(10, "refused")], 0, 5000).seconds, 5);
  t.is(outageOf([], 0, 5000).seconds, 5);
});

test("two holders are counted for as long as both were seen", (t) => {
  const every = (from: number, to: number) =>
    Array.from({ length: Math.round((to - from) * 10) + 1 }, (_, index) => from + index / 10);
  t.is(doubleHolding({ a: every(0, 5), b: every(5.2, 9) }, 0.5), 0);
  const seconds = doubleHolding({ a: every(0, 5), b: every(4, 9) }, 0.5);
  t.true(Math.abs(seconds - 1) < 0.001, String(seconds));
  // It moved away and back: nobody held it twice.
  t.is(doubleHolding({ a: [...every(0, 1), ...every(5, 6)], b: every(1.2, 4.8) }, 0.5), 0);
});

test("the median lies in the middle", (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(median([4, 1, 2, 3]), 2.5);
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1 }),
      (values) => {
        const middle = median(values);
        const below = values.filter((value) => value <= middle).length;
        const above = values.filter((value) => value >= middle).length;
        return 2 * below >= values.length && 2 * above >= values.length;
      },
    ),
  );
  t.pass();
});
