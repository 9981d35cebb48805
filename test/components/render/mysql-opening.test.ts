import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { renderOpeningScript, renderOpeningUnit } from "../../../components/render/mysql-opening";
import { isGolden } from "./golden";

test("renders the unit and its script", (t) => {
  isGolden(t, "trilithon-mysql-opening.service", renderOpeningUnit());
  isGolden(t, "trilithon-mysql-opening", renderOpeningScript(1));
});

/** Runs the script against a client that answers each status line once, the last for ever. */
function run(t: ExecutionContext, answers: readonly string[], replicas = 1): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-opening-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "answers"), `${answers.join("\n")}\n`);
  writeFileSync(join(folder, "done"), "");
  const stub = `cd '${folder}'
timeout() { shift 2; "$@"; }
sleep() { :; }
mysql() {
  case "$*" in
    *CONCAT_WS*) answer=$(head -n 1 answers); [ "$(wc -l <answers)" -le 1 ] || sed -i 1d answers
      [ "$answer" != silent ] || return 1; echo "$answer" ;;
    *'SELECT ID'*) echo 41; echo 42 ;;
    *) printf '%s\\n' "\${4#--execute=}" "\${5#--execute=}" >>done ;;
  esac
}
`;
  execFileSync("/bin/sh", ["-c", stub + renderOpeningScript(replicas)], { timeout: 20_000 });
  const said = readFileSync(join(folder, "done"), "utf8");
  return said.split("\n").filter((line) => line !== "");
}

const opened = "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF";

test("a closed primary is opened once all of its replicas follow it, not before", (t) => {
  t.deepEqual(run(t, ["silent", "1 1 0 0 0", "1 1 0 0 0", "1 1 0 1 1"]), [opened]);
  t.deepEqual(run(t, ["1 1 0 1 1", "1 1 0 1 1", "1 1 0 2 2"], 2), [opened]);
});

test("a replica, a member without a role and an open primary are left alone", (t) => {
  for (const status of ["0 1 1 0 0", "0 1 0 1 1", "1 1 1 1 1", "1 0 0 1 1"]) {
    t.deepEqual(run(t, [status]), [], status);
  }
});

test("replicas that connected without acknowledging connect anew", (t) => {
  const answers = [...Array.from({ length: 20 }, () => "1 1 0 0 1"), "1 1 0 1 1"];
  t.deepEqual(run(t, answers), ["KILL 41", "KILL 42", opened]);
});
