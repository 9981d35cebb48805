/** Sets of transaction ids: `uuid:1-5:8,uuid:tag:1`. */

type Interval = readonly [first: bigint, last: bigint];
/** By source: `uuid`, or `uuid:tag`. */
export type GtidSet = ReadonlyMap<string, readonly Interval[]>;

export function parseGtidSet(text: string): GtidSet {
  const set = new Map<string, Interval[]>();
  for (const part of text.replace(/\s/g, "").toLowerCase().split(",").filter(Boolean)) {
    const [uuid = "", ...pieces] = part.split(":");
    let source = uuid;
    for (const piece of pieces) {
      const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(piece) ?? [];
      if (first === undefined) source = `${uuid}:${piece}`;
      else set.set(source, [...(set.get(source) ?? []), [BigInt(first), BigInt(last ?? first)]]);
    }
  }
  return new Map([...set].map(([source, intervals]) => [source, merged(intervals)]));
}

export function renderGtidSet(set: GtidSet): string {
  return [...set]
    .map(([source, intervals]) =>
      [source, ...intervals.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`))].join(":"),
    )
    .join(",");
}

/** What `one` has and `other` lacks. */
export function subtract(one: GtidSet, other: GtidSet): GtidSet {
  const rest = new Map<string, readonly Interval[]>();
  for (const [source, intervals] of one) {
    const left = (other.get(source) ?? []).reduce<readonly Interval[]>(without, intervals);
    if (left.length > 0) rest.set(source, left);
  }
  return rest;
}

export function isSubset(one: GtidSet, other: GtidSet): boolean {
  return subtract(one, other).size === 0;
}

export function countTransactions(set: GtidSet): number {
  const lengths = [...set.values()].flat().map(([first, last]) => Number(last - first) + 1);
  return lengths.reduce((sum, length) => sum + length, 0);
}

function without(intervals: readonly Interval[], [first, last]: Interval): Interval[] {
  return intervals.flatMap(([a, b]): Interval[] => {
    if (last < a || b < first) return [[a, b]];
    const left: Interval[] = a < first ? [[a, first - 1n]] : [];
    const right: Interval[] = last < b ? [[last + 1n, b]] : [];
    return [...left, ...right];
  });
}

function merged(intervals: readonly Interval[]): Interval[] {
  const sorted = [...intervals].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const result: Interval[] = [];
  for (const [first, last] of sorted) {
    const previous = result.at(-1);
    if (previous === undefined || first > previous[1] + 1n) result.push([first, last]);
    else if (last > previous[1]) result[result.length - 1] = [previous[0], last];
  }
  return result;
}
