import { readFileSync } from "node:fs";

/** Whether a process of a Linux machine has ended, also one that nobody has asked how. */
export function isGone(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}
