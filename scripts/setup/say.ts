/** How the commands speak: progress to standard error, so that standard output stays what was asked for. */

import { UsageError } from "../command-line";

export function say(what: string, how: string): void {
  process.stderr.write(`- ${what}: ${how}\n`);
}

/** Runs a command to its end; an error becomes its message and exit status 1, or 2 for a wrong command line. */
export function runMain(main: () => Promise<number | undefined> | Promise<void>): void {
  main().then(
    (status) => {
      process.exitCode = status ?? 0;
    },
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = error instanceof UsageError ? 2 : 1;
    },
  );
}
