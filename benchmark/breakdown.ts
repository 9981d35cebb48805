/** Where the time of a no-op `up` goes: one stretch after the other, from the command's start to its end. */
import { isPlugin, isProgram, type ProcessRecord, type Recorded } from "./recorded";

export interface Stretch {
  readonly name: string;
  readonly seconds: number;
}

/** The stretches follow each other without a gap. */
export function breakDown(run: Recorded): readonly Stretch[] {
  const marks = findMarks(run);
  let before = run.startMilliseconds;
  return marks.map(([name, end]) => {
    const seconds = Math.max(0, end - before) / 1000;
    before = Math.max(before, end);
    return { name, seconds };
  });
}

/** Names of stretches, and when each ends. */
function findMarks({ endMilliseconds, processes }: Recorded): readonly [string, number][] {
  const reader = one(processes.filter(isPlugin), "plugin that reads", (record) =>
    record.entries.some(({ name }) => name.startsWith("ask ")),
  );
  const program = one(processes.filter(isProgram), "program");
  const all = (prefix: string) => reader.entries.filter(({ name }) => name.startsWith(prefix));
  const dials = all("dial ");
  const asks = all("ask ");
  const at = (name: string) =>
    program.entries.find((entry) => entry.name === name)?.endMilliseconds ?? 0;
  return [
    ["engine: start, state, secrets", reader.startMilliseconds],
    ["plugin: start", Math.min(...dials.map(({ startMilliseconds }) => startMilliseconds))],
    ["SSH: dial all hosts", Math.max(...dials.map((dial) => dial.endMilliseconds))],
    ["hosts: read everything", Math.max(...asks.map((ask) => ask.endMilliseconds))],
    ["engine: compare, start the language host", program.startMilliseconds],
    ["program: load the SDK", at("program starts")],
    ["program: evaluate", at("program evaluated")],
    ["engine, program, plugin: register all resources", program.endMilliseconds],
    ["engine: end", endMilliseconds],
  ];
}

function one(
  records: readonly ProcessRecord[],
  what: string,
  isIt: (record: ProcessRecord) => boolean = () => true,
): ProcessRecord {
  const found = records.find(isIt);
  if (found === undefined) throw new Error(`no ${what} was recorded`);
  return found;
}
