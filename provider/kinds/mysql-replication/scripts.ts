/** The longer things that run on a member of a pair. Each wait has a deadline. */

import { lines, type Shell, sh } from "../../ssh/shell";
import { catchUpSeconds } from "../mysql/scripts";
import { literal, mysql, mysqlGoingOn } from "../mysql/sql";
import {
  acknowledgeStatements,
  closeStatements,
  letGoStatements,
  reconnectStatements,
} from "./statements";

/** Starts to follow, and waits until the member is connected and has applied `gtidSet`. */
export function renderFollow(statements: readonly string[], gtidSet: string): Shell {
  const state = `SELECT CONCAT(c.SERVICE_STATE, ' ', a.SERVICE_STATE) FROM performance_schema.replication_connection_status AS c JOIN performance_schema.replication_applier_status AS a USING (CHANNEL_NAME) WHERE CHANNEL_NAME = ''`;
  const errors = `SELECT LAST_ERROR_MESSAGE FROM performance_schema.replication_connection_status WHERE LAST_ERROR_NUMBER <> 0 UNION ALL SELECT LAST_ERROR_MESSAGE FROM performance_schema.replication_applier_status_by_worker WHERE LAST_ERROR_NUMBER <> 0 UNION ALL SELECT LAST_ERROR_MESSAGE FROM performance_schema.replication_applier_status_by_coordinator WHERE LAST_ERROR_NUMBER <> 0`;
  return sh`
fail() {
  echo "$1 (receiver and applier: $state)" >&2
  {
${mysql(errors)}
  } >&2
  exit 1
}
${mysql(...statements)}
[ $? -eq 0 ] || exit 1
connecting=${connectSeconds * 10}
left=${catchUpSeconds}
while [ "$left" -gt 0 ]; do
  state=$(${mysql(state)}
  ) || exit 1
  case "$state" in
    'ON ON')
      behind=$(${mysql(`SELECT WAIT_FOR_EXECUTED_GTID_SET(${literal(gtidSet)}, 2)`)}
      ) || exit 1
      [ "$behind" = 1 ] || exit 0
      [ "$left" -gt ${catchUpSeconds - 4} ] || echo '@progress catching up with the primary'
      left=$((left - 2)) ;;
    'CONNECTING ON')
      connecting=$((connecting - 1))
      [ "$connecting" -gt 0 ] || fail 'not connected to the primary'
      sleep 0.1 ;;
    *) fail 'replication stopped; naming it in discardDataOn fills it anew instead' ;;
  esac
done
echo 'it follows, but did not catch up within ${catchUpSeconds} seconds; the next up waits on' >&2
exit 1`;
}

/**
 * Closes a member that is not the primary. Commits of its own that wait for a replica would keep it waiting as well:
 * they are let go, once everybody is cut off to whom they could be acknowledged.
 */
export function renderClose(): Shell {
  return sh`waiting=$(${mysql(waitingQuery)}
) || exit 1
[ "\${waiting:-0}" = 0 ] || {
${mysqlGoingOn(...letGoStatements)}
}
${mysql(...closeStatements)}`;
}

/**
 * Closes the primary for the time of a switch, and answers the transactions that it has: nothing of it outlives a restart,
 * until another one is the primary. It acknowledges from the moment in which it follows. MySQL waits for statements that write and
 * lets no other one begin meanwhile: so those that run for long are waited for before, and nothing is changed where they do not end.
 */
export function renderDemote(): Shell {
  return sh`left=${demoteSeconds}
while :; do
  running=$(${mysql(writingQuery)}
  ) || exit 1
  [ -n "$running" ] || {
    said=$({
${mysql(`SET SESSION lock_wait_timeout = ${longSeconds + 1}`, "SET GLOBAL super_read_only = ON")}
    } 2>&1) && break
    running=$said
  }
  [ "$left" -gt 0 ] || {
    echo "a statement that writes did not end within ${demoteSeconds} seconds: $running; nothing was changed" >&2
    exit 1
  }
  echo "@progress waiting for a statement that writes: $running"
  left=$((left - 1))
  sleep 1
done
${mysql("SET PERSIST rpl_semi_sync_replica_enabled = ON", "SELECT @@gtid_executed")}`;
}

/** Waits as long as it takes, while the primary still takes writes. */
export function renderCatchUp(gtidSet: string): Shell {
  return sh`left=${catchUpSeconds}
while [ "$left" -gt 0 ]; do
  behind=$(${mysql(`SELECT WAIT_FOR_EXECUTED_GTID_SET(${literal(gtidSet)}, 2)`)}
  ) || exit 1
  [ "$behind" = 1 ] || exit 0
  [ "$left" -gt ${catchUpSeconds - 4} ] || echo '@progress catching up with the primary'
  left=$((left - 2))
done
echo 'it did not catch up with the primary within ${catchUpSeconds} seconds; nothing was changed' >&2
exit 1`;
}

/** Waits for the last transactions of a primary that was closed a moment ago, and follows it no longer. */
export function renderSucceed(gtidSet: string, from: string): Shell {
  return sh`behind=$(${mysql(`SELECT WAIT_FOR_EXECUTED_GTID_SET(${literal(gtidSet)}, ${switchSeconds})`)}
) || exit 1
[ "$behind" = 0 ] || {
  echo ${`it lacked transactions of ${from} after ${switchSeconds} seconds; ${from} stays the primary`} >&2
  exit 1
}
${mysql("STOP REPLICA", "RESET REPLICA ALL")}`;
}

/**
 * Connects anew only where it has to: an acknowledgement that is lost with the connection is not sent again, and whoever
 * commits waits until somebody else commits.
 */
export function renderAcknowledge(): Shell {
  return sh`${mysql(...acknowledgeStatements)}
[ $? -eq 0 ] || exit 1
acknowledges=$(${mysql(acknowledgesQuery)}
) || exit 1
[ "$acknowledges" = ON ] || {
${renderReconnect()}
}`;
}

/** Whether it comes about is seen by whoever looks next. */
export function renderReconnect(): Shell {
  return lines(mysqlGoingOn(...reconnectStatements), sh`true`);
}

const acknowledgesQuery =
  "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Rpl_semi_sync_replica_status'";

const waitingQuery =
  "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Rpl_semi_sync_source_wait_sessions'";

/** What runs for less is about to end: MySQL waits for it. */
const longSeconds = 2;

/** What keeps the lock that is wanted for closing: statements, and `LOCK TABLES`, but no transaction that only stands open. */
const writingQuery = `SELECT CONCAT('thread ', PROCESSLIST_ID, ' of ', COALESCE(PROCESSLIST_USER, NAME), ', which runs for ', PROCESSLIST_TIME, ' s') FROM performance_schema.metadata_locks JOIN performance_schema.threads ON OWNER_THREAD_ID = THREAD_ID WHERE OBJECT_TYPE IN ('GLOBAL', 'COMMIT') AND LOCK_TYPE = 'INTENTION_EXCLUSIVE' AND LOCK_STATUS = 'GRANTED' AND PROCESSLIST_TIME >= ${longSeconds} ORDER BY PROCESSLIST_TIME DESC LIMIT 1`;

const demoteSeconds = 30;
const connectSeconds = 30;
const switchSeconds = 30;
