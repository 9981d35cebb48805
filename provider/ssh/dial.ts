/** Makes a connection to a host, with the host's key pinned. The only file that opens sockets to hosts. */

import { isIPv6 } from "node:net";
import type { NodeSSH } from "node-ssh";
import { AccessDenied, HostKeyMismatch, HostUnreachable, type NotReached } from "../errors";
import type { Host } from "../kind";
import { fingerprint } from "./public-key";

export interface DialOptions {
  /** How long a host may take to let us in. Default 15. */
  readonly connectSeconds?: number;
  /** How long nothing may listen, as while sshd restarts, before the host counts as down. Default 2. */
  readonly refusedSeconds?: number;
  /** The wait before a host is dialled again; each next one is twice as long, up to 3.2. Default 0.1. */
  readonly redialSeconds?: number;
}

const longestRedialSeconds = 3.2;

/** A dial that failed, and for how long in all it may be tried again. */
interface FailedDial {
  readonly error: NotReached;
  readonly againForSeconds: number;
}

/** By `privateKey`; by a former one where the host does not know that one yet. */
export async function dial(host: Host, options: DialOptions = {}): Promise<NodeSSH> {
  const { privateKey, formerPrivateKeys = [] } = host;
  let denied: unknown;
  for (const key of new Set([privateKey, ...formerPrivateKeys])) {
    try {
      return await dialByKey({ ...host, privateKey: key }, options);
    } catch (error) {
      if (!(error instanceof AccessDenied)) throw error;
      denied ??= error;
    }
  }
  throw denied;
}

/**
 * sshd drops connections when many come at once (MaxStartups) and refuses them while it restarts: those are dialled
 * again. A host that lets nobody in, or shows another key, would do so again.
 */
async function dialByKey(host: Host, options: DialOptions): Promise<NodeSSH> {
  const { connectSeconds = 15, refusedSeconds = 2, redialSeconds = 0.1 } = options;
  const start = performance.now();
  for (let wait = redialSeconds; ; wait = Math.min(2 * wait, longestRedialSeconds)) {
    const left = Math.max(0.1, connectSeconds - (performance.now() - start) / 1000);
    const dialled = await dialOnce(host, left, { connectSeconds, refusedSeconds });
    if (!("error" in dialled)) {
      performance.measure(`dial ${host.name}`, { start });
      return dialled;
    }
    // Not all at the same moment, where several were dropped together.
    const pause = 1000 * wait * (0.75 + Math.random() / 2);
    const end = performance.now() - start + pause;
    if (end >= 1000 * dialled.againForSeconds) throw dialled.error;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

type Waits = Pick<Required<DialOptions>, "connectSeconds" | "refusedSeconds">;

async function dialOnce(
  host: Host,
  secondsLeft: number,
  options: Waits,
): Promise<NodeSSH | FailedDial> {
  const [{ NodeSSH }, ssh2] = await Promise.all([import("node-ssh"), import("ssh2")]);
  const privateKey = ssh2.default.utils.parseKey(host.privateKey);
  if (privateKey instanceof Error) return unreadable(host, privateKey);
  let offered: Buffer | undefined;
  try {
    const ssh = await new NodeSSH().connect({
      host: host.address,
      port: host.port,
      username: host.user,
      privateKey: host.privateKey,
      // Asking first what is allowed would be one round trip more.
      authHandler: ["publickey"],
      readyTimeout: secondsLeft * 1000,
      keepaliveInterval: 15_000,
      keepaliveCountMax: 4,
      algorithms: { serverHostKey: hostKeyAlgorithms(host) },
      hostVerifier: (shown: Buffer) => {
        offered = shown;
        return isPinned(host, shown);
      },
    });
    // Whoever uses the connection hears of its end from a channel; an error that nobody hears ends the process.
    ssh.connection?.on("error", () => undefined);
    return ssh;
  } catch (error) {
    return failedDial(host, error, offered, options);
  }
}

function failedDial(
  host: Host,
  error: unknown,
  offered: Buffer | undefined,
  { connectSeconds, refusedSeconds }: Waits,
): FailedDial {
  const place = placeOf(host);
  const message = wordsOf(error);
  const pinned = parseHostKey(host.hostKey);
  if (offered !== undefined && !isPinned(host, offered)) {
    const what =
      "the host key is not the pinned one: " +
      `expected ${fingerprint(pinned.key)}, got ${fingerprint(offered)}`;
    const remedy =
      "if the machine was installed anew, set its hostKey to the new key " +
      "(ssh-keyscan shows it; compare it on the machine's console), else somebody may be in between";
    return { againForSeconds: 0, error: new HostKeyMismatch({ ...place, what, remedy }) };
  }
  const unreachable = (how: string, remedy: string) =>
    new HostUnreachable({ ...place, what: `no answer over SSH${how}: ${message}`, remedy });
  const isItUp =
    "check that the machine is up, that address and port are right, and that no firewall is in between";
  const cause = causeOf(error);
  // The pinned key was shown, so a handshake that failed after it was a bad one: one in some hundred of ssh2's own are.
  switch (cause === "nothing in common" && offered !== undefined ? "dropped" : cause) {
    case "nothing in common": {
      const what = `no handshake with a ${pinned.type} key, which is the type of the pinned one: ${message}`;
      const remedy =
        "set its hostKey to a key that it has, and let its sshd offer current algorithms";
      return { againForSeconds: 0, error: new HostKeyMismatch({ ...place, what, remedy }) };
    }
    case "not let in": {
      const what = `not let in: ${message}`;
      const remedy =
        "check the user, and that its authorized_keys holds the public half of the private key";
      return { againForSeconds: 0, error: new AccessDenied({ ...place, what, remedy }) };
    }
    case "silent": {
      const how = ` within ${connectSeconds} seconds`;
      return { againForSeconds: 0, error: unreachable(how, isItUp) };
    }
    case "away":
      return { againForSeconds: 0, error: unreachable("", isItUp) };
    case "refused":
      return { againForSeconds: refusedSeconds, error: unreachable("", isItUp) };
    case "dropped": {
      const remedy = "check that it is sshd that listens there, and its MaxStartups";
      return { againForSeconds: connectSeconds, error: unreachable("", remedy) };
    }
  }
}

/** A name with several addresses fails with one error for all of them, which has a code but no words. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || String(Reflect.get(error, "code") ?? error.name);
}

function unreadable(host: Host, { message }: Error): FailedDial {
  const what = `not let in: the private key cannot be read: ${message}`;
  const remedy = "set it to the text of an OpenSSH or PEM private key without a passphrase";
  return { againForSeconds: 0, error: new AccessDenied({ ...placeOf(host), what, remedy }) };
}

function placeOf({ name, user, address, port }: Host) {
  const bracketed = isIPv6(address) ? `[${address}]` : address;
  return { host: name, where: `${name} (${user}@${bracketed}:${port})` };
}

/** A host that is to show another key may show the former one until it does. */
function pinnedKeys({ hostKey, formerHostKeys = [] }: Host) {
  return [...formerHostKeys, hostKey].map(parseHostKey);
}

function isPinned(host: Host, shown: Buffer): boolean {
  return pinnedKeys(host).some(({ key }) => shown.equals(key));
}

function parseHostKey(hostKey: string): { readonly type: string; readonly key: Buffer } {
  const [type = "", key = ""] = hostKey.trim().split(/\s+/);
  return { type, key: Buffer.from(key, "base64") };
}

type Cause = "nothing in common" | "not let in" | "silent" | "away" | "refused" | "dropped";

/** By what ssh2 and Node set beside the words: `level` is where it failed, `code` the system's error. */
function causeOf(error: unknown): Cause {
  const { level, code } = Object(error) as { readonly level?: unknown; readonly code?: unknown };
  switch (level) {
    case "client-authentication":
      return "not let in";
    case "handshake":
      return "nothing in common";
    case "client-timeout":
      return "silent";
    case "client-dns":
      return "away";
    case "client-socket":
      if (code === "ECONNREFUSED") return "refused";
      return code === "ECONNRESET" || code === "EPIPE" ? "dropped" : "away";
    default:
      // A goodbye of the host, or none at all.
      return "dropped";
  }
}

function hostKeyAlgorithms(host: Host): "ssh-ed25519"[] {
  const types = new Set(pinnedKeys(host).map(({ type }) => type));
  // An RSA key signs with SHA-2 under a name of its own. ssh2's types list the names one by one.
  const names = [...types].flatMap((type) =>
    type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type],
  );
  return names as "ssh-ed25519"[];
}
