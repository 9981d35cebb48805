/** What the retired SSH keys must agree with: the stack itself has to get in. */
import type { Fault } from "../expectation";

export function checkRetiredKeys(
  { retiredKeys, privateKey }: Readonly<Record<string, unknown>>,
  hosts: readonly { readonly path: string; readonly values: Readonly<Record<string, unknown>> }[],
): readonly Fault[] {
  const inUse = [
    { path: "privateKey", blob: publicBlobOf(privateKey) },
    ...hosts.map(({ path, values }) => ({
      path: `${path}.privateKey`,
      blob: publicBlobOf(values.privateKey),
    })),
  ];
  return (Array.isArray(retiredKeys) ? retiredKeys : []).flatMap((key: unknown, index) => {
    const [, blob] = typeof key === "string" ? key.trim().split(/\s+/) : [];
    const user = inUse.find((one) => one.blob !== undefined && one.blob === blob);
    if (user === undefined) return [];
    const message = `expected a key that is not in use, got that of ${user.path}: set another one there first`;
    return [{ path: `retiredKeys[${index}]`, message }];
  });
}

/** Of a key in OpenSSH's format, in which its public half stands as it is; of any other the plugin tells. */
function publicBlobOf(privateKey: unknown): string | undefined {
  const [, body] =
    /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(String(privateKey)) ?? [];
  if (body === undefined) return undefined;
  const bytes = Buffer.from(body, "base64");
  try {
    // `openssh-key-v1` and a zero; cipher, key derivation and its options, each after its length; how many keys; the public one.
    let at = 15;
    for (let skipped = 0; skipped < 3; skipped++) at += 4 + bytes.readUInt32BE(at);
    const length = bytes.readUInt32BE(at + 4);
    return bytes.subarray(at + 8, at + 8 + length).toString("base64");
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
