/** Reads what a test runner prints as TAP: a readable line per test, with the details of those that failed. */

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface TapReader {
  /** Takes a line and answers the text to show for it, if any. */
  read(line: string): string | undefined;
  tally(): Tally;
  /** What was shown of each test that failed: its line and the details below it. */
  failures(): readonly string[];
}

export function tapReader(): TapReader {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[][] = [];
  let isInFailure = false;
  return {
    read(line) {
      const result = /^(not )?ok \d+(?: - (.*))?$/.exec(line);
      if (!result) {
        if (isDetail(line) && !isInFailure) return undefined;
        const text = readable(line);
        if (isInFailure && text !== undefined) failures.at(-1)?.push(text);
        return text;
      }
      const [, not, title = ""] = result;
      const verdict = verdictOf(not, title);
      count[verdict] += 1;
      isInFailure = verdict === "failed";
      const text = `  ${marks[verdict]} ${title}`;
      if (isInFailure) failures.push([text]);
      return text;
    },
    tally: () => ({ ...count }),
    failures: () => failures.map((lines) => lines.join("\n")),
  };
}

const marks = { passed: "✔", failed: "✘", skipped: "-" } as const;

function verdictOf(not: string | undefined, title: string): keyof Tally {
  if (/# (SKIP|TODO)\b/i.test(title)) return "skipped";
  return not ? "failed" : "passed";
}

/** The YAML block below a result. */
function isDetail(line: string): boolean {
  return /^ {2}(---|\.\.\.| )/.test(line);
}

/** All but the runner's own book-keeping. */
function readable(line: string): string | undefined {
  const isBookKeeping =
    /^(TAP version \d+|1\.\.\d+|# (tests|pass|skip|todo|fail) \d+| {2}(---|\.\.\.)|\s*)$/;
  return isBookKeeping.test(line) ? undefined : `    ${line}`;
}
