/** A tar archive of a few files, as the engine takes them for a container. */

export interface TarFile {
  /** Absolute. */
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

const block = 512;

/** POSIX ustar; the files belong to root and bear no time, so that the same files make the same archive. */
export function renderTar(files: readonly TarFile[]): Buffer {
  const entries = files.flatMap((file) => [header(file), padded(file.content)]);
  return Buffer.concat([...entries, Buffer.alloc(2 * block)]);
}

function header({ path, content, mode }: TarFile): Buffer {
  const name = Buffer.from(path.replace(/^\/+/, ""));
  // https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html: the name field has 100 bytes.
  if (name.length > 100) throw new Error(`${path}: a path to upload has at most 100 bytes`);
  const bytes = Buffer.alloc(block);
  name.copy(bytes);
  bytes.write(octal(mode, 8), 100);
  bytes.write(octal(0, 8), 108);
  bytes.write(octal(0, 8), 116);
  bytes.write(octal(content.length, 12), 124);
  bytes.write(octal(0, 12), 136);
  bytes.write(" ".repeat(8), 148);
  bytes.write("0", 156);
  bytes.write("ustar\u000000", 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${octal(sum, 7)}\0 `, 148);
  return bytes;
}

function octal(value: number, width: number): string {
  return value.toString(8).padStart(width - 1, "0");
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((block - (content.length % block)) % block)]);
}
