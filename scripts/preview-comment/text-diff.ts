/** Line diffs of whole texts. */

import { structuredPatch } from "diff";

export interface TextDiff {
  readonly lines: readonly string[];
  readonly added: number;
  readonly removed: number;
}

/** Lines around a change, as `diff -u` shows them. */
const contextLines = 3;
/** Texts further apart than this many lines are shown as a whole: their diff would take minutes, and help nobody. */
const mostEdits = 4000;

export function diffTexts(old: string | undefined, now: string | undefined): TextDiff {
  if (old === undefined || now === undefined || old === "" || now === "") return wholly(old, now);
  const options = { context: contextLines, maxEditLength: mostEdits };
  const patch = structuredPatch("", "", old, now, undefined, undefined, options);
  if (!patch) return wholly(old, now);
  const lines = patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines,
  ]);
  return count(lines);
}

function wholly(old: string | undefined, now: string | undefined): TextDiff {
  const all = (sign: string, text: string | undefined) =>
    text
      ? text
          .replace(/\n$/, "")
          .split("\n")
          .map((line) => `${sign}${line}`)
      : [];
  return count([...all("-", old), ...all("+", now)]);
}

function count(lines: readonly string[]): TextDiff {
  return {
    lines,
    added: lines.filter((line) => line.startsWith("+")).length,
    removed: lines.filter((line) => line.startsWith("-")).length,
  };
}
