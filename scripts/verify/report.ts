/** The verdicts, for a person and for a program. */
import type { Verdict } from "./check";

export interface Report {
  readonly stack: string;
  readonly url: string;
  /** Hosts of which nothing was asked. Default: none. */
  readonly away?: readonly string[];
  readonly verdicts: readonly Verdict[];
}

export function renderTable({ stack, url, away = [], verdicts }: Report): string {
  const width = Math.max(...verdicts.map(({ name }) => name.length));
  const rows = verdicts.flatMap((verdict) => renderRow(verdict, width));
  const left = away.map((name) => `- ${name} is away: nothing was asked of it`);
  return [`${stack}: ${url}`, "", ...left, ...rows, "", renderTotal(verdicts), ""].join("\n");
}

export function renderJson({ stack, url, away = [], verdicts }: Report): string {
  const passed = verdicts.every((verdict) => verdict.passed);
  return `${JSON.stringify({ stack, url, passed, away, checks: verdicts }, undefined, 2)}\n`;
}

function renderRow(verdict: Verdict, width: number): readonly string[] {
  const { name, passed, seen, lines = [], expected, remedy } = verdict;
  const row = `${passed ? "✔" : "✘"} ${name.padEnd(width)}  ${seen}`;
  const rows = [row, ...lines.map((line) => `    ${line}`)];
  return passed ? rows : [...rows, `    expected: ${expected}`, `    remedy: ${remedy}`];
}

function renderTotal(verdicts: readonly Verdict[]): string {
  const count = (state: boolean) => verdicts.filter(({ passed }) => passed === state).length;
  return `${count(true)} passed, ${count(false)} failed`;
}
