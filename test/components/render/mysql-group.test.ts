import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { dialUnit, renderDialRules, renderDialUnit } from "../../../components/render/mysql-dial";
import { renderGroupReadyScript } from "../../../components/render/mysql-group-ready";
import {
  handover,
  renderHandoverDropIn,
  renderHandoverScript,
} from "../../../components/render/mysql-handover";
import {
  rejoinUnit,
  renderRejoinScript,
  renderRejoinUnit,
} from "../../../components/render/mysql-rejoin";
import { isGolden } from "./golden";

test("renders what brings a member back into its group", (t) => {
  isGolden(t, rejoinUnit.name, renderRejoinUnit());
  isGolden(t, "trilithon-mysql-rejoin", renderRejoinScript());
});

test("renders what keeps mysqld from waiting for a member that is gone", (t) => {
  isGolden(t, dialUnit.name, renderDialUnit());
  isGolden(t, "trilithon-mysql-dial.nft", renderDialRules(["10.0.0.11", "10.0.0.12", "10.0.0.13"]));
});

test("renders what hands the role of the primary over before mysqld stops", (t) => {
  isGolden(t, "trilithon-handover.conf", renderHandoverDropIn());
  isGolden(t, "trilithon-mysql-handover", renderHandoverScript());
  t.true(renderHandoverDropIn().includes(handover.scriptPath));
});

/** Runs a script with a client that says what a member says. */
function run(script: string, said: string) {
  const client = `mysql() { printf '%s\\n' '${said}'; }\n`;
  return spawnSync("/bin/sh", ["-c", client + script], { encoding: "utf8", timeout: 10_000 });
}

function isReady(t: ExecutionContext, said: string): boolean {
  const { status, stderr } = run(renderGroupReadyScript(), said);
  if (status !== 0) t.is(stderr, `the member is ${said}\n`);
  return status === 0;
}

test("a member is ready once it is in its group, or knows of none, or found nobody for minutes", (t) => {
  t.true(isReady(t, "ONLINE 1 0"));
  t.true(isReady(t, "OFFLINE 0 0"));
  t.true(isReady(t, "OFFLINE 1 1"));
  t.true(isReady(t, "ERROR 1 1"));
  t.false(isReady(t, "ERROR 1 0"));
  t.false(isReady(t, "OFFLINE 1 0"));
  t.false(isReady(t, "RECOVERING 1 0"));
  t.false(isReady(t, "RECOVERING 1 1"));
  // One that is silent says nothing.
  t.is(run(renderGroupReadyScript(), "").status, 1);
});

/** The script with its file in a folder of the test, beside others one of which may be the primary. */
function readyAfter(t: ExecutionContext, said: string, seen: { left: boolean; primary: boolean }) {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-ready-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  if (seen.left) writeFileSync(join(folder, "mysql-left-its-group"), "");
  const text = renderGroupReadyScript().replaceAll("/run/trilithon", folder);
  const perl = `perl() { ${seen.primary ? '[ "$4" = 10.0.0.1:3306 ]' : "false"}; }\n`;
  return run(perl + text, `${said} 10.0.0.1:3306`);
}

test("a member that was in its group up to a restart which keeps it out is not given up for ready", (t) => {
  for (const said of ["ERROR 1 1", "OFFLINE 1 1"]) {
    const { status, stderr } = readyAfter(t, said, { left: true, primary: true });
    t.deepEqual(
      [status, stderr],
      [
        1,
        `the member was in its group before the restart, and does not join it again\nthe member is ${said}\n`,
      ],
    );
    // All are down; or it was outside before, and is to be filled anew.
    t.is(readyAfter(t, said, { left: true, primary: false }).status, 0);
    t.is(readyAfter(t, said, { left: false, primary: true }).status, 0);
  }
  t.is(readyAfter(t, "ONLINE 1 1", { left: true, primary: true }).status, 0);
});

test("a member that stops hands its role over, and keeps in mind whether others serve on", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-handover-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const stop = (found: string) => {
    const stubs = `timeout() { shift 2; "$@"; }
mysql() { case "$*" in *set_as_primary*) echo "$*" ;; *) ${found} ;; esac; }
`;
    const script = stubs + renderHandoverScript().replaceAll("/run/trilithon", folder);
    const { stdout } = spawnSync("/bin/sh", ["-c", script], { encoding: "utf8" });
    const hasLeft = existsSync(join(folder, "mysql-left-its-group"));
    return [/set_as_primary\('(.*)'\)/.exec(stdout)?.[1], hasLeft];
  };
  t.deepEqual(stop("echo 'PRIMARY abc'"), ["abc", true]);
  t.deepEqual(stop("echo 'SECONDARY abc'"), [undefined, true]);
  // Nobody else, or outside of the group.
  t.deepEqual(stop(":"), [undefined, false]);
  stop("echo 'SECONDARY abc'");
  t.deepEqual(stop("false"), [undefined, false]);
});

/** Runs the script against a client that answers each status line once; answers what it was told to do, and at which look. */
function rejoin(
  t: ExecutionContext,
  answers: readonly string[],
  { primaryFrom = 0 } = {},
): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-rejoin-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "answers"), `${answers.join("\n")}\n`);
  writeFileSync(join(folder, "done"), "");
  const stub = `cd '${folder}'
looks=0
timeout() { shift 2; "$@"; }
sleep() { looks=$((looks + 1)); [ -s answers ] || exit 0; }
perl() { [ "$4" = 10.0.0.1:3306 ] && [ "$looks" -ge ${primaryFrom} ]; }
mysql() {
  case "$*" in
    *CONCAT_WS*) answer=$(head -n 1 answers); sed -i 1d answers
      [ "$answer" != silent ] || return 1; echo "$answer 10.0.0.1:3306" ;;
    *) printf '%s %s\\n' "$looks" "\${5#--execute=}" >>done ;;
  esac
}
`;
  execFileSync("/bin/sh", ["-c", stub + renderRejoinScript()], { timeout: 90_000 });
  const said = readFileSync(join(folder, "done"), "utf8");
  return said.split("\n").filter((line) => line !== "");
}

const again = "STOP GROUP_REPLICATION; START GROUP_REPLICATION";
const times = (count: number, answer: string) => Array.from({ length: count }, () => answer);

test("a member that left its group joins again at once, then less and less often", (t) => {
  t.deepEqual(rejoin(t, times(6, "ERROR 1 1")), [`0 ${again}`, `4 ${again}`]);
  t.deepEqual(rejoin(t, times(22, "ERROR 1 1")), [`0 ${again}`, `4 ${again}`, `20 ${again}`]);
});

test("a member that was stopped joins again once nobody can be at work on it", (t) => {
  t.deepEqual(rejoin(t, times(4, "OFFLINE 1 0")), []);
  t.deepEqual(rejoin(t, times(9, "OFFLINE 1 0")), [`4 ${again}`, `8 ${again}`]);
});

test("a member joins only where another one says that it is the primary, or after five minutes", (t) => {
  t.deepEqual(rejoin(t, times(9, "ERROR 1 1"), { primaryFrom: 6 }), [`6 ${again}`]);
  t.deepEqual(rejoin(t, times(149, "ERROR 1 1"), { primaryFrom: 999 }), []);
  t.deepEqual(rejoin(t, times(151, "ERROR 1 1"), { primaryFrom: 999 }), [`149 ${again}`]);
});

test("clients are let in again once it is back, and by nobody else's leave", (t) => {
  t.deepEqual(rejoin(t, ["ERROR 1 1", "ONLINE 1 1", "ONLINE 1 1"]), [
    `0 ${again}`,
    "1 SET GLOBAL offline_mode = OFF",
  ]);
  // Closed by hand.
  t.deepEqual(rejoin(t, times(9, "ONLINE 1 1")), []);
});

test("a member that is fenced, that somebody is at work on, or that is silent is left alone", (t) => {
  t.deepEqual(rejoin(t, times(9, "OFFLINE 0 0")), []);
  t.deepEqual(rejoin(t, times(9, "RECOVERING 1 0")), []);
  t.deepEqual(rejoin(t, times(9, "silent")), []);
  // It is not patience that counts, but how long it was outside at a stretch.
  for (const between of ["ONLINE 1 0", "OFFLINE 0 0", "RECOVERING 1 0"]) {
    t.deepEqual(rejoin(t, [...times(4, "OFFLINE 1 0"), between, ...times(4, "OFFLINE 1 0")]), []);
  }
});
