/** A killed `pulumi` leaves its lock on the stack; one whose process is gone from this machine is removed. */
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import type { StackPlace } from "./environment";
import { say } from "./say";

export async function removeStaleLocks({ stack, backend }: StackPlace): Promise<void> {
  const folder = join(backend, ".pulumi", "locks");
  if (!existsSync(folder)) return;
  const files = await readdir(folder, { recursive: true });
  const ours = files.filter((file) => file.endsWith(".json") && basename(dirname(file)) === stack);
  for (const file of ours) {
    const path = join(folder, file);
    const owner = parseOwner(await readFile(path, "utf8").catch(() => ""));
    if (!owner || owner.hostname !== hostname() || isRunning(owner.pid)) continue;
    await rm(path, { force: true });
    await rm(`${path}.attrs`, { force: true });
    say(`stack ${stack}`, `removed the lock of process ${owner.pid}, which is gone`);
  }
}

interface Owner {
  readonly pid: number;
  readonly hostname: string;
}

function parseOwner(text: string): Owner | undefined {
  const pid = /"pid":\s*(\d+)/.exec(text)?.[1];
  const name = /"hostname":\s*"([^"]*)"/.exec(text)?.[1];
  return pid && name ? { pid: Number(pid), hostname: name } : undefined;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
