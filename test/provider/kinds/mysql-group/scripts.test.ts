import { spawnSync } from "node:child_process";
import test from "ava";
import {
  renderExpelled,
  renderMargin,
  renderStop,
  renderSwitch,
} from "../../../../provider/kinds/mysql-group/scripts";
import { group } from "../../../support/mysql-inputs";

/** Runs a script with a client that answers each question in turn, and the last one for ever; answers how often it was asked. */
function run(script: string, ...answers: readonly string[]) {
  const cases = answers.map((answer, index) =>
    index === answers.length - 1 ? `*) echo '${answer}' ;;` : `${index + 1}) echo '${answer}' ;;`,
  );
  const stub = `asked=$(mktemp)
trap 'wc -l <"$asked" >&2; rm "$asked"' EXIT
mysql() { cat >/dev/null; echo >>"$asked"; case "$(wc -l <"$asked")" in ${cases.join(" ")} esac; }
sleep() { :; }
`;
  const { status, stderr } = spawnSync("/bin/sh", ["-c", stub + script], { encoding: "utf8" });
  const said = stderr.trimEnd().split("\n");
  return { status, asked: Number(said.pop()), said: said.join("\n") };
}

const stranger = "10.0.0.4:3314 UNREACHABLE";

test("one that the group counts and that is no member is waited for, and given up after 30 seconds", (t) => {
  const { text } = renderExpelled(Object.values(group().members));
  t.true(text.includes("NOT IN ('10.0.0.1:3311', '10.0.0.2:3312', '10.0.0.3:3313')"));
  t.deepEqual(run(text, ""), { status: 0, asked: 1, said: "" });
  t.deepEqual(run(text, stranger, stranger, ""), { status: 0, asked: 3, said: "" });
  t.deepEqual(run(text, stranger), {
    ...{ status: 1, asked: 31 },
    said: `${stranger}: it takes part in the group, and is none of the members: add it to them, or stop MySQL there; nothing was changed`,
  });
});

test("nobody leaves while the group counts some that it does not reach", (t) => {
  const { text } = renderMargin();
  t.deepEqual(run(text, "10.0.0.4:3314", ""), { status: 0, asked: 2, said: "" });
  t.deepEqual(run(text, "10.0.0.4:3314"), {
    ...{ status: 1, asked: 31 },
    said: "10.0.0.4:3314: the group still counts it, and does not reach it; nothing was changed",
  });
});

/** With a client that refuses so many times. */
function stopped(times: number, refusal: string) {
  const stub = `refused=0; asked=$(mktemp)
trap 'wc -l <"$asked"; rm "$asked"' EXIT
mysql() {
  case "$(cat)" in *'STOP GROUP_REPLICATION'*) ;; *) return 0 ;; esac
  echo >>"$asked"
  [ "$(wc -l <"$asked")" -gt ${times} ] || { echo "${refusal}" >&2; return 1; }
}
sleep() { :; }
`;
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", stub + renderStop().text], {
    encoding: "utf8",
  });
  return { status, asked: Number(stdout), said: stderr.trim() };
}

test("a member that is being started is stopped once that is over, and any other refusal is told at once", (t) => {
  const busy =
    "ERROR 3663 (HY000) at line 2: The STOP GROUP_REPLICATION command encountered a failure. Another instance of START/STOP GROUP_REPLICATION command is executing.";
  t.deepEqual(stopped(0, busy), { status: 0, asked: 1, said: "" });
  t.deepEqual(stopped(3, busy), { status: 0, asked: 4, said: "" });
  t.deepEqual(stopped(1000, busy), { status: 1, asked: 121, said: busy });
  const other = "ERROR 1290 (HY000) at line 2: The server is not ready";
  t.deepEqual(stopped(1000, other), { status: 1, asked: 1, said: other });
});

/** With a client that is asked by what it reads, and hands the role over as the script `handing` says. A second of waiting is the script `second`. */
function switched(handing: string, second: string) {
  const stub = `mysql() {
  asked=$(cat)
  case "$asked" in
    *'KILL QUERY 7') kill "$client" ;;
    *'SELECT ID '*) echo 7 ;;
    *'SELECT CONCAT('*INNODB_TRX*) ;;
    *'SELECT CONCAT('*) echo 'thread 9 of shop' ;;
    *) ${handing} ;;
  esac
}
sleep() { ${second}; }
`;
  return spawnSync("/bin/sh", ["-c", stub + renderSwitch("abc").text], { encoding: "utf8" });
}

test("a switch that waits for a transaction which only reads names it when it gives up", (t) => {
  t.is(switched("echo done", "/bin/sleep 1").status, 0);
  const { status, stderr } = switched("exec /bin/sleep 60", ":");
  t.is(status, 1);
  t.is(
    stderr.trim().split("\n").at(-1),
    "the role was not handed over within 30 seconds, as a transaction runs on (thread 9 of shop); nothing was changed",
  );
});
