/** Sends the files of a version to a host: those that the host lacks, compressed, and none of them twice. */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGzip, gzipSync } from "node:zlib";
import type { Context, Host } from "../../kind";
import type { ContentEntry } from "../../resources/folder-content";
import { renderOffer, renderTaking } from "./receiving";
import { contents, type VersionFiles } from "./version-files";

export interface Transfer {
  readonly host: Host;
  /** Where the versions are on the host. */
  readonly root: string;
  readonly files: VersionFiles;
  /** Folders on the host whose files may be taken. */
  readonly have: readonly string[];
  /** A folder on the host: where it is there, nothing is sent. */
  readonly unless?: string;
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

export async function transfer(
  { host, root, files, have, unless }: Transfer,
  { run }: Pick<Context, "run">,
  say: (message: string) => void,
): Promise<Sent> {
  const { version, entries } = files;
  const list = renderList(entries);
  const digest = createHash("sha256").update(list).digest("hex");
  const incoming = { root, version, digest };
  const megabytes = sizeOf(entries) / 1e6;
  const doing = `sending version ${version}`;
  say(`comparing ${entries.length} files with what is there`);
  const answer = await run(host, {
    script: renderOffer(incoming, { have, unless }).text,
    input: gzipSync(list, { level: 1 }),
    doing,
    deadlineSeconds: offerSeconds + Math.ceil(megabytes / comparedMegabytesPerSecond),
  });
  const { ranges, hasZstd } = parseAnswer(answer);
  const missing = ranges.flatMap(([first, last]) => entries.slice(first, last + 1));
  if (missing.length === 0) return { files: 0, bytes: 0 };
  const compression = hasZstd && (await hasProgram("zstd")) ? "zstd" : "gzip";
  const told = tellProgress(missing, entries, say);
  let bytes = 0;
  await run(host, {
    script: renderTaking(incoming, [compression, "-dc"]).text,
    input: counted(compress[compression](told(contents(files, missing))), (length) => {
      bytes += length;
    }),
    doing,
    deadlineSeconds: silentSeconds,
  });
  return { files: missing.length, bytes };
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

/**
 * A time that stands for the content: web servers make their validators (`ETag`, `Last-Modified`) of it, and those have to
 * be the same on all hosts, whenever each of them got its copy. Within the twenty years from 2001.
 */
function timeOf(sha256: string): number {
  return 978_307_200 + (Number.parseInt(sha256.slice(0, 8), 16) % 631_152_000);
}

function parseAnswer(answer: string) {
  const words = answer.split(/\s+/).filter((word) => word !== "");
  const ranges = words
    .filter((word) => /^\d/.test(word))
    .map((word): [number, number] => {
      const [first = "", last = first] = word.split("-");
      return [Number(first), Number(last)];
    });
  return { ranges, hasZstd: words.includes("zstd") };
}

function tellProgress(
  missing: readonly ContentEntry[],
  all: readonly ContentEntry[],
  say: (message: string) => void,
) {
  const megabytes = Math.ceil(sizeOf(missing) / 1e6);
  return async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let read = 0;
    let next = 0;
    for await (const piece of pieces) {
      if (performance.now() >= next) {
        const done = Math.floor(read / 1e6);
        say(
          `sending ${missing.length} of ${all.length} files: ${done} of ${megabytes} megabytes, before compression`,
        );
        next = performance.now() + 1000;
      }
      read += piece.length;
      yield piece;
    }
  };
}

function sizeOf(entries: readonly ContentEntry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}

/** zstd takes a sixth of gzip's time for a smaller result. Node has had its own since version 22 only. */
const compress = {
  zstd: (pieces: AsyncIterable<Buffer>) => {
    const args = ["-q", "-c", "-1", "--single-thread"];
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
