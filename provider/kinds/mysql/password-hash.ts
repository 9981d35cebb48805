/**
 * Whether a password is an account's, told from what MySQL keeps of it: an account that may come from one address alone cannot be tried from
 * another one. It is SHA-crypt (SHA-256) with a salt of 20 bytes, as `caching_sha2_password` writes it.
 */

import { hash } from "node:crypto";

/** `$A$`, thousands of rounds as three hexadecimal digits, `$`, the salt, the digest. */
const form = /^\$A\$([0-9A-F]{3})\$([\s\S]{20})([./0-9A-Za-z]{43})$/i;

/** `undefined`: it is of another form, and nothing can be told. */
export function isPasswordOf(password: string, stored: Buffer): boolean | undefined {
  const [, thousands = "", salt = "", digest] = form.exec(stored.toString("latin1")) ?? [];
  if (digest === undefined) return undefined;
  const key = `${stored.toString("hex")} ${password}`;
  const known = seen.get(key);
  if (known !== undefined) return known;
  const rounds = Number.parseInt(thousands, 16) * 1000;
  const isSame = shaCrypt(password, Buffer.from(salt, "latin1"), rounds) === digest;
  seen.set(key, isSame);
  return isSame;
}

/** An `up` reads what it read a moment ago; 5000 rounds take some milliseconds. */
const seen = new Map<string, boolean>();

/** 2 times 3 times 7: what a round is made of, but for the digest, is made once, as it would take as long as the rounds. */
const roundsUntilSame = 42;

/** By its author's numbering of the steps: https://www.akkadia.org/drepper/SHA-crypt.txt */
export function shaCrypt(password: string, salt: Buffer, rounds: number): string {
  const key = Buffer.from(password, "utf8");
  const second = sha256(key, salt, key);
  const parts = [key, salt, Buffer.alloc(key.length, second)];
  for (let left = key.length; left > 0; left >>= 1) parts.push(left & 1 ? second : key);
  let digest = sha256(...parts);
  const keys = Buffer.alloc(key.length, sha256(...Array<Buffer>(key.length).fill(key)));
  const repeated = 16 + (digest[0] ?? 0);
  const salts = Buffer.alloc(salt.length, sha256(...Array<Buffer>(repeated).fill(salt)));
  const texts = Array.from({ length: roundsUntilSame }, (_, round) => {
    const isOdd = round % 2 === 1;
    const middle = [...(round % 3 > 0 ? [salts] : []), ...(round % 7 > 0 ? [keys] : [])];
    const text = Buffer.concat(isOdd ? [keys, ...middle, digest] : [digest, ...middle, keys]);
    return { text, place: isOdd ? text.length - digest.length : 0 };
  });
  for (let round = 0; round < rounds; round += roundsUntilSame) {
    for (const { text, place } of texts.slice(0, rounds - round)) {
      digest.copy(text, place);
      digest = hash("sha256", text, "buffer");
    }
  }
  return encoded(digest);
}

function sha256(...parts: readonly Buffer[]): Buffer {
  return hash("sha256", Buffer.concat(parts), "buffer");
}

const digits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Three bytes make four digits, in an order of its own. */
function encoded(digest: Buffer): string {
  const byte = (index: number) => digest[index] ?? 0;
  let text = "";
  const write = (value: number, count: number) => {
    for (let digit = 0; digit < count; digit += 1) text += digits[(value >> (6 * digit)) & 63];
  };
  let [high, middle, low] = [0, 10, 20];
  for (let group = 0; group < 10; group += 1) {
    write((byte(high) << 16) | (byte(middle) << 8) | byte(low), 4);
    [high, middle, low] = [low + 1, high + 1, middle + 1];
  }
  write((byte(31) << 8) | byte(30), 3);
  return text;
}
