/** Makes a connection to a host, with the host's key pinned. The only file that opens sockets to hosts. */

import { createHash } from "node:crypto";
import type { NodeSSH } from "node-ssh";
import { AccessDenied, HostKeyMismatch, HostUnreachable } from "../errors";
import type { Host } from "../kind";

export async function dial(host: Host, connectSeconds: number): Promise<NodeSSH> {
  const { NodeSSH } = await import("node-ssh");
  const [keyType = "", key = ""] = host.hostKey.trim().split(/\s+/);
  const pinned = Buffer.from(key, "base64");
  const start = performance.now();
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
    performance.measure(`dial ${host.name}`, { start });
    return ssh;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const where = `${host.name} (${host.user}@${host.address}:${host.port})`;
    const place = { host: host.name, where };
    if (offered !== undefined && !offered.equals(pinned)) {
      throw new HostKeyMismatch({
        ...place,
        what:
          "the host key is not the pinned one: " +
          `expected ${fingerprint(pinned)}, got ${fingerprint(offered)}`,
        remedy:
          "if the machine was installed anew, set its hostKey to the new key " +
          "(ssh-keyscan shows it; compare it on the machine's console), else somebody may be in between",
      });
    }
    if (/no matching host key/i.test(message) || /host key format/i.test(message)) {
      throw new HostKeyMismatch({
        ...place,
        what: `the host has no ${keyType} key, which is the type of the pinned one`,
        remedy: "set its hostKey to a key that it has",
      });
    }
    if (/authentication methods failed|privateKey/i.test(message)) {
      throw new AccessDenied({
        ...place,
        what: `not let in: ${message}`,
        remedy:
          "check the user, and that its authorized_keys holds the public half of the private key",
      });
    }
    const within = /timed out/i.test(message) ? ` within ${connectSeconds} seconds` : "";
    throw new HostUnreachable({
      ...place,
      what: `no answer over SSH${within}: ${message}`,
      remedy:
        "check that the machine is up, that address and port are right, and that no firewall is in between",
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
