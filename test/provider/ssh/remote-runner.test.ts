/** The runner on a host, under a real Perl and a real sh. */

import type { ExecutionContext } from "ava";
import {
  AccessDenied,
  DeadlineExceeded,
  ReadTimedOut,
  RemoteError,
} from "../../../provider/errors";
import { Pool } from "../../../provider/ssh/pool";
import type { SessionOptions } from "../../../provider/ssh/session";
import { isGone } from "../../support/is-gone";
import { onLinux } from "../../support/on-linux";
import { Sandbox } from "../../support/sandbox";
import { SshServer, type SshServerOptions } from "../../support/ssh-server";

interface Machine {
  readonly sandbox: Sandbox;
  readonly server: SshServer;
  readonly pool: Pool;
  ask(script: string, secrets?: readonly string[]): Promise<string>;
}

async function machine(
  t: ExecutionContext,
  options: SessionOptions & Pick<SshServerOptions, "user"> = {},
): Promise<Machine> {
  const { user = "root", ...session } = options;
  const sandbox = await Sandbox.make();
  const server = await SshServer.start({ execute: sandbox.execute, user });
  const pool = new Pool({ connectSeconds: 60, ...session });
  t.teardown(async () => {
    await pool.close();
    sandbox.kill();
    await server.stop();
    await sandbox.remove();
  });
  const ask = (script: string, secrets: readonly string[] = []) =>
    pool.ask(server.host(), { script, doing: `reading ${script.slice(0, 5)}`, secrets });
  return { sandbox, server, pool, ask };
}

/** A stub answers whole numbers at once. */
const longSleep = "sleep 100.5";

const noisyLogins: readonly [name: string, login: string][] = [
  ["a greeting", "echo Welcome"],
  [
    "a greeting without an end of line, and a complaint",
    "printf 'Hi '; echo 'setlocale: LC_ALL' >&2",
  ],
  [
    "what looks like progress, a status or an end",
    "echo '@progress x'; echo 'exit 0 1 0 0'; echo end",
  ],
  ["a long text", "seq 1 20000; seq 1 20000 >&2"],
  ["bytes that are no text", "printf '\\377\\376\\0\\n'"],
  ["something in the background all the time", "(for i in $(seq 500); do echo noise; done) & "],
  [
    "something after the command",
    "{ while kill -0 $$; do sleep 0.01; done; echo bye; echo bye >&2; } 2>/dev/null </dev/null &",
  ],
];

for (const [name, login] of noisyLogins) {
  for (const user of ["root", "admin"]) {
    onLinux(`a login of ${user} that prints ${name} changes no answer`, async (t) => {
      const { sandbox, server, pool, ask } = await machine(t, { user });
      sandbox.login = login;
      const answers = [
        ask("echo one"),
        ask("printf 'two\\n\\n'; echo well >&2"),
        ask("seq 1 9999"),
      ];
      t.deepEqual(await Promise.all(answers), ["one\n", "two\n\n", seq(9999)]);
      await t.throwsAsync(ask("echo 'own words' >&2; exit 3"), {
        instanceOf: RemoteError,
        message: "web-01: reading echo : exit 3\nown words",
      });
      const told: string[] = [];
      const script = "echo '@progress half'; cat; echo done";
      const onProgress = (message: string) => told.push(message);
      const input = Buffer.from("input\n");
      const command = { script, doing: "trying", input, onProgress };
      t.is(await pool.run(server.host(), command), "input\ndone\n");
      t.deepEqual(told, ["half"]);
    });
  }
}

onLinux("a read that hangs costs only itself", async (t) => {
  const { ask } = await machine(t, { readSeconds: 1 });
  const [first, stopped, asleep, busy, last] = await Promise.allSettled([
    ask("echo first"),
    ask("sh -c 'kill -STOP $$'; echo woken"),
    ask(`echo half; ${longSleep}; echo done`),
    ask("trap '' TERM INT HUP; while :; do :; done"),
    ask("echo last"),
  ]);
  t.deepEqual(first, { status: "fulfilled", value: "first\n" });
  t.deepEqual(last, { status: "fulfilled", value: "last\n" });
  for (const hung of [stopped, asleep, busy]) {
    t.true(hung.status === "rejected" && hung.reason instanceof ReadTimedOut);
  }
  t.is(
    stopped.status === "rejected" && String(stopped.reason),
    "Error: web-01: reading sh -c: no answer within 1 seconds, while the host answers otherwise; " +
      "look for a daemon that hangs or a disk that is stuck",
  );
});

onLinux("while one read takes its time the next ones begin", async (t) => {
  const { sandbox, ask } = await machine(t, { readSeconds: 20 });
  const flag = sandbox.path("/flag");
  const slow = ask(`until [ -e ${flag} ]; do sleep 0.05; done; echo seen`);
  t.deepEqual(await Promise.all([slow, ask(`: >${flag}; echo made`)]), ["seen\n", "made\n"]);
});

onLinux(
  "what a hung read had started is gone after it, and more than eight can hang",
  async (t) => {
    const { sandbox, server, ask } = await machine(t, { readSeconds: 1 });
    const hung = Array.from({ length: 10 }, () =>
      ask(`echo $$ >>${sandbox.path("/pids")}; ${longSleep}`),
    );
    const answers = await Promise.allSettled([...hung, ask("echo last")]);
    t.deepEqual(answers.at(-1), { status: "fulfilled", value: "last\n" });
    t.true(answers.slice(0, -1).every(({ status }) => status === "rejected"));
    t.is(server.roundTrips, 1);
    const pids = (await sandbox.read("/pids")).trim().split("\n").map(Number);
    t.is(pids.length, 10);
    for (const pid of pids) t.true(isGone(pid));
  },
);

onLinux("what a script leaves running holds nothing up, and is not killed", async (t) => {
  const { sandbox, server, pool, ask } = await machine(t);
  const script = `{ ${longSleep}; } & echo $! >${sandbox.path("/pid")}; echo done`;
  t.is(await ask(script), "done\n");
  t.is(await pool.run(server.host(), { script, doing: "trying" }), "done\n");
  process.kill(Number(await sandbox.read("/pid")), 0);
  t.pass();
});

onLinux(
  "large answers and large scripts arrive whole, also those that are read by nobody",
  async (t) => {
    const { server, pool, ask } = await machine(t);
    const text = "x".repeat(300_000);
    const [large, long, unread] = await Promise.all([
      ask("head -c 1000000 /dev/zero | tr '\\0' y; head -c 500000 /dev/zero >&2"),
      ask(`cat <<'E'\n${text}\nE`),
      ask(`echo early; exit 0\n# ${text}`),
    ]);
    t.is(large, "y".repeat(1_000_000));
    t.is(long, `${text}\n`);
    t.is(unread, "early\n");
    const input = Buffer.alloc(2_000_000, "z");
    t.is(await pool.run(server.host(), { script: "wc -c", doing: "trying", input }), "2000000\n");
    t.is(
      await pool.run(server.host(), { script: "echo unread", doing: "trying", input }),
      "unread\n",
    );
  },
);

onLinux("a NUL, a missing end of line and text of any language pass as they are", async (t) => {
  const { ask } = await machine(t);
  t.is(await ask("printf 'a\\0b'"), "a\0b");
  t.is(await ask("printf 'ünïcödé ✓ 🦀'"), "ünïcödé ✓ 🦀");
  t.is(await ask("printf '\\n\\n'"), "\n\n");
  t.is(await ask("exec >&-; exec 2>&-; :"), "");
});

onLinux("a script ended by a signal says which", async (t) => {
  const { server, pool, ask } = await machine(t);
  const message = "web-01: trying: ended by SIGKILL\nlast words";
  const script = "echo 'last words' >&2; kill -KILL $$";
  await t.throwsAsync(pool.run(server.host(), { script, doing: "trying" }), { message });
  await t.throwsAsync(ask(script), {
    message: "web-01: reading echo : ended by SIGKILL\nlast words",
  });
});

onLinux("signals and the environment are as in any shell", async (t) => {
  const { server, pool, ask } = await machine(t);
  // Nothing is ignored that a script does not ignore itself.
  const ignored = await ask("grep SigIgn /proc/self/status");
  t.regex(ignored, /^SigIgn:\s+0+\n$/);
  t.is(await ask("readlink /proc/self/fd/0"), "/dev/null\n");
  t.is(await ask("echo $LC_ALL; cat; ls /proc/self/fd | grep -c '^[3-9]$'"), "C\n1\n");
  t.regex(
    await pool.run(server.host(), { script: "grep SigIgn /proc/self/status", doing: "trying" }),
    /^SigIgn:\s+0+\n$/,
  );
});

onLinux("a command past its deadline is asked to end, and what it then said is told", async (t) => {
  const { server, pool } = await machine(t);
  const script = `trap 'echo "all is put back" >&2; exit 1' TERM; ${longSleep} & wait`;
  const command = {
    script,
    doing: "trying",
    deadlineSeconds: 4,
    deadlineSetting: "ready.deadlineSeconds",
  };
  await t.throwsAsync(pool.run(server.host(), command), {
    instanceOf: DeadlineExceeded,
    message:
      "web-01: trying: not done within 4 seconds; where it needs longer, raise ready.deadlineSeconds\nall is put back",
  });
});

onLinux("a login that reads standard input runs nothing, and is told", async (t) => {
  const { sandbox, server, pool } = await machine(t);
  for (const login of ["head -c 1 >/dev/null", "head -n 3 >/dev/null", "cat >/dev/null"]) {
    sandbox.login = login;
    const command = { script: `touch ${sandbox.path("/touched")}`, doing: "trying" };
    await t.throwsAsync(pool.run(server.host(), command), {
      instanceOf: AccessDenied,
      message: /^web-01: the login of root ran no command \(exit 255\).*standard input/,
    });
  }
  t.false(await sandbox.exists("/touched"));
});

onLinux("a login shell that ends by itself is told with what it said", async (t) => {
  const { sandbox, ask } = await machine(t);
  sandbox.login = "echo 'This account is currently not available.'; exit 1";
  await t.throwsAsync(ask("echo"), {
    instanceOf: AccessDenied,
    message: /^web-01: the login of root ran no command \(exit 1\): This account is currently/,
  });
});

onLinux("a sudo that complains but works is not taken for one that refuses", async (t) => {
  const { sandbox, ask } = await machine(t, { user: "admin" });
  await sandbox.write(
    "state/sudo-says",
    "sudo: unable to resolve host web-01: Name or service not known\n",
  );
  t.is(await ask("echo fine"), "fine\n");
  await t.throwsAsync(ask("echo 'the check failed' >&2; exit 1"), {
    instanceOf: RemoteError,
    message: "web-01: reading echo : exit 1\nthe check failed",
  });
  await t.throwsAsync(ask("exit 1"), { message: "web-01: reading exit : exit 1" });
  await sandbox.write("state/no-sudo", "");
  await t.throwsAsync(ask("echo"), {
    instanceOf: AccessDenied,
    message:
      /^web-01: admin may not use sudo without a password: .*\nsudo: a password is required; add/s,
  });
});

function seq(last: number): string {
  return Array.from({ length: last }, (_, i) => `${i + 1}\n`).join("");
}
