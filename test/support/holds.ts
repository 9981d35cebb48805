import type { ExecutionContext } from "ava";
import fc from "fast-check";

/** A law that holds for everything; a failure shows the smallest counterexample. The predicate throws with `node:assert`. */
export function holds<Values extends [unknown, ...unknown[]]>(
  t: ExecutionContext,
  property: fc.IProperty<Values>,
  numRuns = 500,
): void {
  const { failed, counterexample, error, seed } = run(property, numRuns);
  if (failed) t.fail(`seed ${seed}: ${JSON.stringify(counterexample)}\n${error}`);
  else t.pass();
}

function run<Values extends [unknown, ...unknown[]]>(
  property: fc.IProperty<Values>,
  numRuns: number,
) {
  const { failed, counterexample, errorInstance, seed } = fc.check(property, { numRuns });
  const error = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return { failed, counterexample, error, seed };
}
