import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { startLiveCommand } from "../../../provider/ssh/live-command";
import { UsageError } from "../../../scripts/command-line";
import { type Client, chooseMember, mysqlClient } from "../../../scripts/operate/database";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import type { MemberState } from "../../../scripts/verify/mysql";
import { onLinux } from "../../support/on-linux";
import { startSandboxHost } from "../../support/sandbox-host";
import { sampleOutput } from "../verify/sample";

const { hosts } = parseEndpoints(sampleOutput);

function member(name: string, role: "primary" | "replica" | "parted"): MemberState {
  const host = hosts.find((one) => one.name === name);
  if (host === undefined) throw new Error(name);
  const socket = "/run/mysqld/mysqld.sock";
  const isPrimary = role === "primary";
  return { host, isPrimary, isClosed: !isPrimary, isFollowing: role === "replica", socket };
}

const well = [member("web-01", "primary"), member("web-02", "replica")];
const handedOver = [member("web-01", "replica"), member("web-02", "primary")];

const chosen: [
  title: string,
  members: readonly MemberState[],
  wish: { writes?: boolean; host?: string },
  name: string,
][] = [
  ["reads on the replica", well, {}, "web-02"],
  ["writes on the primary", well, { writes: true }, "web-01"],
  ["reads on whoever is the replica now", handedOver, {}, "web-01"],
  ["writes on whoever is the primary now", handedOver, { writes: true }, "web-02"],
  ["reads on the one that is named", well, { host: "web-02" }, "web-02"],
  ["writes on the one that is named", well, { writes: true, host: "web-01" }, "web-01"],
];

for (const [title, members, { writes = false, host }, name] of chosen) {
  test(`the client ${title}`, (t) => {
    const { member, warning } = chooseMember(members, { writes, host });
    t.is(member.host.name, name);
    t.is(warning, undefined);
  });
}

test("a replica that has lost its primary is read on where there is no other, with a warning", (t) => {
  const parted = member("web-01", "parted");
  const choose = (...members: MemberState[]) =>
    chooseMember(members, { writes: false, host: undefined });
  t.is(choose(parted, member("web-02", "replica")).member.host.name, "web-02");
  t.deepEqual(choose(parted), {
    member: parted,
    warning: "web-01: it receives nothing at the moment: what it shows may be old",
  });
});

test("the primary is read on when it is named, with a warning", (t) => {
  const { member: chosen, warning } = chooseMember(well, { writes: false, host: "web-01" });
  t.is(chosen.host.name, "web-01");
  t.is(warning, "web-01: it takes writes: only this session's transaction_read_only refuses them");
});

test("what cannot be done is refused, with the way out", (t) => {
  const wants = (members: readonly MemberState[], writes: boolean, host?: string) => () =>
    chooseMember(members, { writes, host });
  t.throws(wants(well, true, "web-02"), {
    instanceOf: UsageError,
    message: "web-02: it is not the primary: web-01 is",
  });
  t.throws(wants([member("web-01", "primary")], false), {
    message:
      "no replica answers: --host web-01 reads on the primary, where only the session is read-only; npm run verify tells what is wrong with the others",
  });
  t.throws(wants([], false), {
    message: "no replica answers; npm run verify tells what is wrong with the others",
  });
  t.throws(wants([], false, "web-02"), { message: /^no replica answers/ });
  t.throws(wants([member("web-02", "replica")], true), {
    message: "no member takes writes: npm run verify tells more",
  });
  const two = [member("web-01", "primary"), member("web-02", "primary")];
  t.throws(wants(two, true), {
    message: "web-01 and web-02 take writes: npm run verify tells more",
  });
});

const account = { user: "shop", password: `p"a\\s's#%$ ;`, database: "shop" };

/** What the client was given. */
async function run(t: ExecutionContext, more: Partial<Client>, input = "") {
  const { sandbox, server } = await startSandboxHost(t);
  const stub = `#!/bin/sh
PATH=$REAL_PATH
file=\${1#--defaults-file=}
printf '%s\\n' "$(readlink "$file")" "$(stat -Lc %a "$file")" "$MYSQL_HISTFILE" "$*" --
cat "$file"; echo --; cat
exit 4
`;
  await sandbox.write("bin/mysql", stub);
  await sandbox.chmod("bin/mysql", 0o755);
  const [, , host] = hosts;
  if (host === undefined) throw new Error("no host");
  const settled = { socket: "/run/mysqld/mysqld.sock", writes: false, drawsTables: false };
  const client = mysqlClient({ ...account, host, ...settled, ...more });
  const live = await startLiveCommand(server.host(), client, { connectSeconds: 60 });
  live.stdin.end(input);
  const [head = "", options = "", typed = ""] = (await text(live.stdout)).split(/^--\n/m);
  t.deepEqual(await live.end, { ended: "by itself", status: 4 });
  const [path = "", mode = "", history = "", args = ""] = head.split("\n");
  const sent = server.commands.map(({ commandLine }) => commandLine).join();
  return { path, mode, history, args, options, typed, sent };
}

onLinux("the account is in a file that has no name, and that root alone may read", async (t) => {
  const seen = await run(t, {}, "SELECT 1;");
  t.regex(seen.path, /^\/run\/trilithon-db-\d+-\d+ \(deleted\)$/);
  t.is(seen.mode, "600");
  t.is(seen.history, "/dev/null");
  t.regex(seen.args, /^--defaults-file=\/dev\/fd\/\d+$/);
  t.is(
    seen.options,
    `[client]
user="shop"
password="p\\"a\\\\s's#%$ ;"
socket="/run/mysqld/mysqld.sock"
protocol="socket"
default-character-set="utf8mb4"
[mysql]
database="shop"
prompt="web-02 (reads) \\\\d> "
init-command="SET SESSION transaction_read_only = ON"
`,
  );
  t.is(seen.typed, "SELECT 1;");
  t.false(seen.sent.includes(Buffer.from(account.password).toString("hex")));
});

onLinux(
  "with --write nothing is said of reading, and statements are the client's input",
  async (t) => {
    const sql = "SELECT 'é',\n'\"$x'; -- done";
    const seen = await run(t, { writes: true, sql, drawsTables: true }, "not read");
    t.false(seen.options.includes("read_only"));
    t.regex(seen.options, /^prompt="web-02 \(writes\) \\\\d> "$/m);
    t.is(seen.typed, sql);
    t.regex(seen.args, /^--defaults-file=\S+ --table$/);
  },
);
