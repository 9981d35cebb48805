/** What was downloaded is what was meant: anything else is refused before a byte of it is run. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";

export interface Expectation {
  /** Of the archive, for the error. */
  readonly name: string;
  /** SHA-256 in hexadecimal digits; `undefined` where none is known for this platform, which is refused too. */
  readonly expected: string | undefined;
}

export async function requireChecksum(file: string, expectation: Expectation): Promise<void> {
  const { name, expected } = expectation;
  if (expected === undefined) {
    throw new Error(
      `${name}: no checksum is known for this platform: install the Pulumi CLI yourself and put it on PATH`,
    );
  }
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const found = hash.digest("hex");
  if (found === expected) return;
  throw new Error(
    `${name}: the download is not the published one: expected SHA-256 ${expected}, got ${found}: ` +
      "try again; if it stays so, a proxy or somebody in between changes what is downloaded",
  );
}
