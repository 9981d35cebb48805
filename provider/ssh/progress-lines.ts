/** Takes the lines that start with `@progress ` out of a stream of output as it comes in. */
export class LineFilter {
  #rest = Buffer.alloc(0);
  readonly #onProgress: ((message: string) => void) | undefined;

  constructor(onProgress: ((message: string) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  take(chunk: Buffer): Buffer[] {
    if (this.#onProgress === undefined) return [chunk];
    const all = Buffer.concat([this.#rest, chunk]);
    const end = all.lastIndexOf("\n") + 1;
    this.#rest = all.subarray(end);
    return this.#sort(all.subarray(0, end));
  }

  rest(): Buffer[] {
    return this.#sort(this.#rest);
  }

  #sort(whole: Buffer): Buffer[] {
    const kept = whole
      .toString("latin1")
      .split(/(?<=\n)/)
      .filter((line) => {
        if (!line.startsWith("@progress ")) return true;
        this.#onProgress?.(
          Buffer.from(line, "latin1").toString("utf8").slice("@progress ".length).trim(),
        );
        return false;
      });
    return [Buffer.from(kept.join(""), "latin1")];
  }
}
