/** A killed `pulumi` leaves its lock on the stack; one whose process is gone from this machine is removed. */
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StackPlace } from "./environment";
import { say } from "./say";

/** Those of every stack of the backend: the next command may be about another one. */
export async function removeStaleLocks({ backend }: Pick<StackPlace, "backend">): Promise<void> {
  const folder = join(folderOf(backend), ".pulumi", "locks");
  for (const file of await listLocks(folder)) {
    const path = join(folder, file);
    const owner = parseOwner(await readFile(path, "utf8").catch(() => ""));
    if (!owner || owner.hostname !== hostname() || isRunning(owner.pid)) continue;
    await rm(path, { force: true });
    await rm(`${path}.attrs`, { force: true });
    const stack = basename(dirname(file));
    say(`stack ${stack}`, `removed the lock of process ${owner.pid}, which is gone`);
  }
}

/** Whether an `up` of the stack goes on. Of a backend that is no folder that is not known: it is then taken to be so. */
export async function isLocked({ backend, stack }: StackPlace): Promise<boolean> {
  const folder = folderOf(backend);
  if (!existsSync(folder)) return true;
  const files = await listLocks(join(folder, ".pulumi", "locks"));
  return files.some((file) => basename(dirname(file)) === stack);
}

/** Of every stack, as paths below the folder. */
async function listLocks(folder: string): Promise<readonly string[]> {
  if (!existsSync(folder)) return [];
  const files = await readdir(folder, { recursive: true });
  return files.filter((name) => name.endsWith(".json"));
}

/** Of a backend that is no folder the path is none either, and nothing is found there. */
function folderOf(backend: string): string {
  return backend.startsWith("file:///") ? fileURLToPath(backend.split("?")[0] ?? "") : backend;
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
