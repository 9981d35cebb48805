/** Makes a connection to a host, with the host's key pinned. The only file that opens sockets to hosts. */

import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import type { NodeSSH } from "node-ssh";
import { AccessDenied, HostKeyMismatch, HostUnreachable, type NotReached } from "../errors";
import type { Host } from "../kind";

export interface DialOptions {
  /** How long a host may take to let us in. Default 15. */
  readonly connectSeconds?: number;
  /** How long nothing may listen, as while sshd restarts, before the host counts as down. Default 2. */
  readonly refusedSeconds?: number;
}

/** The first wait before a host is dialled again; each next one is twice as long, and none is longer than the longest. */
const firstWaitMilliseconds = 100;
const longestWaitMilliseconds = 3200;

/** A dial that failed, and for how long in all it may be tried again. */
interface FailedDial {
  readonly error: NotReached;
  readonly againForSeconds: number;
}

/**
 * sshd drops connections when many come at once (MaxStartups) and refuses them while it restarts: those are dialled
 * again. A host that lets nobody in, or shows another key, would do so again.
 */
export async function dial(host: Host, options: DialOptions = {}): Promise<NodeSSH> {
  const { connectSeconds = 15, refusedSeconds = 2 } = options;
  const start = performance.now();
  for (let wait = firstWaitMilliseconds; ; wait = Math.min(2 * wait, longestWaitMilliseconds)) {
    const left = connectSeconds - (performance.now() - start) / 1000;
    const dialled = await dialOnce(host, { connectSeconds: left, refusedSeconds }, connectSeconds);
    if (!("error" in dialled)) {
      performance.measure(`dial ${host.name}`, { start });
      return dialled;
    }
    // Not all at the same moment, where several were dropped together.
    const pause = wait * (0.75 + Math.random() / 2);
    const end = performance.now() - start + pause;
    if (end >= 1000 * dialled.againForSeconds) throw dialled.error;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function dialOnce(
  host: Host,
  { connectSeconds, refusedSeconds }: Required<DialOptions>,
  statedSeconds: number,
): Promise<NodeSSH | FailedDial> {
  const [{ NodeSSH }, ssh2] = await Promise.all([import("node-ssh"), import("ssh2")]);
  const address = isIPv6(host.address) ? `[${host.address}]` : host.address;
  const place = { host: host.name, where: `${host.name} (${host.user}@${address}:${host.port})` };
  const never = { againForSeconds: 0 };
  const privateKey = ssh2.default.utils.parseKey(host.privateKey);
  if (privateKey instanceof Error) {
    const what = `not let in: the private key cannot be read: ${privateKey.message}`;
    const remedy = "set it to the text of an OpenSSH or PEM private key without a passphrase";
    return { ...never, error: new AccessDenied({ ...place, what, remedy }) };
  }
  const [keyType = "", key = ""] = host.hostKey.trim().split(/\s+/);
  const pinned = Buffer.from(key, "base64");
  let offered: Buffer | undefined;
  try {
    const ssh = await new NodeSSH().connect({
      host: host.address,
      port: host.port,
      username: host.user,
      privateKey: host.privateKey,
      // Asking first what is allowed would be one round trip more.
      authHandler: ["publickey"],
      readyTimeout: connectSeconds * 1000,
      keepaliveInterval: 15_000,
      keepaliveCountMax: 4,
      algorithms: { serverHostKey: hostKeyAlgorithms(keyType) },
      hostVerifier: (shown: Buffer) => {
        offered = shown;
        return shown.equals(pinned);
      },
    });
    // Whoever uses the connection hears of its end from a channel; an error that nobody hears ends the process.
    ssh.connection?.on("error", () => undefined);
    return ssh;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (offered !== undefined && !offered.equals(pinned)) {
      const what =
        "the host key is not the pinned one: " +
        `expected ${fingerprint(pinned)}, got ${fingerprint(offered)}`;
      const remedy =
        "if the machine was installed anew, set its hostKey to the new key " +
        "(ssh-keyscan shows it; compare it on the machine's console), else somebody may be in between";
      return { ...never, error: new HostKeyMismatch({ ...place, what, remedy }) };
    }
    switch (causeOf(error)) {
      case "nothing in common": {
        const what = `no handshake with a ${keyType} key, which is the type of the pinned one: ${message}`;
        const remedy =
          "set its hostKey to a key that it has, and let its sshd offer current algorithms";
        return { ...never, error: new HostKeyMismatch({ ...place, what, remedy }) };
      }
      case "not let in": {
        const what = `not let in: ${message}`;
        const remedy =
          "check the user, and that its authorized_keys holds the public half of the private key";
        return { ...never, error: new AccessDenied({ ...place, what, remedy }) };
      }
      case "silent":
        return { ...never, error: unreachable(place, message, ` within ${statedSeconds} seconds`) };
      case "away":
        return { ...never, error: unreachable(place, message) };
      case "refused":
        return { againForSeconds: refusedSeconds, error: unreachable(place, message) };
      case "dropped":
        return { againForSeconds: statedSeconds, error: unreachable(place, message) };
    }
  }
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

function unreachable(
  place: { readonly host: string; readonly where: string },
  message: string,
  within = "",
): HostUnreachable {
  return new HostUnreachable({
    ...place,
    what: `no answer over SSH${within}: ${message}`,
    remedy:
      "check that the machine is up, that address and port are right, and that no firewall is in between",
  });
}

function hostKeyAlgorithms(keyType: string): "ssh-ed25519"[] {
  // An RSA key signs with SHA-2 under a name of its own. ssh2's types list the names one by one.
  const names = keyType === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [keyType];
  return names as "ssh-ed25519"[];
}

function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}
