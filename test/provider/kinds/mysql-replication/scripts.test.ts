import { spawnSync } from "node:child_process";
import test from "ava";
import { renderDemote } from "../../../../provider/kinds/mysql-replication/scripts";

/**
 * Closes a primary whose MySQL says of statements that write, look after look, what `writing` says, and the last of it for ever.
 * `closes`: whether it lets itself be closed.
 */
function demote(writing: readonly string[], closes: boolean) {
  const cases = writing.map((said, index) =>
    index === writing.length - 1 ? `*) echo '${said}' ;;` : `${index + 1}) echo '${said}' ;;`,
  );
  const stub = `looks=$(mktemp)
trap 'rm "$looks"' EXIT
mysql() {
  case "$(cat)" in
    *gtid_executed*) echo 'abc:1-7' ;;
    *metadata_locks*) echo >>"$looks"; case "$(wc -l <"$looks")" in ${cases.join(" ")} esac ;;
    *super_read_only*) ${closes} || { echo 'ERROR 1205: Lock wait timeout exceeded' >&2; return 1; }; echo closed >&2 ;;
  esac
}
sleep() { :; }
`;
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", stub + renderDemote().text], {
    encoding: "utf8",
  });
  const lines = stdout.trim().split("\n");
  return { status, waited: lines.length - 1, last: lines.at(-1), stderr: stderr.trim() };
}

const long = "thread 9 of shop, which runs for 40 s";

test("a primary is closed once no statement that writes runs for long", (t) => {
  const answer = { status: 0, last: "abc:1-7", stderr: "" };
  t.deepEqual(demote([""], true), { ...answer, waited: 0 });
  t.deepEqual(demote([long, long, ""], true), { ...answer, waited: 2 });
});

test("a statement that keeps a primary open is named, and nothing is changed", (t) => {
  const given = demote([long], true);
  t.deepEqual([given.status, given.waited], [1, 29]);
  t.is(
    given.stderr,
    `a statement that writes did not end within 30 seconds: ${long}; nothing was changed`,
  );
  // It began after the look.
  t.regex(
    demote([""], false).stderr,
    /within 30 seconds: ERROR 1205: Lock wait timeout exceeded; nothing was changed$/,
  );
});
