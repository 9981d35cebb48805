/** `command.local.Command`: a command of this machine, run when the resource is made, changed or removed. */

import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { compare, isSame } from "../../provider/difference";
import type { Context, Difference, Kind, Step } from "../../provider/kind";
import { checkServed } from "../served";
import { masked } from "./masked";
import { CommandError, type Output, runLocal, type Stream } from "./run-local";
import { command as standIn } from "./stand-in";

const optionalText = v.optional(v.string());

const schema = v.strictObject({
  create: optionalText,
  update: optionalText,
  delete: optionalText,
  dir: optionalText,
  environment: v.optional(v.record(v.string(), v.string())),
  stdin: optionalText,
  interpreter: v.optional(v.array(v.string())),
  logging: v.optional(v.picklist(["stdout", "stderr", "stdoutAndStderr", "none"])),
  triggers: v.optional(v.array(v.unknown())),
  addPreviousOutputInEnv: v.optional(v.boolean()),
});

type CommandArgs = v.InferOutput<typeof schema>;

export interface Command extends CommandArgs, Partial<Output> {
  readonly id?: string;
}

interface CommandStep extends Step {
  readonly command: string;
}

export const localCommand: Kind<Command, CommandStep> = {
  keeps: "properties only",
  keepsIdAs: "id only",
  type: "command:local:Command",
  computedOutputs: ["id"],
  derivedOutputs: ["stdout", "stderr"],
  replacement: () => ({ first: "creation", told: [] }),
  check: (inputs) => checkServed(standIn, schema, inputs),
  id: ({ id }) => id ?? "",
  hosts: () => [],
  // What a command did cannot be read back: its last known state is all that there is.
  read: async (expected) => (expected.id === undefined ? undefined : expected),
  diff,
  plan,

  async apply(steps, live, wanted, context) {
    const id = live?.id ?? `command${randomBytes(4).toString("hex")}`;
    const former = { stdout: live?.stdout ?? "", stderr: live?.stderr ?? "" };
    let output = former;
    for (const { command } of steps) {
      if (command !== "") output = await run(command, { ...wanted, ...former }, context);
    }
    return { ...wanted, ...output, id };
  },

  async remove(live, context) {
    if (live.delete !== undefined) await run(live.delete, live, context);
  },
};

function diff(live: Command, wanted: Command): Difference[] {
  const keys = Object.keys(schema.entries).filter((key) => key !== "triggers");
  const changes = compare(live, wanted, keys);
  return [...changes, ...triggerDifferences(live.triggers ?? [], wanted.triggers ?? [])];
}

/** One by one, as the SDK's own `replaceOnChanges: ["triggers[*]"]` names them. */
function triggerDifferences(live: readonly unknown[], wanted: readonly unknown[]): Difference[] {
  const places = Array.from({ length: Math.max(live.length, wanted.length) }, (_, at) => at);
  return places
    .filter((at) => !isSame(live[at], wanted[at]))
    .map((at) => {
      const kind = at >= live.length ? "add" : at >= wanted.length ? "delete" : "update";
      return { path: ["triggers", String(at)], kind, replace: true };
    });
}

function plan(live: Command | undefined, wanted: Command): CommandStep[] {
  if (live !== undefined && diff(live, wanted).length === 0) return [];
  const command = (live === undefined ? undefined : wanted.update) ?? wanted.create ?? "";
  const sentence = command === "" ? "run nothing" : `run ${command.split("\n")[0]}`;
  return [{ command, action: "run", sentence }];
}

async function run(command: string, args: Command, context: Context): Promise<Output> {
  const secrets = context.secrets ?? [];
  const told: readonly Stream[] = streams[args.logging ?? "stdoutAndStderr"];
  try {
    return await runLocal({
      command,
      interpreter: args.interpreter?.length ? args.interpreter : ["/bin/sh", "-c"],
      dir: args.dir,
      environment: { ...args.environment, ...previous(args) },
      stdin: args.stdin,
      signal: context.signal,
      onLine: (stream, line) => {
        if (told.includes(stream)) context.tell("info", masked(line, secrets));
      },
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const { outcome, output } = error;
    const last = [output.stdout, output.stderr].filter(Boolean).join("\n").split("\n").slice(-20);
    throw new Error(masked(`${outcome}: ${command}\n${last.join("\n")}`, secrets));
  }
}

function previous({ addPreviousOutputInEnv = true, stdout, stderr }: Command) {
  return {
    ...(addPreviousOutputInEnv && stdout && { PULUMI_COMMAND_STDOUT: stdout }),
    ...(addPreviousOutputInEnv && stderr && { PULUMI_COMMAND_STDERR: stderr }),
  };
}

const streams = {
  stdout: ["stdout"],
  stderr: ["stderr"],
  stdoutAndStderr: ["stdout", "stderr"],
  none: [],
} as const;
