/** One SSH connection to one host, with the host's key pinned. The only file that opens sockets to hosts. */

import { createHash } from "node:crypto";
import type { NodeSSH } from "node-ssh";
import type { ClientChannel } from "ssh2";
import { AccessDenied, HostKeyMismatch, HostUnreachable, RemoteError } from "../errors";
import type { Host, RemoteCommand } from "../kind";
import { gate } from "./gate";
import { LineFilter } from "./progress-lines";

/** sshd's MaxSessions is 10 by default; two stay free for people. */
const channelsAtMost = 8;
const connectSeconds = 15;
const commandSeconds = 600;

export class Session {
  readonly #host: Host;
  readonly #gate = gate(channelsAtMost);
  #connection: Promise<NodeSSH> | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Runs a script as root. Answers standard output; a status other than 0 is a `RemoteError`. */
  async run(command: RemoteCommand): Promise<string> {
    return this.#gate(async () => {
      const channel = await this.#open(command.script);
      return this.#converse(channel, command);
    });
  }

  /** Connects unless that is done; `run` does so by itself. */
  async connect(): Promise<void> {
    this.#connection ??= this.#dial();
    try {
      await this.#connection;
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
  }

  /** Lets go of the connection; a command that still runs is asked to end and takes back what it began. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.then((ssh) => ssh.dispose()).catch(() => undefined);
  }

  /** A pooled connection may have died unnoticed: one that cannot open a channel is made anew, once. */
  async #open(script: string): Promise<ClientChannel> {
    await this.connect();
    const connection = this.#connection;
    try {
      return await this.#execute(script);
    } catch {
      if (this.#connection === connection) await this.close();
      await this.connect();
      return this.#execute(script);
    }
  }

  async #execute(script: string): Promise<ClientChannel> {
    const client = (await this.#connection)?.connection;
    if (client === undefined || client === null) throw new Error("the connection is closed");
    return new Promise((resolve, reject) => {
      client.exec(this.#commandLine(script), (error, channel) =>
        error ? reject(error) : resolve(channel),
      );
    });
  }

  /** The script itself travels on standard input: nobody on the host can read it in the list of processes. */
  #commandLine(script: string): string {
    const shell = `sh -c 'eval "$(head -c ${Buffer.byteLength(script)})"'`;
    return this.#host.user === "root" ? `exec ${shell}` : `exec sudo -n -- ${shell}`;
  }

  async #dial(): Promise<NodeSSH> {
    const { NodeSSH } = await import("node-ssh");
    const { name, address, port, user, hostKey, privateKey } = this.#host;
    const [keyType = "", pinned = ""] = hostKey.trim().split(/\s+/);
    let offered: Buffer | undefined;
    try {
      return await new NodeSSH().connect({
        host: address,
        port,
        username: user,
        privateKey,
        readyTimeout: connectSeconds * 1000,
        keepaliveInterval: 15_000,
        keepaliveCountMax: 4,
        algorithms: { serverHostKey: hostKeyAlgorithms(keyType) },
        hostVerifier: (key: Buffer) => {
          offered = key;
          return key.equals(Buffer.from(pinned, "base64"));
        },
      });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const where = `${name} (${user}@${address}:${port})`;
      if (offered !== undefined && !offered.equals(Buffer.from(pinned, "base64"))) {
        throw new HostKeyMismatch(
          `${where}: the host key is not the pinned one: expected ${fingerprint(Buffer.from(pinned, "base64"))}, ` +
            `got ${fingerprint(offered)}; if the machine was installed anew, set its hostKey to the new key ` +
            "(ssh-keyscan shows it; compare it on the machine's console), else somebody may be in between",
        );
      }
      if (/no matching host key/i.test(message) || /host key format/i.test(message)) {
        throw new HostKeyMismatch(
          `${where}: the host has no ${keyType} key, which is the type of the pinned one; set its hostKey to a key that it has`,
        );
      }
      if (/authentication methods failed|parse privateKey|privateKey/i.test(message)) {
        throw new AccessDenied(
          `${where}: not let in: ${message}; check the user, and that its authorized_keys holds the public half of the private key`,
        );
      }
      throw new HostUnreachable(
        `${where}: no answer over SSH within ${connectSeconds} seconds: ${message}; ` +
          "check that the machine is up, that address and port are right, and that no firewall is in between",
      );
    }
  }

  #converse(channel: ClientChannel, command: RemoteCommand): Promise<string> {
    const { name, user } = this.#host;
    const seconds = command.deadlineSeconds ?? commandSeconds;
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    const progress = new LineFilter(command.onProgress);
    return new Promise((resolve, reject) => {
      const fail = (what: string, status?: number) => {
        clearTimeout(deadline);
        const text = mask(Buffer.concat(output).toString("utf8"), command.secrets);
        const said = lastLines(
          mask(Buffer.concat(errors).toString("utf8"), command.secrets) || text,
        );
        if (user !== "root" && /^sudo: /m.test(said) && text === "") {
          reject(
            new AccessDenied(
              `${name}: ${user} may not use sudo without a password: ${said.trim()}; ` +
                `add a line "${user} ALL=(ALL) NOPASSWD: ALL" with visudo`,
            ),
          );
        } else {
          const message = `${name}: ${command.doing}: ${what}${said === "" ? "" : `\n${said}`}`;
          reject(new RemoteError(message, status, text));
        }
      };
      const deadline = setTimeout(() => {
        channel.signal("TERM");
        channel.close();
        fail(`not done within ${seconds} seconds`);
      }, seconds * 1000);
      channel.on("data", (chunk: Buffer) => output.push(...progress.take(chunk)));
      channel.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
      channel.on("error", (error: Error) => fail(error.message));
      channel.on("close", (status: number | null, signal?: string) => {
        output.push(...progress.rest());
        if (status !== 0) {
          fail(
            status === null || status === undefined
              ? `ended by ${signal ?? "a lost connection"}`
              : `exit ${status}`,
            status ?? undefined,
          );
          return;
        }
        clearTimeout(deadline);
        resolve(Buffer.concat(output).toString("utf8"));
      });
      channel.stdin.on("error", () => undefined);
      channel.stdin.write(command.script);
      channel.stdin.end(command.input);
    });
  }
}

function hostKeyAlgorithms(keyType: string): "ssh-ed25519"[] {
  // An RSA key signs with SHA-2 under a name of its own. ssh2's types list the names one by one.
  const names = keyType === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [keyType];
  return names as "ssh-ed25519"[];
}

function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

function mask(text: string, secrets: readonly string[] | undefined): string {
  const longestFirst = (secrets ?? [])
    .filter((secret) => secret.length >= 4)
    .sort((a, b) => b.length - a.length);
  return longestFirst.reduce((masked, secret) => masked.replaceAll(secret, "[secret]"), text);
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-20).join("\n");
}
