/** The command lines of this folder: one table of options each, read by Node's own parser, with `--help` and `--stack`. */
import { type ParseArgsConfig, parseArgs } from "node:util";

interface Option {
  readonly type: "string" | "boolean";
  /** One line of the help. */
  readonly about: string;
  /** What a text stands for in the help: `FILE`. */
  readonly value?: string;
}

type Options = Readonly<Record<string, Option>>;

type Values<O extends Options> = {
  readonly [Name in keyof O]: O[Name]["type"] extends "boolean" ? boolean : string | undefined;
};

/** What was typed cannot be done as it stands: exit status 2. The message says what was expected. */
export class UsageError extends Error {}

export interface Command<O extends Options> {
  /** `npm run verify --` */
  readonly name: string;
  /** What it does, for the help. */
  readonly about: string;
  readonly options: O;
  /** Its one word, which must be given: `HOST`. The stack is then named by `--stack` only. Default: its one word is the stack. */
  readonly word?: string;
  /** Any number of words among the options: `[NAME]...`. The stack is then named by `--stack` only. */
  readonly words?: string;
  /**
   * What follows the options, as it stands: `COMMAND [ARGS...]`, from the first word that is no option or after `--`.
   * The stack is then named by `--stack` only.
   */
  readonly rest?: string;
}

export interface CommandLine<O extends Options> {
  /** Named by `--stack S` or as the only word. Default: PULUMI_STACK, or `dev`. */
  readonly stack: string;
  /** What the command's `word` stands for; else empty. */
  readonly word: string;
  /** What the command's `words` or `rest` stand for; else none. */
  readonly rest: readonly string[];
  readonly values: Values<O>;
}

const common = {
  stack: { type: "string", value: "STACK", about: "the stack (default: PULUMI_STACK, or dev)" },
  help: { type: "boolean", about: "show this text" },
} as const;

/** `undefined` once the help was asked for and shown. A wrong command line is an error that names the help. */
export function readCommandLine<const O extends Options>(
  command: Command<O>,
  args: readonly string[] = process.argv.slice(2),
  environment: NodeJS.ProcessEnv = process.env,
): CommandLine<O> | undefined {
  const options: Options = { ...command.options, ...common };
  const [own, rest] = command.rest === undefined ? [args, []] : splitRest(args, options);
  const { values, positionals } = parsed(command, own, options);
  if (values.help) {
    process.stdout.write(renderHelp(command));
    return undefined;
  }
  const words = command.word === undefined ? [] : positionals;
  if (command.word !== undefined && words.length !== 1) {
    const given = words.length === 0 ? "nothing" : words.join(" ");
    throw new UsageError(`expected one ${command.word}, got ${given}: see ${command.name} --help`);
  }
  const hasWords = command.word !== undefined || command.words !== undefined;
  const stacks = hasWords ? [] : positionals;
  const named = typeof values.stack === "string" ? [values.stack, ...stacks] : stacks;
  if (named.length > 1) {
    throw new UsageError(`expected one stack, got ${named.join(" ")}: see ${command.name} --help`);
  }
  const flags = Object.entries(command.options).map(([name, { type }]) => [
    name,
    type === "boolean" ? values[name] === true : values[name],
  ]);
  return {
    stack: named[0] ?? (environment.PULUMI_STACK || "dev"),
    word: words[0] ?? "",
    rest: command.words === undefined ? rest : positionals,
    // The parser was told the types by the same table.
    values: Object.fromEntries(flags) as Values<O>,
  };
}

export function renderHelp(command: Command<Options>): string {
  const { name, about, options, word = command.words, rest } = command;
  const rows = Object.entries({ ...options, ...common }).map(
    ([option, { value, about: text }]: [string, Option]) =>
      [`--${option}${value ? ` ${value}` : ""}`, text] as const,
  );
  const width = Math.max(...rows.map(([option]) => option.length));
  const lines = rows.map(([option, text]) => `  ${option.padEnd(width)}  ${text}`);
  const usage = rest === undefined ? `${word ?? "[STACK]"} [options]` : `[options] ${rest}`;
  return [`${name} ${usage}`, "", about, "", ...lines, ""].join("\n");
}

/** Options end at the first word that is none, as with `env` or `docker exec`: what follows has options of its own. */
function splitRest(
  args: readonly string[],
  options: Options,
): readonly [own: readonly string[], rest: readonly string[]] {
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--") return [args.slice(0, at), args.slice(at + 1)];
    if (!arg.startsWith("-")) return [args.slice(0, at), args.slice(at)];
    if (options[arg.replace(/^--/, "")]?.type === "string") at += 1;
  }
  return [args, []];
}

function parsed({ name }: Command<Options>, args: readonly string[], options: Options) {
  const types: NonNullable<ParseArgsConfig["options"]> = Object.fromEntries(
    Object.entries(options).map(([option, { type }]) => [option, { type }]),
  );
  try {
    return parseArgs({ args: [...args], options: types, allowPositionals: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${reason}: see ${name} --help`);
  }
}
