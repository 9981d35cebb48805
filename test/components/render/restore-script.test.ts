/** What the script that restores takes for whole, with stand-ins for restic, systemd and MySQL: each that fails ends it. */
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
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { backupFiles } from "../../../components/render/backup";
import { renderRestoreScript, restore as scratch } from "../../../components/render/restore";

const snapshots = (time: string, id: string) =>
  `[{"time":"${time}","tree":"00","paths":["/a"],"hostname":"web-02","tags":["x"],"id":"${id}00","short_id":"${id}"}]`;

const whole = {
  restic: `case "$1 $*" in
    snapshots*" --tag full") echo '${snapshots("2026-11-30T02:00:00.5Z", "aaaa")}' ;;
    snapshots*" --tag logs") echo '${snapshots("2026-11-30T08:00:00+01:00", "bbbb")}' ;;
    dump*) echo uuid:1-7 ;;
    restore*) while [ "$1" != --target ]; do shift; done && mkdir -p "$2$ROOT/var/lib/trilithon/backup" && echo a log >"$2/binlog.000001" && echo uuid:1-3 >"$2$ROOT/var/lib/trilithon/backup/gtid-purged" ;;
  esac`,
  mysql: `case "$*" in
    *"GTID_SUBSET('uuid:1-3', "*) echo 1 ;;
    *"SELECT GTID_SUBSET"*) [ "\${BROKEN:-}" = set ] && echo 0 || echo 1 ;;
    *gtid_executed*) echo uuid:1-9 ;;
    *"GTID_SUBTRACT('uuid:1-7', 'uuid:1-9')"*) [ "\${BROKEN:-}" != history ] || echo uuid:7 ;;
    *"--execute"*) ;;
    *) cat >/dev/null ;;
  esac`,
  mysqladmin: "",
  mysqlbinlog: "echo '# events'",
  "trilithon-binlog": `echo "replay $4 120"; echo "reaches uuid:1-9"; echo "until 1764486429000000"; echo "early 0"`,
  "systemd-run": "",
  systemctl: "",
  chown: "",
  install: "",
};

function run(
  t: ExecutionContext,
  broken: Readonly<Record<string, string>>,
  words: (root: string) => readonly string[],
) {
  const root = mkdtempSync(join(tmpdir(), "trilithon-restore-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  const put = (path: string, content: string) => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, 0o755);
  };
  for (const [name, lines] of Object.entries({ ...whole, ...broken })) {
    put(`bin/${name}`, `#!/bin/sh\n${lines}\n`);
  }
  for (const places of ["places", backupFiles.places.slice(1)]) {
    put(`${places}/web-02@lb-01/repository`, "rest:x");
    put(`${places}/web-02@lb-01/password`, "x");
  }
  put(backupFiles.gtidStored.slice(1), "uuid:1-9\n");
  const script = renderRestoreScript({ megabytesPerSecond: 10 })
    .replaceAll(/(?<!\w)\/(etc|var)\//g, `${root}/$1/`)
    .replaceAll("/usr/local/sbin/", `${root}/bin/`);
  put("script", script);
  const env = { ...process.env, PATH: `${join(root, "bin")}:${process.env.PATH}`, ROOT: root };
  const all = [join(root, "script"), ...words(root)];
  const { status, stdout, stderr } = spawnSync("sh", all, { encoding: "utf8", env });
  const metrics = Object.fromEntries(
    ["trilithon-restore-test", "trilithon-restore-test-tables"].map((name) => {
      const file = join(root, backupFiles.metrics, `${name}.prom`);
      return [name, existsSync(file) ? readFileSync(file, "utf8") : undefined];
    }),
  );
  const stays = existsSync(join(root, scratch.folder));
  return { status, stdout, stderr: stderr.replaceAll(root, "").trim(), metrics, stays };
}

function restore(
  t: ExecutionContext,
  target: string,
  broken: Readonly<Record<string, string>> = {},
  before = "",
) {
  return run(t, broken, (root) => ["scratch", target, join(root, "places"), before]);
}

const microseconds = (time: string) => `time:${Date.parse(time)}000`;

test("what is whole is told with its copy and its end", (t) => {
  for (const target of [
    "latest",
    microseconds("2026-11-30T06:59:50Z"),
    microseconds("2026-11-30T02:00:11Z"),
  ]) {
    const { status, stdout, stderr } = restore(t, target);
    t.is(status, 0, stderr);
    const lines = stdout.split("\n");
    t.is(lines[0], `copy ${Date.parse("2026-11-30T02:00:00.5Z")}000 web-02@lb-01 aaaa`);
    t.true(lines.includes("until 1764486429000000"));
    t.true(lines.includes("gtid uuid:1-9"));
  }
});

test("an older copy of another history is told", (t) => {
  const { status, stdout } = restore(t, "latest", { mysql: `BROKEN=history\n${whole.mysql}` });
  t.is(status, 0);
  const time = `${Date.parse("2026-11-30T02:00:00.5Z")}000`;
  t.true(stdout.split("\n").includes(`other ${time} web-02@lb-01 aaaa uuid:7`), stdout);
});

test("copies that were made later than is wanted do not count", (t) => {
  const before = microseconds("2026-11-30T02:00:00Z").slice(5);
  const { status, stderr } = restore(t, "latest", {}, before);
  t.is(status, 1);
  t.regex(stderr, /there is no copy of the database from before that/);
});

const broken: readonly [string, string, Readonly<Record<string, string>>, RegExp][] = [
  [
    "a repository that cannot be read",
    "latest",
    { restic: "echo wrong password >&2; exit 12" },
    /web-02@lb-01: its copies cannot be read; to do without them: --keys FILE, of the places that are left$/,
  ],
  [
    "a pack that is damaged",
    "latest",
    { restic: whole.restic.replace("restore*)", "restore*) exit 1 ;; never)") },
    /the copy aaaa of 2026-11-30T02:00:00Z in web-02@lb-01 cannot be read whole$/,
  ],
  [
    "a time before the first copy",
    microseconds("2026-11-30T02:00:10Z"),
    {},
    /there is no copy of the database from before that$/,
  ],
  [
    "a time that the logs do not reach",
    microseconds("2026-11-30T06:59:51Z"),
    {},
    /the copied binary logs are whole until 2026-11-30T07:00:00Z, which is not 10 s after the wanted time/,
  ],
  [
    "no binary logs",
    "latest",
    { restic: whole.restic.replace(/echo '[^']*bbbb[^']*'/, "echo '[]'") },
    /there is no copy of the binary logs$/,
  ],
  [
    "a disk that has no room for it",
    "latest",
    {
      restic: `[ "$1" != stats ] || echo '{"total_size":1234567890123456789,"snapshots_count":1}'\n${whole.restic}`,
    },
    /a restore needs 1205632705198688 KB in .*trilithon-scratch, which has \d+ KB free$/,
  ],
  [
    "a gap",
    "latest",
    { "trilithon-binlog": "echo uuid:5 is missing >&2; exit 1" },
    /binary logs are missing: web-02@lb-01: uuid:5 is missing$/,
  ],
  [
    "a log that cannot be read to its end",
    "latest",
    { mysqlbinlog: "echo '# events'; exit 1" },
    /binlog\.000001: it cannot be read to its end$/,
  ],
  [
    "a server that refuses an event",
    "latest",
    { mysql: `${whole.mysql.replace("*) cat >/dev/null ;;", "*) cat >/dev/null; exit 1 ;;")}` },
    /binlog\.000001: MySQL refuses what is in it$/,
  ],
  [
    "a server that has not what was planned",
    "latest",
    { mysql: `BROKEN=set\n${whole.mysql}` },
    /after the replay the server has uuid:1-9, and should have uuid:1-9$/,
  ],
  [
    "a transaction that is in no log",
    "gtid:uuid:12",
    {
      mysql: whole.mysql.replace(
        "echo 0 || echo 1",
        'echo 0 || case "$*" in *uuid:12*) echo 0 ;; *) echo 1 ;; esac',
      ),
    },
    /uuid:12 is in none of the binary logs$/,
  ],
];

for (const [what, target, stubs, message] of broken) {
  test(`told rather than restored shorter: ${what}`, (t) => {
    const { status, stdout, stderr, stays } = restore(t, target, stubs);
    t.is(status, 1, stdout);
    t.regex(stderr, message);
    t.false(stays, "the MySQL that serves needs the space");
    t.false(stdout.includes("scratch 127.0.0.1"));
  });
}

test("logs that begin after what is there are a gap, also where they do not say so", (t) => {
  const mysql = `case "$*" in
    *"GTID_SUBSET('uuid:1-3'"*) echo 0; exit ;;
    *"GTID_SUBTRACT('uuid:1-3'"*) echo uuid:3; exit ;;
  esac
  ${whole.mysql}`;
  const { status, stderr } = restore(t, "latest", { mysql });
  t.is(status, 1);
  t.regex(stderr, /binary logs are missing: web-02@lb-01: its binary logs begin after uuid:3$/);
});

test("of a set just what is in it is replayed, on a copy that has no more", (t) => {
  const stubs = { mysqlbinlog: `echo "$*" >&2; echo '# events'` };
  const { status, stderr } = restore(t, "set:uuid:1-9", stubs);
  t.is(status, 0, stderr);
  t.regex(stderr, /--include-gtids=uuid:1-9 /);
  const more = restore(t, "set:uuid:1-8", { mysql: `BROKEN=set\n${whole.mysql}` });
  t.is(more.status, 1);
  t.regex(more.stderr, /there is no copy of the database from before that$/);
});

/** This member's tables come first, and what was restored after it. */
const compared = (restored: string) => ({
  ...{ "trilithon-backup": "", du: "printf '1\\tx\\n'", flock: "" },
  systemctl: `[ "$1" != is-active ] || [ -n "$RUNS" ] || exit 3`,
  "systemd-run": "",
  mysqladmin: "",
  mysql: `case "$*" in
    *"CONCAT('CHECKSUM"*) echo 'CHECKSUM TABLE x;'; exit ;;
    *"CONCAT('CHECK TABLE"*) echo 'CHECK TABLE x;'; exit ;;
    *"--execute"*) ;;
    *)
      statements=$(cat)
      case "$statements" in
        CHECKSUM*)
          if [ -e "$ROOT/marked" ]; then printf '${restored}'; else printf 'a.b\\t12\\na.c\\t34\\n'; : >"$ROOT/marked"; fi
          ;;
        CHECK*) printf 'a.b\\tcheck\\tstatus\\tOK\\n' ;;
      esac
      exit
      ;;
  esac
  ${whole.mysql}`,
});

test("the nightly restore is compared with what the member has, and exported", (t) => {
  const { status, stdout, stderr, metrics } = run(t, compared("a.c\\t34\\na.b\\t12\\n"), () => [
    "test",
  ]);
  t.is(status, 0, stderr);
  t.regex(stdout, /^2 tables are what this member had at uuid:1-9$/m);
  t.regex(String(metrics["trilithon-restore-test"]), /^trilithon_restore_test_compared_tables 2$/m);
  t.regex(
    String(metrics["trilithon-restore-test"]),
    /^trilithon_restore_test_last_success_seconds \d+$/m,
  );
  t.is(metrics["trilithon-restore-test-tables"], "trilithon_restore_test_different_tables 0\n");
});

test("a copy beside MySQL is made slowly, and what was set before holds afterwards", (t) => {
  const mysql = `case "$*" in
    *@@GLOBAL.clone_max_data_bandwidth*) echo 7; exit ;;
    *clone_max_data_bandwidth*) echo "$*" >>"$ROOT/limits" ;;
  esac
  case "$*" in *"CLONE LOCAL"*) exit 1 ;; esac`;
  let limits = "";
  const { status } = run(t, { ...compared(""), mysql }, (root) => {
    limits = join(root, "limits");
    return ["test"];
  });
  t.is(status, 1);
  const said = readFileSync(limits, "utf8").trim().split("\n");
  t.regex(String(said[0]), /SET GLOBAL clone_max_data_bandwidth = 19; CLONE LOCAL DATA DIRECTORY/);
  t.regex(String(said[1]), /SET GLOBAL clone_max_data_bandwidth = 7$/);
  t.is(said.length, 2);
});

test("a member that makes the copies no longer leaves the nightly restore to the one that does", (t) => {
  const asked = `if [ -e "$ROOT/asked" ]; then exit 1; fi; : >"$ROOT/asked"`;
  const isNeverStored = `case "$*" in *"SELECT GTID_SUBSET"*) echo 0; exit ;; esac`;
  const usual = compared("");
  const stubs = { ...usual, "trilithon-backup": asked, mysql: `${isNeverStored}\n${usual.mysql}` };
  const { status, stdout, stderr } = run(t, stubs, () => ["test"]);
  t.is(status, 0, stderr);
  t.regex(stdout, /^another member makes the copies, and tries them$/m);
});

test("a nightly restore that is another one names each table, in the log and in a metric", (t) => {
  const { status, stderr, metrics } = run(t, compared('a.b\\t13\\na."d\\t5\\n'), () => ["test"]);
  t.is(status, 1);
  t.deepEqual(stderr.split("\n"), [
    "restored, a.b has the checksum 13, and 12 on this member",
    'restored, a."d is not on this member',
    "restored, a.c is missing",
    "what was restored is not what this member had at uuid:1-9",
  ]);
  t.is(metrics["trilithon-restore-test"], undefined, "it did not go well");
  t.is(
    metrics["trilithon-restore-test-tables"],
    `trilithon_restore_test_different_tables 3
trilithon_restore_test_different{table="a.b"} 1
trilithon_restore_test_different{table="a.\\"d"} 1
trilithon_restore_test_different{table="a.c"} 1
`,
  );
});
