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
}

export function tapReader(): TapReader {
  const count = { passed: 0, failed: 0, skipped: 0 };
  let isInFailure = false;
  return {
    read(line) {
      const result = /^(not )?ok \d+(?: - (.*))?$/.exec(line);
      if (!result) return isDetail(line) && !isInFailure ? undefined : readable(line);
      const [, not, title = ""] = result;
      const verdict = verdictOf(not, title);
      count[verdict] += 1;
      isInFailure = verdict === "failed";
      return `  ${marks[verdict]} ${title}`;
    },
    tally: () => ({ ...count }),
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
