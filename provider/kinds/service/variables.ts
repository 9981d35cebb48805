/** What a preview tells of a file that systemd reads as an environment: the names of what changes, as a value may be a secret. */

import type { File } from "./args";

/** `GREETING changed, WORKERS new, OLD gone`, or `new: GREETING, WORKERS` */
export function variableChanges(now: File | undefined, file: File): string {
  const [former, wanted] = [readVariables(now?.content ?? ""), readVariables(file.content)];
  if (now === undefined) return `new: ${[...wanted.keys()].join(", ") || "no variable"}`;
  const changes = [...wanted]
    .filter(([name, value]) => former.get(name) !== value)
    .map(([name]) => `${name} ${former.has(name) ? "changed" : "new"}`);
  const gone = [...former.keys()].filter((name) => !wanted.has(name)).map((name) => `${name} gone`);
  return [...changes, ...gone].join(", ") || "no variable";
}

/** Values as they stand there, in quotes. */
function readVariables(text: string): ReadonlyMap<string, string> {
  const lines = text.matchAll(/^([A-Za-z_][A-Za-z0-9_]*)=("(?:[^"\\]|\\[\s\S])*"|.*)$/gm);
  return new Map([...lines].map(([, name = "", value = ""]) => [name, value]));
}
