/** The few figures that the benchmark's tables hold. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) throw new Error("the median of nothing");
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly slope: number;
  readonly intercept: number;
  /** 1 where all points lie on the line. */
  readonly rSquared: number;
  /** How far off the line a point is at most, in parts of its value: sizes in powers of ten hide much from R². */
  readonly worst: number;
}

/** Least squares. */
export function fitLine(points: readonly Point[]): Line {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const sum = (term: (point: Point) => number) =>
    points.reduce((total, one) => total + term(one), 0);
  const slope = sum(({ x, y }) => (x - meanX) * (y - meanY)) / sum(({ x }) => (x - meanX) ** 2);
  const intercept = meanY - slope * meanX;
  const missed = sum(({ x, y }) => (y - intercept - slope * x) ** 2);
  const spread = sum(({ y }) => (y - meanY) ** 2);
  const worst = Math.max(...points.map(({ x, y }) => Math.abs((y - intercept - slope * x) / y)));
  return { slope, intercept, rSquared: spread === 0 ? 1 : 1 - missed / spread, worst };
}
