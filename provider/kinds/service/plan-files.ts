/** What has to be done to the files of a Service, and to those that must not be there. */

import { diffLines } from "diff";
import { isUnknown } from "../../protocol/values";
import type { File, Service } from "./args";
import type { ServiceStep } from "./step";

export function planFiles(live: Service, wanted: Service): ServiceStep[] {
  const written = Object.entries(wanted.files).flatMap(([path, file]): ServiceStep[] => {
    const now = live.files[path];
    if (isUnknown(file.content) || now?.content !== file.content) {
      return [{ do: "write", path, file, sentence: `write ${path} (${extent(now, file)})` }];
    }
    if (now.mode === file.mode && now.owner === file.owner && now.group === file.group) return [];
    const sentence = `set ${path} to mode ${file.mode}, owner ${file.owner}:${file.group}`;
    return [{ do: "set mode", path, file, sentence }];
  });
  const removed = Object.keys(live.files)
    .filter((path) => wanted.files[path] === undefined)
    .map((path): ServiceStep => ({ do: "remove", path, sentence: `remove ${path}` }));
  return [...written, ...removed];
}

function extent(now: File | undefined, file: File): string {
  if (isUnknown(file.content)) return "content not known yet";
  if (now === undefined) return `new, ${count(file.content.split("\n").length - 1, "line")}`;
  const parts = diffLines(now.content, file.content);
  const lines = (which: "added" | "removed") =>
    parts.filter((part) => part[which]).reduce((sum, part) => sum + (part.count ?? 0), 0);
  return count(Math.max(lines("added"), lines("removed")), "line");
}

function count(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun}s`;
}

/** A package that is yet to be installed may bring what must not be there. */
export function planAbsent(live: Service, wanted: Service, installs: boolean): ServiceStep[] {
  return wanted.absent
    .filter((path) => installs || !live.absent.includes(path))
    .map((path) => ({
      do: "move aside",
      path,
      sentence: live.absent.includes(path)
        ? `move ${path} aside if a package brings it`
        : `move ${path} aside`,
    }));
}
