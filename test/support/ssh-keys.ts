/** Keys for in-process SSH servers: made once per process, since making them costs more than a connection. */

import { type KeyPair, makeKeyPair } from "../../provider/ssh/key-pair";

export type { KeyPair };

export const newKeyPair = (): KeyPair => makeKeyPair();

export const hostKey = newKeyPair();
export const clientKey = newKeyPair();
