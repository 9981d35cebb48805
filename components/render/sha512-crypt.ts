/** How a host knows a password without having it: crypt(3) by SHA-512, as HAProxy takes it (https://www.akkadia.org/drepper/SHA-crypt.txt). */
import { createHash } from "node:crypto";

/** Of crypt(3) where nothing else is said. */
const rounds = 5000;
const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const longestSalt = 16;

/** `$6$SALT$HASH` */
export function sha512Crypt(password: string, salt: string): string {
  const key = Buffer.from(password);
  const salted = Buffer.from(salt.slice(0, longestSalt));
  const other = digest(key, salted, key);
  let result = digest(key, salted, repeated(other, key.length), ...byBits(key, other));
  const keys = repeated(digest(...Array<Buffer>(key.length).fill(key)), key.length);
  const salts = repeated(
    digest(...Array<Buffer>(16 + (result[0] ?? 0)).fill(salted)),
    salted.length,
  );
  for (let round = 0; round < rounds; round += 1) {
    const isOdd = round % 2 === 1;
    result = digest(
      isOdd ? keys : result,
      ...(round % 3 === 0 ? [] : [salts]),
      ...(round % 7 === 0 ? [] : [keys]),
      isOdd ? result : keys,
    );
  }
  return `$6$${salted}$${encode(result)}`;
}

/** A salt that is the same for the same words, in the letters that crypt(3) takes. */
export function saltOf(...words: readonly string[]): string {
  const bytes = createHash("sha256").update(words.join("\0")).digest().subarray(0, longestSalt);
  return [...bytes].map((byte) => alphabet[byte % 64]).join("");
}

function digest(...parts: readonly Buffer[]): Buffer {
  const hash = createHash("sha512");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The same bytes over and over, so many in all. */
function repeated(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

/** For each bit of the key's length, from the lowest. */
function byBits(key: Buffer, other: Buffer): readonly Buffer[] {
  return [...key.length.toString(2)].reverse().map((bit) => (bit === "1" ? other : key));
}

/** Three bytes become four letters; which three goes round. */
function encode(bytes: Buffer): string {
  const triples = Array.from({ length: 21 }, (_, at) => {
    const places = [at, at + 21, at + 42];
    return [...places.slice(at % 3), ...places.slice(0, at % 3)].map((place) => bytes[place] ?? 0);
  });
  return [...triples.map((triple) => letters(triple, 4)), letters([0, 0, bytes[63] ?? 0], 2)].join(
    "",
  );
}

function letters([high = 0, middle = 0, low = 0]: readonly number[], count: number): string {
  const value = (high << 16) | (middle << 8) | low;
  return Array.from({ length: count }, (_, at) => alphabet[(value >> (6 * at)) & 63]).join("");
}
