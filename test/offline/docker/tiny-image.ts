/** An image of one program that waits for ever, made from nothing: no registry, no download. */

import { Readable } from "node:stream";
import Docker from "dockerode";
import { renderTar } from "../../../offline/docker/tar";

export const engine = new Docker();

/** Makes it unless it is there, and answers its name. */
export async function tinyImage(): Promise<string> {
  const { Arch: architecture } = await engine.version();
  const name = `trilithon-test-tiny:${architecture}`;
  const present = await engine.listImages({ filters: { reference: [name] } });
  if (present.length > 0) return name;
  const file = { path: "/wait", content: program(architecture), mode: 0o755 };
  const [repo, tag] = name.split(":");
  const answer = await engine.importImage(Readable.from([renderTar([file])]), { repo, tag });
  await new Promise((resolve, reject) =>
    engine.modem.followProgress(answer, (error) => (error ? reject(error) : resolve(undefined))),
  );
  return name;
}

/** Machine code of `for (;;) pause();`, without any library. */
const loops: Readonly<Record<string, { machine: number; code: string }>> = {
  amd64: { machine: 0x3e, code: "b822000000" + "0f05" + "ebf7" },
  // There is no pause on arm64: ppoll(0, 0, 0, 0).
  arm64: {
    machine: 0xb7,
    code: "000080d2" + "010080d2" + "020080d2" + "030080d2" + "280980d2" + "010000d4" + "faffff17",
  },
};

/** https://refspecs.linuxfoundation.org/elf/elf.pdf: a header, one segment to load, and the code. */
function program(architecture: string): Buffer {
  const loop = loops[architecture];
  if (loop === undefined) throw new Error(`no program for the architecture ${architecture}`);
  const code = Buffer.from(loop.code, "hex");
  const [base, headers] = [0x400000n, 64 + 56];
  const bytes = Buffer.alloc(headers + code.length);
  bytes.write("7f454c46020101", 0, "hex");
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(loop.machine, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(base + BigInt(headers), 24);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(64, 52);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(5, 68);
  bytes.writeBigUInt64LE(base, 80);
  bytes.writeBigUInt64LE(base, 88);
  bytes.writeBigUInt64LE(BigInt(bytes.length), 96);
  bytes.writeBigUInt64LE(BigInt(bytes.length), 104);
  bytes.writeBigUInt64LE(0x1000n, 112);
  code.copy(bytes, headers);
  return bytes;
}
