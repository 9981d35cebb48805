/** The command line of `npm run preview:comment`. */

import { parseArgs } from "node:util";

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
}

export const usage = `npm run preview:comment -- [options]

  --stack NAME            the stack to preview (default: PULUMI_STACK, or dev)
  --file FILE             render a recorded \`pulumi preview --json\`; - reads standard input
  --output FILE           where the comment goes (default: standard output)
  --report FILE           where the whole report goes, with nothing left out
  --whole TEXT            Markdown that says where a reader finds the whole report
  --expect-no-changes     end with status 2 when there are changes, or a machine did not answer
`;

export function parseArguments(args: string[], environment: NodeJS.ProcessEnv): Arguments {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      stack: text,
      file: text,
      output: text,
      report: text,
      whole: text,
      "expect-no-changes": { type: "boolean" },
    },
  });
  return {
    stack: values.stack ?? environment.PULUMI_STACK ?? "dev",
    file: values.file,
    output: values.output,
    report: values.report,
    whole: values.whole,
    expects: values["expect-no-changes"] ? "no changes" : "anything",
  };
}
