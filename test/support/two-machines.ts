/** Two machines in folders, `web-01` and `web-02`, and versions of an application to release on both. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { startMachine } from "./machine";
import { startSandboxHost } from "./sandbox-host";

/** `server.js` of each version has its name. */
export async function startTwoMachines(t: ExecutionContext, versions: readonly string[]) {
  const machine = await startMachine(t);
  const other = await startSandboxHost(t);
  const sandboxes = [machine.sandbox, other.sandbox] as const;
  const machines = [
    machine.server.host({ name: "web-01" }),
    other.server.host({ name: "web-02" }),
  ] as const;
  const folder = machine.sandbox.path("/source");
  for (const version of versions) {
    await mkdir(join(folder, version), { recursive: true });
    await writeFile(join(folder, version, "server.js"), `${version}\n`);
  }
  return { machine, sandboxes, machines, folder };
}
