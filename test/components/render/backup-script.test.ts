/** What the script of a machine does, with stand-ins for restic and MySQL that write down how they were called. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { backupFiles } from "../../../components/render/backup";
import { renderBackupScript } from "../../../components/render/backup-script";

/** The script in a folder of its own: no path of it leads to the machine's. */
function makeMachine(t: ExecutionContext, stubs: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "trilithon-backup-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  const put = (path: string, content: string, mode = 0o644) => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
  };
  const log = `echo "$(basename "$0") $*" >>${root}/calls`;
  for (const [name, lines] of Object.entries(stubs)) {
    put(`bin/${name}`, `#!/bin/sh\n${log}\n${lines}\n`, 0o755);
  }
  const script = renderBackupScript({ name: "web-02", megabytesPerSecond: 10 }).replaceAll(
    /(?<!\w)\/(etc|var)\//g,
    `${root}/$1/`,
  );
  put("script", script, 0o755);
  put("data/binlog.000001", "closed");
  put("data/binlog.000002", "open, and more that is not whole");
  const place = (name: string, ...files: readonly string[]) => {
    for (const file of ["repository", "password", ...files]) {
      put(join(backupFiles.place(name, "repository"), "..", file).slice(1), `${name}\n`);
    }
  };
  const runWith = (input: string, ...words: readonly string[]) => {
    const env = { ...process.env, PATH: `${join(root, "bin")}:${process.env.PATH}`, ROOT: root };
    return spawnSync("sh", [join(root, "script"), ...words], { encoding: "utf8", env, input });
  };
  const run = (...words: readonly string[]) => runWith("", ...words);
  const calls = () => {
    const file = join(root, "calls");
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    return lines.map((line) => line.replaceAll(root, ""));
  };
  return { root, put, place, run, runWith, calls };
}

const inPlace = (lines: string) => `at=$(cat "$RESTIC_REPOSITORY_FILE"); ${lines}`;

test("a place that fails keeps none of the others from their copy, and is told", (t) => {
  const restic = inPlace('echo "to $at" >>"$ROOT/calls"; [ "$at" != one ]');
  const { root, place, put, run, calls } = makeMachine(t, { restic });
  place("one");
  place("two");
  put("etc/trilithon/backup/folders", `/nowhere\n${root}/kept\n`);
  t.is(run("folders").status, 0, "no folder is there yet");
  t.deepEqual(calls(), []);
  put("kept/picture", "a picture");
  const { status, stderr } = run("folders");
  t.is(status, 1);
  t.is(stderr, "web-02: no copy in: one\n");
  const words =
    "backup --quiet --host web-02 --tag folders --group-by host,tags --retry-lock 5m --limit-upload 9766 --read-concurrency 1";
  t.deepEqual(calls(), [
    ...[`restic ${words} /kept`, "to one"],
    ...[`restic ${words} /kept`, "to two"],
  ]);
});

test("one of the stack's places where nobody answers is told at once, and restic does not wait for it", async (t) => {
  const { root, place, put, run, calls } = makeMachine(t, { restic: "" });
  put("script", readFileSync(join(root, "script"), "utf8").replace("time + 15", "time"));
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  put("etc/trilithon/backup/folders", `${root}/kept\n`);
  put("kept/picture", "a picture");
  for (const [name, at] of [
    ["gone", 1],
    ["there", port],
  ] as const) {
    place(name);
    const repository = backupFiles.place(name, "repository").slice(1);
    put(repository, `rest:https://web-02:secret@127.0.0.1:${at}/web-02/`);
  }
  const { status, stderr } = run("folders");
  t.is(status, 1);
  t.is(stderr, "gone: nobody answers\nweb-02: no copy in: gone\n");
  t.is(calls().length, 1);
});

test("a database that cannot be copied keeps no folder from its copy", (t) => {
  const { root, place, put, run, calls } = makeMachine(t, { restic: "" });
  place("one");
  put("etc/trilithon/backup/members", "");
  put("etc/trilithon/backup/folders", `${root}/kept\n`);
  put("kept/picture", "a picture");
  const { status, stderr } = run("each", "full", "folders");
  t.is(status, 1);
  t.regex(stderr, /no member says that it is a replica or the primary/);
  t.is(calls().length, 1);
  t.regex(calls()[0] ?? "", /^restic backup .* --tag folders /);
});

for (const [status, said, made] of [
  [10, "Fatal: repository does not exist", true],
  [12, "Fatal: wrong password or no key found", false],
  [1, "Fatal: unable to open repository", false],
] as const) {
  test(`a repository elsewhere is ${made ? "made" : "left"} where restic says ${status}`, (t) => {
    const restic = `if [ "$1" = cat ]; then echo "${said}" >&2; exit ${status}; fi`;
    const { place, put, run, calls } = makeMachine(t, { restic });
    place("other_repository", "makes-repository");
    put("etc/trilithon/backup/folders", "");
    const ended = run("folders");
    t.is(calls().includes("restic init --quiet"), made);
    t.is(ended.status, made ? 0 : 1, ended.stderr);
    if (!made) t.regex(ended.stderr, new RegExp(said));
  });
}

test("a repository that comes later is made, and one that cannot be made keeps no other place from its copy", (t) => {
  const restic = inPlace(`case "$1 $at" in
  "cat three") echo "Fatal: unable to open repository" >&2; exit 1 ;;
  "cat "*) exit 10 ;;
  *) echo "$1 to $at" >>"$ROOT/calls" ;;
esac`);
  const { root, place, put, run, calls } = makeMachine(t, { restic });
  const stored = () => calls().filter((line) => !line.startsWith("restic"));
  put("etc/trilithon/backup/folders", `${root}/kept\n`);
  put("kept/picture", "a picture");
  place("one", "makes-repository");
  t.is(run("folders").status, 0);
  place("two", "makes-repository");
  place("three", "makes-repository");
  const { status, stderr } = run("folders");
  t.is(status, 1);
  t.regex(stderr, /unable to open repository/);
  t.deepEqual(stored(), [
    ...["init to one", "backup to one"],
    ...["init to two", "backup to one", "backup to three", "backup to two"],
  ]);
  put(backupFiles.place("one", "repository").slice(1), "elsewhere\n");
  run("folders");
  t.true(stored().includes("init to elsewhere"), "another repository under the same name");
});

test("the state of the stack is stored as it came, and an empty one is refused", (t) => {
  const restic = `for file in "$@"; do :; done; echo "stored $(cat "$file")" >>"$ROOT/calls"`;
  const { place, run, runWith, calls } = makeMachine(t, { restic });
  place("one");
  t.is(run("state").status, 1);
  t.deepEqual(calls(), []);
  t.is(runWith("{}", "state").status, 0);
  t.true(calls().includes("stored {}"));
});

test("restic is run by hand with the keys of one place", (t) => {
  const { place, run, calls } = makeMachine(t, {
    restic: inPlace('echo "to $at" >>"$ROOT/calls"'),
  });
  place("one");
  place("two");
  t.is(run("restic", "two", "restore", "latest", "--target", "/a b").status, 0);
  t.deepEqual(calls(), ["restic restore latest --target /a b", "to two"]);
  const { status, stderr } = run("restic", "three", "snapshots");
  t.is(status, 1);
  t.is(stderr, "expected a place (one two ), and what restic is to do\n");
});

const mysql = `case "$*" in
  *'SHOW BINARY LOG STATUS'*) printf '%s\\t' binlog.000002 4 '' '' 'uuid:1-5,\\nother:1-3' ;;
  *'SHOW BINARY LOGS'*) printf 'binlog.000001\\t6\\tNo\\nbinlog.000002\\t32\\tNo\\nbinlog.000003\\t4\\tNo\\n' ;;
  *log_bin_basename*) echo "$ROOT/data/binlog" ;;
  *GTID_SUBSET*) echo 1 ;;
  *GLOBAL.gtid_purged*) echo uuid:1-2 ;;
  *GLOBAL.gtid_executed*) echo uuid:1-5 ;;
  *LAST_HEARTBEAT*) echo 1764486429 ;;
  *WAIT_FOR_EXECUTED*) echo "\${BEHIND:-0}" ;;
esac`;
/** As the machine writes it down after a full copy. */
const copiedTo = (root: string, ...names: readonly string[]) =>
  spawnSync(
    "sh",
    ["-c", 'for name in "$@"; do echo "$name $(sha256sum <"$0/$name/repository")"; done'].concat(
      [join(root, "etc/trilithon/backup/places")],
      names,
    ),
    { encoding: "utf8" },
  ).stdout;
/** Who is the source is asked by Perl. */
const perl = (role: string) =>
  `case "$*" in *" 10.0.0.22 /${role}" | */repository) exit 0 ;; esac; exit 1`;
const restic = `while [ $# -gt 0 ]; do
  if [ "$1" = --files-from-verbatim ]; then
    for file in $(cat "$2"); do echo "stored $file: $(cat "$file")" >>"$ROOT/calls"; done
  fi
  shift
done`;

test("of the open log what is before its end is stored, and none that was begun later", (t) => {
  const { root, place, put, run, calls } = makeMachine(t, {
    ...{ mysql, restic, perl: perl("replica"), systemctl: "" },
  });
  place("one");
  put("etc/trilithon/backup/members", "web-01 10.0.0.21\nweb-02 10.0.0.22\n");
  put("var/lib/trilithon/backup/copied", "uuid:1-5\n");
  put("var/lib/trilithon/backup/copied-to", copiedTo(root, "one"));
  const first = run("logs");
  t.is(first.status, 0, first.stderr);
  const stored = () => calls().filter((line) => line.startsWith("stored"));
  t.deepEqual(stored(), [
    "stored /data/binlog.000001: closed",
    "stored /var/lib/trilithon/backup/open/binlog.000002: open",
    "stored /var/lib/trilithon/backup/gtid-purged: uuid:1-2",
  ]);
  t.true(calls().some((line) => line.includes(" --time 2025-11-30 07:07:09 --files-from")));
  const metrics = join(root, backupFiles.metrics, "trilithon-backup-logs.prom");
  t.regex(readFileSync(metrics, "utf8"), /\{what="logs"\} 1764486429$/m);
  t.false(calls().some((line) => line.startsWith("systemctl")));
  t.is(run("logs").status, 0);
  t.is(stored().length, 3, "nothing was written since");
  t.is(readFileSync(join(root, backupFiles.gtidStored), "utf8"), "uuid:1-5\n");
});

test("logs of a member that has not applied what it was sent are none", (t) => {
  const stubs = { mysql: `BEHIND=1\n${mysql}`, restic, perl: perl("replica"), systemctl: "" };
  const { place, put, run, calls } = makeMachine(t, stubs);
  place("one");
  put("etc/trilithon/backup/members", "web-02 10.0.0.22\n");
  const { status, stderr } = run("logs");
  t.is(status, 1);
  t.regex(stderr, /what this member was sent is not applied within 30 s/);
  t.false(calls().some((line) => line.startsWith("stored")));
});

test("where the logs do not join on to a copy, one is made", (t) => {
  const stubs = { mysql, restic, perl: perl("primary"), systemctl: "" };
  const { place, put, run, calls } = makeMachine(t, stubs);
  place("one");
  put("etc/trilithon/backup/members", "web-01 10.0.0.21\nweb-02 10.0.0.22\n");
  t.is(run("logs").status, 0);
  t.true(calls().includes("systemctl start --no-block trilithon-backup.service"));
});

test("where a place is another one than the copy went to, one is made", (t) => {
  const stubs = { mysql, restic, perl: perl("primary"), systemctl: "" };
  const { root, place, put, run, calls } = makeMachine(t, stubs);
  place("one");
  put("etc/trilithon/backup/members", "web-02 10.0.0.22\n");
  put("var/lib/trilithon/backup/copied", "uuid:1-5\n");
  put("var/lib/trilithon/backup/copied-to", copiedTo(root, "one"));
  const copies = () => calls().filter((line) => line.startsWith("systemctl start")).length;
  t.is(run("logs").status, 0);
  t.is(copies(), 0);
  place("two");
  t.is(run("logs").status, 0);
  t.is(copies(), 1);
});

test("a full copy tells of tables that are not in it, and is none that went well then", (t) => {
  const stubs = {
    mysql: `case "$*" in
  *@@datadir*) echo "$ROOT/data" ;;
  *"ENGINE <>"*) [ ! -e "$ROOT/other" ] || echo shop.log ;;
  *CLONE*) mkdir "$ROOT/var/lib/mysql-files/trilithon-backup" ;;
  *gtid_executed*) echo uuid:1-5 ;;
esac`,
    ...{ restic: "", install: "", perl: perl("replica") },
  };
  const { root, place, put, run, calls } = makeMachine(t, stubs);
  place("one");
  put("etc/trilithon/backup/members", "web-02 10.0.0.22\n");
  put("var/lib/mysql-files/.keep", "");
  const metrics = join(root, backupFiles.metrics, "trilithon-backup-full.prom");
  put("other", "");
  const { status, stderr } = run("full");
  t.is(status, 1);
  t.regex(stderr, /these are not in the copy: shop\.log: ALTER TABLE/);
  t.true(calls().some((line) => line.startsWith("restic backup")));
  t.false(existsSync(metrics));
  rmSync(join(root, "other"));
  t.is(run("full").status, 0);
  t.true(existsSync(metrics));
});

test("a member that is not the source stores nothing, and it is told where nobody is", (t) => {
  const { place, put, run, calls } = makeMachine(t, { mysql, restic, perl: perl("replica") });
  place("one");
  put("etc/trilithon/backup/members", "web-03 10.0.0.22\nweb-02 10.0.0.21\n");
  t.is(run("logs").status, 0);
  t.is(run("is-source").status, 1);
  t.false(calls().some((line) => /^(restic|mysql)/.test(line)));
  put("etc/trilithon/backup/members", "web-02 10.0.0.21\n");
  const { status, stderr } = run("logs");
  t.is(status, 3);
  t.regex(stderr, /no member says that it is a replica or the primary/);
});
