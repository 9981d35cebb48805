/** Sends the files of a version to a host: those that the host lacks, compressed, and none of them twice. */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGzip, gzipSync } from "node:zlib";
import type { Context, Host } from "../../kind";
import { type ContentEntry, isFile } from "../../resources/folder-content";
import { type Incoming, renderOffer, renderQuestion, renderTaking } from "./receiving";
import { isKnown, type Source, type VersionFiles } from "./version-files";
import { readAsRecords, records, timeOf } from "./version-records";

export interface Place {
  readonly host: Host;
  /** Where the versions are on the host. */
  readonly root: string;
  /** Folders on the host whose files may be taken. */
  readonly have: readonly string[];
  /** A folder on the host: where it is there, nothing is sent. */
  readonly unless?: string;
}

export interface Transfer extends Place {
  readonly files: VersionFiles;
}

export interface Sent {
  readonly files: number;
  /** As they went over the wire. */
  readonly bytes: number;
}

/** How long a host may take to compare what it has: so much, and a second for each of so many megabytes. */
const offerSeconds = 600;
const comparedMegabytesPerSecond = 5;
/** How long a host may take none of what is sent. */
const silentSeconds = 120;

type Run = Pick<Context, "run">;
type Say = (message: string) => void;

export async function transfer(
  { host, root, files, have, unless }: Transfer,
  { run }: Run,
  say: Say,
): Promise<Sent> {
  const { version, entries } = files;
  const list = renderList(entries);
  const digest = digestOf(entries);
  const incoming = { root, version };
  const megabytes = sizeOf(entries) / 1e6;
  say(`comparing ${entries.length} files with what is there`);
  const answer = await run(host, {
    script: renderOffer(incoming, { digest, have, unless }).text,
    input: gzipSync(list, { level: 1 }),
    doing: sending(version),
    deadlineSeconds: offerSeconds + Math.ceil(megabytes / comparedMegabytesPerSecond),
  });
  const { ranges, hasZstd } = parseAnswer(answer);
  const missing = ranges.flatMap(([first, last]) => entries.slice(first, last + 1));
  if (missing.length === 0) return { files: 0, bytes: 0 };
  const pieces = tellProgress(records(files, missing, digest), { missing, all: entries, say });
  const bytes = await send({ host, incoming, hasZstd, pieces }, { run });
  return { files: missing.length, bytes };
}

/**
 * To a host that has nothing of which it could be put together: it is read as it is sent, where `transfer` reads it before. Answers
 * nothing where the host has something, or it is known already what there is to send.
 */
export async function transferUnread(
  { host, root, have, unless }: Place,
  source: Source,
  { run }: Run,
  say: Say,
): Promise<Sent | undefined> {
  if (isKnown(source)) return undefined;
  const { version } = source;
  const incoming = { root, version };
  const places = unless === undefined ? have : [...have, unless];
  const script = renderQuestion(incoming, places).text;
  const { hasZstd, hasFiles } = parseAnswer(await run(host, { script, doing: sending(version) }));
  if (hasFiles) return undefined;
  let files = 0;
  const reading = readAsRecords(source, (entries) => {
    files = entries.filter(isFile).length;
    return digestOf(entries);
  });
  const bytes = await send(
    { host, incoming, hasZstd, pieces: tellProgress(reading, { say }) },
    { run },
  );
  return { files, bytes };
}

interface Stream {
  readonly host: Host;
  readonly incoming: Incoming;
  readonly hasZstd: boolean;
  readonly pieces: AsyncIterable<Buffer>;
}

/** Answers how many bytes that were. */
async function send({ host, incoming, hasZstd, pieces }: Stream, { run }: Run): Promise<number> {
  const compression = hasZstd && (await hasProgram("zstd")) ? "zstd" : "gzip";
  let bytes = 0;
  await run(host, {
    script: renderTaking(incoming, [compression, "-dc"]).text,
    input: counted(compress[compression](pieces), (length) => {
      bytes += length;
    }),
    doing: sending(incoming.version),
    deadlineSeconds: silentSeconds,
  });
  return bytes;
}

const sending = (version: string) => `sending version ${version}`;

function digestOf(entries: readonly ContentEntry[]): string {
  return createHash("sha256").update(renderList(entries)).digest("hex");
}

/** As `receiving.ts` reads it. */
function renderList(entries: readonly ContentEntry[]): string {
  const records = entries.map(({ path, mode, size, sha256, target }) =>
    mode === "link"
      ? `l 0 0  ${path}\0${target}\0`
      : `${mode === "executable" ? "x" : "f"} ${size} ${timeOf(sha256)} ${sha256} ${path}\0`,
  );
  return `${records.join("")}end\0`;
}

function parseAnswer(answer: string) {
  const words = answer.split(/\s+/).filter((word) => word !== "");
  const ranges = words
    .filter((word) => /^\d/.test(word))
    .map((word): [number, number] => {
      const [first = "", last = first] = word.split("-");
      return [Number(first), Number(last)];
    });
  return { ranges, hasZstd: words.includes("zstd"), hasFiles: words.includes("there") };
}

/** Without `missing` it is not known yet how much there is. */
async function* tellProgress(
  pieces: AsyncIterable<Buffer>,
  {
    missing,
    all = [],
    say,
  }: {
    readonly missing?: readonly ContentEntry[];
    readonly all?: readonly ContentEntry[];
    readonly say: Say;
  },
): AsyncGenerator<Buffer> {
  const what = missing === undefined ? "all files" : `${missing.length} of ${all.length} files`;
  const of = missing === undefined ? "" : ` of ${Math.ceil(sizeOf(missing) / 1e6)}`;
  let read = 0;
  let next = 0;
  for await (const piece of pieces) {
    if (performance.now() >= next) {
      say(`sending ${what}: ${Math.floor(read / 1e6)}${of} megabytes, before compression`);
      next = performance.now() + 1000;
    }
    read += piece.length;
    yield piece;
  }
}

function sizeOf(entries: readonly ContentEntry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}

/** zstd takes a fifth of gzip's time for a smaller result. Node has had its own since version 22 only. */
const compress = {
  zstd: (pieces: AsyncIterable<Buffer>) => {
    // A second thread of it would only wait for the first.
    const args = ["-q", "-c", "--single-thread"];
    const child = spawn("zstd", args, { stdio: ["pipe", "pipe", "ignore"] });
    // Its pipes end then as well.
    child.on("error", () => undefined);
    return through(pieces, child.stdin, child.stdout);
  },
  gzip: (pieces: AsyncIterable<Buffer>) => {
    const gzip = createGzip({ level: 1, chunkSize: 256 * 1024 });
    return through(pieces, gzip, gzip);
  },
};

async function* through(
  pieces: AsyncIterable<Buffer>,
  entry: Writable,
  exit: Readable,
): AsyncGenerator<Buffer> {
  let cause: unknown;
  const feeding = pipeline(Readable.from(pieces, { highWaterMark: 2 }), entry).catch((error) => {
    cause = error;
    exit.destroy();
  });
  try {
    yield* exit;
    await feeding;
  } catch (error) {
    // That the one ended too early is only what became of it.
    throw cause ?? error;
  }
  if (cause !== undefined) throw cause;
}

function hasProgram(name: string): Promise<boolean> {
  return promisify(execFile)(name, ["--version"]).then(
    () => true,
    () => false,
  );
}

async function* counted(
  pieces: AsyncIterable<Buffer>,
  count: (length: number) => void,
): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    count(piece.length);
    yield piece;
  }
}
