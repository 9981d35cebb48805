/** Which properties a step changes, taken from the states that the engine compared. */

import { type Difference, findDifferences, isSame } from "./difference";
import type { PreviewStep } from "./parse";
import { type PropertyPath, parsePropertyPath, valueAt } from "./property-path";

/** Told by a warning, kept for the plugin itself, and how to reach the machine: none of them is a change. */
const hidden = new Set(["unreachable", "applied", "host", "__defaults"]);

export function readDifferences({ oldState, newState, detailedDiff }: PreviewStep): Difference[] {
  const all = [oldState?.inputs, oldState?.outputs, newState?.inputs, newState?.outputs];
  const programmed = { old: oldState?.inputs, new: newState?.inputs, all };
  if (!detailedDiff || !oldState || !newState) {
    return findDifferences(changedTops(programmed.old, programmed.new), programmed);
  }
  const live = { ...programmed, old: oldState.outputs ?? oldState.inputs };
  const paths = Object.entries(detailedDiff).map(([text, { inputDiff }]) => ({
    path: parsePropertyPath(text),
    inputDiff,
  }));
  const among = (isInputDiff: boolean) =>
    paths
      .filter(({ path, inputDiff }) => inputDiff === isInputDiff && isShown(path))
      .map(({ path }) => path);
  return [...findDifferences(among(false), live), ...findDifferences(among(true), programmed)];
}

function changedTops(old: object | undefined, now: object | undefined): PropertyPath[] {
  const names = new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})]);
  return [...names]
    .map((name) => [name])
    .filter((path) => isShown(path) && !isSame(valueAt(old, path), valueAt(now, path)));
}

function isShown([top = "", second]: PropertyPath): boolean {
  return top === "host" && second !== undefined ? isIdentity(second) : !hidden.has(top);
}

function isIdentity(property: string): boolean {
  return property === "name" || property === "instance";
}
