/** Live commands under a real Perl, behind login shells that say something. */

import { text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { AccessDenied, HostUnreachable } from "../../../provider/errors";
import { type LiveCommandArgs, startLiveCommand } from "../../../provider/ssh/live-command";
import { onLinux } from "../../support/on-linux";
import { startSandboxHost } from "../../support/sandbox-host";
import { type Execution, SshServer } from "../../support/ssh-server";

async function machine(t: ExecutionContext, user = "root") {
  const { sandbox, server } = await startSandboxHost(t, user);
  const start = (program: string, args: Partial<LiveCommandArgs> = {}) =>
    startLiveCommand(server.host(), { program, words: [], ...args }, { connectSeconds: 60 });
  return { sandbox, server, start };
}

const words = [
  "",
  "a b",
  "$HOME",
  "it's",
  '"q"',
  "back\\slash",
  "two\nlines",
  "*",
  ";|&",
  "é",
  "--",
];

for (const user of ["root", "deploy"]) {
  onLinux(`words arrive as given, in whatever ${user}'s login says before`, async (t) => {
    const { sandbox, start } = await machine(t, user);
    sandbox.login = "echo welcome; echo 'mind the gap' >&2";
    const command = await start(`print map { "<$_>" } @ARGV; print STDERR "err"; exit 7`, {
      words,
    });
    command.stdin.end();
    const [out, errors] = await Promise.all([text(command.stdout), text(command.stderr)]);
    t.is(out, words.map((word) => `<${word}>`).join(""));
    t.is(errors, "err");
    t.deepEqual(await command.end, { ended: "by itself", status: 7 });
  });
}

onLinux("what is typed arrives, byte for byte, after the secret", async (t) => {
  const { server, start } = await machine(t);
  const secret = "p4ss 'wörd'\n";
  const command = await start(
    `my $s = secret(); print length $s, ":", unpack("H*", $s), ":"; exec "cat"`,
    { secret },
  );
  command.stdin.end(Buffer.from([0, 1, 10, 255]));
  const chunks: Buffer[] = [];
  for await (const chunk of command.stdout) chunks.push(chunk);
  const hex = Buffer.from(secret).toString("hex");
  t.deepEqual(
    Buffer.concat(chunks),
    Buffer.concat([Buffer.from(`${hex.length / 2}:${hex}:`), Buffer.from([0, 1, 10, 255])]),
  );
  t.deepEqual(await command.end, { ended: "by itself", status: 0 });
  t.false(server.commands.some(({ commandLine }) => commandLine.includes(hex)));
});

onLinux("a terminal has a size, and gets another one", async (t) => {
  const { server, start } = await machine(t);
  const command = await start("sleep 60;", {
    terminal: { columns: 120, rows: 40, name: "xterm" },
  });
  command.resize({ columns: 90, rows: 20 });
  command.terminate();
  t.deepEqual(await command.end, { ended: "by a signal", signal: "SIGTERM" });
  t.deepEqual(server.terminals, ["120x40", "90x20"]);
});

onLinux("a command that is asked to end, ends as it wants", async (t) => {
  const { start } = await machine(t);
  const command = await start('$SIG{TERM} = sub { print "bye"; exit 3 }; print "up"; sleep 60;');
  command.stdout.once("data", () => command.terminate());
  t.is(await text(command.stdout), "upbye");
  t.deepEqual(await command.end, { ended: "by itself", status: 3 });
});

onLinux("a connection that is lost is no end of the command", async (t) => {
  const { server, start } = await machine(t);
  const command = await start('print "up"; sleep 60;');
  command.stdout.once("data", () => server.dropConnections());
  t.deepEqual(await command.end, { ended: "lost" });
});

onLinux("a login that runs nothing, a sudo that refuses, and nobody there", async (t) => {
  const { sandbox, server, start } = await machine(t, "deploy");
  await sandbox.write("state/no-sudo", "");
  await t.throwsAsync(start("1"), {
    instanceOf: AccessDenied,
    message: /^web-01: no command could be run as root \(exit 1\): .*a password is required; check/,
  });
  sandbox.login = "echo go away; exit 5";
  await t.throwsAsync(start("1"), { instanceOf: AccessDenied, message: /\(exit 5\): go away/ });
  await t.throwsAsync(
    startLiveCommand(server.host({ port: 1 }), { program: "1", words: [] }, { refusedSeconds: 0 }),
    { instanceOf: HostUnreachable },
  );
});

/** Of the command line: the last word is the program, which prints it first. */
function markOf({ commandLine }: Execution): string {
  const program = Buffer.from(commandLine.split(" ").at(-1) ?? "", "hex").toString();
  return /print "([0-9a-f]+)"/.exec(program)?.[1] ?? "";
}

test("a command that is over as soon as it began has a status, and all that it said", async (t) => {
  const execute = async (execution: Execution) => {
    const { channel } = execution;
    channel.write(`${markOf(execution)}out`);
    channel.stderr.write(`${markOf(execution)}err`);
    channel.exit(3);
    channel.end();
  };
  // Held back on its way, so that all arrives as one.
  const server = await SshServer.start({ execute, delayMilliseconds: 50 });
  t.teardown(() => server.stop());
  const command = await startLiveCommand(server.host(), { program: "1", words: [] });
  command.stdin.end();
  t.is(await text(command.stdout), "out");
  t.is(await text(command.stderr), "err");
  t.deepEqual(await command.end, { ended: "by itself", status: 3 });
});

test("a status that comes after both outputs have ended is heard", async (t) => {
  // sshd sees the pipes close before it knows that the process has ended.
  const execute = async (execution: Execution) => {
    const { channel } = execution;
    channel.write(`${markOf(execution)}out`);
    await finished(channel.resume(), { writable: false });
    // ssh2's own end of the outputs would be the channel's.
    const { _client: client, outgoing } = Object(channel);
    client._protocol.channelEOF(outgoing.id);
    await sleep(200);
    channel.exit(3);
    channel.end();
  };
  const server = await SshServer.start({ execute });
  t.teardown(() => server.stop());
  const command = await startLiveCommand(server.host(), { program: "1", words: [] });
  command.stdin.end("typed");
  t.is(await text(command.stdout), "out");
  t.deepEqual(await command.end, { ended: "by itself", status: 3 });
});
