/** A folder as one compressed archive, the same for the same content. Loaded only when a version has to be sent. */
export async function archive(folder: string): Promise<Buffer> {
  const { create } = await import("tar");
  const parts: Buffer[] = [];
  const pack = create({ cwd: folder, gzip: true, portable: true, follow: false }, ["."]);
  for await (const part of pack) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}
