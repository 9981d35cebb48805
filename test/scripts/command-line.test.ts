import { spawnSync } from "node:child_process";
import { join } from "node:path";
import test from "ava";
import { readCommandLine, renderHelp, UsageError } from "../../scripts/command-line";
import { root } from "../../scripts/setup/environment";

const command = {
  name: "npm run look --",
  about: "Looks at a stack.",
  options: {
    json: { type: "boolean", about: "one JSON document" },
    output: { type: "string", value: "FILE", about: "where it goes" },
  },
} as const;

const read = (...args: string[]) => readCommandLine(command, args, {});

test("the stack is the option's, the only word's, the environment's, or dev", (t) => {
  t.is(read("--stack", "prod")?.stack, "prod");
  t.is(read("--stack=prod")?.stack, "prod");
  t.is(read("prod")?.stack, "prod");
  t.is(readCommandLine(command, [], { PULUMI_STACK: "prod" })?.stack, "prod");
  t.is(readCommandLine(command, ["test"], { PULUMI_STACK: "prod" })?.stack, "test");
  t.is(readCommandLine(command, [], { PULUMI_STACK: "" })?.stack, "dev");
});

test("options are those of the table", (t) => {
  t.deepEqual(read("prod", "--json")?.values, { json: true, output: undefined });
  t.deepEqual(read("--output", "a b")?.values, { json: false, output: "a b" });
});

test("a wrong command line is refused, with the way to the help", (t) => {
  t.throws(() => read("--jsn"), { message: /--jsn.*: see npm run look -- --help$/s });
  t.throws(() => read("--output"), { message: /see npm run look -- --help$/ });
  t.throws(() => read("one", "two"), {
    message: "expected one stack, got one two: see npm run look -- --help",
  });
  t.throws(() => read("one", "--stack", "two"), { message: /^expected one stack, got two one/ });
});

test("a command's own word has to be given, and the stack is then the option's", (t) => {
  const readWord = (...args: string[]) => readCommandLine({ ...command, word: "HOST" }, args, {});
  t.like(readWord("web-01", "--stack", "prod"), { word: "web-01", stack: "prod" });
  t.like(readWord("web-01"), { word: "web-01", stack: "dev" });
  t.throws(() => readWord(), { message: /^expected one HOST, got nothing: see npm run look --/ });
  t.throws(() => readWord("one", "two"), { message: /^expected one HOST, got one two: see/ });
  t.regex(renderHelp({ ...command, word: "HOST" }), /^npm run look -- HOST \[options\]\n/);
});

test("a command's words may stand among its options, and the stack is then the option's", (t) => {
  const readWords = (...args: string[]) =>
    readCommandLine({ ...command, words: "[NAME]..." }, args, {});
  t.like(readWords("one", "--json", "two", "--stack", "prod"), {
    rest: ["one", "two"],
    stack: "prod",
    values: { json: true },
  });
  t.like(readWords(), { rest: [], stack: "dev" });
  t.regex(renderHelp({ ...command, words: "[NAME]..." }), /^npm run look -- \[NAME\]\.\.\. \[opt/);
});

test("what follows the options is left as it stands, be there a -- or not", (t) => {
  const readRest = (...args: string[]) =>
    readCommandLine({ ...command, rest: "COMMAND [ARGS...]" }, args, {});
  const ls = ["ls", "--json", "-l", "--", "a b", ""];
  t.like(readRest("--output", "x", "--json", "--", ...ls), {
    rest: ls,
    stack: "dev",
    values: { json: true, output: "x" },
  });
  t.like(readRest("--stack", "prod", ...ls), { rest: ls, stack: "prod" });
  t.like(readRest("--stack=prod", ...ls), { rest: ls, stack: "prod" });
  t.like(readRest("--json"), { rest: [], values: { json: true } });
  t.like(readRest("--", "-x"), { rest: ["-x"] });
  t.throws(() => readRest("--jsn", "ls"), { instanceOf: UsageError, message: /--jsn/ });
  const help = renderHelp({ ...command, rest: "COMMAND [ARGS...]" });
  t.regex(help, /^npm run look -- \[options\] COMMAND \[ARGS\.\.\.\]\n/);
});

test("the help names every option", (t) => {
  t.is(
    renderHelp(command),
    `npm run look -- [STACK] [options]

Looks at a stack.

  --json         one JSON document
  --output FILE  where it goes
  --stack STACK  the stack (default: PULUMI_STACK, or dev)
  --help         show this text
`,
  );
});

for (const name of [
  "start",
  "down",
  "verify",
  "diagram",
  "preview-comment/cli",
  "drain",
  "undrain",
  "maintain",
  "exec",
  "console",
  "db",
  "releases",
  "rollback",
  "logs",
  "dashboard",
]) {
  test(`${name} shows its help, and refuses what it does not know`, (t) => {
    const run = (arg: string) =>
      spawnSync(process.execPath, [join(root, "scripts", "launch.mjs"), name, arg], {
        encoding: "utf8",
      });
    const help = run("--help");
    t.is(help.status, 0, help.stderr);
    t.regex(
      help.stdout,
      /(\[STACK\]|\[VERSION\]|\[APP\]|HOST) \[options\]\n|\[options\] \S.*\n|\]\.\.\. \[options\]\n/,
    );
    t.regex(help.stdout, / --stack STACK /);
    const unknown = run("--no-such-option");
    t.is(unknown.status, 2);
    t.regex(unknown.stderr, /--no-such-option.*--help/s);
  });
}

test("exec refuses what no host could take, and nothing at all, before it asks any", (t) => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, "scripts", "launch.mjs"), "exec", ...args], {
      encoding: "utf8",
    });
  const long = run("--", "echo", "x".repeat(60_000));
  t.is(long.status, 2);
  t.is(
    long.stderr,
    "COMMAND: expected at most 60000 bytes, got 60004: send what is long on standard input\n",
  );
  const none = run("--");
  t.is(none.status, 2);
  t.is(none.stderr, "expected a COMMAND: see npm run exec -- --help\n");
});
