/** What a fault did to those who were asking, from the samples of the load. */
import type { Sample } from "./load";

export interface Outage {
  /** The longest time without a good answer. */
  readonly seconds: number;
  readonly sent: number;
  /** Failures by kind. */
  readonly failed: Readonly<Record<string, number>>;
}

/** Of the requests that started in a part of the load, in its milliseconds; the first good answer after it ends an outage, too. */
export function outageOf(samples: readonly Sample[], from: number, to: number): Outage {
  const sent = samples.filter(({ startedAt }) => startedAt >= from && startedAt <= to);
  const answers = samples
    .filter(({ failure, endedAt }) => failure === undefined && endedAt >= from)
    .map(({ endedAt }) => endedAt)
    .sort((one, other) => one - other);
  const last = Math.max(to, ...samples.map(({ endedAt }) => endedAt));
  const moments = [from, ...answers, ...((answers.at(-1) ?? from) < to ? [last] : [])];
  const gaps = moments
    .slice(1)
    .map((moment, index) => ({ begin: moments[index] ?? from, end: moment }))
    .filter(({ begin }) => begin <= to)
    .map(({ begin, end }) => end - begin);
  const failed: Record<string, number> = {};
  for (const { failure } of sent) if (failure) failed[failure] = (failed[failure] ?? 0) + 1;
  return { seconds: Math.max(0, ...gaps) / 1000, sent: sent.length, failed };
}

/** When each host held the address, in seconds of a clock that they share: sorted moments at which it was seen there. */
export type Holdings = Readonly<Record<string, readonly number[]>>;

/** For how long two hosts held the address at once, in seconds; moments further apart than `step` are no stretch. */
export function doubleHolding(holdings: Holdings, step: number): number {
  const stretches = Object.values(holdings).map((moments) => stretchesOf(moments, step));
  let seconds = 0;
  for (const [index, ours] of stretches.entries()) {
    for (const theirs of stretches.slice(index + 1)) {
      for (const [from, to] of ours) {
        for (const [start, end] of theirs) {
          seconds += Math.max(0, Math.min(to, end) - Math.max(from, start));
        }
      }
    }
  }
  return seconds;
}

function stretchesOf(moments: readonly number[], step: number): readonly [number, number][] {
  const stretches: [number, number][] = [];
  for (const moment of moments) {
    const last = stretches.at(-1);
    if (last !== undefined && moment - last[1] <= step) last[1] = moment;
    else stretches.push([moment, moment]);
  }
  return stretches;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}
