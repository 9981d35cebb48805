import test from "ava";
import { fitLine, median } from "../../benchmark/statistics";

test("the median is the middle, or between the two in the middle", (t) => {
  t.is(median([9, 1, 2]), 2);
  t.is(median([4, 1, 2, 100]), 3);
  t.is(median([7]), 7);
});

test("points on a line are fitted exactly", (t) => {
  const points = [3, 10, 30, 100].map((x) => ({ x, y: 2 + 0.5 * x }));
  const { slope, intercept, rSquared } = fitLine(points);
  t.true(Math.abs(slope - 0.5) < 1e-9);
  t.true(Math.abs(intercept - 2) < 1e-9);
  t.true(Math.abs(rSquared - 1) < 1e-9);
});

test("growth with the square is told from a line by its worst point", (t) => {
  const sizes = [10, 100, 1000];
  t.true(fitLine(sizes.map((x) => ({ x, y: 1 + x / 100 }))).worst < 1e-9);
  t.true(fitLine(sizes.map((x) => ({ x, y: 1 + x ** 2 }))).worst > 1);
});
