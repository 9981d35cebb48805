/** `npm run drill -- [--stack S] [--only KIND] [--rounds N]`: breaks a running stack on purpose, under load, and reports what that did. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { readCommandLine } from "./command-line";
import { renderDrawing } from "./drill/drawing";
import { faults as allFaults, type Fault } from "./drill/faults";
import { reachMachines } from "./drill/machines";
import { type Drill, isGood, renderTable } from "./drill/report";
import { type Round, runRound } from "./drill/round";
import { whileSilenced } from "./maintenance/silence";
import { runMain, say } from "./setup/say";
import { showPulumi } from "./setup/stack";
import { hasContainers, placeOf } from "./setup/stack-place";
import { readOutputs } from "./verify/outputs";

/** For each fault: recovery has its own deadline, which is shorter. */
const silencedMinutes = 10;

const kinds = allFaults.map(({ kind }) => kind);

runMain(async () => {
  const line = readCommandLine({
    name: "npm run drill --",
    about: `Causes faults for real, one after the other, under reads and writes through the site. Reports how long nobody was
answered, which requests failed, and whether an acknowledged write is missing. Status 1 where one is, where two
machines held the address, or where the stack did not recover by itself.

Kinds: ${kinds.join(", ")}.`,
    options: {
      only: { type: "string", value: "KIND[,KIND]", about: "these faults alone" },
      rounds: { type: "string", value: "N", about: "how often each (default 1)" },
      seconds: { type: "string", value: "N", about: "how long a fault lasts (default 15)" },
      reads: { type: "string", value: "N", about: "reads a second (default 20)" },
      writes: { type: "string", value: "N", about: "writes a second, of the sample (default 10)" },
      json: { type: "boolean", about: "one JSON document instead of a table" },
      record: {
        type: "string",
        value: "FILE",
        about: "keep each round there (JSON), and report all that stand there",
      },
      drawing: { type: "string", value: "FILE", about: "write an SVG as well" },
      yes: {
        type: "string",
        value: "STACK",
        about: "the stack's name: required for existing machines",
      },
    },
  });
  if (line === undefined) return 0;
  const { stack, values } = line;
  const place = placeOf(stack);
  const areContainers = hasContainers(place);
  if (!areContainers && values.yes !== stack) {
    throw new Error(
      `stack ${stack} is of existing machines, which a drill crashes: say that you mean it with --yes ${stack}`,
    );
  }
  const outputs = await readOutputs(stack);
  const count = (name: "rounds" | "seconds" | "reads" | "writes", otherwise: number) =>
    readCount(name, values[name], otherwise);
  const { isGuestBook, database } = outputs.endpoints;
  const args = {
    readsPerSecond: count("reads", 20),
    writesPerSecond: isGuestBook && database !== undefined ? count("writes", 10) : 0,
    seconds: count("seconds", 15),
  };
  const up = async () => {
    const status = await showPulumi(place, ["up", "--yes", "--skip-preview", "--stack", stack]);
    if (status !== 0) throw new Error(`stack ${stack}: \`up\` failed, see above`);
  };
  const machines = reachMachines(outputs, { areContainers, up });
  const rounds: Round[] = await readRecord(values.record);
  const leftOut: Record<string, string> = {};
  const turns = count("rounds", 1);
  const faults = chosen(values.only);
  const silence = {
    ...{ why: "npm run drill", what: "all" as const, say: (text: string) => say("alerts", text) },
    minutes: silencedMinutes * turns * faults.length,
  };
  await whileSilenced(outputs, silence, async () => {
    for (let turn = 1; turn <= turns; turn += 1) {
      for (const fault of faults) {
        const round = await runRound(machines, fault, args, (text) => say(`round ${turn}`, text));
        if (typeof round === "string") leftOut[fault.kind] = round;
        else rounds.push(round);
        // A long drill that is cut short has not been for nothing.
        if (values.record) await writeFile(values.record, `${JSON.stringify(rounds)}\n`);
      }
    }
  });
  const drill: Drill = { stack, ...args, rounds, leftOut };
  if (values.drawing) await writeFile(values.drawing, renderDrawing(drill));
  process.stdout.write(
    values.json ? `${JSON.stringify(drill, undefined, 2)}\n` : `\n${renderTable(drill)}`,
  );
  return isGood(drill) ? 0 : 1;
});

function chosen(only: string | undefined): readonly Fault[] {
  if (only === undefined) return allFaults;
  return only.split(",").map((name) => {
    const fault = allFaults.find(({ kind }) => kind === name);
    if (fault) return fault;
    throw new Error(`--only: expected one of ${kinds.join(", ")}, got "${name}"`);
  });
}

/** Rounds of drills before, of which this one is the continuation. */
async function readRecord(file: string | undefined): Promise<Round[]> {
  if (file === undefined || !existsSync(file)) return [];
  const rounds: unknown = JSON.parse(await readFile(file, "utf8"));
  if (!Array.isArray(rounds)) throw new Error(`--record: ${file} is no record of a drill`);
  return rounds;
}

function readCount(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isInteger(value) && value >= (name === "writes" || name === "reads" ? 0 : 1))
    return value;
  throw new Error(`--${name}: expected a positive integer, got "${text}"`);
}
