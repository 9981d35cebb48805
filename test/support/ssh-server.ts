/**
 * An SSH server in this process, on a port of its own on loopback. It counts connections and round trips, and answers
 * commands with a function or, through a sandbox, by running them.
 */

import { EventEmitter } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import {
  type AuthContext,
  type Connection,
  type ServerChannel,
  Server as SshServerBase,
  utils,
  type WindowChangeInfo,
} from "ssh2";
import type { Host } from "../../provider/kind";
import { clientKey, hostKey, type KeyPair } from "./ssh-keys";

/** A command as sshd sees it: the line, and the request that the line reads from standard input. */
export interface Execution {
  readonly commandLine: string;
  /** The runner with all scripts. */
  readonly text: string;
  readonly mark: string;
  readonly scripts: readonly string[];
  /** What follows the request on standard input. */
  readonly channel: ServerChannel;
  /** Called with `TERM` and the like, and with `HUP` when the connection is lost. */
  onSignal(listener: (signal: string) => void): void;
}

export interface Answer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly status?: number;
  /** The number of the signal that ended it. */
  readonly signal?: number;
}

export interface SshServerOptions {
  /** What a command comes to: `answering(script => ...)`, or `sandbox.execute`. Default: nothing, with status 0. */
  readonly execute?: (execution: Execution) => void | Promise<void>;
  /** Default `root`; another user's commands come as `exec sudo -n -- ...`. */
  readonly user?: string;
  /** How long each packet travels, each way. */
  readonly delayMilliseconds?: number;
  /** As in sshd. Default 10, as there. */
  readonly sessionsAtMost?: number;
  readonly key?: KeyPair;
  /** The key that it shows to the next connection. Default: `key`, to all. */
  readonly showsKey?: () => KeyPair;
  /** Public keys that are let in, asked for each time. Default: that of tests. */
  readonly allows?: () => readonly string[];
  /** Default: one that is free. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly address?: string;
  /** Takes connections and says nothing. */
  readonly isSilent?: boolean;
  /** What becomes of a connection, by its number from 1. Default: it is served. */
  readonly welcome?: (connection: number) => Welcome;
  readonly wire?: (connection: number) => Wire | undefined;
  /** Whether the host opens one more channel, by the number of channels asked for. Default: as `sessionsAtMost` says. */
  readonly opensChannel?: (channel: number) => boolean;
}

/** How the bytes travel that the server sends. */
export interface Wire {
  /** No more than so many arrive at once. */
  readonly bytesAtOnce: number;
  /** The connection is cut after so many. */
  readonly bytesAtMost: number;
}

/** `full`: as sshd does above its MaxStartups. `resets`: before a word. `closes`: after its first words. */
export type Welcome = "serves" | "full" | "resets" | "closes";

export interface Recorded {
  readonly commandLine: string;
  /** All that was asked for together, one script below the other. */
  readonly script: string;
  readonly signals: string[];
}

export class SshServer {
  /** Connections that were made, whether or not let in. */
  connections = 0;
  /** Commands that were run: a round trip each. */
  readonly commands: Recorded[] = [];
  /** The sizes of terminals that were asked for, `80x24`, and what they were changed to. */
  readonly terminals: string[] = [];
  openSessions = 0;
  mostSessionsAtOnce = 0;
  port = 0;
  #channels = 0;
  readonly #options: SshServerOptions;
  readonly #sockets = new Set<Socket>();
  readonly #listener: Server;
  readonly #ssh: SshServerBase;

  static async start(options: SshServerOptions = {}): Promise<SshServer> {
    const server = new SshServer(options);
    await listen(server.#ssh);
    await listen(server.#listener, options.port, options.address);
    server.port = portOf(server.#listener);
    return server;
  }

  constructor(options: SshServerOptions) {
    this.#options = options;
    this.#ssh = this.#make(options.key ?? hostKey);
    this.#listener = createServer((socket) => this.#accept(socket));
  }

  #make({ private: key }: KeyPair): SshServerBase {
    return new SshServerBase({ hostKeys: [key] }, (client) => this.#serve(client));
  }

  get roundTrips(): number {
    return this.commands.length;
  }

  /** Connections that are open. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  /** How a program would describe this host. */
  host(changes: Partial<Host> = {}): Host {
    return {
      name: "web-01",
      address: this.#options.address ?? "127.0.0.1",
      port: this.port,
      user: this.#options.user ?? "root",
      hostKey: (this.#options.key ?? hostKey).public,
      privateKey: clientKey.private,
      ...changes,
    };
  }

  /** Cuts every connection off, as a host does that loses its power: without a goodbye. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    const closed = [this.#ssh, this.#listener].map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #accept(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => undefined);
    const { isSilent, delayMilliseconds = 0, welcome = () => "serves" } = this.#options;
    const welcomes = welcome(this.connections);
    const wire = this.#options.wire?.(this.connections);
    if (welcomes === "full") socket.end("Exceeded MaxStartups\r\n");
    else if (welcomes === "resets") socket.resetAndDestroy();
    else if (welcomes === "closes") socket.end("SSH-2.0-OpenSSH_9.2\r\n");
    else if (isSilent) socket.resume();
    else if (wire !== undefined) trickle(socket, connect(portOf(this.#ssh)), wire);
    else if (this.#options.showsKey) this.#make(this.#options.showsKey()).injectSocket(socket);
    else if (delayMilliseconds === 0) this.#ssh.injectSocket(socket);
    else relay(socket, connect(portOf(this.#ssh)), delayMilliseconds);
  }

  #serve(client: Connection): void {
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      const { user = "root", allows = () => [clientKey.public] } = this.#options;
      if (allows().some((key) => isAllowed(context, user, key))) context.accept();
      else context.reject(["publickey"]);
    });
    const signals = signalsOf(client);
    client.on("session", (accept, reject) => {
      this.#channels += 1;
      const { sessionsAtMost = 10, opensChannel = () => this.openSessions < sessionsAtMost } =
        this.#options;
      if (!opensChannel(this.#channels)) {
        reject();
        return;
      }
      this.openSessions += 1;
      this.mostSessionsAtOnce = Math.max(this.mostSessionsAtOnce, this.openSessions);
      const session = accept();
      session.on("close", () => {
        this.openSessions -= 1;
      });
      const takeSize = (accept: () => void, _reject: unknown, size: WindowChangeInfo) => {
        accept?.();
        this.terminals.push(`${size.cols}x${size.rows}`);
      };
      session.on("pty", takeSize);
      session.on("window-change", takeSize);
      session.on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        channel.on("error", () => undefined);
        void this.#execute(channel, command, signals);
      });
    });
  }

  async #execute(channel: ServerChannel, commandLine: string, all: EventEmitter): Promise<void> {
    // A signal may come before the request has.
    const signals: string[] = [];
    const listeners: ((signal: string) => void)[] = [];
    const take = (id: unknown, signal: string) => {
      if (id !== "all" && id !== idOf(channel)) return;
      signals.push(signal);
      for (const listener of listeners) listener(signal);
    };
    all.on("signal", take);
    channel.on("close", () => all.off("signal", take));
    const text = await takeRequest(channel, commandLine);
    const mark = commandLine.slice(commandLine.lastIndexOf(" ") + 1);
    const scripts = text.split(`\n${mark}\n`).slice(2);
    this.commands.push({ commandLine, script: scripts.join("\n"), signals });
    const onSignal = (listener: (signal: string) => void) => {
      listeners.push(listener);
      for (const signal of signals) listener(signal);
    };
    const execution = { commandLine, text, mark, scripts, channel, onSignal };
    await (this.#options.execute ?? nothing)(execution);
  }
}

/** Answers each script with what `answer` makes of it, as the runner on a host does. */
export function answering(answer: (script: string) => Answer | Promise<Answer>) {
  return async ({ mark, scripts, channel }: Execution): Promise<void> => {
    channel.write(frame(mark, "begin"));
    for (const [id, script] of scripts.entries()) {
      channel.write(answerFrames(mark, id, await answer(script)));
    }
    channel.write(frame(mark, "end"));
    channel.exit(0);
    channel.end();
  };
}

/** As provider/ssh/remote-runner.ts has it. */
export function frame(mark: string, head: string, bytes: Buffer = Buffer.alloc(0)): Buffer {
  const whole = `${head} ${bytes.length}`;
  return Buffer.concat([
    Buffer.from(`\n${mark} ${whole}\n`),
    bytes,
    Buffer.from(`\n${mark}.${whole}\n`),
  ]);
}

export function answerFrames(mark: string, id: number, answer: Answer): Buffer {
  const { stdout = "", stderr = "", status = 0, signal = 0 } = answer;
  const out = Buffer.from(stdout);
  const err = Buffer.from(stderr);
  return Buffer.concat([
    ...pieces(out).map((piece) => frame(mark, `out ${id}`, piece)),
    ...pieces(err).map((piece) => frame(mark, `err ${id}`, piece)),
    frame(mark, `exit ${id} ${signal || status << 8} ${out.length} ${err.length}`),
  ]);
}

function pieces(bytes: Buffer, length = 3900): Buffer[] {
  const count = Math.ceil(bytes.length / length);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * length, (i + 1) * length));
}

/** The size of the request, as the command line says it. */
export const requestSize = /(?<=' )(\d+)(?= [0-9a-f]+$)/;

const nothing = answering(() => ({}));

function listen(server: Server | SshServerBase, port = 0, address = "127.0.0.1"): Promise<void> {
  return new Promise((resolve) => server.listen(port, address, () => resolve()));
}

function portOf(server: Server | SshServerBase): number {
  // A server that listens on TCP has such an address.
  return (server.address() as AddressInfo).port;
}

function isAllowed(context: AuthContext, user: string, key: string): boolean {
  if (context.method !== "publickey" || context.username !== user) return false;
  const allowed = utils.parseKey(key);
  if (allowed instanceof Error || !context.key.data.equals(allowed.getPublicSSH())) return false;
  if (context.signature === undefined || context.blob === undefined) return true;
  return allowed.verify(context.blob, context.signature, context.hashAlgo) === true;
}

interface Protocol {
  readonly _handlers: Record<string, (...args: readonly unknown[]) => void>;
}

/** Signals to channels, and a hang-up to all. ssh2's server does not pass on signals to what runs already. */
function signalsOf(client: Connection): EventEmitter {
  const signals = new EventEmitter();
  signals.setMaxListeners(0);
  const protocol: Protocol = Reflect.get(client, "_protocol");
  const handle = protocol._handlers.CHANNEL_REQUEST;
  protocol._handlers.CHANNEL_REQUEST = (...args) => {
    const [, id, type, , name] = args;
    if (type === "signal") signals.emit("signal", id, name);
    handle?.(...args);
  };
  client.on("close", () => signals.emit("signal", "all", "HUP"));
  return signals;
}

function idOf(channel: ServerChannel): unknown {
  return Reflect.get(Object(channel.incoming), "id");
}

/** Hands on what the server sends in pieces, until the connection is cut. */
function trickle(near: Socket, far: Socket, { bytesAtOnce, bytesAtMost }: Wire): void {
  let left = bytesAtMost;
  let waiting = Buffer.alloc(0);
  let isSending = false;
  const send = () => {
    const piece = waiting.subarray(0, Math.min(bytesAtOnce, left));
    waiting = waiting.subarray(piece.length);
    left -= piece.length;
    near.write(piece);
    if (left === 0) near.resetAndDestroy();
    isSending = waiting.length > 0 && left > 0;
    if (isSending) setImmediate(send);
  };
  far.on("data", (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    if (!isSending && left > 0) send();
  });
  near.on("data", (chunk) => far.write(chunk));
  near.on("close", () => far.destroy());
  far.on("close", () => near.end());
  far.on("error", () => undefined);
}

function relay(near: Socket, far: Socket, milliseconds: number): void {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.on("data", (chunk) => setTimeout(() => to.write(chunk), milliseconds));
    from.on("end", () => setTimeout(() => to.end(), milliseconds));
    from.on("close", () => to.destroy());
    from.on("error", () => undefined);
  }
}

/** The command line says how many bytes of standard input are the request, if any; the rest stays in the channel. */
function takeRequest(channel: ServerChannel, commandLine: string): Promise<string> {
  const length = Number(requestSize.exec(commandLine)?.[1] ?? 0);
  if (length === 0) return Promise.resolve("");
  return new Promise((resolve) => {
    let taken = Buffer.alloc(0);
    const take = () => {
      for (let chunk = channel.read(); chunk !== null; chunk = channel.read()) {
        taken = Buffer.concat([taken, chunk]);
        if (taken.length < length) continue;
        channel.off("readable", take);
        if (taken.length > length) channel.unshift(taken.subarray(length));
        resolve(taken.subarray(0, length).toString("utf8"));
        return;
      }
    };
    channel.on("readable", take);
    take();
  });
}
