/** Runs other programs; unless something is handed to them their standard input is empty, as set-up asks nothing. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly deadlineSeconds?: number;
}

export interface ShowOptions extends RunOptions {
  /** Hands on what the user types. */
  readonly stdin?: "inherit" | "ignore";
  /** What is shown in the place of each line of standard error. Default: the line. */
  readonly mapErrorLine?: (line: string) => string;
}

export interface Finished {
  /** 0 is success; 127 also stands for a program that is not there, 124 for one past its deadline. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program and keeps what it prints. Never throws. */
export function capture(
  command: string,
  args: readonly string[],
  { input, ...options }: RunOptions & { readonly input?: string | undefined } = {},
): Promise<Finished> {
  const child = spawn(command, args, { ...place(options), stdio: "pipe" });
  // One that does not read it may have ended.
  child.stdin.on("error", () => undefined).end(input ?? "");
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return ended(child, options).then((status) => ({ status, stdout, stderr }));
}

/** Runs a program that must succeed, and answers what it printed; `doing` opens the error otherwise. */
export async function must(
  doing: string,
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await capture(command, args, options);
  if (status === 0) return stdout;
  const last = (stderr.trim() || stdout.trim()).split("\n").slice(-15).join("\n");
  throw new Error(`${doing}: exit ${status}: ${[command, ...args].join(" ")}\n${last}`);
}

/** Runs a program whose output the user sees as it comes; answers its exit status. */
export async function show(
  command: string,
  args: readonly string[],
  options: ShowOptions = {},
): Promise<number> {
  const stay = () => {};
  process.on("SIGINT", stay);
  try {
    const { stdin = "ignore", mapErrorLine } = options;
    const child = spawn(command, args, {
      ...place(options),
      stdio: [stdin, "inherit", mapErrorLine ? "pipe" : "inherit"],
    });
    if (mapErrorLine && child.stderr) {
      createInterface({ input: child.stderr }).on("line", (line) => {
        process.stderr.write(`${mapErrorLine(line)}\n`);
      });
    }
    return await ended(child, options);
  } finally {
    process.off("SIGINT", stay);
  }
}

/** Runs a program whose standard output is read line by line; answers its exit status. */
export async function readLines(
  command: string,
  args: readonly string[],
  options: RunOptions & { readonly onLine: (line: string) => void },
): Promise<number> {
  const child = spawn(command, args, { ...place(options), stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout }).on("line", options.onLine);
  const [status] = await Promise.all([ended(child, options), once(lines, "close")]);
  return status;
}

function place({ cwd, env }: RunOptions) {
  return { ...(cwd ? { cwd } : {}), ...(env ? { env } : {}) };
}

function ended(child: ChildProcess, { deadlineSeconds }: RunOptions): Promise<number> {
  return new Promise((resolve) => {
    let isLate = false;
    const timer =
      deadlineSeconds &&
      setTimeout(() => {
        isLate = true;
        child.kill("SIGKILL");
      }, deadlineSeconds * 1000);
    const finish = (status: number) => {
      if (timer) clearTimeout(timer);
      resolve(isLate ? 124 : status);
    };
    child.on("error", () => finish(127));
    child.on("close", (status) => finish(status ?? 1));
  });
}
