/**
 * Pulumi's CLI keeps a debug log of each property in each call, which is a quarter of its work. A file in the place of
 * the log folder leaves no room for it; `--logtostderr -v=9` shows all as ever.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

const text = `No debug logs are kept here: they would slow each command down. For one command:
npm run pulumi -- up --logtostderr -v=9
`;

export async function preventDebugLogs(logs: string): Promise<void> {
  if ((await readFile(logs, "utf8").catch(() => "")) === text) return;
  await rm(logs, { recursive: true, force: true });
  await mkdir(dirname(logs), { recursive: true });
  await writeFile(logs, text);
}
