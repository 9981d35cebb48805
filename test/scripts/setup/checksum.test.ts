import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { requireChecksum } from "../../../scripts/setup/checksum";
import { cliChecksums } from "../../../scripts/setup/versions";

const file = join(mkdtempSync(join(tmpdir(), "checksum-")), "archive");
writeFileSync(file, "abc");
/** https://csrc.nist.gov/csrc/media/projects/cryptographic-standards-and-guidelines/documents/examples/sha256.pdf */
const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

test("an archive is taken only with its own checksum", async (t) => {
  await t.notThrowsAsync(requireChecksum(file, { name: "a.tar.gz", expected: abc }));
  const other = abc.replace("b", "c");
  await t.throwsAsync(requireChecksum(file, { name: "a.tar.gz", expected: other }), {
    message: new RegExp(`^a\\.tar\\.gz: the download is not .* ${other}, got ${abc}: try again`),
  });
  await t.throwsAsync(requireChecksum(file, { name: "a.tar.gz", expected: undefined }), {
    message: /^a\.tar\.gz: no checksum is known for this platform/,
  });
});

test("each platform that the CLI is downloaded for has a checksum", (t) => {
  t.deepEqual(Object.keys(cliChecksums).sort(), [
    ...["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"],
  ]);
  for (const checksum of Object.values(cliChecksums)) t.regex(checksum, /^[0-9a-f]{64}$/);
});
