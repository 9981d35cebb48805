/**
 * Tells drift from change: with each resource the state keeps a digest of every value as it was last applied. Where the
 * wanted value still has that digest, the machine moved; where it has another, the program did.
 */

import { createHash } from "node:crypto";
import type { Difference, Properties, Property } from "../kind";
import { at, type Path } from "./values";

/** Output that holds the digests. Secret, since a digest of a short password would give it away. */
export const appliedOutput = "applied";

export type Label = "new" | "change" | "drift" | "drift and change";

export function digests(wanted: Properties): Record<string, string> {
  return Object.fromEntries(
    leaves(wanted, []).map(([path, value]) => [JSON.stringify(path), digest(value)]),
  );
}

/** Why a resource differs, over all its differences. */
export function label(
  differences: readonly Difference[],
  applied: Properties | undefined,
  wanted: Properties,
): Label {
  const moved = differences.map(({ path }) => programMoved(path, applied ?? {}, wanted));
  if (moved.every(Boolean)) return "change";
  return moved.some(Boolean) ? "drift and change" : "drift";
}

function programMoved(path: Path, applied: Properties, wanted: Properties): boolean {
  const now = digestsBelow(path, at(wanted, path));
  const prefix = JSON.stringify(path).slice(0, -1);
  const before = Object.entries(applied).filter(
    ([name]) => name === `${prefix}]` || name.startsWith(`${prefix},`),
  );
  if (before.length !== Object.keys(now).length) return true;
  return before.some(([name, value]) => now[name] !== value);
}

function digestsBelow(path: Path, value: Property | undefined): Record<string, string> {
  if (value === undefined) return {};
  return Object.fromEntries(
    leaves(value, path).map(([leaf, inner]) => [JSON.stringify(leaf), digest(inner)]),
  );
}

function leaves(value: Property, path: Path): [Path, Property][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, item]) =>
    item === undefined || (path.length === 0 && name === "host")
      ? []
      : leaves(item, [...path, name]),
  );
}

function digest(value: Property): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
