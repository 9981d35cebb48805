/** What `npm run bench -- ...` takes. */

export const parts = ["peers", "hosts", "resources", "traffic", "release", "backup"] as const;
export type Part = (typeof parts)[number];

export interface BenchmarkOptions {
  /** In this order. */
  readonly parts: readonly Part[];
  /** How often each thing but the fresh provision is done; the median counts. */
  readonly runs: number;
}

export const usage = `npm run bench -- [--only ${parts.join("|")}] [--runs N]

  --only PART   one part, and not all of them; may be given again
  --runs N      how often each thing is done, 1 to 99; the median counts (default 5)`;

/** Throws one error with what was expected. */
export function parseOptions(args: readonly string[]): BenchmarkOptions {
  const only: Part[] = [];
  let runs = 5;
  for (let index = 0; index < args.length; index += 2) {
    const [name, value = ""] = args.slice(index, index + 2);
    if (name === "--only") only.push(parsePart(value));
    else if (name === "--runs") runs = parseRuns(value);
    else throw new Error(`expected --only or --runs, got ${name}\n\n${usage}`);
  }
  return { parts: only.length > 0 ? parts.filter((part) => only.includes(part)) : parts, runs };
}

function parsePart(value: string): Part {
  const part = parts.find((one) => one === value);
  if (part === undefined) {
    throw new Error(`--only: expected one of ${parts.join(", ")}, got "${value}"`);
  }
  return part;
}

function parseRuns(value: string): number {
  if (!/^[1-9]\d?$/.test(value)) throw new Error(`--runs: expected 1 to 99, got "${value}"`);
  return Number(value);
}
