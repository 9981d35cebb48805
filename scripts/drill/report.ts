/** What a drill found: a table for people, JSON for programs. */
import { median } from "./outage";
import type { Round } from "./round";

export interface Drill {
  readonly stack: string;
  /** Open-loop requests a second. */
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  /** How long each fault lasted. */
  readonly seconds: number;
  readonly rounds: readonly Round[];
  /** Kind to why it was left out. */
  readonly leftOut: Readonly<Record<string, string>>;
}

export interface Summary {
  readonly kind: string;
  readonly rounds: number;
  /** Seconds without an answer: the median and the longest of the rounds. */
  readonly reads: { readonly median: number; readonly longest: number };
  readonly writes: { readonly median: number; readonly longest: number };
  readonly readsFailed: number;
  readonly writesFailed: number;
  readonly acknowledged: number;
  readonly missing: number;
  readonly doubleHolderSeconds: number;
  /** The longest time to recover by itself, or `undefined` where a round did not. */
  readonly recovered: number | undefined;
}

export function summarize(rounds: readonly Round[]): readonly Summary[] {
  const kinds = [...new Set(rounds.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const own = rounds.filter((round) => round.kind === kind);
    const sum = (value: (round: Round) => number) =>
      own.reduce((total, round) => total + value(round), 0);
    const longest = (value: (round: Round) => number) => Math.max(...own.map(value));
    const recoveries = own.map(({ recovery }) =>
      "seconds" in recovery ? recovery.seconds : undefined,
    );
    const ended = recoveries.filter((seconds) => seconds !== undefined);
    const spread = (value: (round: Round) => number) => ({
      median: median(own.map(value)),
      longest: longest(value),
    });
    return {
      kind,
      rounds: own.length,
      reads: spread(({ reads }) => reads.seconds),
      writes: spread(({ writes }) => writes.seconds),
      readsFailed: sum(({ reads }) => count(reads.failed)),
      writesFailed: sum(({ writes }) => count(writes.failed)),
      acknowledged: sum(({ acknowledged }) => acknowledged),
      missing: sum(({ missing }) => missing.length),
      doubleHolderSeconds: sum(({ doubleHolderSeconds }) => doubleHolderSeconds),
      recovered: ended.length === own.length ? Math.max(...ended) : undefined,
    };
  });
}

/** Whether no acknowledged write is missing, no address was held twice, and all recovered by themselves. */
export function isGood(drill: Drill): boolean {
  return summarize(drill.rounds).every(
    ({ missing, doubleHolderSeconds, recovered }) =>
      missing === 0 && doubleHolderSeconds === 0 && recovered !== undefined,
  );
}

export function renderTable(drill: Drill): string {
  const { stack, readsPerSecond, writesPerSecond, seconds, rounds, leftOut } = drill;
  const spread = ({ median, longest }: Summary["reads"]) =>
    `${median.toFixed(1)} / ${longest.toFixed(1)}`;
  const rows = summarize(rounds).map((one) => [
    one.kind,
    String(one.rounds),
    spread(one.reads),
    String(one.readsFailed),
    spread(one.writes),
    String(one.writesFailed),
    `${one.missing} of ${one.acknowledged}`,
    one.doubleHolderSeconds.toFixed(1),
    one.recovered === undefined ? "no" : `${one.recovered.toFixed(1)} s`,
  ]);
  const head = [
    ...["fault", "rounds", "s without a read (median / longest)", "reads failed"],
    ...["s without a write", "writes failed", "missing of acknowledged", "s with two holders"],
    "recovered in",
  ];
  const details = rounds.flatMap(({ kind, host, recovery, reads, writes }) => [
    ...("faults" in recovery
      ? [`${kind} on ${host}: still wrong: ${recovery.faults.join("; ")}`]
      : []),
    ...listFailures(`${kind} on ${host}: reads`, reads.failed),
    ...listFailures(`${kind} on ${host}: writes`, writes.failed),
  ]);
  const left = Object.entries(leftOut).map(([kind, why]) => `${kind} was left out: ${why}`);
  return [
    `stack ${stack}: ${readsPerSecond} reads and ${writesPerSecond} writes a second through the site, each fault for ${seconds} s`,
    "",
    ...align([head, ...rows]),
    ...(details.length > 0 ? ["", ...details] : []),
    ...(left.length > 0 ? ["", ...left] : []),
    "",
  ].join("\n");
}

function count(failed: Readonly<Record<string, number>>): number {
  return Object.values(failed).reduce((total, one) => total + one, 0);
}

function listFailures(what: string, failed: Readonly<Record<string, number>>): readonly string[] {
  const kinds = Object.entries(failed).map(([kind, times]) => `${times} ${kind}`);
  return kinds.length > 0 ? [`${what}: ${kinds.join(", ")}`] : [];
}

/** Columns as wide as their widest cell. */
function align(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
