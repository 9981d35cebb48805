/** What runs on a member of any cluster: waiting for it, filling it by CLONE. Each wait has a deadline. */

import { lines, type Shell, sh } from "../../ssh/shell";
import type { Member } from "./members";
import { cloningQuery, marker, systemSchemas } from "./probe";
import { accountName, literal, mysql } from "./sql";

/** Waits until mysqld answers and no CLONE is under way. */
export function renderAwait(seconds: number): Shell {
  return sh`command -v mysqld >/dev/null || { echo 'mysqld is not installed' >&2; exit 1; }
left=${seconds}
told=
while :; do
  answer=$(${mysql(cloningQuery)}
  ) 2>/dev/null || answer=silent
  case "$answer" in
    0) exit 0 ;;
    silent) left=$((left - 1)) ;;
    *) [ -n "$told" ] || echo '@progress a CLONE is under way'; told=yes ;;
  esac
  [ "$left" -gt 0 ] || break
  sleep 1
done
echo "mysqld did not answer within ${seconds} seconds" >&2
systemctl status --no-pager --lines=5 mysql >&2
exit 1`;
}

interface Filled {
  readonly cluster: string;
  readonly replicationAccount: { readonly name: string; readonly password: string };
}

/** Fills a member from a donor. A member whose data nobody gave up is looked at once more. */
export function renderFill(
  donor: Member,
  { cluster, replicationAccount }: Filled,
  discards: "nothing" | "its data",
): Shell {
  const address = `${donor.address}:${donor.port}`;
  const account = accountName(replicationAccount.name, donor.address);
  const schemas = systemSchemas.map(literal).join(", ");
  const count = `SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN (${schemas})`;
  const clone = `CLONE INSTANCE FROM ${account}:${donor.port} IDENTIFIED BY ${literal(replicationAccount.password)} REQUIRE SSL`;
  const isFilled = `SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${marker.schema}' AND TABLE_NAME = '${marker.table}' AND TABLE_COMMENT = ${literal(cluster)}`;
  const progress =
    "SELECT CONCAT(ROUND(100 * SUM(DATA) / SUM(ESTIMATE)), ' % of ', CEIL(SUM(ESTIMATE) / 1048576), ' MB') FROM performance_schema.clone_progress WHERE ESTIMATE > 0 HAVING SUM(ESTIMATE) > 0";
  return lines(
    discards === "nothing" &&
      sh`
found=$(${mysql(count)}
) || exit 1
[ "$found" = 0 ] || { echo 'it holds databases by now: refused to replace them' >&2; exit 1; }`,
    sh`
before=$(systemctl show -p MainPID --value mysql)
said=$(mktemp)
trap 'rm -f "$said"' EXIT
{
${mysql(
  "STOP REPLICA",
  `SET GLOBAL clone_valid_donor_list = ${literal(address)}`,
  // CLONE drops what is there, which a closed member refuses. It restarts closed.
  "SET GLOBAL super_read_only = OFF",
  clone,
)}
} >"$said" 2>&1 &
client=$!
shown=
while kill -0 "$client" 2>/dev/null; do
  part=$(${mysql(progress)}
  ) 2>/dev/null
  [ -z "$part" ] || [ "$part" = "$shown" ] || echo "@progress CLONE $part"
  shown=$part
  sleep 0.5
done
if ! wait "$client" && ! grep -qE 'ERROR (2013|3707)' "$said"; then
  cat "$said" >&2
  ${mysql("SET GLOBAL super_read_only = ON")}
  exit 1
fi`,
    sh`
echo '@progress mysqld starts with what it was sent'
left=600
while [ "$left" -gt 0 ]; do
  if [ "$(systemctl show -p MainPID --value mysql)" != "$before" ]; then
    filled=$(${mysql(isFilled)}
    ) 2>/dev/null || filled=silent
    [ "$filled" != 1 ] || exit 0
    [ "$filled" != 0 ] || break
  fi
  ! systemctl is-failed --quiet mysql || break
  left=$((left - 1))
  [ $((left % 10)) -ne 0 ] || systemctl start --no-block mysql
  sleep 1
done
echo 'mysqld came up without the data, or not at all; the next up fills it again' >&2
cat "$said" >&2
grep -E 'ERROR|[Cc]lone' /var/log/mysql/error.log | tail -n 5 >&2
exit 1`,
  );
}

/** Applies all that was received, then stops following. A member that follows nobody is left as it is. */
export function renderPromote(): Shell {
  const count =
    "SELECT COUNT(*) FROM performance_schema.replication_connection_configuration WHERE HOST <> ''";
  const received = `SELECT RECEIVED_TRANSACTION_SET INTO @received FROM performance_schema.replication_connection_status WHERE CHANNEL_NAME = ''`;
  return sh`configured=$(${mysql(count)}
) || exit 1
[ "$configured" != 0 ] || exit 0
behind=$(${mysql(
    "STOP REPLICA IO_THREAD",
    "START REPLICA SQL_THREAD",
    received,
    `SELECT WAIT_FOR_EXECUTED_GTID_SET(@received, ${catchUpSeconds})`,
  )}
) || exit 1
[ "$behind" != 1 ] || { echo 'it did not apply all that it had received' >&2; exit 1; }
${mysql("STOP REPLICA", "RESET REPLICA ALL")}`;
}

export const catchUpSeconds = 900;
