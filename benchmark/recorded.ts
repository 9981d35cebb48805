/** Runs Pulumi's CLI with the recorder in its Node processes: who took what, and when. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { type Measured, measure, type Place } from "./usage";

const entry = v.object({
  name: v.string(),
  startMilliseconds: v.number(),
  endMilliseconds: v.number(),
});

const processRecord = v.object({
  script: v.string(),
  startMilliseconds: v.number(),
  endMilliseconds: v.number(),
  cpuSeconds: v.number(),
  megabytes: v.number(),
  entries: v.array(entry),
});

export type ProcessRecord = v.InferOutput<typeof processRecord>;

export interface Recorded extends Measured {
  /** In milliseconds since 1970, as all times of the records. */
  readonly startMilliseconds: number;
  readonly endMilliseconds: number;
  readonly processes: readonly ProcessRecord[];
}

export async function record(command: readonly string[], place: Place): Promise<Recorded> {
  const folder = await mkdtemp(join(tmpdir(), "trilithon-benchmark-"));
  const file = join(folder, "record");
  const recorder = `--require ${JSON.stringify(join(__dirname, "recorder.cjs"))}`;
  const env = {
    ...place.env,
    BENCHMARK_RECORD: file,
    NODE_OPTIONS: [place.env.NODE_OPTIONS, recorder].join(" ").trim(),
  };
  try {
    const startMilliseconds = Date.now();
    const measured = await measure(command, { cwd: place.cwd, env });
    const endMilliseconds = Date.now();
    const lines = (await readFile(file, "utf8")).trim().split("\n");
    const processes = lines.map((line) => v.parse(processRecord, JSON.parse(line)));
    return { ...measured, startMilliseconds, endMilliseconds, processes };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function isPlugin({ script }: ProcessRecord): boolean {
  return script.endsWith("pulumi-resource-trilithon");
}

export function isProgram({ script }: ProcessRecord): boolean {
  return script === "run/index.js";
}

/** What of the CPU each part took; the engine is all that is not Node, its language host included. */
export function cpuByPart({ cpuSeconds, processes }: Recorded) {
  const sum = (records: readonly ProcessRecord[]) =>
    records.reduce((total, { cpuSeconds: seconds }) => total + seconds, 0);
  const plugin = sum(processes.filter(isPlugin));
  const program = sum(processes.filter(isProgram));
  const others = sum(processes.filter((one) => !isPlugin(one) && !isProgram(one)));
  return { engine: Math.max(0, cpuSeconds - plugin - program - others), program, plugin, others };
}
