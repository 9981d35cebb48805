import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { type Command, localCommand } from "../../../offline/command/local-command";
import type { Context } from "../../../provider/kind";
import { isGone } from "../../support/is-gone";
import { onLinux } from "../../support/on-linux";
import { fakeContext, owner } from "../context";

test("runs create, update and delete, each in its time", async (t) => {
  const dir = folder();
  const wanted: Command = {
    dir,
    create: "echo made >> log",
    update: "echo changed >> log",
    delete: "echo gone >> log",
  };
  const made = await apply(undefined, wanted);
  const changed = await apply(made, { ...wanted, environment: { A: "1" } });
  t.is(changed.id, made.id);
  await localCommand.remove(changed, fakeContext());
  t.is(readFileSync(join(dir, "log"), "utf8"), "made\nchanged\ngone\n");
});

test("runs create again where there is no update, and nothing where nothing changed", async (t) => {
  const dir = folder();
  const made = await apply(undefined, { dir, create: "echo run >> log" });
  await apply(made, { dir, create: "echo run >> log" });
  await apply(made, { dir, create: "echo again >> log" });
  t.is(readFileSync(join(dir, "log"), "utf8"), "run\nagain\n");
});

test("answers what the command wrote, and tells it line by line", async (t) => {
  const context = fakeContext();
  const create = "echo one; echo two; echo three >&2";
  const state = await apply(undefined, { create }, context);
  t.like(state, { stdout: "one\ntwo", stderr: "three" });
  t.deepEqual([...context.told].sort(), ["one", "three", "two"]);
});

test("tells of the streams that were asked for", async (t) => {
  const told = async (logging: Command["logging"]) => {
    const context = fakeContext();
    await apply(undefined, { create: "echo out; echo err >&2", logging }, context);
    return context.told;
  };
  t.deepEqual(await told("stdout"), ["out"]);
  t.deepEqual(await told("stderr"), ["err"]);
  t.deepEqual(await told("none"), []);
});

test("hands over environment, input, interpreter and what the former run wrote", async (t) => {
  const made = await apply(undefined, {
    create: "process.stdin.on('data', (d) => process.stdout.write(process.env.NAME + d))",
    interpreter: [process.execPath, "-e"],
    environment: { NAME: "a b" },
    stdin: "'c'",
  });
  t.is(made.stdout, "a b'c'");
  const changed = await apply(made, { create: 'echo "was $PULUMI_COMMAND_STDOUT"' });
  t.is(changed.stdout, "was a b'c'");
  const silent = await apply(made, {
    create: 'echo "was $PULUMI_COMMAND_STDOUT"',
    addPreviousOutputInEnv: false,
  });
  t.is(silent.stdout, "was ");
});

test("says how a command failed and what it wrote last, without its secrets", async (t) => {
  const secret = "hunter2\nsecond line";
  const context = fakeContext([secret]);
  const create = 'echo "using $TOKEN"; echo broken >&2; exit 3';
  await t.throwsAsync(apply(undefined, { create, environment: { TOKEN: secret } }, context), {
    message: `exit 3: ${create}\nusing [secret]\nbroken`,
  });
  t.false(context.told.join("\n").includes("hunter2"));
});

test("says when a command could not be started", async (t) => {
  await t.throwsAsync(apply(undefined, { create: "true", dir: "/nowhere" }), {
    message: /ENOENT: true/,
  });
});

onLinux("ends a command, and what it started, when the engine cancels", async (t) => {
  const dir = folder();
  const ending = new AbortController();
  const context = { ...fakeContext(), signal: ending.signal };
  const create = "(sleep 600; echo late >> log) & echo $! >pid.new; mv pid.new pid; wait";
  const running = apply(undefined, { dir, create }, context);
  while (!existsSync(join(dir, "pid"))) await new Promise((resolve) => setTimeout(resolve, 5));
  const pid = Number(readFileSync(join(dir, "pid"), "utf8"));
  t.false(isGone(pid));
  ending.abort();
  await t.throwsAsync(running, { message: /^ended by SIGTERM/ });
  while (!isGone(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
  t.is(readFileSync(join(dir, "log"), "utf8"), "");
});

test("makes a new resource when a trigger changes, and updates for all else", (t) => {
  const old: Command = { id: "x", create: "a", triggers: ["1", { v: 1 }], stdout: "s" };
  t.deepEqual(localCommand.diff(old, { create: "a", triggers: ["1", { v: 1 }] }), []);
  t.deepEqual(localCommand.diff(old, { create: "b", triggers: ["1", { v: 2 }, "3"] }), [
    { path: ["create"], kind: "update" },
    { path: ["triggers", "1"], kind: "update", replace: true },
    { path: ["triggers", "2"], kind: "add", replace: true },
  ]);
});

test("refuses what it does not serve", (t) => {
  const { failures } = localCommand.check({ create: "a", assetPaths: ["*"] });
  t.deepEqual(failures, [
    {
      property: "assetPaths",
      reason:
        "not served by the offline stand-in for the command plugin: install the official plugin: pulumi plugin install resource command 1.2.1",
    },
  ]);
});

async function apply(
  live: Command | undefined,
  wanted: Command,
  context: Context = fakeContext(),
): Promise<Command> {
  return localCommand.apply(localCommand.plan(live, wanted, owner), live, wanted, context);
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "trilithon-command-"));
  writeFileSync(join(path, "log"), "");
  return path;
}
