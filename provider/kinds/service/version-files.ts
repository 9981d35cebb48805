/** The files of a version on this machine: which they are, and their bytes piece by piece. Never all of them in memory. */
import { closeSync, existsSync, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import {
  type ContentEntry,
  listFiles,
  nameInSteps,
  readInSteps,
  stampOf,
} from "../../resources/folder-content";
import { build, markName } from "./build";

export interface Source {
  /** Relative to the project. */
  readonly folder: string;
  readonly version: string;
  /** Makes `folder`; run in the project. */
  readonly build?: string | undefined;
  /** Names of files and folders that are not sent. */
  readonly exclude: readonly string[];
  /** Whether the version is the name of the folder's own content, so that another content is refused. */
  readonly isContent: boolean;
}

export interface VersionFiles {
  readonly folder: string;
  readonly version: string;
  readonly entries: readonly ContentEntry[];
}

/** Others are served at least that often while files are read. */
const turnMilliseconds = 30;
const pieceBytes = 1024 * 1024;

/** Of each source what was read of it in this process: all hosts that need it at once share that. */
const known = new Map<string, Promise<ContentEntry[]>>();

export async function readVersion(
  source: Source,
  say: (message: string) => void,
): Promise<VersionFiles> {
  const { folder, version, exclude } = source;
  if (source.build !== undefined) await build({ folder, version, command: source.build }, say);
  if (!existsSync(folder))
    throw new Error(`${folder}: expected the folder of version ${version}, got none`);
  const key = JSON.stringify([resolve(folder), version, exclude, source.isContent]);
  let reading = known.get(key);
  if (reading === undefined || !isAsRead(source, await reading.catch(() => []))) {
    reading = readEntries(source);
    known.set(key, reading);
  }
  return { folder, version, entries: await reading };
}

/** What is in a folder of it, as a version of its own. None of it may be there. */
export function partOf(files: VersionFiles, part: string): VersionFiles {
  const inside = `${part}/`;
  return {
    folder: join(files.folder, part),
    version: files.version,
    entries: files.entries
      .filter(({ path }) => path.startsWith(inside))
      .map((entry) => ({ ...entry, path: entry.path.slice(inside.length) })),
  };
}

/** The bytes of these files, one after the other. Fails where one was written to since it was read. */
export async function* contents(
  { folder, version }: VersionFiles,
  entries: readonly ContentEntry[],
): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafe(pieceBytes);
  let filled = 0;
  for (const entry of entries) {
    const path = join(folder, entry.path);
    const changed = () =>
      new Error(`${path}: was changed since version ${version} was read; run the command again`);
    const file = openSync(path, "r");
    try {
      for (let left = entry.size; left > 0; ) {
        const length = readSync(file, piece, filled, Math.min(left, pieceBytes - filled), null);
        if (length === 0) throw changed();
        left -= length;
        filled += length;
        if (filled < pieceBytes) continue;
        yield piece;
        piece = Buffer.allocUnsafe(pieceBytes);
        filled = 0;
      }
      if (stampOf(fstatSync(file)) !== entry.stamp) throw changed();
    } finally {
      closeSync(file);
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

async function readEntries({ folder, version, exclude, isContent }: Source) {
  const entries: ContentEntry[] = [];
  const take = (entry: ContentEntry) => {
    if (isSent(entry.path) && entry.mode !== "other") entries.push(entry);
  };
  const options = { excludedNames: exclude };
  const reading = isContent
    ? nameInSteps(folder, options, take)
    : readInSteps(folder, options, { take });
  let turnEnds = performance.now() + turnMilliseconds;
  for (;;) {
    const step = reading.next();
    if (step.done && isContent && step.value !== version) {
      throw new Error(
        `${folder}: its content is ${step.value} by now and no longer version ${version}; run the command again`,
      );
    }
    if (step.done) return entries;
    if (performance.now() < turnEnds) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turnEnds = performance.now() + turnMilliseconds;
  }
}

function isSent(path: string): boolean {
  return path.split("/").at(-1) !== markName;
}

/** Much cheaper than to read them again. */
function isAsRead({ folder, exclude }: Source, entries: readonly ContentEntry[]): boolean {
  const stamps = new Map(entries.map(({ path, stamp }) => [path, stamp]));
  const found = listFiles(folder, { excludedNames: exclude })
    .map((path) => [relative(folder, path), lstatSync(path)] as const)
    .filter(([path, stat]) => isSent(path) && (stat.isFile() || stat.isSymbolicLink()));
  return (
    found.length === stamps.size &&
    found.every(([path, stat]) => stamps.get(path) === stampOf(stat))
  );
}
