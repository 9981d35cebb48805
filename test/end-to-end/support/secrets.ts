/** Secrets of a stack, and every place where one could show. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { TestStack } from "./test-stack";

export interface Secret {
  readonly name: string;
  /** Each of them gives it away. */
  readonly texts: readonly string[];
}

/** Name to all that can be read there. */
export type Places = Readonly<Record<string, string>>;

export function secretOf(name: string, value: string): Secret {
  // The ends of a key's first line and its last one are the same in other keys.
  const lines = value.includes("\n") ? value.split("\n").filter((line) => line.length >= 40) : [];
  const whole = lines.length > 0 ? lines.slice(1) : [value];
  const encoded = [Buffer.from(value).toString("base64"), encodeURIComponent(value)];
  return { name, texts: [...whole, ...encoded] };
}

const state = v.object({
  deployment: v.object({
    resources: v.array(
      v.object({ urn: v.string(), outputs: v.optional(v.record(v.string(), v.unknown())) }),
    ),
  }),
});
const secretOutput = v.object({ plaintext: v.string() });

/** The passwords and private keys that the stack has made for itself. */
export async function readSecrets(stack: TestStack): Promise<Secret[]> {
  const { stdout } = await stack.pulumi("stack", "export", "--show-secrets");
  const { resources } = v.parse(state, JSON.parse(stdout)).deployment;
  return resources.flatMap(({ urn, outputs = {} }) => {
    const output = /:index:Password::/.test(urn)
      ? outputs.value
      : /:index:(SshKey|CertificateAuthority|Certificate)::/.test(urn) && outputs.privateKey;
    if (!output) return [];
    const value = v.parse(v.string(), JSON.parse(v.parse(secretOutput, output).plaintext));
    return [secretOf(urn.split("::").at(-1) ?? urn, value)];
  });
}

/** `up: database-password`, one for each secret in each place. */
export function findSecrets(places: Places, secrets: readonly Secret[]): string[] {
  return Object.entries(places).flatMap(([place, text]) =>
    secrets
      .filter(({ texts }) => texts.some((part) => text.includes(part)))
      .map(({ name }) => `${place}: ${name}`),
  );
}

/** Every file that Pulumi keeps of the stack, its history and its settings. */
export async function readStateFiles(stack: TestStack): Promise<string> {
  const { project } = stack.place;
  const entries = await readdir(project, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(
    files.map((file) => readFile(join(file.parentPath ?? file.path, file.name), "utf8")),
  );
  return texts.join("\n");
}
