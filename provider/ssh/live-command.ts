/** A command on a host that somebody looks at while it runs: what it says arrives as it says it, and it can be typed to. */

import { randomBytes } from "node:crypto";
import { PassThrough, type Readable, Writable } from "node:stream";
import type { Client, ClientChannel, ExecOptions } from "ssh2";
import { AccessDenied, HostUnreachable, NotReached } from "../errors";
import type { Host } from "../kind";
import { type DialOptions, dial } from "./dial";
import { sendSignal } from "./signal";

export { NotReached };

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface LiveCommandArgs {
  /** Perl, run as root with `words` as its `@ARGV`. */
  readonly program: string;
  readonly words: readonly string[];
  /** What the program's `secret()` answers. It is in no list of processes, and no terminal shows it. */
  readonly secret?: string;
  /** It runs on a terminal, which joins its two outputs. Default: on pipes. */
  readonly terminal?: TerminalSize & { readonly name: string };
}

/** `lost` is a connection that ended first: the command may go on. */
export type LiveEnd =
  | { readonly ended: "by itself"; readonly status: number }
  /** `SIGTERM` */
  | { readonly ended: "by a signal"; readonly signal: string }
  | { readonly ended: "lost" };

export interface LiveCommand {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Answers once the outputs have come whole. */
  readonly end: Promise<LiveEnd>;
  resize(size: TerminalSize): void;
  terminate(): void;
  /** Ends the connection, and so does not wait for the command. */
  close(): void;
}

/** How long a host that lets us in may take to start a command. */
const startSeconds = 30;
/** Of what a login prints, in an error. */
const noiseLines = 5;

/** Answers once it runs. A host that cannot be reached or used is a `NotReached`. */
export async function startLiveCommand(
  host: Host,
  args: LiveCommandArgs,
  options: DialOptions = {},
): Promise<LiveCommand> {
  const client = (await dial(host, options)).connection;
  if (client === null) throw lost(host);
  try {
    const mark = randomBytes(12).toString("hex");
    const line = commandLine(host, mark, args);
    const { channel, end } = await open(client, line, args.terminal);
    const stdout = afterMark(channel, mark);
    const stderr = afterMark(channel.stderr, args.terminal === undefined ? mark : "");
    await untilBegun(host, { stdout, stderr, end });
    if (args.secret !== undefined) channel.write(`${hex(args.secret)}\n`);
    return {
      stdin: inputOf(channel),
      stdout: stdout.rest,
      stderr: stderr.rest,
      end: end.finally(() => client.end()),
      resize: ({ rows, columns }) => channel.setWindow(rows, columns, 0, 0),
      terminate: () => sendSignal(client, channel, "TERM"),
      close: () => client.destroy(),
    };
  } catch (error) {
    client.destroy();
    if (error instanceof NotReached) throw error;
    const { message } = error instanceof Error ? error : new Error(String(error));
    throw lost(host, message);
  }
}

/**
 * As hexadecimal digits, every login shell leaves program and words as they are. The mark parts what the program says from
 * what the login prints.
 */
function commandLine(host: Host, mark: string, { program, words, secret }: LiveCommandArgs) {
  const text = [
    "@ARGV = map { pack q(H*), $_ } @ARGV; $| = 1;",
    secret === undefined ? "" : takingSecret,
    `print "${mark}"; print STDERR "${mark}" unless -t STDERR;`,
    program,
  ].join("\n");
  const perl = ["perl", "-e", "'eval pack q(H*), shift; die $@ if $@'"];
  const all = [...perl, hex(text), ...words.map((word) => hex(word) || "''")];
  return `exec ${host.user === "root" ? "" : "sudo -n -- "}${all.join(" ")}`;
}

/** A terminal shows what is sent to it until it is told not to. */
const takingSecret = String.raw`
my $echoes = -t STDIN && system("stty", "-echo") == 0;
sub secret {
  my $line = "";
  while (sysread STDIN, my $digit, 1) { last if $digit eq "\n"; $line .= $digit }
  system("stty", "echo") if $echoes;
  return pack "H*", $line;
}`;

function hex(text: string): string {
  return Buffer.from(text).toString("hex");
}

function open(
  client: Client,
  line: string,
  terminal: LiveCommandArgs["terminal"],
): Promise<{ readonly channel: ClientChannel; readonly end: Promise<LiveEnd> }> {
  const options: ExecOptions =
    terminal === undefined
      ? {}
      : { pty: { cols: terminal.columns, rows: terminal.rows, term: terminal.name } };
  return new Promise((resolve, reject) => {
    client.exec(line, options, (error, channel) => {
      if (error) reject(error);
      // All of a short command may come at once: whoever listened later would miss its status.
      else resolve({ channel, end: endOf(channel) });
    });
  });
}

function endOf(channel: ClientChannel): Promise<LiveEnd> {
  let end: LiveEnd = { ended: "lost" };
  channel.on("exit", (status: number | null, signal?: string) => {
    end =
      status === null
        ? { ended: "by a signal", signal: signal ?? "a signal" }
        : { ended: "by itself", status };
  });
  channel.on("error", () => undefined);
  channel.stdin.on("error", () => undefined);
  return new Promise((resolve) => channel.on("close", () => resolve(end)));
}

/** Its end is no end of the channel, which ssh2 would close then, before sshd has told the command's status. */
function inputOf(channel: ClientChannel): Writable {
  return new Writable({
    write: (chunk, _encoding, done) => {
      if (channel.writable) channel.write(chunk, () => done());
      else done();
    },
    final: (done) => {
      channel.eof();
      done();
    },
  });
}

interface Marked {
  readonly hasBegun: Promise<"begun">;
  /** What came before the mark, or all where none came. */
  noise(): string;
  /** What follows it. */
  readonly rest: PassThrough;
}

/** Each output has a mark of its own, as the two of them travel side by side. */
function afterMark(output: Readable, mark: string): Marked {
  const rest = new PassThrough();
  let said = Buffer.alloc(0);
  const hasBegun = new Promise<"begun">((resolve) => {
    output.on("data", function take(chunk: Buffer) {
      said = Buffer.concat([said, chunk]);
      const at = said.indexOf(mark);
      if (at === -1) return;
      output.off("data", take);
      rest.write(said.subarray(at + mark.length));
      said = said.subarray(0, at);
      output.pipe(rest);
      resolve("begun");
    });
    output.on("end", () => rest.end());
  });
  return { hasBegun, rest, noise: () => said.toString("utf8") };
}

async function untilBegun(host: Host, { stdout, stderr, end }: Begun): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), startSeconds * 1000);
  });
  const first = await Promise.race([stdout.hasBegun, end, late]);
  clearTimeout(timer);
  if (first === "begun") return;
  if (first !== "late" && first.ended === "lost") throw lost(host);
  const how = first === "late" ? `not begun within ${startSeconds} seconds` : describeEnd(first);
  const said = `${stdout.noise()}${stderr.noise()}`.trim();
  const noise = said.split("\n").slice(-noiseLines).join("\n");
  throw new AccessDenied({
    host: host.name,
    what: `no command could be run as root (${how})${noise === "" ? "" : `: ${noise}`}`,
    remedy:
      "check that this user's login runs commands, and that it is root or may use sudo without a password",
  });
}

interface Begun {
  readonly stdout: Marked;
  readonly stderr: Marked;
  readonly end: Promise<LiveEnd>;
}

/** `exit 1`, in an error. */
export function describeEnd(end: LiveEnd): string {
  switch (end.ended) {
    case "by itself":
      return `exit ${end.status}`;
    case "by a signal":
      return `ended by ${end.signal}`;
    case "lost":
      return "the connection was lost";
  }
}

function lost({ name }: Host, why = "the connection is closed"): HostUnreachable {
  const remedy = "check that the machine is up, and that sshd lets this user run commands";
  return new HostUnreachable({ host: name, what: `no command could be started: ${why}`, remedy });
}
