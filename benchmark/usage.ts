/** Runs a command and tells what it took, with all processes below it. */
import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";

export interface Usage {
  readonly wallSeconds: number;
  /** User and system time of the command and of every process that it waited for. */
  readonly cpuSeconds: number;
}

export interface Measured extends Usage {
  readonly output: string;
}

export interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** POSIX `times` in a shell around it tells of all that ended below; hundredths of a second. */
const timing = '"$@" 2>&1; status=$?; times >&3; exit $status';

/** A status other than 0 is an error with the last lines. */
export async function measure(command: readonly string[], { cwd, env }: Place): Promise<Measured> {
  const start = performance.now();
  const child = spawn("sh", ["-c", timing, "sh", ...command], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const [output, times, status] = await Promise.all([
    readAll(child.stdio[1]),
    readAll(child.stdio[3]),
    ended,
  ]);
  const wallSeconds = (performance.now() - start) / 1000;
  if (status === 0) return { wallSeconds, cpuSeconds: parseTimes(times), output };
  const last = output.trimEnd().split("\n").slice(-40).join("\n");
  throw new Error(`${command.join(" ")}: exit ${status}\n${last}`);
}

/** Two lines of `0m0.010000s 0m0.000000s`, of the shell itself and of its children: user, then system. */
export function parseTimes(times: string): number {
  const [, children = ""] = times.trim().split("\n");
  return children
    .split(" ")
    .map((time) => /^(\d+)m([\d.]+)s$/.exec(time))
    .reduce((sum, match) => sum + Number(match?.[1] ?? 0) * 60 + Number(match?.[2] ?? 0), 0);
}

function readAll(stream: unknown): Promise<string> {
  return stream instanceof Readable ? text(stream) : Promise.resolve("");
}
