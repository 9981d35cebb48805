/** Keys for in-process SSH servers: made once per process, since making them costs more than a connection. */

import { utils } from "ssh2";

export interface KeyPair {
  /** OpenSSH text. */
  readonly private: string;
  /** `ssh-ed25519 AAAA...` */
  readonly public: string;
}

export function newKeyPair(): KeyPair {
  return utils.generateKeyPairSync("ed25519");
}

export const hostKey = newKeyPair();
export const clientKey = newKeyPair();
