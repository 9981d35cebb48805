/** The longer things that run on a member of a group. Each wait has a deadline. */

import { lines, type Shell, sh } from "../../ssh/shell";
import type { Member } from "../mysql/members";
import { catchUpSeconds } from "../mysql/scripts";
import { literal, mysql } from "../mysql/sql";
import { bootstrappedStatement, bootstrapStatements, stopStatements } from "./statements";

const ownState =
  "SELECT COALESCE((SELECT MEMBER_STATE FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid), 'OFFLINE')";

/** What the server says of itself, where it does not tell the client. */
const lastWords = sh`grep -F group_replication "$(${mysql("SELECT @@log_error")}
)" 2>/dev/null | grep -F ERROR | tail -n 5 >&2`;

/** Waits until the group counts nobody but these. */
export function renderExpelled(members: readonly Member[]): Shell {
  const known = members.map(({ address, port }) => literal(`${address}:${port}`)).join(", ");
  const strangers = `SELECT GROUP_CONCAT(MEMBER_HOST, ':', MEMBER_PORT, ' ', MEMBER_STATE SEPARATOR ', ') FROM performance_schema.replication_group_members WHERE MEMBER_ID <> @@server_uuid AND CONCAT(MEMBER_HOST, ':', MEMBER_PORT) NOT IN (${known}) HAVING COUNT(*) > 0`;
  const remedy = "none of the members: add it to them, or stop MySQL there; nothing was changed";
  return renderWhile(strangers, `it takes part in the group, and is ${remedy}`);
}

/**
 * Whoever leaves takes a vote along: where the group still counts members that it does not reach, those that stay may be
 * no majority. It puts them out by itself.
 */
export function renderMargin(): Shell {
  const unreachable = `SELECT GROUP_CONCAT(IF(MEMBER_STATE = 'UNREACHABLE', CONCAT(MEMBER_HOST, ':', MEMBER_PORT), NULL) SEPARATOR ', ') FROM performance_schema.replication_group_members HAVING SUM(MEMBER_STATE = 'UNREACHABLE') > 0 AND 2 * SUM(MEMBER_STATE <> 'UNREACHABLE') > COUNT(*)`;
  return renderWhile(
    unreachable,
    "the group still counts it, and does not reach it; nothing was changed",
  );
}

/** Waits while a query answers anything, and gives up with what it answered last. */
function renderWhile(query: string, reason: string): Shell {
  return sh`left=${expelSeconds}
while :; do
  found=$(${mysql(query)}
  ) || exit 1
  [ -n "$found" ] || break
  [ "$left" -gt 0 ] || { echo "$found: "${reason} >&2; exit 1; }
  left=$((left - 1))
  sleep 1
done`;
}

/** Runs what changes a closed member, and closes it again whatever becomes of that. */
export function renderOpened(...statements: readonly string[]): Shell {
  return sh`${mysql("SET GLOBAL super_read_only = OFF", ...statements)}
status=$?
${mysql("SET GLOBAL super_read_only = ON")}
exit $status`;
}

/** Stops a member. Where it is being started or stopped at this moment, as it is after a boot, MySQL refuses that (3663): it is tried again. */
export function renderStop(): Shell {
  return sh`left=${startSeconds}
until said=$({ ${mysql(...stopStatements)}
} 2>&1); do
  case "$said" in *'ERROR 3663 '*'Another instance of START/STOP'*) ;; *) left=0 ;; esac
  [ "$left" -gt 0 ] || { printf '%s\n' "$said" >&2; ${lastWords}
  exit 1; }
  left=$((left - 1))
  sleep 1
done`;
}

/** Begins a group with this member. A start on boot that is still under way is ended before. */
export function renderBootstrap(configure: readonly string[]): Shell {
  return sh`${renderStop()}
${mysql(...configure, ...bootstrapStatements)}
status=$?
${mysql(bootstrappedStatement)}
[ "$status" = 0 ] || { ${lastWords}
exit "$status"; }
${renderOnline()}`;
}

/**
 * A member that was just filled joins by itself as it starts; any other is told to. It reaches itself by the account as well, which
 * may be newer than what it holds: so it gets it beside its binary log.
 */
export function renderJoin(
  {
    account,
    configure,
  }: { readonly account: readonly string[]; readonly configure: readonly string[] },
  after: "fill" | "nothing",
): Shell {
  const settleSeconds = after === "fill" ? 15 : 0;
  return lines(
    sh`
left=${startSeconds}
while [ "$left" -gt 0 ]; do
  state=$(${mysql(ownState)}
  ) || state=silent
  case "$state" in
    ONLINE | RECOVERING) break ;;
    silent) sleep 1 ;;
    *) [ "$left" -gt ${startSeconds - settleSeconds} ] || break
       sleep 1 ;;
  esac
  left=$((left - 1))
done
case "$state" in
  ONLINE | RECOVERING) ;;
  *)
${renderStop()}
${mysql(
  "SET sql_log_bin = 0",
  "SET GLOBAL super_read_only = OFF",
  ...account,
  "SET GLOBAL super_read_only = ON",
  ...configure,
  "START GROUP_REPLICATION",
)}
    status=$?
    [ "$status" = 0 ] || {
${mysql("SET GLOBAL super_read_only = ON")}
    ${lastWords}
    exit "$status"; } ;;
esac`,
    renderOnline(),
  );
}

/** Waits until the member has caught up with the group. */
function renderOnline(): Shell {
  return sh`
left=${catchUpSeconds}
while [ "$left" -gt 0 ]; do
  state=$(${mysql(ownState)}
  ) || state=silent
  case "$state" in
    ONLINE) exit 0 ;;
    RECOVERING) [ $((left % 10)) -ne 0 ] || echo '@progress catching up with the group' ;;
    ERROR | OFFLINE)
      echo "it left the group again: $state" >&2
      ${lastWords}
      exit 1 ;;
  esac
  left=$((left - 1))
  sleep 1
done
echo 'it is in the group, but did not catch up within ${catchUpSeconds} seconds; the next up waits on' >&2
exit 1`;
}

/**
 * Nothing is changed where a transaction runs on for too long. MySQL itself would cut it off, if it were told a time, and refuse
 * all queries until then, also those that only read.
 */
export function renderSwitch(uuid: string): Shell {
  const longest = `SELECT CONCAT('thread ', trx_mysql_thread_id, ', which runs for ', TIMESTAMPDIFF(SECOND, trx_started, NOW()), ' s') FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0 AND TIMESTAMPDIFF(SECOND, trx_started, NOW()) >= ${longSeconds} ORDER BY trx_started LIMIT 1`;
  const asking = "SELECT group_replication_set_as_primary(%";
  const asked = `SELECT ID FROM performance_schema.processlist WHERE INFO LIKE '${asking}' LIMIT 1`;
  // MySQL waits for any that was begun, also for one that only reads or does nothing.
  const begun = `SELECT CONCAT('thread ', PROCESSLIST_ID, ' of ', PROCESSLIST_USER) FROM performance_schema.events_transactions_current JOIN performance_schema.threads USING (THREAD_ID) WHERE STATE = 'ACTIVE' AND PROCESSLIST_ID <> CONNECTION_ID() AND COALESCE(PROCESSLIST_INFO, '') NOT LIKE '${asking}' ORDER BY TIMER_START LIMIT 1`;
  return sh`left=${switchSeconds}
while :; do
  running=$(${mysql(longest)}
  ) || exit 1
  [ -n "$running" ] || break
  [ "$left" -gt 0 ] || {
    echo "a transaction did not end within ${switchSeconds} seconds: $running; nothing was changed" >&2
    exit 1
  }
  echo "@progress waiting for the transaction of $running"
  left=$((left - 1))
  sleep 1
done
said=$(mktemp)
trap 'rm -f "$said"' EXIT
{
${mysql(`SELECT group_replication_set_as_primary(${literal(uuid)})`)}
} >"$said" 2>&1 &
client=$!
left=${switchSeconds}
while kill -0 "$client" 2>/dev/null; do
  [ "$left" -gt 0 ] || {
    begun=$(${mysql(begun)}
    ) 2>/dev/null
    id=$(${mysql(asked)}
    )
    echo "KILL QUERY $id" | mysql --user=root
    wait "$client" && exit 0
    cat "$said" >&2
    echo "the role was not handed over within ${switchSeconds} seconds, as a transaction runs on (\${begun:-unknown}); nothing was changed" >&2
    exit 1
  }
  left=$((left - 1))
  sleep 1
done
wait "$client" || { cat "$said" >&2; exit 1; }`;
}

/** MySQL suspects a silent member for five seconds, and puts it out within some more. */
const expelSeconds = 30;
const startSeconds = 120;
const switchSeconds = 30;
/** What runs for less is about to end: MySQL waits for it. */
const longSeconds = 2;
