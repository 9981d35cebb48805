/**
 * Records the state that the code of this checkout keeps of both stacks of the end-to-end tests, on container hosts:
 * `node --import=tsx test/golden/states/record.ts test/golden/states/VERSION`, for each version that is released.
 * Secrets are replaced by others of the same form.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeKeyPair } from "../../../provider/ssh/key-pair";
import { digests } from "../../../provider/protocol/drift";
import { setUp } from "../../../scripts/setup/setup";
import { startMachines } from "../../end-to-end/support/machines";
import { TestStack, threeHosts } from "../../end-to-end/support/test-stack";
import { type Exported, plainOf } from "./exported";

const subnets = { containers: 69, machines: 68 };

async function main(folder: string): Promise<void> {
  await setUp();
  await mkdir(folder, { recursive: true });
  await recordContainers(join(folder, "containers.json"));
  await recordMachines(join(folder, "existing-machines.json"));
}

async function recordContainers(file: string): Promise<void> {
  const stack = await TestStack.make("golden-containers", threeHosts(subnets.containers));
  try {
    await record(stack, file);
  } finally {
    await stack.remove();
  }
}

async function recordMachines(file: string): Promise<void> {
  const stack = await TestStack.make("golden-machines", {});
  const net = `172.31.${subnets.machines}`;
  try {
    const { hosts, privateKey } = await startMachines("golden-machines", `${net}.0/24`, [
      { name: "lb-01", address: `${net}.11`, roles: ["load-balancer"] },
      { name: "web-01", address: `${net}.21`, roles: ["web", "database-primary"] },
      { name: "web-02", address: `${net}.22`, roles: ["web", "database-replica"], user: "deploy" },
    ]);
    const { "trilithon:containers": _, ...settings } = threeHosts(subnets.machines);
    await stack.configure({ ...settings, "trilithon:hosts": hosts });
    await stack.setSecret("trilithon:privateKey", privateKey);
    await stack.setSecretAt("trilithon:application.environment.TOKEN", "Planted-c31f07b8e9d24a65");
    await record(stack, file);
  } finally {
    await stack.remove();
  }
}

/** After the second `up`: what a refresh adds is in it as well. */
async function record(stack: TestStack, file: string): Promise<void> {
  await stack.up();
  await stack.up();
  const { status, stdout, stderr } = await stack.pulumi("stack", "export", "--show-secrets");
  if (status !== 0) throw new Error(stderr);
  const exported: Exported = JSON.parse(withoutSecrets(stdout));
  const resources = exported.deployment.resources.map(withDigests);
  const kept = { version: exported.version, deployment: { resources } };
  await writeFile(file, `${JSON.stringify(kept, undefined, 1)}\n`);
}

/** Keys and passwords, wherever they stand. */
function withoutSecrets(text: string): string {
  const others = new Map<string, string>();
  const replaced = (secret: string, made: () => string) => {
    const other = others.get(secret) ?? made();
    others.set(secret, other);
    return other;
  };
  const key = /-----BEGIN OPENSSH PRIVATE KEY-----[\s\S]*?-----END OPENSSH PRIVATE KEY-----/g;
  const password = /(?<![A-Za-z0-9/+])(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)[A-Za-z0-9]{32}(?![A-Za-z0-9/+=])/g;
  return text
    .replace(key, (secret) => replaced(secret, () => fakeKey(secret)))
    .replace(password, (secret) =>
      replaced(secret, () => `Fake${String(others.size + 1).padStart(28, "0")}`),
    );
}

/** Escaped as the original is: the text stands in JSON within JSON. */
function fakeKey(key: string): string {
  const [newline = "\n"] = /\\+n|\n/.exec(key) ?? [];
  return makeKeyPair().private.trim().replaceAll("\n", newline);
}

/** The digests are those of the secrets that were replaced: here are those of the others. */
function withDigests(resource: Exported["deployment"]["resources"][number]) {
  const { created: _, modified: __, sourcePosition: ___, stackTrace: ____, ...kept } = resource;
  const { applied } = resource.outputs ?? {};
  if (applied === undefined || resource.inputs === undefined) return kept;
  const plaintext = JSON.stringify(digests(plainOf(resource.inputs)));
  return { ...kept, outputs: { ...resource.outputs, applied: { ...Object(applied), plaintext } } };
}

main(process.argv[2] ?? "test/golden/states/recorded").catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
