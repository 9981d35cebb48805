/** The files of a version as the stream of records that `receiving.ts` takes in, piece by piece. Never all of them in memory. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import {
  type ContentEntry,
  type FoundEntry,
  findEntries,
  hashFile,
  isFile,
  type Naming,
  stampOf,
  startNaming,
} from "../../resources/folder-content";
import { checkName, isSent, keepVersion, type Source, type VersionFiles } from "./version-files";

const pieceBytes = 1024 * 1024;

/** Those of these entries. Fails where one was written to since it was read. */
export async function* records(
  { folder, version }: Pick<VersionFiles, "folder" | "version">,
  entries: readonly ContentEntry[],
  digest: string,
): AsyncGenerator<Buffer> {
  const stream = new RecordStream(folder, version);
  for (const entry of entries) yield* stream.file(entry, () => entry.sha256);
  yield* stream.end(digest);
}

/**
 * Those of all that is in a folder, which is read for that and once only: what of it is known afterwards, its name too, is known as
 * the last of it is sent.
 */
export async function* readAsRecords(
  source: Source,
  digestOf: (entries: readonly ContentEntry[]) => string,
): AsyncGenerator<Buffer> {
  const { folder, version, exclude, isContent } = source;
  const options = { excludedNames: exclude };
  const stream = new RecordStream(folder, version);
  const naming = isContent ? startNaming(options) : undefined;
  const entries: ContentEntry[] = [];
  const take = (entry: ContentEntry) => {
    entries.push(entry);
    return entry.sha256;
  };
  for (const found of findEntries(folder, options)) {
    naming?.begin(found);
    if (!isSent(found)) {
      // It is no part of what is sent, but of the name.
      if (naming && isFile(found))
        drain(hashFile(join(folder, found.path), found.size, { naming, isOwn: false }));
      continue;
    }
    const own = createHash("sha256");
    if (isFile(found)) {
      yield* stream.file(found, () => take({ ...found, sha256: own.digest("hex") }), {
        own,
        naming,
      });
    } else {
      take({ ...found, sha256: "" });
      yield* stream.link(found);
    }
  }
  if (naming) checkName(source, naming.end());
  keepVersion(source, entries);
  yield* stream.end(digestOf(entries));
}

class RecordStream {
  #piece = Buffer.allocUnsafe(pieceBytes);
  #filled = 0;

  constructor(
    private readonly folder: string,
    private readonly version: string,
  ) {}

  /** `sha256` is asked once all of it was read. */
  *file(
    { path, mode, size, stamp }: FoundEntry,
    sha256: () => string,
    { own, naming }: { readonly own?: Hash; readonly naming?: Naming | undefined } = {},
  ): Generator<Buffer> {
    yield* this.#put(`${mode === "executable" ? "x" : "f"} ${size} ${path}\0`);
    const file = openSync(join(this.folder, path), "r");
    try {
      for (let left = size; left > 0; ) {
        const length = Math.min(left, pieceBytes - this.#filled);
        const read = readSync(file, this.#piece, this.#filled, length, null);
        if (read === 0) throw this.#changed(path);
        const bytes = this.#piece.subarray(this.#filled, this.#filled + read);
        own?.update(bytes);
        naming?.update(bytes);
        left -= read;
        this.#filled += read;
        if (this.#filled === pieceBytes) yield this.#take();
      }
      if (stampOf(fstatSync(file)) !== stamp) throw this.#changed(path);
    } finally {
      closeSync(file);
    }
    yield* this.#put(`${timeOf(sha256())}\0`);
  }

  *link({ path, size, target }: FoundEntry): Generator<Buffer> {
    yield* this.#put(`l ${size} ${path}\0${target}\0`);
  }

  *end(digest: string): Generator<Buffer> {
    yield* this.#put(`end ${digest} \0`);
    yield this.#take();
  }

  #changed(path: string): Error {
    return new Error(
      `${join(this.folder, path)}: was changed since version ${this.version} was read; run the command again`,
    );
  }

  *#put(text: string): Generator<Buffer> {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) {
      const copied = bytes.copy(this.#piece, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === pieceBytes) yield this.#take();
    }
  }

  #take(): Buffer {
    const full = this.#piece.subarray(0, this.#filled);
    this.#piece = Buffer.allocUnsafe(pieceBytes);
    this.#filled = 0;
    return full;
  }
}

function drain(steps: Iterator<undefined>): void {
  while (!steps.next().done);
}

/**
 * A time that stands for the content: web servers make their validators (`ETag`, `Last-Modified`) of it, and those have to
 * be the same on all hosts, whenever each of them got its copy. Within the twenty years from 2001.
 */
export function timeOf(sha256: string): number {
  return 978_307_200 + (Number.parseInt(sha256.slice(0, 8), 16) % 631_152_000);
}
