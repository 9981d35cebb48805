/** How a fault reads: `expected <what>, got <value>`, and then the remedy where it is not obvious. */
import * as pulumi from "@pulumi/pulumi";

/** A fault under a path as in `hosts[1].port`. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

export function unexpected(expected: string, value: unknown, remedy?: string): string {
  return `expected ${expected}, got ${show(value)}${remedy === undefined ? "" : `: ${remedy}`}`;
}

/** A value as it was written, in short. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (pulumi.Output.isInstance(value)) return "an output";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "an object";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
}

/** Tells a wrong key, and the one that was probably meant. */
export function unknownKey(key: string, known: readonly string[]): string {
  const [nearest] = known
    .map((word) => ({ word, distance: editDistance(key, word) }))
    .sort((a, b) => a.distance - b.distance);
  return nearest && nearest.distance <= Math.max(1, Math.floor(nearest.word.length / 3))
    ? `unknown, did you mean "${nearest.word}"?`
    : `unknown, expected one of ${known.join(", ")}`;
}

/** Letters to insert, delete or change, or to swap with their neighbour. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      rows[i]?.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, changed, swapped));
    }
  }
  return at(a.length, b.length);
}
