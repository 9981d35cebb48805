/**
 * `npm run mutations -- [AREA...] [--only N,N...] [--jobs N]`: puts one small fault after the other into a copy of the
 * checkout, and fails unless the tests notice every one.
 */
import { parseArgs } from "node:util";
import { type Area, describe, type Mutation, readAreas } from "./mutations/areas";
import { CheckoutCopy } from "./mutations/checkout-copy";
import { root } from "./setup/environment";
import { runMain } from "./setup/say";

interface Trial {
  readonly area: Area;
  readonly mutation: Mutation;
  /** `framing 12` */
  readonly title: string;
}

/** A mutated program may hang; the tests alone take far less. */
const deadlineSecondsAtLeast = 90;

runMain(async () => {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: {
      only: { type: "string" },
      jobs: { type: "string", default: "2" },
    },
  });
  const areas = chosen(readAreas(root), positionals);
  const only = values.only?.split(",").map(Number);
  const trials = areas.flatMap((area) =>
    area.mutations
      .map((mutation, at) => ({ area, mutation, number: at + 1 }))
      .filter(({ number }) => only === undefined || only.includes(number))
      .map(({ number, ...trial }): Trial => ({ ...trial, title: `${area.name} ${number}` })),
  );
  if (trials.length === 0) throw new Error("no mutation was chosen");
  const copies: CheckoutCopy[] = [];
  try {
    for (let job = 0; job < Math.min(Number(values.jobs), trials.length); job += 1) {
      copies.push(await CheckoutCopy.make(root));
    }
    return await tryAll(trials, copies);
  } finally {
    await Promise.all(copies.map((copy) => copy.remove()));
  }
});

function chosen(areas: readonly Area[], names: readonly string[]): readonly Area[] {
  const known = areas.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Error(`there is no area ${unknown}; there are ${known.join(", ")}`);
  }
  return names.length === 0 ? areas : areas.filter(({ name }) => names.includes(name));
}

async function tryAll(trials: readonly Trial[], copies: readonly CheckoutCopy[]): Promise<number> {
  const deadlines = await measured(trials, copies);
  const waiting = [...trials];
  const survivors: string[] = [];
  await Promise.all(
    copies.map(async (copy) => {
      for (let trial = waiting.shift(); trial !== undefined; trial = waiting.shift()) {
        const { area, mutation, title } = trial;
        const files = mutation.tests ?? area.tests;
        const { outcome, failed } = await copy.with(mutation, () =>
          copy.test(files, deadlines.get(area.name) ?? deadlineSecondsAtLeast, mutation.title),
        );
        const line = `${title}: ${describe(mutation)}`;
        if (outcome === "passed") survivors.push(line);
        const verdict = outcome === "passed" ? "SURVIVED" : "killed  ";
        const by = outcome === "passed" ? "" : `\n           by ${failed ?? outcome}`;
        print(`${verdict} ${line}${by}`);
      }
    }),
  );
  print(`\n${trials.length - survivors.length} of ${trials.length} mutations killed`);
  for (const survivor of survivors) print(`survived: ${survivor}`);
  return survivors.length === 0 ? 0 : 1;
}

/** Without a mutation the tests must pass, else they would seem to notice anything. */
async function measured(
  trials: readonly Trial[],
  [copy]: readonly CheckoutCopy[],
): Promise<ReadonlyMap<string, number>> {
  const deadlines = new Map<string, number>();
  for (const area of new Set(trials.map((trial) => trial.area))) {
    const start = performance.now();
    const run = await copy?.test(area.tests, 600);
    if (run?.outcome !== "passed") {
      throw new Error(`${area.name}: its tests fail without a mutation: ${run?.failed}`);
    }
    const seconds = (performance.now() - start) / 1000;
    deadlines.set(area.name, Math.max(deadlineSecondsAtLeast, 5 * seconds));
    print(`${area.name}: the tests pass without a mutation, in ${seconds.toFixed(1)} seconds`);
  }
  return deadlines;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
