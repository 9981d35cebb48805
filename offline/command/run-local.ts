/** Runs a command on this machine: the only file of this room that starts a process. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface LocalCommand {
  readonly command: string;
  readonly interpreter: readonly string[];
  readonly dir?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin?: string | undefined;
  readonly signal: AbortSignal;
  readonly onLine: (stream: Stream, line: string) => void;
}

export type Stream = "stdout" | "stderr";

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that could not be started, or did not end with status 0. */
export class CommandError extends Error {
  constructor(
    readonly outcome: string,
    readonly output: Output,
  ) {
    super(outcome);
  }
}

/** What the command wrote, each without its last line end. */
export function runLocal(command: LocalCommand): Promise<Output> {
  const [program = "/bin/sh", ...words] = command.interpreter;
  const child = spawn(program, [...words, command.command], {
    cwd: command.dir,
    env: { ...process.env, ...command.environment },
    stdio: "pipe",
    // A group of its own, so that what the command started itself ends with it.
    detached: true,
  });
  const end = () => child.pid !== undefined && process.kill(-child.pid, "SIGTERM");
  command.signal.addEventListener("abort", end, { once: true });
  const lines = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (bytes: Buffer) => lines[stream].push(bytes));
    createInterface(child[stream]).on("line", (line) => command.onLine(stream, line));
  }
  // A command that reads no input closes it early, which is no fault.
  child.stdin.on("error", () => {});
  child.stdin.end(command.stdin ?? "");
  return new Promise<Output>((resolve, reject) => {
    const output = () => ({ stdout: text(lines.stdout), stderr: text(lines.stderr) });
    child.on("error", (error) => reject(new CommandError(error.message, output())));
    child.on("close", (status, signal) => {
      if (status === 0) resolve(output());
      else reject(new CommandError(signal ? `ended by ${signal}` : `exit ${status}`, output()));
    });
  }).finally(() => command.signal.removeEventListener("abort", end));
}

function text(bytes: readonly Buffer[]): string {
  return Buffer.concat(bytes).toString("utf8").replace(/\n$/, "");
}
