/** A release to send: files of many sizes, the same in each run. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { must } from "../../scripts/setup/run";
import { seeded } from "../seeded";

/** In ten: they cannot be compressed, as pictures and fonts. */
const noiseInTen = 3;
const wordCount = 20_000;

/** `two` is `one` with some other files. */
export interface ReleaseFolders {
  readonly one: string;
  readonly two: string;
}

export async function makeReleases(
  folder: string,
  size: { readonly files: number; readonly bytes: number; readonly changed: number },
): Promise<ReleaseFolders> {
  const [one, two] = [join(folder, "one"), join(folder, "two")];
  await rm(folder, { recursive: true, force: true });
  const random = seeded(1);
  const words = Array.from({ length: wordCount }, () => makeWord(random));
  for (let number = 0; number < size.files; number += 1) {
    const length = Math.max(10, Math.floor((size.bytes / size.files) * -Math.log(random() + 1e-9)));
    const content =
      number % 10 < noiseInTen ? makeNoise(length, random) : makeText(length, words, random);
    await write(join(one, pathOf(number)), content);
  }
  await must("a second release", "cp", ["-al", one, two]);
  for (let number = 0; number < size.files; number += Math.floor(size.files / size.changed)) {
    const file = join(two, pathOf(number));
    await rm(file);
    await write(file, makeText(20_000, words, random));
  }
  return { one, two };
}

/** A fifth is what the web server sends itself. */
function pathOf(number: number): string {
  const place = number % 5 === 0 ? "public" : "lib";
  return `${place}/package-${number % 250}/folder-${number % 1000}/file-${number}`;
}

async function write(path: string, content: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

function makeWord(random: () => number): Buffer {
  const letters = "etaoinshrdlucmfwypvbgkjqxz";
  const length = 2 + Math.floor(random() * 10);
  const word = Array.from({ length }, () => letters[Math.floor(random() * random() * 26)]).join("");
  return Buffer.from(`${word}${random() < 0.12 ? "\n  " : random() < 0.2 ? "." : " "}`);
}

function makeText(length: number, words: readonly Buffer[], random: () => number): Buffer {
  const text = Buffer.alloc(length);
  // Some words are far more frequent than others.
  for (let at = 0; at < length; )
    at += words[Math.floor(random() ** 3 * wordCount)]?.copy(text, at) ?? 0;
  return text;
}

function makeNoise(length: number, random: () => number): Buffer {
  const noise = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4)
    noise.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
  return noise;
}
