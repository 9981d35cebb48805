/** Ed25519 key pairs in OpenSSH's format. */

import { utils } from "ssh2";

export interface KeyPair {
  readonly private: string;
  /** `ssh-ed25519 AAAA... comment` */
  readonly public: string;
}

/** One pair in two hundred that ssh2 makes is malformed: it drops leading zeros. Those are made again. */
export function makeKeyPair(comment?: string): KeyPair {
  for (;;) {
    const pair = utils.generateKeyPairSync("ed25519", comment === undefined ? {} : { comment });
    const parts = [utils.parseKey(pair.private), utils.parseKey(pair.public)];
    if (!parts.some((part) => part instanceof Error)) {
      return { private: pair.private, public: pair.public.trim() };
    }
  }
}

/** The public half of a private key in OpenSSH or PEM format: `ssh-ed25519 AAAA... comment`. */
export function publicKeyOf(privateKey: string): string {
  const key = utils.parseKey(privateKey);
  if (key instanceof Error) throw key;
  return `${key.type} ${key.getPublicSSH().toString("base64")} ${key.comment}`.trim();
}
