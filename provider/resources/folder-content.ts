/** What a folder of this machine holds, as a name: the same content has the same name, on every machine. */
import { createHash, type Hash } from "node:crypto";
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  type Stats,
} from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";

export interface ContentOptions {
  /** Files and folders of these names count nowhere in it. */
  readonly excludedNames: readonly string[];
  /** A folder within that does not count: what is built from the rest. */
  readonly excludedFolder?: string;
  /** What else makes another content. */
  readonly salt?: string;
}

/** A file or link as it was found. */
export interface ContentEntry {
  /** Relative to the folder. */
  readonly path: string;
  readonly mode: "file" | "executable" | "link" | "other";
  /** In bytes. */
  readonly size: number;
  /** SHA-256, hexadecimal, of a file's bytes. */
  readonly sha256: string;
  /** Where a link leads. */
  readonly target: string;
  /** Another one later says that the file was written to since. */
  readonly stamp: string;
}

/** A larger file is read in pieces. */
const pieceBytes = 4 * 1024 * 1024;

/** 16 hexadecimal digits. Of the modes only the one that git keeps counts: executable or not. */
export function hashContent(folder: string, options: ContentOptions): string {
  const hashing = hashInSteps(folder, options);
  for (;;) {
    const step = hashing.next();
    if (step.done) return step.value;
  }
}

/** Hands each entry to `take` as it comes, and says the name of the whole at the end; between any two steps others may work. */
export function* hashInSteps(
  folder: string,
  options: ContentOptions,
  take?: (entry: ContentEntry) => void,
): Generator<undefined, string> {
  const hash = createHash("sha256").update(options.salt ?? "");
  for (const path of listFiles(folder, options)) {
    const stat = lstatSync(path);
    const mode = modeOf(stat);
    const target = mode === "link" ? readlinkSync(path) : "";
    // What only makes another content is not sent itself.
    if (mode === "link" && options.excludedFolder === undefined) checkLink(folder, path, target);
    const isFile = mode === "file" || mode === "executable";
    const size = isFile ? stat.size : Buffer.byteLength(target);
    const name = relative(folder, path);
    hash.update(`\0${name}\0${mode}\0${size}\0`).update(target);
    const own = take && isFile ? createHash("sha256") : undefined;
    if (isFile) yield* updateWith(path, size, own === undefined ? [hash] : [hash, own]);
    const sha256 = own?.digest("hex") ?? "";
    take?.({ path: name, mode, size, sha256, target, stamp: stampOf(stat) });
    yield;
  }
  return hash.digest("hex").slice(0, 16);
}

/** All files and links below, but no folders, in one order on every machine. */
export function listFiles(folder: string, options: ContentOptions): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      // It stands for bytes that are no UTF-8: under this name there is no file.
      if (entry.name.includes("\uFFFD")) {
        throw new Error(`${path}: expected a file name in UTF-8: give it another name`);
      }
      const isBuilt =
        options.excludedFolder !== undefined && resolve(path) === resolve(options.excludedFolder);
      if (isBuilt || options.excludedNames.includes(entry.name)) return [];
      return entry.isDirectory() ? listFiles(path, options) : [path];
    });
}

/** A link that leads to what is on this machine, and is nowhere on another one where the folder alone comes to. */
function checkLink(folder: string, path: string, target: string): void {
  const isWithin = (place: string) => !/^\.\.(\/|$)/.test(relative(resolve(folder), place));
  const place = resolve(dirname(path), target);
  const isLost = isAbsolute(target) ? isWithin(place) : !isWithin(place) && existsSync(place);
  if (!isLost) return;
  const remedy = isWithin(place)
    ? `make it relative (ln -srfn ${place} ${path})`
    : "put what it leads to into the folder";
  throw new Error(
    `${path}: expected a link that leads to the same on a host, got ${target}: ${remedy}`,
  );
}

/** The time of the last change of any sort (`ctime`) can be set by nobody. */
export function stampOf({ size, ino, mtimeMs, ctimeMs }: Stats): string {
  return `${size} ${ino} ${mtimeMs} ${ctimeMs}`;
}

function modeOf(stat: Stats): ContentEntry["mode"] {
  if (stat.isSymbolicLink()) return "link";
  if (!stat.isFile()) return "other";
  return stat.mode & 0o100 ? "executable" : "file";
}

function* updateWith(
  path: string,
  size: number,
  hashes: readonly Hash[],
): Generator<undefined, void> {
  if (size <= pieceBytes) {
    const content = readFileSync(path);
    for (const hash of hashes) hash.update(content);
    return;
  }
  const file = openSync(path, "r");
  try {
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (let length = readSync(file, piece); length > 0; length = readSync(file, piece)) {
      for (const hash of hashes) hash.update(piece.subarray(0, length));
      yield;
    }
  } finally {
    closeSync(file);
  }
}
