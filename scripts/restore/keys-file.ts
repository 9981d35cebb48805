/** The keys of copies as they were kept apart from the stack: its output `backupKeys`. */
import { readFile } from "node:fs/promises";
import { UsageError } from "../command-line";
import { type BackupKeys, parseBackupKeys } from "../verify/outputs";

export async function readKeysFile(path: string): Promise<BackupKeys> {
  const expected =
    "what npm run pulumi -- stack output backupKeys --show-secrets --json wrote of the stack that made the copies";
  // What is in it is a secret, also in an error.
  const bad = () => new UsageError(`--keys ${path}: expected ${expected}`);
  const text = await readFile(path, "utf8").catch(() => {
    throw bad();
  });
  try {
    return parseBackupKeys(JSON.parse(text));
  } catch {
    throw bad();
  }
}
