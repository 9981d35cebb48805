/** What a chart is like: its lines across, its rows as a table, and what is said of it. */
import type { Chart } from "../picture";
import { dateWords, valueWords } from "./words";

/** An hour, or a day where there are several. */
export function timeWords(seconds: number, times: readonly number[]): string {
  const words = dateWords(seconds * 1000);
  return isOfDays(times) ? words.slice(5, 10) : words.slice(11);
}

export function isOfDays(times: readonly number[]): boolean {
  return (times.at(-1) ?? 0) - (times[0] ?? 0) > 86_400;
}

const powers = Array.from({ length: 25 }, (_, at) => 10 ** (at - 9));

/** How far apart lines across may be, in what is round for its unit. */
export function stepsOf({ unit, series }: Pick<Chart, "unit" | "series">): readonly number[] {
  const decimal = powers.flatMap((power) => [power, 2 * power, 5 * power]);
  switch (unit) {
    case "bytes":
    case "bytes per second":
      return Array.from({ length: 50 }, (_, at) => 2 ** at);
    case "seconds":
      return [
        ...decimal.filter((step) => step < 60),
        ...[60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200],
        ...decimal.filter((step) => step >= 1).map((days) => days * 86_400),
      ];
    case "count": {
      const isWhole = series.every(({ values }) =>
        values.every((one) => Number.isInteger(one ?? 0)),
      );
      return isWhole ? decimal.filter((step) => step >= 1) : decimal;
    }
    default:
      return decimal;
  }
}

/** From zero on, with some room above; of parts to a whole where they come near to it. */
export function scaleOf(least: number | null, most: number | null, unit: string): [number, number] {
  const top = most === null || most <= 0 ? 1 : most * 1.1;
  const bottom = least !== null && least < 0 ? least * 1.1 : 0;
  return [bottom, unit === "ratio" && top > 0.5 && top < 1.2 ? 1 : top];
}

/** For who does not see the lines. */
export function summaryOf({ title, unit, series }: Chart): string {
  const said = series.slice(0, 6).map(({ legend, values }) => {
    const seen = values.filter((value): value is number => value !== null);
    const last = valueWords(seen.at(-1), unit);
    return `${legend} ${last}, highest ${valueWords(seen.length > 0 ? Math.max(...seen) : null, unit)}`;
  });
  const left = series.length - said.length;
  return `Chart: ${title}: ${said.join("; ")}${left > 0 ? `; and ${left} more` : ""}`;
}

/** A part of the rows, evenly, with the latest one. */
export function rowsOf(times: readonly number[], count: number): readonly number[] {
  const step = Math.max(1, Math.ceil(times.length / count));
  return times.map((_, at) => at).filter((at) => (times.length - 1 - at) % step === 0);
}
