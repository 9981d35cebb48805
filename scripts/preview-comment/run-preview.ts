/** Runs `pulumi preview --json` and answers all that it said, whether it ended well or not. */

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/**
 * Where a backend or an account is named, the CLI on PATH is run as it is; else the one that `npm run pulumi` sets up,
 * whose state is on this machine: a GitHub runner has none, and every machine would look new.
 * The answer is standard output, then standard error.
 */
export async function runPreview(stack: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const hasState = Boolean(environment.PULUMI_BACKEND_URL || environment.PULUMI_ACCESS_TOKEN);
  if (!hasState && environment.GITHUB_ACTIONS) {
    return (
      "error: nothing says where the stack's state is: set one of the repository's secrets " +
      "PULUMI_BACKEND_URL (s3://bucket) and PULUMI_ACCESS_TOKEN"
    );
  }
  const [program, ...before] = hasState
    ? (["pulumi"] as const)
    : (["npm", "run", "--silent", "pulumi", "--"] as const);
  const args = [...before, "preview", "--json", "--non-interactive", "--stack", stack];
  const child = spawn(program, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(`error: ${program}: ${error.message}`));
    child.on("close", (status) => resolve(status === 0 ? "" : `preview: exit ${status}`));
  });
  const [output, complaints, end] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended,
  ]);
  return [output, complaints, end].join("\n");
}
