/** What a public key is known by. Without SSH itself: a preview without hosts need not load it. */
import { createHash } from "node:crypto";

/** Of `ssh-ed25519 AAAA... comment`, what names the key whatever its comment: `AAAA...`. */
export function blobOf(publicKey: string): string {
  return publicKey.trim().split(/\s+/)[1] ?? "";
}

/** As `ssh-keygen -l` has it: `SHA256:...`. */
export function fingerprintOf(publicKey: string): string {
  return fingerprint(Buffer.from(blobOf(publicKey), "base64"));
}

/** Of the key's bytes. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}
