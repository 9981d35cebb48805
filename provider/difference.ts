/** Compares plain values and says precisely where they differ. */

import type { Difference } from "./kind";
import { isUnknown } from "./protocol/values";

/**
 * Where `live` differs from `wanted` in the properties `keys` (default: all of `wanted`). Maps are gone into, lists are
 * values. A key that only `live` has is a `delete`. What is unknown differs from everything.
 */
export function compare(
  live: object,
  wanted: object,
  keys: readonly string[] = Object.keys(wanted),
): Difference[] {
  return differencesOfKeys([], keys, live, wanted);
}

/** Whether two plain values are the same, whatever the order of their keys. */
export function isSame(one: unknown, other: unknown): boolean {
  return differences([], one, other).length === 0;
}

/** `compare` for two values at a path. */
export function differences(path: readonly string[], live: unknown, wanted: unknown): Difference[] {
  if (isUnknown(live) || isUnknown(wanted)) return [{ path, kind: "update" }];
  if (live === undefined && wanted === undefined) return [];
  if (live === undefined) return [{ path, kind: "add" }];
  if (wanted === undefined) return [{ path, kind: "delete" }];
  if (isMap(live) && isMap(wanted)) {
    const keys = new Set([...Object.keys(wanted), ...Object.keys(live)]);
    return differencesOfKeys(path, [...keys], live, wanted);
  }
  if (Array.isArray(live) && Array.isArray(wanted)) {
    return isSameList(live, wanted) ? [] : [{ path, kind: "update" }];
  }
  return Object.is(live, wanted) ? [] : [{ path, kind: "update" }];
}

/** Whether a property is a map, and not a list, a sentinel or a plain value. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isUnknown(value);
}

function isSameList(live: readonly unknown[], wanted: readonly unknown[]): boolean {
  return live.length === wanted.length && live.every((item, at) => isSame(item, wanted[at]));
}

function differencesOfKeys(
  path: readonly string[],
  keys: readonly string[],
  live: object,
  wanted: object,
): Difference[] {
  const old = new Map<string, unknown>(Object.entries(live));
  const now = new Map<string, unknown>(Object.entries(wanted));
  return keys.flatMap((key) => differences([...path, key], old.get(key), now.get(key)));
}
