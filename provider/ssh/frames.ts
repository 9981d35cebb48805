/** Reads the frames that remote-runner.ts sends out of a stream that may hold anything else as well. */

export interface Frame {
  readonly kind: string;
  readonly numbers: readonly number[];
  readonly bytes: Buffer;
}

const newline = 0x0a;
/** The runner's own limits. Anything longer is no frame, or something wrote into it. */
const headAtMost = 100;
const bytesAtMost = 4096;
/** Of what stands outside of the frames, for the case that nothing else is known. */
const noiseAtMost = 4096;

export class FrameReader {
  readonly #mark: string;
  readonly #onFrame: (frame: Frame) => void;
  #rest = Buffer.alloc(0);
  #noise = Buffer.alloc(0);

  constructor(mark: string, onFrame: (frame: Frame) => void) {
    this.#mark = mark;
    this.#onFrame = onFrame;
  }

  take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#takeNext());
  }

  /** The last of what stood outside of the frames. */
  get noise(): string {
    return Buffer.concat([this.#noise, this.#rest]).toString("utf8");
  }

  /** False where nothing more can be said before more has come. */
  #takeNext(): boolean {
    const open = Buffer.from(`\n${this.#mark} `);
    const start = this.#rest.indexOf(open);
    if (start < 0) {
      this.#drop(Math.max(0, this.#rest.length - open.length));
      return false;
    }
    this.#drop(start);
    const headEnd = this.#rest.indexOf(newline, open.length);
    if (headEnd < 0) return this.#rest.length > headAtMost && this.#drop(open.length);
    const head = this.#rest.toString("latin1", open.length, headEnd);
    const [, kind = "", numbers = "", length = ""] = /^([a-z]+)((?: \d+)*) (\d+)$/.exec(head) ?? [];
    if (kind === "" || Number(length) > bytesAtMost) return this.#drop(open.length);
    const bytesEnd = headEnd + 1 + Number(length);
    const close = Buffer.from(`\n${this.#mark}.${head}\n`);
    const end = bytesEnd + close.length;
    if (this.#rest.length < end) return false;
    // Something wrote into the frame. That it is missing shows by the script's count of bytes.
    if (!this.#rest.subarray(bytesEnd, end).equals(close)) return this.#drop(open.length);
    this.#onFrame({
      kind,
      numbers: numbers.split(" ").slice(1).map(Number),
      bytes: this.#rest.subarray(headEnd + 1, bytesEnd),
    });
    this.#rest = this.#rest.subarray(end);
    return true;
  }

  #drop(length: number): true {
    const dropped = this.#rest.subarray(0, length);
    this.#noise = Buffer.concat([this.#noise, dropped]).subarray(-noiseAtMost);
    this.#rest = this.#rest.subarray(length);
    return true;
  }
}
