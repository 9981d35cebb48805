/** The command line of `npm run preview:comment`. */

import { readCommandLine } from "../command-line";

export interface Arguments {
  readonly stack: string;
  /** A recorded preview; `-` is standard input. Without one the preview is run. */
  readonly file: string | undefined;
  /** Default: standard output. */
  readonly output: string | undefined;
  readonly report: string | undefined;
  /** Markdown that says where the whole report stands. */
  readonly whole: string | undefined;
  readonly expects: "anything" | "no changes";
  /** The commit that the preview is of. */
  readonly commit: string | undefined;
  /** How the job ended that should have made the preview; then there is none to render. */
  readonly notRun: JobResult | undefined;
}

/** As `needs.<job>.result` in a GitHub workflow names it. */
export type JobResult = (typeof jobResults)[number];

const jobResults = ["cancelled", "failure", "skipped", "success"] as const;

/** `undefined` once the help was asked for and shown. */
export function parseArguments(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Arguments | undefined {
  const line = readCommandLine(
    {
      name: "npm run preview:comment --",
      about: "Writes a preview as one Markdown comment, for a pull request or an issue.",
      options: {
        file: {
          type: "string",
          value: "FILE",
          about: "render a recorded `pulumi preview --json`; - reads standard input",
        },
        output: {
          type: "string",
          value: "FILE",
          about: "where the comment goes (default: standard output)",
        },
        report: {
          type: "string",
          value: "FILE",
          about: "where the whole report goes, with nothing left out",
        },
        whole: {
          type: "string",
          value: "TEXT",
          about: "Markdown that says where a reader finds the whole report",
        },
        commit: {
          type: "string",
          value: "SHA",
          about: "the commit that the preview is of; the comment names it",
        },
        "not-run": {
          type: "string",
          value: "RESULT",
          about: `there is no preview: how its job ended (${jobResults.join(", ")})`,
        },
        "expect-no-changes": {
          type: "boolean",
          about: "end with status 2 when there are changes, or a machine did not answer",
        },
      },
    },
    args,
    environment,
  );
  if (line === undefined) return undefined;
  const { "expect-no-changes": expectsNone, "not-run": result, ...texts } = line.values;
  return {
    ...texts,
    stack: line.stack,
    notRun: parseResult(result),
    expects: expectsNone ? "no changes" : "anything",
  };
}

function parseResult(text: string | undefined): JobResult | undefined {
  const known = jobResults.find((result) => result === text);
  if (text === undefined || known !== undefined) return known;
  throw new Error(`--not-run: expected one of ${jobResults.join(", ")}, got "${text}"`);
}
