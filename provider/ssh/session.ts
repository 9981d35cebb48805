/** One host's connection: made when first needed, shared by all commands, made anew when it died. */

import { randomBytes } from "node:crypto";
import type { NodeSSH } from "node-ssh";
import type { Client, ClientChannel } from "ssh2";
import { AccessDenied, Canceled, HostUnreachable, NotReached } from "../errors";
import type { Host, RemoteCommand } from "../kind";
import { deadlineError, noAnswer, readTimedOut, scriptError, type Told } from "./command-end";
import { type DialOptions, dial } from "./dial";
import { type Exchange, type ExchangeArgs, exchange, type ScriptAnswer } from "./exchange";
import { gate } from "./gate";
import { commandLine, type Request, renderRequest } from "./remote-runner";
import { sendSignal } from "./signal";

export interface SessionOptions extends DialOptions {
  /** How long one read may take on the host before the others go on without it. Default 30. */
  readonly readSeconds?: number;
  /** How long a command may take to put things back when it is asked to end. Default 20. */
  readonly farewellSeconds?: number;
  /** How long a command may take that does not say so itself. Default 600. */
  readonly commandSeconds?: number;
}

export interface Read extends Told {
  readonly script: string;
}

/** sshd's MaxSessions is 10 by default; two stay free for people. */
const channelsAtMost = 8;
/** How long a host may refuse a channel while none of ours is open. */
const refusedSeconds = 10;

export class Session {
  readonly #host: Host;
  readonly #options: SessionOptions;
  readonly #gate = gate(channelsAtMost);
  readonly #running = new Map<ClientChannel, Client>();
  #connection: Promise<NodeSSH> | undefined;
  #isClosed = false;

  constructor(host: Host, options: SessionOptions = {}) {
    this.#host = host;
    this.#options = options;
  }

  /** Runs a script as root. Answers standard output; a status other than 0 is a `RemoteError`. */
  async run(command: RemoteCommand): Promise<string> {
    const { commandSeconds = 600 } = this.#options;
    const { script, input, onProgress, deadlineSeconds: seconds = commandSeconds } = command;
    const request = { mark: newMark(), scripts: [script] };
    const result = await this.#exchange(request, { input, onProgress, seconds });
    const [answer] = result.answers;
    if (result.inputError !== undefined) throw result.inputError;
    if (answer !== undefined && result.isLate) {
      const deadline = { seconds, setting: command.deadlineSetting };
      throw deadlineError(this.#host, command, answer, deadline);
    }
    return this.#outputOf(answer, command, result);
  }

  /**
   * Runs scripts that only read, in one round trip. Answers the standard output of each, or why there is none; one that
   * hangs costs only itself.
   */
  async readAll(reads: readonly Read[]): Promise<readonly (string | Error)[]> {
    const { readSeconds = 30, commandSeconds = 600 } = this.#options;
    const scripts = reads.map(({ script }) => script);
    const request = { mark: newMark(), scripts, limitSeconds: readSeconds };
    const result = await this.#exchange(request, { seconds: commandSeconds });
    return reads.map((read, index) => {
      const answer = result.answers[index];
      if (answer?.end.ended === "too late") return readTimedOut(this.#host, read, readSeconds);
      if (answer?.end.ended === "unknown" && result.isLate) {
        return readTimedOut(this.#host, read, commandSeconds);
      }
      try {
        return this.#outputOf(answer, read, result);
      } catch (error) {
        if (error instanceof Error) return error;
        throw error;
      }
    });
  }

  #outputOf(answer: ScriptAnswer | undefined, told: Told, result: Exchange): string {
    if (answer === undefined || answer.end.ended === "unknown") {
      throw noAnswer(this.#host, told, result);
    }
    if (answer.end.ended === "by itself" && answer.end.status === 0) return answer.output;
    throw scriptError(this.#host, told, answer);
  }

  /** Connects unless that is done; whatever needs a connection does so by itself. */
  async connect(): Promise<void> {
    if (this.#isClosed) throw new Canceled(`${this.#host.name}: canceled`);
    this.#connection ??= dial(this.#host, this.#options);
    const connection = this.#connection;
    try {
      await connection;
    } catch (error) {
      if (this.#connection === connection) this.#connection = undefined;
      throw error;
    }
  }

  /** For good. A command that still runs is asked to end, and has time to take back what it began. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const farewells = [...this.#running].map(async ([channel, client]) => {
      sendSignal(client, channel, "TERM");
      await new Promise((resolve) => channel.once("close", resolve));
    });
    await atMost(this.#farewellSeconds, Promise.all(farewells));
    await this.#disconnect();
  }

  get #farewellSeconds(): number {
    return this.#options.farewellSeconds ?? 20;
  }

  #exchange(
    request: Request,
    { seconds, ...args }: Pick<ExchangeArgs, "input" | "onProgress"> & { readonly seconds: number },
  ): Promise<Exchange> {
    return this.#gate(async () => {
      const line = commandLine(this.#host, request.mark, renderRequest(request));
      const channel = await this.#open(line);
      return exchange(channel, {
        ...args,
        request,
        deadlineSeconds: seconds,
        farewellSeconds: this.#farewellSeconds,
        terminate: () => {
          const client = this.#running.get(channel);
          if (client !== undefined) sendSignal(client, channel, "TERM");
        },
      });
    });
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.then((ssh) => ssh.dispose()).catch(() => undefined);
  }

  async #open(line: string): Promise<ClientChannel> {
    await this.connect();
    const connection = this.#connection;
    try {
      return await this.#execute(line);
    } catch (error) {
      if (isRefusal(error)) return this.#openLater(line);
      // A pooled connection may have died unnoticed.
      if (this.#connection === connection) await this.#disconnect();
      await this.connect();
      return this.#execute(line).catch((again) => {
        throw this.#notOpened(again);
      });
    }
  }

  /** An sshd with a small MaxSessions is well, but full until one of our commands is done. */
  async #openLater(line: string): Promise<ClientChannel> {
    for (let last = Date.now(); Date.now() - last < refusedSeconds * 1000; ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (this.#running.size > 0) last = Date.now();
      try {
        return await this.#execute(line);
      } catch (error) {
        if (!isRefusal(error)) throw this.#notOpened(error);
      }
    }
    throw new AccessDenied({
      host: this.#host.name,
      what: "sshd opens no session for a command",
      remedy: "check its MaxSessions, and who else uses the connection",
    });
  }

  #notOpened(error: unknown): NotReached {
    if (error instanceof NotReached) return error;
    return new HostUnreachable({
      host: this.#host.name,
      what: `no command could be started over the connection: ${error instanceof Error ? error.message : error}`,
      remedy: "check that the machine is up, and that sshd lets this user run commands",
    });
  }

  async #execute(line: string): Promise<ClientChannel> {
    const client = (await this.#connection)?.connection;
    if (client === undefined || client === null) throw new Error("the connection is closed");
    return new Promise((resolve, reject) => {
      client.exec(line, (error, channel) => {
        if (error) {
          reject(error);
          return;
        }
        this.#running.set(channel, client);
        channel.on("close", () => this.#running.delete(channel));
        resolve(channel);
      });
    });
  }
}

function newMark(): string {
  return randomBytes(12).toString("hex");
}

async function atMost(seconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, seconds * 1000);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** ssh2 sets `reason` where the host refused to open a channel. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && typeof Reflect.get(error, "reason") === "number";
}
