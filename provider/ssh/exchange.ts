/** One request to a host and what came back of it, over one channel. */

import type { ClientChannel } from "ssh2";
import { FrameReader } from "./frames";
import { LineFilter } from "./progress-lines";
import { loginLine, type Request, renderRequest } from "./remote-runner";

export interface ExchangeArgs {
  readonly request: Request;
  /** What follows the request on standard input. One that fails ends the command. */
  readonly input?: Buffer | AsyncIterable<Buffer> | undefined;
  readonly onProgress?: ((message: string) => void) | undefined;
  /** Begins anew with each piece of an `input` in pieces that the host has taken. */
  readonly deadlineSeconds: number;
  /** How long it may take to end once it was asked to. */
  readonly farewellSeconds: number;
  /** Asks it to end. */
  readonly terminate: () => void;
}

/** How a script ended: known only where its frames came whole. */
export type ScriptEnd =
  | { readonly ended: "by itself"; readonly status: number }
  | { readonly ended: "by a signal"; readonly signal: string }
  | { readonly ended: "too late" }
  | { readonly ended: "unknown" };

export interface ScriptAnswer {
  readonly end: ScriptEnd;
  readonly output: string;
  readonly errors: string;
}

/** How far a request got on the host, at the least. */
export type Stage = "nowhere" | "login" | "running" | "done";

export interface Exchange {
  /** One for each script. */
  readonly answers: readonly ScriptAnswer[];
  readonly stage: Stage;
  /** How the command that sshd ran ended; nothing is set where the connection was lost. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly isLate: boolean;
  /** Why `input` could not be read to its end. */
  readonly inputError?: unknown;
  /** What a login prints, and a sudo that refuses. */
  readonly noise: string;
}

/** A channel that does not close by itself when all was said: something that was left running may hold it open. */
const closeMilliseconds = 1000;
const noiseAtMost = 4096;

class Script {
  readonly output: Buffer[] = [];
  readonly errors: Buffer[] = [];
  readonly #filter: LineFilter;
  readonly #said = { out: 0, err: 0 };
  #end: ScriptEnd = { ended: "unknown" };

  constructor(onProgress: ExchangeArgs["onProgress"]) {
    this.#filter = new LineFilter(onProgress);
  }

  say(stream: "out" | "err", bytes: Buffer): void {
    this.#said[stream] += bytes.length;
    if (stream === "out") this.output.push(...this.#filter.take(bytes));
    else this.errors.push(bytes);
  }

  /** `wait` is the status as wait(2) gives it. Only an answer of which every byte came is one. */
  exit(wait: number, out: number, err: number): void {
    if (this.#said.out !== out || this.#said.err !== err) return;
    const signal = wait & 127;
    this.#end =
      signal === 0
        ? { ended: "by itself", status: wait >> 8 }
        : { ended: "by a signal", signal: signalNames[signal] ?? `signal ${signal}` };
  }

  isLate(): void {
    this.#end = { ended: "too late" };
  }

  answer(): ScriptAnswer {
    this.output.push(...this.#filter.rest());
    return {
      end: this.#end,
      output: Buffer.concat(this.output).toString("utf8"),
      errors: Buffer.concat(this.errors).toString("utf8"),
    };
  }
}

const signalNames: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  6: "SIGABRT",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM",
};

export function exchange(channel: ClientChannel, args: ExchangeArgs): Promise<Exchange> {
  const { request, input, onProgress, deadlineSeconds, farewellSeconds, terminate } = args;
  const scripts = request.scripts.map(() => new Script(onProgress));
  let hasBegun = false;
  let isDone = false;
  let isLate = false;
  let errors = "";
  let inputError: unknown;
  return new Promise((resolve) => {
    const end = () => {
      isLate = true;
      terminate();
      timer = setTimeout(giveUp, farewellSeconds * 1000);
    };
    let timer = setTimeout(end, deadlineSeconds * 1000);
    const wasTaken = () => {
      if (isLate || isDone) return;
      clearTimeout(timer);
      timer = setTimeout(end, deadlineSeconds * 1000);
    };
    const finish = (status?: number | null, signal?: string) => {
      clearTimeout(timer);
      const hasLogin = reader.noise.includes(loginLine(request.mark));
      resolve({
        answers: scripts.map((script) => script.answer()),
        stage: isDone ? "done" : hasBegun ? "running" : hasLogin ? "login" : "nowhere",
        status: status ?? undefined,
        signal,
        isLate,
        inputError,
        noise: `${errors}${errors === "" ? reader.noise : ""}`,
      });
    };
    const giveUp = () => {
      channel.close();
      finish();
    };
    const reader = new FrameReader(request.mark, ({ kind, numbers, bytes }) => {
      const [id = -1, wait = 0, out = 0, err = 0] = numbers;
      const script = scripts[id];
      if (kind === "begin") hasBegun = true;
      else if (kind === "out" || kind === "err") script?.say(kind, bytes);
      else if (kind === "exit") script?.exit(wait, out, err);
      else if (kind === "late") script?.isLate();
      else if (kind === "end") {
        isDone = true;
        clearTimeout(timer);
        timer = setTimeout(giveUp, closeMilliseconds);
      }
    });
    channel.on("data", (chunk: Buffer) => reader.take(chunk));
    channel.stderr.on("data", (chunk: Buffer) => {
      errors = `${errors}${chunk.toString("utf8")}`.slice(-noiseAtMost);
    });
    channel.on("error", () => undefined);
    channel.on("close", finish);
    channel.stdin.on("error", () => undefined);
    channel.stdin.write(renderRequest(request));
    if (input === undefined || Buffer.isBuffer(input)) {
      channel.stdin.end(input);
      return;
    }
    feed(channel, input, wasTaken).catch((error: unknown) => {
      inputError = error;
      channel.stdin.end();
      terminate();
    });
  });
}

/** No more than the host takes is read from `input`. */
async function feed(
  channel: ClientChannel,
  input: AsyncIterable<Buffer>,
  wasTaken: () => void,
): Promise<void> {
  let isClosed = false;
  let goOn = () => {};
  channel.on("close", () => {
    isClosed = true;
    goOn();
  });
  channel.stdin.on("drain", () => goOn());
  for await (const piece of input) {
    if (!isClosed && !channel.stdin.write(piece)) {
      await new Promise<void>((resolve) => {
        goOn = resolve;
        if (isClosed) resolve();
      });
    }
    if (isClosed) return;
    wasTaken();
  }
  channel.stdin.end();
}
