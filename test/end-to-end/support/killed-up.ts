/** An `up` that dies: the CLI is killed with -9, and what it had started is left to end by itself. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { cliFolder } from "../../../scripts/setup/environment";
import { removeStaleLocks } from "../../../scripts/setup/stale-lock";
import type { TestStack } from "./test-stack";

export interface KilledUp {
  /** `over`: it had ended before the moment came, with this status. */
  readonly end: "killed" | { readonly over: number | null };
  readonly output: string;
}

/** `moment` settles when it is time to kill; it is told when `up` has ended before. */
export async function killUpAt(
  stack: TestStack,
  moment: (isOver: () => boolean) => Promise<void>,
): Promise<KilledUp> {
  await removeStaleLocks(stack.place);
  const child = spawn(
    `${cliFolder}/pulumi`,
    ["up", "--yes", "--skip-preview", "--non-interactive", "--color=never"],
    { cwd: stack.place.project, env: stack.environment, stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      output += text;
    });
  }
  const ended = once(child, "exit");
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  await Promise.race([ended, moment(isOver)]);
  if (child.exitCode !== null) return { end: { over: child.exitCode }, output };
  child.kill("SIGKILL");
  await ended;
  // The plugins notice that their parent is gone within a second.
  await sleep(3000);
  return { end: "killed", output };
}
