/** One host's connection: made when first needed, shared by all commands, made anew when it died. */

import type { NodeSSH } from "node-ssh";
import type { Client, ClientChannel } from "ssh2";
import { Canceled } from "../errors";
import type { Host, RemoteCommand } from "../kind";
import { type End, failure, remoteError } from "./command-end";
import { dial } from "./dial";
import { gate } from "./gate";
import { LineFilter } from "./progress-lines";
import { sendSignal } from "./signal";

export interface SessionOptions {
  /** How long a host may take to let us in. Default 15. */
  readonly connectSeconds?: number;
}

/** sshd's MaxSessions is 10 by default; two stay free for people. */
const channelsAtMost = 8;
const commandSeconds = 600;
/** How long a command may take to put things back when the engine cancels. */
const farewellSeconds = 20;
/** How long a host may refuse a channel while none of ours is open. */
const refusedSeconds = 10;

export class Session {
  readonly #host: Host;
  readonly #connectSeconds: number;
  readonly #gate = gate(channelsAtMost);
  readonly #running = new Map<ClientChannel, Client>();
  #connection: Promise<NodeSSH> | undefined;
  #isClosed = false;

  constructor(host: Host, { connectSeconds = 15 }: SessionOptions = {}) {
    this.#host = host;
    this.#connectSeconds = connectSeconds;
  }

  /** Runs a script as root. Answers standard output; a status other than 0 is a `RemoteError`. */
  async run(command: RemoteCommand): Promise<string> {
    return this.#gate(async () => {
      const channel = await this.#open(command.script);
      const end = await this.#converse(channel, command);
      if (end.status === 0) return end.output;
      throw failure(this.#host, command, end);
    });
  }

  /** Connects unless that is done; `run` does so by itself. */
  async connect(): Promise<void> {
    if (this.#isClosed) throw new Canceled(`${this.#host.name}: canceled`);
    this.#connection ??= dial(this.#host, this.#connectSeconds);
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
    await atMost(farewellSeconds, Promise.all(farewells));
    await this.#disconnect();
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.then((ssh) => ssh.dispose()).catch(() => undefined);
  }

  async #open(script: string): Promise<ClientChannel> {
    await this.connect();
    const connection = this.#connection;
    try {
      return await this.#execute(script);
    } catch (error) {
      if (isRefusal(error)) return this.#openLater(script);
      // A pooled connection may have died unnoticed.
      if (this.#connection === connection) await this.#disconnect();
      await this.connect();
      return this.#execute(script);
    }
  }

  /** An sshd with a small MaxSessions is well, but full until one of our commands is done. */
  async #openLater(script: string): Promise<ClientChannel> {
    for (let last = Date.now(); Date.now() - last < refusedSeconds * 1000; ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (this.#running.size > 0) last = Date.now();
      try {
        return await this.#execute(script);
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }
    throw new Error(
      `${this.#host.name}: sshd opens no session for a command; check its MaxSessions, and who else uses the connection`,
    );
  }

  async #execute(script: string): Promise<ClientChannel> {
    const client = (await this.#connection)?.connection;
    if (client === undefined || client === null) throw new Error("the connection is closed");
    return new Promise((resolve, reject) => {
      client.exec(this.#commandLine(script), (error, channel) => {
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

  /** The script itself travels on standard input: nobody on the host can read it in the list of processes. */
  #commandLine(script: string): string {
    const shell = `sh -c 'eval "$(head -c ${Buffer.byteLength(script)})"'`;
    return this.#host.user === "root" ? `exec ${shell}` : `exec sudo -n -- ${shell}`;
  }

  #converse(channel: ClientChannel, command: RemoteCommand): Promise<End> {
    const seconds = command.deadlineSeconds ?? commandSeconds;
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    const progress = new LineFilter(command.onProgress);
    return new Promise((resolve, reject) => {
      const end = (status?: number, signal?: string): End => ({
        status,
        signal,
        output: Buffer.concat([...output, ...progress.rest()]).toString("utf8"),
        errors: Buffer.concat(errors).toString("utf8"),
      });
      const deadline = setTimeout(() => {
        const client = this.#running.get(channel);
        if (client !== undefined) sendSignal(client, channel, "TERM");
        channel.close();
        const what = `not done within ${seconds} seconds`;
        reject(remoteError(this.#host, command, { what, end: end() }));
      }, seconds * 1000);
      channel.on("data", (chunk: Buffer) => output.push(...progress.take(chunk)));
      channel.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
      channel.on("error", () => undefined);
      channel.on("close", (status?: number | null, signal?: string) => {
        clearTimeout(deadline);
        resolve(end(status ?? undefined, signal));
      });
      channel.stdin.on("error", () => undefined);
      channel.stdin.write(command.script);
      channel.stdin.end(command.input);
    });
  }
}

async function atMost(seconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, seconds * 1000);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && /open failure/i.test(error.message);
}
