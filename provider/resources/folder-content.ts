/** What a folder of this machine holds, as a name: the same content has the same name, on every machine. */
import { createHash, hash as hashAtOnce } from "node:crypto";
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Stats,
} from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";

export interface ContentOptions {
  /** Files and folders of these names count nowhere in it; `./NAME` only where it stands in the folder itself. */
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
const pieceBytes = 1024 * 1024;

/** 16 hexadecimal digits. Of the modes only the one that git keeps counts: executable or not. */
export function hashContent(folder: string, options: ContentOptions): string {
  const naming = nameInSteps(folder, options);
  for (;;) {
    const step = naming.next();
    if (step.done) return step.value;
  }
}

/** Says the name of the whole at the end, and hands each entry to `take` as it comes; between any two steps others may work. */
export function* nameInSteps(
  folder: string,
  options: ContentOptions,
  take?: (entry: ContentEntry) => void,
): Generator<undefined, string> {
  const naming = startNaming(options);
  yield* readInSteps(folder, options, { naming, ...(take && { take }) });
  return naming.end();
}

/** What is not asked for is not hashed. */
export function* readInSteps(
  folder: string,
  options: ContentOptions,
  { naming, take }: { readonly naming?: Naming; readonly take?: (entry: ContentEntry) => void },
): Generator<undefined, void> {
  const isOwn = take !== undefined;
  for (const found of findEntries(folder, options)) {
    naming?.begin(found);
    const sha256 = isFile(found)
      ? yield* hashFile(join(folder, found.path), found.size, { naming, isOwn })
      : "";
    take?.({ ...found, sha256 });
    yield;
  }
}

export type FoundEntry = Omit<ContentEntry, "sha256">;

/** In one order on every machine. */
export function* findEntries(folder: string, options: ContentOptions): Generator<FoundEntry> {
  for (const path of listFiles(folder, options)) {
    const stat = lstatSync(path);
    const mode = modeOf(stat);
    const target = mode === "link" ? readlinkSync(path) : "";
    // What only makes another content is not sent itself.
    if (mode === "link" && options.excludedFolder === undefined) checkLink(folder, path, target);
    const size = isFile({ mode }) ? stat.size : Buffer.byteLength(target);
    yield { path: relative(folder, path), mode, size, target, stamp: stampOf(stat) };
  }
}

export function isFile({ mode }: Pick<ContentEntry, "mode">): boolean {
  return mode === "file" || mode === "executable";
}

/** The name of a content as it is read: of each entry in its order, and of a file's bytes after it. */
export interface Naming {
  begin(entry: FoundEntry): void;
  update(bytes: Buffer): void;
  end(): string;
}

export function startNaming({ salt = "" }: ContentOptions): Naming {
  const hash = createHash("sha256").update(salt);
  return {
    begin: ({ path, mode, size, target }) => {
      hash.update(`\0${path}\0${mode}\0${size}\0`).update(target);
    },
    update: (bytes) => {
      hash.update(bytes);
    },
    end: () => hash.digest("hex").slice(0, 16),
  };
}

/** All files and links below, but no folders, in one order on every machine. */
export function listFiles(folder: string, options: ContentOptions): string[] {
  const further = options.excludedNames.filter((name) => !name.startsWith("./"));
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
      const { excludedNames } = options;
      const isExcluded =
        excludedNames.includes(entry.name) || excludedNames.includes(`./${entry.name}`);
      if (isBuilt || isExcluded) return [];
      if (!entry.isDirectory()) return [path];
      return listFiles(path, { ...options, excludedNames: further });
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

/** Of all files: what is in it is used before anything else is read. */
const piece = Buffer.allocUnsafeSlow(pieceBytes);

/** Answers the SHA-256 of the file's own bytes where that is asked for. */
export function* hashFile(
  path: string,
  size: number,
  { naming, isOwn }: { readonly naming: Naming | undefined; readonly isOwn: boolean },
): Generator<undefined, string> {
  const own = isOwn && size > pieceBytes ? createHash("sha256") : undefined;
  const file = openSync(path, "r");
  try {
    for (let left = size; left > 0; ) {
      const read = piece.subarray(0, readSync(file, piece, 0, Math.min(left, pieceBytes), null));
      // It became shorter meanwhile, and has another stamp.
      if (read.length === 0) break;
      left -= read.length;
      naming?.update(read);
      own?.update(read);
      if (left > 0) yield;
      else if (isOwn && own === undefined) return hashAtOnce("sha256", read);
    }
  } finally {
    closeSync(file);
  }
  return own?.digest("hex") ?? (isOwn ? hashAtOnce("sha256", "") : "");
}
