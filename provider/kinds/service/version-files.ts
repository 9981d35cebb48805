/** The files of a version on this machine: which they are. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  type ContentEntry,
  findEntries,
  nameInSteps,
  readInSteps,
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

/** Of each source what was read of it in this process: all hosts that need it at once share that. */
const known = new Map<string, Promise<ContentEntry[]>>();

/** Makes its folder, if it is made. */
export async function prepareVersion(
  { folder, version, build: command }: Source,
  say: (message: string) => void,
): Promise<void> {
  if (command !== undefined) await build({ folder, version, command }, say);
  if (!existsSync(folder))
    throw new Error(`${folder}: expected the folder of version ${version}, got none`);
}

export async function readVersion(source: Source): Promise<VersionFiles> {
  const { folder, version } = source;
  const key = keyOf(source);
  let reading = known.get(key);
  if (reading === undefined || !isAsRead(source, await reading.catch(() => []))) {
    reading = readEntries(source);
    known.set(key, reading);
  }
  return { folder, version, entries: await reading };
}

/** That it was read, by whoever sent it. */
export function keepVersion(source: Source, entries: readonly ContentEntry[]): void {
  known.set(keyOf(source), Promise.resolve([...entries]));
}

function keyOf({ folder, version, exclude, isContent }: Source): string {
  return JSON.stringify([resolve(folder), version, exclude, isContent]);
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

/** Whether it was read before in this process, or is being read. */
export function isKnown(source: Source): boolean {
  return known.has(keyOf(source));
}

async function readEntries(source: Source) {
  const { folder, exclude, isContent } = source;
  const entries: ContentEntry[] = [];
  const take = (entry: ContentEntry) => {
    if (isSent(entry)) entries.push(entry);
  };
  const options = { excludedNames: exclude };
  const reading = isContent
    ? nameInSteps(folder, options, take)
    : readInSteps(folder, options, { take });
  let turnEnds = performance.now() + turnMilliseconds;
  for (;;) {
    const step = reading.next();
    if (step.done) {
      if (isContent) checkName(source, String(step.value));
      return entries;
    }
    if (performance.now() < turnEnds) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turnEnds = performance.now() + turnMilliseconds;
  }
}

/** Another content has another name. */
export function checkName({ folder, version }: Source, name: string): void {
  if (name === version) return;
  throw new Error(
    `${folder}: its content is ${name} by now and no longer version ${version}; run the command again`,
  );
}

/** Files and links, but what a build left there for itself. */
export function isSent({ path, mode }: Pick<ContentEntry, "path" | "mode">): boolean {
  return mode !== "other" && path.split("/").at(-1) !== markName;
}

/** Much cheaper than to read them again. */
function isAsRead({ folder, exclude }: Source, entries: readonly ContentEntry[]): boolean {
  const stamps = new Map(entries.map(({ path, stamp }) => [path, stamp]));
  const found = [...findEntries(folder, { excludedNames: exclude })].filter(isSent);
  return (
    found.length === stamps.size && found.every(({ path, stamp }) => stamps.get(path) === stamp)
  );
}
