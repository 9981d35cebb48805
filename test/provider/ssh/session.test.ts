import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import {
  AccessDenied,
  DeadlineExceeded,
  HostKeyMismatch,
  HostUnreachable,
  RemoteError,
} from "../../../provider/errors";
import type { RemoteCommand } from "../../../provider/kind";
import { Session } from "../../../provider/ssh/session";
import { newKeyPair } from "../../support/ssh-keys";
import {
  type Answer,
  answering,
  type Execution,
  SshServer,
  type SshServerOptions,
} from "../../support/ssh-server";

const echo = answering((script) => ({ stdout: script }));

async function serverFor(t: ExecutionContext, options: SshServerOptions): Promise<SshServer> {
  const server = await SshServer.start(options);
  t.teardown(() => server.stop());
  return server;
}

function sessionFor(t: ExecutionContext, server: SshServer, host = server.host()): Session {
  const session = new Session(host, { connectSeconds: 60, refusedSeconds: 1 });
  t.teardown(() => session.close());
  return session;
}

function command(script: string, more: Partial<RemoteCommand> = {}): RemoteCommand {
  return { script, doing: "trying", ...more };
}

test("one connection carries all commands, and none is made before the first", async (t) => {
  const server = await serverFor(t, { execute: echo });
  const session = sessionFor(t, server);
  t.is(server.connections, 0);
  t.deepEqual(await Promise.all([session.run(command("a")), session.run(command("b"))]), [
    "a",
    "b",
  ]);
  t.is(await session.run(command("c")), "c");
  t.is(server.connections, 1);
  t.is(server.roundTrips, 3);
});

test("at most 8 channels are open at once", async (t) => {
  const waiting: (() => void)[] = [];
  const release = () => {
    for (const go of waiting.splice(0)) go();
  };
  const server = await serverFor(t, {
    execute: answering(async () => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 8) setImmediate(release);
      });
      return {};
    }),
  });
  const session = sessionFor(t, server);
  await Promise.all(Array.from({ length: 24 }, () => session.run(command("x"))));
  t.is(server.roundTrips, 24);
  t.is(server.mostSessionsAtOnce, 8);
});

test("a host with fewer channels is waited for, and nothing that runs on it is disturbed", async (t) => {
  const server = await serverFor(t, { execute: echo, sessionsAtMost: 2 });
  const session = sessionFor(t, server);
  const scripts = Array.from({ length: 12 }, (_, i) => `script ${i}`);
  t.deepEqual(await Promise.all(scripts.map((script) => session.run(command(script)))), scripts);
  t.is(server.connections, 1);
});

test("the script and what it reads travel on standard input, not on the command line", async (t) => {
  const received: Buffer[] = [];
  const server = await serverFor(t, {
    execute: (execution) => {
      execution.channel.on("data", (chunk: Buffer) => received.push(chunk));
      execution.channel.on("end", () => echo(execution));
    },
  });
  const input = Buffer.from([0, 1, 2, 255, 10, 0]);
  const session = sessionFor(t, server);
  t.is(await session.run(command("cat # ünïcode", { input })), "cat # ünïcode");
  t.deepEqual(Buffer.concat(received), input);
  t.regex(server.commands[0]?.commandLine ?? "", /^exec perl -e '[^']+' \d+ [0-9a-f]{24}$/);
  t.false(server.commands[0]?.commandLine.includes("ünïcode"));
});

test("of an input in pieces no more is read than the host takes, and each gives it time", async (t) => {
  let channel: Execution["channel"] | undefined;
  let execution: Execution | undefined;
  const server = await serverFor(t, {
    execute: (one) => {
      execution = one;
      channel = one.channel;
      channel.pause();
    },
  });
  const piece = Buffer.alloc(500_000);
  let read = 0;
  async function* input() {
    for (; read < 60; read += 1) yield piece;
  }
  const running = sessionFor(t, server).run(command("x", { input: input(), deadlineSeconds: 60 }));
  await until(() => read > 0);
  let before = -1;
  while (before !== read) {
    before = read;
    await sleep(300);
  }
  t.true(read < 20, `${read} pieces were read while the host took none`);
  let taken = 0;
  channel?.on("data", (chunk: Buffer) => {
    taken += chunk.length;
  });
  channel?.on("end", () => execution && echo(execution));
  channel?.resume();
  t.is(await running, "x");
  t.is(taken, 60 * piece.length);
});

test("an input in pieces that fails ends the command, with its own error", async (t) => {
  let isEnded = false;
  const server = await serverFor(t, {
    execute: (execution) => {
      execution.channel.resume();
      execution.channel.on("end", () => {
        isEnded = true;
        echo(execution);
      });
    },
  });
  async function* input() {
    yield Buffer.from("one");
    throw new Error("the file is gone");
  }
  const running = sessionFor(t, server).run(command("x", { input: input() }));
  await t.throwsAsync(running, { message: "the file is gone" });
  t.true(isEnded);
  t.deepEqual(server.commands[0]?.signals, ["TERM"]);
});

test("another user than root goes through sudo", async (t) => {
  const server = await serverFor(t, { execute: echo, user: "admin" });
  t.is(await sessionFor(t, server).run(command("id")), "id");
  t.regex(
    server.commands[0]?.commandLine ?? "",
    /^echo ([0-9a-f]{24}) login; exec sudo -n -- perl -e '[^']+' \d+ \1$/,
  );
});

test("lines of progress are told as they come, and are no part of the answer", async (t) => {
  const stdout = "first\n@progress half way\nlast\n";
  const server = await serverFor(t, { execute: answering(() => ({ stdout })) });
  const told: string[] = [];
  const onProgress = (message: string) => told.push(message);
  t.is(await sessionFor(t, server).run(command("x", { onProgress })), "first\nlast\n");
  t.deepEqual(told, ["half way"]);
});

const failures: { name: string; answer: Answer; secrets?: string[]; message: string }[] = [
  {
    name: "its exit status and what it said",
    answer: { status: 3, stdout: "output\n", stderr: "it broke\nbadly\n" },
    message: "web-01: trying: exit 3\nit broke\nbadly",
  },
  {
    name: "its output where it said nothing else",
    answer: { status: 1, stdout: "output\n" },
    message: "web-01: trying: exit 1\noutput",
  },
  {
    name: "its exit status alone where it said nothing",
    answer: { status: 127 },
    message: "web-01: trying: exit 127",
  },
  {
    name: "the first line and the last ones",
    answer: { status: 1, stderr: Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join("") },
    message: `web-01: trying: exit 1\nline 0\n...\n${Array.from({ length: 18 }, (_, i) => `line ${i + 32}`).join("\n")}`,
  },
  {
    name: "no secret",
    answer: { status: 1, stderr: "refused: PASSWORD=hunter2-planted (hunter2-planted)\n" },
    secrets: ["PASSWORD=hunter2-planted\nUSER=app\n"],
    message: "web-01: trying: exit 1\nrefused: [secret] ([secret])",
  },
];

for (const { name, answer, secrets = [], message } of failures) {
  test(`a command that fails tells ${name}`, async (t) => {
    const server = await serverFor(t, { execute: answering(() => answer) });
    const session = sessionFor(t, server);
    const error = await t.throwsAsync(session.run(command("x", { secrets })), { message });
    t.true(error instanceof RemoteError);
    t.is(error instanceof RemoteError ? error.status : undefined, answer.status);
    t.false(JSON.stringify(error).includes("hunter2"));
  });
}

test("a command ended by a signal says which", async (t) => {
  const server = await serverFor(t, { execute: answering(() => ({ signal: 9 })) });
  await t.throwsAsync(sessionFor(t, server).run(command("x")), {
    instanceOf: RemoteError,
    message: "web-01: trying: ended by SIGKILL",
  });
});

test("a command that takes too long is asked to end, and the error says how long it had", async (t) => {
  const server = await serverFor(t, { execute: () => undefined });
  const session = new Session(server.host(), { farewellSeconds: 0.05 });
  t.teardown(() => session.close());
  await t.throwsAsync(session.run(command("x", { deadlineSeconds: 0.05 })), {
    instanceOf: DeadlineExceeded,
    message: "web-01: trying: not done within 0.05 seconds",
  });
  await until(() => server.commands[0]?.signals.includes("TERM") ?? false);
  t.deepEqual(server.commands[0]?.signals, ["TERM"]);
});

test("a connection that died between two commands is made anew, once", async (t) => {
  const server = await serverFor(t, { execute: echo });
  const session = sessionFor(t, server);
  await session.run(command("a"));
  server.dropConnections();
  t.is(await session.run(command("b")), "b");
  await until(() => server.openConnections === 1);
  server.dropConnections();
  await until(() => server.openConnections === 0);
  t.is(await session.run(command("c")), "c");
  t.is(server.connections, 3);
});

test("a connection lost under a command is an unreachable host, and the command is not run again", async (t) => {
  const server = await serverFor(t, { execute: () => server.dropConnections() });
  await t.throwsAsync(sessionFor(t, server).run(command("x")), {
    instanceOf: HostUnreachable,
    message:
      "web-01: trying: the connection was lost before the answer; check that the machine is up",
  });
  t.is(server.roundTrips, 1);
});

test.serial("a connection lost under an input leaves nothing that waits", async (t) => {
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
  const server: SshServer = await serverFor(t, {
    execute: (one) => {
      if (server.roundTrips === 1) return echo(one);
      one.channel.pause();
    },
  });
  const session = sessionFor(t, server);
  await session.run(command("a"));
  const before = timers();
  let read = 0;
  async function* input() {
    for (;;) {
      read += 1;
      yield Buffer.alloc(500_000);
    }
  }
  const running = session.run(command("x", { input: input() }));
  await until(() => read > 1);
  server.dropConnections();
  await t.throwsAsync(running, { instanceOf: HostUnreachable });
  // The keepalive of the connection is gone, and nothing came in its place.
  t.is(timers(), before - 1);
});

test("a host that does not answer is unreachable: who, where, what to check", async (t) => {
  const server = await serverFor(t, {});
  // Nothing listens there; a port that was given back may be another test's soon.
  const host = server.host({ port: 1 });
  await t.throwsAsync(sessionFor(t, server, host).run(command("x")), {
    instanceOf: HostUnreachable,
    message:
      "web-01 (root@127.0.0.1:1): no answer over SSH: connect ECONNREFUSED 127.0.0.1:1; " +
      "check that the machine is up, that address and port are right, and that no firewall is in between",
  });
});

for (const welcome of ["full", "resets", "closes"] as const) {
  test(`a host that ${welcome === "full" ? "is full" : welcome} at first is dialled again`, async (t) => {
    const server = await serverFor(t, {
      execute: echo,
      welcome: (connection) => (connection <= 2 ? welcome : "serves"),
    });
    t.is(await sessionFor(t, server).run(command("x")), "x");
    t.is(server.connections, 3);
  });
}

test("a host that drops every connection is given up within the time that it may take", async (t) => {
  const server = await serverFor(t, { execute: echo, welcome: () => "full" });
  const session = new Session(server.host(), { connectSeconds: 0.5 });
  await t.throwsAsync(session.run(command("x")), {
    instanceOf: HostUnreachable,
    message: /^web-01 \(root@127\.0\.0\.1:\d+\): no answer over SSH.*: .*; check that/,
  });
  t.true(server.connections >= 1);
});

test("an sshd that restarts is waited for", async (t) => {
  const first = await serverFor(t, { execute: echo });
  const { port } = first;
  await first.stop();
  const session = sessionFor(t, first);
  const running = session.run(command("x"));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const again = await SshServer.start({ execute: echo, port });
  t.teardown(() => again.stop());
  t.is(await running, "x");
});

test("a host that lets nobody in is not asked twice", async (t) => {
  const server = await serverFor(t, { execute: echo });
  const stranger = server.host({ privateKey: newKeyPair().private });
  await t.throwsAsync(sessionFor(t, server, stranger).run(command("x")), {
    instanceOf: AccessDenied,
  });
  const other = server.host({ hostKey: newKeyPair().public });
  await t.throwsAsync(sessionFor(t, server, other).run(command("x")), {
    instanceOf: HostKeyMismatch,
  });
  t.is(server.connections, 2);
});

test("a user with a dot and an IPv6 address are reached, and told in brackets", async (t) => {
  const server = await serverFor(t, { execute: echo, user: "jane.doe", address: "::1" });
  const host = server.host();
  t.is(await sessionFor(t, server, host).run(command("x")), "x");
  await server.stop();
  const session = new Session(host, { refusedSeconds: 0 });
  await t.throwsAsync(session.run(command("x")), {
    message: /^web-01 \(jane\.doe@\[::1\]:\d+\): no answer over SSH/,
  });
});

test("a host that takes the connection and says nothing is given up after a while", async (t) => {
  // ssh2 by itself would wait for 20 seconds.
  t.timeout(15_000);
  const server = await serverFor(t, { isSilent: true });
  const session = new Session(server.host(), { connectSeconds: 0.2 });
  await t.throwsAsync(session.run(command("x")), {
    instanceOf: HostUnreachable,
    message: /^web-01 \(root@127\.0\.0\.1:\d+\): no answer over SSH within 0\.2 seconds: .*; check/,
  });
});

test("another host key than the pinned one ends it before anything is sent", async (t) => {
  const server = await serverFor(t, { execute: echo, key: newKeyPair() });
  const host = server.host({ hostKey: newKeyPair().public });
  await t.throwsAsync(sessionFor(t, server, host).run(command("x")), {
    instanceOf: HostKeyMismatch,
    message:
      /^web-01 \(root@127\.0\.0\.1:\d+\): the host key is not the pinned one: expected SHA256:[\w+/]{43}, got SHA256:[\w+/]{43}; if the machine was installed anew, set its hostKey/,
  });
  t.is(server.roundTrips, 0);
});

test("a pinned key of a type that the host does not have is told as such", async (t) => {
  const server = await serverFor(t, { execute: echo });
  const host = server.host({ hostKey: "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=" });
  await t.throwsAsync(sessionFor(t, server, host).run(command("x")), {
    instanceOf: HostKeyMismatch,
    message:
      /: no handshake with a ecdsa-sha2-nistp256 key, which is the type of the pinned one: .*; set its hostKey/,
  });
});

test("a client key that the host does not know is told, and what to check", async (t) => {
  const server = await serverFor(t, { execute: echo });
  const host = server.host({ privateKey: newKeyPair().private });
  const error = await t.throwsAsync(sessionFor(t, server, host).run(command("x")), {
    instanceOf: AccessDenied,
    message:
      /^web-01 \(root@.*\): not let in: .*; check the user, and that its authorized_keys holds/,
  });
  t.false(error?.message.includes(host.privateKey));
});

test("a private key that is none is told without showing it", async (t) => {
  const server = await serverFor(t, { execute: echo });
  const privateKey =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nplanted\n-----END OPENSSH PRIVATE KEY-----\n";
  const error = await t.throwsAsync(
    sessionFor(t, server, server.host({ privateKey })).run(command("x")),
    { instanceOf: AccessDenied, message: /^web-01 .*: not let in: / },
  );
  t.false(error?.message.includes("planted"));
});

test("a user that may not become root is told how to allow it", async (t) => {
  const server = await serverFor(t, { user: "admin", execute: refusingSudo("") });
  await t.throwsAsync(sessionFor(t, server).run(command("x")), {
    instanceOf: AccessDenied,
    message:
      "web-01: admin may not use sudo without a password: sudo: a password is required; " +
      'add a line "admin ALL=(ALL) NOPASSWD: ALL" with visudo',
  });
});

test("closing asks a running command to end, waits for it, and lets go of the connection", async (t) => {
  const server = await serverFor(t, {
    execute: (execution) =>
      execution.onSignal(() =>
        answering(() => ({ stderr: "interrupted\n", status: 1 }))(execution),
      ),
  });
  const session = sessionFor(t, server);
  const running = t.throwsAsync(session.run(command("x")), {
    message: "web-01: trying: exit 1\ninterrupted",
  });
  await until(() => server.roundTrips === 1);
  await session.close();
  await running;
  await until(() => server.openConnections === 0);
  // The end of the connection may be heard of before that of the channel.
  t.is(server.commands[0]?.signals[0], "TERM");
});

test("a closed session stays closed", async (t) => {
  const server = await serverFor(t, { execute: echo });
  const session = sessionFor(t, server);
  await session.close();
  await t.throwsAsync(session.run(command("x")), { message: "web-01: canceled" });
  t.is(server.connections, 0);
});

/** A sudo that wants a password, after a login that prints something of its own. */
function refusingSudo(greeting: string) {
  return ({ mark, channel }: Execution): void => {
    channel.write(`${greeting}${mark} login\n`);
    channel.stderr.write("sudo: a password is required\n");
    channel.exit(1);
    channel.end();
  };
}

/** What another end has yet to hear of. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
