/** Parts a change's differences into texts, which are shown as line diffs, and short values. */

import type { Change } from "./change";
import type { Difference } from "./difference";
import { type PropertyPath, renderPropertyPath } from "./property-path";
import { diffTexts, type TextDiff } from "./text-diff";

export interface TextChange {
  /** A file's path on the machine, or a property's path. */
  readonly title: string;
  readonly diff: TextDiff;
}

export interface ValueChange {
  readonly title: string;
  /** `"0644" -> "0600"`, parted; a side that has no value is undefined. */
  readonly old?: string | undefined;
  readonly new?: string | undefined;
  /** Said instead of the values: `changed (secret)`. */
  readonly note?: string;
}

export interface Description {
  readonly texts: readonly TextChange[];
  readonly values: readonly ValueChange[];
}

/** What Pulumi writes for a value that only `up` will know. */
const unknownMark = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function describe(change: Change): Description {
  const texts: TextChange[] = [];
  const values: ValueChange[] = [];
  for (const difference of change.differences) {
    if (isImplied(difference, change)) continue;
    const text = readText(difference);
    if (text) texts.push(text);
    else values.push(readValue(difference, change));
  }
  return { texts, values };
}

/** What a file has unless told otherwise. */
const usual = new Map([
  ["owner", "root"],
  ["group", "root"],
  ["mode", "0644"],
]);

/** Of what is made or removed as a whole: the usual, the empty, and what only says how to go about it. */
function isImplied(difference: Difference, { action }: Change): boolean {
  if (difference.kind !== "plain") return false;
  const { path, old, new: now } = difference;
  if (old !== undefined && now !== undefined) return false;
  const value = now ?? old;
  const [top, , part = ""] = path;
  if (top === "files" && part === "content") return false;
  if (top === "files" && part !== "") return part === "onChange" || usual.get(part) === value;
  if (action === "delete") return typeof value !== "string" || !value.includes("\n");
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function readText(difference: Difference): TextChange | undefined {
  if (difference.kind !== "plain") return undefined;
  const { path, old, new: now } = difference;
  const sides = [old, now].filter((side) => side !== undefined);
  const isText = sides.every((side): side is string => typeof side === "string");
  if (!isText || sides.length === 0 || sides.includes(unknownMark)) return undefined;
  if (!isFileContent(path) && !sides.some((side) => side.includes("\n"))) return undefined;
  const [before, after] = [old, now].map((side) => (typeof side === "string" ? side : undefined));
  const title = isFileContent(path) ? (path[1] ?? "") : titleOf(path);
  return { title, diff: diffTexts(before, after) };
}

function readValue(difference: Difference, change: Change): ValueChange {
  const title = titleOf(difference.path);
  if (difference.kind !== "plain") {
    return { title, note: `${noteVerb(change)} (${difference.kind})` };
  }
  const [old, now] = [renderValue(difference.old), renderValue(difference.new)];
  return old === now ? { title, note: "differs on the machine" } : { title, old, new: now };
}

function noteVerb({ action }: Change): string {
  if (action === "create" || action === "import") return "set";
  return action === "delete" ? "removed" : "changed";
}

function isFileContent([top, file, part, more]: PropertyPath): boolean {
  if (top !== "files" || file === undefined || more !== undefined) return false;
  return part === undefined || part === "content";
}

function titleOf(path: PropertyPath): string {
  const [top, file, part] = path;
  if (top === "files" && file !== undefined && part === undefined) return `content of ${file}`;
  if (top === "files" && file !== undefined && part !== undefined) return `${part} of ${file}`;
  return renderPropertyPath(path);
}

function renderValue(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return JSON.stringify(value)?.replaceAll(`"${unknownMark}"`, "(known after up)");
}
