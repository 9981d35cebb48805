/** What differs between two states of a resource, down to single values, with nothing secret in it. */

import { type PropertyPath, valueAt } from "./property-path";

export type Difference =
  | { readonly path: PropertyPath; readonly kind: "secret" | "binary" }
  | {
      readonly path: PropertyPath;
      readonly kind: "plain";
      readonly old: unknown;
      readonly new: unknown;
    };

export interface Sides {
  readonly old: unknown;
  readonly new: unknown;
  /** Every tree in which a value may be marked as a secret. */
  readonly all: readonly unknown[];
}

/** What Pulumi puts in the place of a secret. */
export const secretMark = "[secret]";
const secretName = /pass(word|phrase)|secret|private_?key|token|credential/i;
/** Pulumi's marks of an asset and of an archive, whose content is not in the preview. */
const assetMark = "4dabf18193072939515e22adb298388d";
/** Where plugins note which inputs were not given. */
const defaultsMark = "__defaults";

/** Differences at or below the given paths, each once. */
export function findDifferences(paths: readonly PropertyPath[], sides: Sides): Difference[] {
  const found = new Map<string, Difference>();
  for (const path of paths) {
    const below = descend(path, valueAt(sides.old, path), valueAt(sides.new, path), sides);
    for (const difference of below.length > 0 ? below : [classify(path, sides)]) {
      found.set(JSON.stringify(difference.path), difference);
    }
  }
  return [...found.values()];
}

function descend(path: PropertyPath, old: unknown, now: unknown, sides: Sides): Difference[] {
  if (isSame(old, now)) return [];
  const isBelow = [old, now].every((side) => side === undefined || isMap(side));
  if (!isBelow) return [classify(path, sides)];
  const keys = new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})]);
  keys.delete(defaultsMark);
  return [...keys].flatMap((key) =>
    descend([...path, key], valueAt(old, [key]), valueAt(now, [key]), sides),
  );
}

function classify(path: PropertyPath, sides: Sides): Difference {
  const old = valueAt(sides.old, path);
  const now = valueAt(sides.new, path);
  if (isSecret(path, sides)) return { path, kind: "secret" };
  if (isBinary(old) || isBinary(now)) return { path, kind: "binary" };
  return { path, kind: "plain", old, new: now };
}

/** A value counts as secret where any state marks it, or anything in it or around it, as one. */
function isSecret(path: PropertyPath, { all }: Sides): boolean {
  if (path.some((name) => /^\w+$/.test(name) && secretName.test(name))) return true;
  const around = path.map((_, length) => path.slice(0, length + 1));
  return all.some(
    (tree) =>
      around.some((prefix) => valueAt(tree, prefix) === secretMark) ||
      hasSecret(valueAt(tree, path)),
  );
}

function hasSecret(value: unknown): boolean {
  if (typeof value === "string") {
    return value === secretMark || /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(value);
  }
  return isObject(value) && Object.values(value).some(hasSecret);
}

function isBinary(value: unknown): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells binary from text
  if (typeof value === "string") return /[\x00-\x08\x0e-\x1a\ufffd]/.test(value);
  return isObject(value) && assetMark in value;
}

export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isMap(value: unknown): value is object {
  return isObject(value) && !Array.isArray(value) && !(assetMark in value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
