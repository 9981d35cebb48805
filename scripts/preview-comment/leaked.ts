/** Values that one state of a resource marks as secret while another has them in plain: secret wherever they stand. */

import { secretMark } from "./difference";
import type { PreviewStep } from "./parse";
import { valueAt } from "./property-path";

export function findLeaked(steps: readonly PreviewStep[]): string[] {
  return steps.flatMap(({ oldState, newState }) => {
    const trees = [oldState?.inputs, oldState?.outputs, newState?.inputs, newState?.outputs];
    return trees.flatMap((marked) => trees.flatMap((plain) => below(marked, plain)));
  });
}

function below(marked: unknown, plain: unknown): string[] {
  if (marked === secretMark) return textsIn(plain);
  if (typeof marked !== "object" || marked === null) return [];
  return Object.keys(marked).flatMap((key) => below(valueAt(marked, [key]), valueAt(plain, [key])));
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return value === secretMark ? [] : [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
