/** Whole expected files, in test/golden. `UPDATE_GOLDEN=1` writes what is rendered now: look at the diff before it is committed. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";

export function isGolden(t: ExecutionContext, file: string, text: string): void {
  const path = join(__dirname, "../../golden", file);
  if (process.env.UPDATE_GOLDEN) writeFileSync(path, text);
  t.is(text, readFileSync(path, "utf8"));
}
