import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { parseReport, renderReport } from "../../../scripts/restore/report";
import { restoreScript } from "../../../scripts/restore/scratch";
import { parsePlace, parseTarget } from "../../../scripts/restore/target";

const gtid = "3E11FA47-71CA-11E1-9E33-C80AA9429562:23";

test("a target is the newest, a time with its zone, or a transaction", (t) => {
  t.is(parseTarget("latest"), "latest");
  t.is(parseTarget("2026-01-30T05:37:09Z"), "time:1769751429000000");
  t.is(parseTarget("2026-01-30T06:37:09.25+01:00"), "time:1769751429250000");
  t.is(parseTarget(gtid), `gtid:${gtid.toLowerCase()}`);
});

test("a target is a set of transactions, as MySQL prints it", (t) => {
  const [uuid = ""] = gtid.toLowerCase().split(":");
  t.is(parseTarget(`${uuid}:1-23`), `set:${uuid}:1-23`);
  t.is(parseTarget(`${gtid}:25-27,\n${uuid}:1`), `set:${uuid}:23:25-27,${uuid}:1`);
  for (const bad of [`${uuid}:1-`, `${uuid}:1-23,`, `${uuid}:0-3`, `${uuid}:tag:1-3`]) {
    t.throws(() => parseTarget(bad), { message: /^--to: expected latest/ }, bad);
  }
});

const badTargets = ["yesterday", "2026-01-30T05:37:09", "2026-01-30", "2026-13-30T05:37:09Z", "23"];
for (const bad of badTargets) {
  test(`refuses ${bad} as a target`, (t) => {
    t.throws(() => parseTarget(bad), {
      message: `--to: expected latest, a time with its zone such as 2026-11-30T05:37:09Z, a GTID such as UUID:NUMBER, or a set of them such as UUID:1-NUMBER, got "${bad}"`,
    });
  });
}

test("refuses a time that is still to come", (t) => {
  t.throws(() => parseTarget("2999-01-01T00:00:00Z"), {
    message: '--to: expected a time that has passed, got "2999-01-01T00:00:00Z"',
  });
});

test("it is restored beside MySQL on a member, and nowhere else", (t) => {
  const members = [{ name: "web-01" }, { name: "web-02" }];
  t.deepEqual(parsePlace("web-02:scratch", members), { name: "web-02" });
  for (const bad of ["lb-01:scratch", "web-02", "web-02:cluster"]) {
    t.throws(() => parsePlace(bad, members), {
      message: `--into: expected HOST:scratch with one of web-01, web-02, got "${bad}"`,
    });
  }
});

const said = `copy 1769751429000000 web-02@backup-01 aaaaaaaa
early 2 web-02@backup-01
until 1769751431250001
other 1769751430000000 web-01@backup-01 bbbbbbbb 5c11fa47-71ca-11e1-9e33-c80aa9429562:1-4
gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-23
rows\tguestbook.entries\t1204
rows\tguest book.a table\t0
checksum\tguestbook.entries\t3311223344
checksum\tguest book.a table\t0
scratch 127.0.0.1 3307 /var/lib/mysql-files/trilithon-scratch/mysqld.sock
`;

test("what was restored is told with times, rows and checksums", (t) => {
  const report = parseReport(said);
  t.deepEqual(report.copy, {
    ...{ at: "2026-01-30T05:37:09.000000Z", place: "web-02@backup-01", id: "aaaaaaaa" },
  });
  t.is(report.until, "2026-01-30T05:37:11.250001Z");
  t.deepEqual(report.tables, [
    { name: "guestbook.entries", rows: 1204, checksum: "3311223344" },
    { name: "guest book.a table", rows: 0, checksum: "0" },
  ]);
  t.is(report.early, 2);
  const text = renderReport(report, "web-01");
  t.regex(text, /guestbook\.entries {3}1204 {2}3311223344\n/);
  t.regex(text, /left out: 2 transactions/);
  t.regex(
    text,
    /^not in it: 5c11fa47-[0-9a-f-]*:1-4 of the copy of .* \(web-01@backup-01, bbbbbbbb\)/m,
  );
  t.throws(() => parseReport("copy 1 a b\n"), { message: /expected what was restored/ });
});

test("the host gets the keys in files that are gone afterwards, and in no program's words", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-restore-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const stub = join(folder, "trilithon-restore");
  const show = `for file in "$3"/*/*; do echo "\${file#"$3"/} $(stat -c %a "$file") $(cat "$file")"; done`;
  writeFileSync(stub, `#!/bin/sh\necho "$1 $2"\n${show}\n`);
  chmodSync(stub, 0o755);
  const password = `it's "a" $secret`;
  const key = { repository: "s3:x", password, environment: { TOKEN: password } };
  const script = restoreScript({
    ...{ target: "latest", keys: { "web-01": { other_repository: key } } },
  }).text;
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const text = script.replaceAll("/run/", `${folder}/`);
  t.not(text, script);
  const output = String(execFileSync("sh", ["-s"], { input: text, env }));
  t.deepEqual(output.trimEnd().split("\n"), [
    "scratch latest",
    `web-01@other_repository/environment 600 export TOKEN='it'\\''s "a" $secret'`,
    `web-01@other_repository/password 600 ${password}`,
    "web-01@other_repository/repository 600 s3:x",
  ]);
  t.deepEqual(readdirSync(folder), ["trilithon-restore"]);
});
