/** Whether a passphrase is that of a stack, as its settings file tells: Pulumi keeps the word `pulumi` there, encrypted. */
import { createDecipheriv, pbkdf2Sync } from "node:crypto";

/** https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/config/crypt.go */
const iterations = 1_000_000;

/** False also for a text that has no `encryptionsalt`. */
export function opens(settings: string, passphrase: string): boolean {
  const [, salt, nonce, sealed] =
    /^encryptionsalt: v1:([^:\s]+):v1:([^:\s]+):(\S+)$/m.exec(settings) ?? [];
  if (salt === undefined || nonce === undefined || sealed === undefined) return false;
  const key = pbkdf2Sync(passphrase, bytes(salt), iterations, 32, "sha256");
  const text = bytes(sealed);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, bytes(nonce));
    decipher.setAuthTag(text.subarray(-16));
    const plain = Buffer.concat([decipher.update(text.subarray(0, -16)), decipher.final()]);
    return plain.toString() === "pulumi";
  } catch {
    return false;
  }
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "base64");
}
