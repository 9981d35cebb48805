/** The program that starts a mysqld of its own on a backup and replays binary logs into it, and the unit that tries that each night. */
import { writtenByTrilithon } from "./application-unit";
import { backupConfinement, backupFiles } from "./backup";
import { binlogScript } from "./binlog";

export const restore = {
  scriptPath: "/usr/local/sbin/trilithon-restore",
  /** Of the mysqld on the backup, while it is there. */
  unit: "trilithon-scratch",
  /** Beside the data of MySQL, where mysqld may write. */
  folder: "/var/lib/mysql-files/trilithon-scratch",
  port: 3307,
  /** Clocks of members differ by less, and members of a group have what the others have within it. */
  settleSeconds: 10,
};

export function renderTestService(): string {
  return `${writtenByTrilithon}
[Unit]
Description=Restores the newest backup beside MySQL, and looks whether it is whole
After=network-online.target mysql.service

[Service]
Type=oneshot
ExecStart=${restore.scriptPath} test
TimeoutStartSec=12h
Nice=15
IOSchedulingClass=idle
${backupConfinement}`;
}

export function renderTestTimer(): string {
  return `${writtenByTrilithon}
[Unit]
Description=Restores the newest backup beside MySQL, and looks whether it is whole

[Timer]
OnCalendar=*-*-* 05:30 UTC
RandomizedDelaySec=15min

[Install]
WantedBy=timers.target
`;
}

/** Places are those of `trilithon-backup`, or a folder of the same form. */
export function renderRestoreScript(): string {
  const { folder, unit, port, settleSeconds } = restore;
  const { clone, gtidSet, metrics, places, scriptPath: backupScript } = backupFiles;
  return `#!/bin/sh
${writtenByTrilithon}
# trilithon-restore scratch TARGET [PLACES [BEFORE]]
#   starts a mysqld at 127.0.0.1:${port} that has what TARGET says, and tells what is in it
#   TARGET  latest, time:MICROSECONDS (all that committed before it) or gtid:UUID:NUMBER (up to this one and with it)
#   PLACES  a folder with a folder for each repository; default: those of this machine
#   BEFORE  takes no copy that was made later, in microseconds
# trilithon-restore live   tells the same of the MySQL that serves
# trilithon-restore stop   ends it, and removes its data
# trilithon-restore test   scratch latest, looks at each table, stop; on the member that makes the copies
set -eu
umask 077
export LC_ALL=C TZ=UTC RESTIC_CACHE_DIR=/var/cache/trilithon-backup
work=${folder}
socket=$work/mysqld.sock

fail() {
  echo "$*" >&2
  exit 1
}

in_place() (
  place=$1
  shift
  export RESTIC_REPOSITORY_FILE="$place/repository" RESTIC_PASSWORD_FILE="$place/password"
  if [ -e "$place/ca.pem" ]; then export RESTIC_CACERT="$place/ca.pem"; fi
  if [ -e "$place/environment" ]; then . "$place/environment"; fi
  "$@"
)

ask() { mysql --no-defaults --socket="$socket" --batch --skip-column-names --execute "$1"; }

# All copies with a tag: a line of MICROSECONDS ID PLACE for each, the oldest first. A place that does not answer ends all: what it has could be newer.
copies() {
  : >"$work/copies"
  for place in "$places"/*; do
    said=$(in_place "$place" restic snapshots --json --no-lock --tag "$1") || fail "\${place##*/}: its copies cannot be read"
    echo "$said" | perl -ne 'while (/"time":"([^"]+)".*?"short_id":"([0-9a-f]+)"/g) { print "$1 $2\\n" }' >"$work/times"
    while read -r time id; do
      at=$(date -d "$time" +%s%6N)
      if [ "$at" -lt "$before" ]; then echo "$at $id $place" >>"$work/copies"; fi
    done <"$work/times"
  done
  sort -n "$work/copies"
}

readable() { date -u -d "@$(($1 / 1000000))" +%Y-%m-%dT%H:%M:%SZ; }

start() {
  chown -R mysql:mysql "$work"
  # No file of options: the copy is no member of anything, and follows nobody.
  systemd-run --quiet --collect --unit=${unit} --property=User=mysql --property=Nice=10 \\
    mysqld --no-defaults --datadir="$work/data" --socket="$socket" --pid-file="$work/mysqld.pid" --log-error="$work/error.log" \\
    --port=${port} --bind-address=127.0.0.1 --mysqlx=OFF --persisted-globals-load=OFF --server-id=1 \\
    --gtid-mode=ON --enforce-gtid-consistency=ON --skip-log-bin --skip-replica-start --event-scheduler=OFF \\
    --plugin-load-add=auth_socket.so --performance-schema=OFF --max-allowed-packet=1G --innodb-buffer-pool-size=128M
  tries=0
  until mysqladmin --no-defaults --socket="$socket" ping >/dev/null 2>&1; do
    tries=$((tries + 1))
    if ! systemctl is-active --quiet ${unit} || [ "$tries" -gt 600 ]; then
      tail -n 5 "$work/error.log" >&2 || true
      fail "mysqld does not start on the copy"
    fi
    sleep 1
  done
}

stop() {
  systemctl stop ${unit} 2>/dev/null || true
  rm -rf "$work"
}

executed() { ask "SELECT REPLACE(@@GLOBAL.gtid_executed, CHAR(10), '')"; }
is_subset() { [ "$(ask "SELECT GTID_SUBSET('$1', '$2')")" = 1 ]; }

# The newest copy that has nothing beyond the target.
take_copy() {
  copies full >"$work/full"
  sort -rn "$work/full" >"$work/newest-first"
  while read -r time id place <&3; do
    case $target in
      time:*) if [ "$time" -gt "$((\${target#time:} - ${settleSeconds} * 1000000))" ]; then continue; fi ;;
    esac
    in_place "$place" restic restore --quiet --verify --retry-lock 30m "$id:${clone}" --target "$work/data" ||
      fail "the copy $id of $(readable "$time") in \${place##*/} cannot be read whole"
    start
    has=$(executed)
    case $target in
      gtid:*)
        if is_subset "\${target#gtid:}" "$has"; then
          systemctl stop ${unit}
          rm -rf "$work/data"
          continue
        fi
        ;;
    esac
    echo "copy $time \${place##*/} $id"
    return 0
  done 3<"$work/newest-first"
  fail "there is no copy of the database from before that"
}

# The logs of each place: the copy of them that is the first to have all before the target, or the newest.
take_logs() {
  copies logs >"$work/log-copies"
  reached=0
  for place in "$places"/*; do
    chosen=$(awk -v "place=$place" -v "least=$least" '$3 == place { line = $0; if ($1 >= least && !found) { found = $0 } }
      END { print found == "" ? line : found }' "$work/log-copies")
    if [ -z "$chosen" ]; then continue; fi
    set -- $chosen
    if [ "$1" -gt "$reached" ]; then reached=$1; fi
    in_place "$place" restic restore --quiet --verify --retry-lock 30m "$2" --target "$work/logs/\${place##*/}" ||
      fail "the logs of $(readable "$1") in \${place##*/} cannot be read whole"
  done
  [ "$reached" -gt 0 ] || fail "there is no copy of the binary logs"
  case $target in
    time:*)
      if [ "$reached" -lt "$least" ]; then
        fail "the copied binary logs are whole until $(readable "$reached"), which is not ${settleSeconds} s after the wanted time: wait, take an earlier one, or latest"
      fi
      ;;
  esac
}

# Those of one place in the order of their numbers; the open one is in a folder of its own.
logs_of() { find "$1" -type f -name '*.[0-9]*' | awk -F / '{ print $NF " " $0 }' | sort | cut -d ' ' -f 2-; }

replay() {
  while read -r word file end; do
    if [ "$word" != replay ]; then continue; fi
    {
      mysqlbinlog --verify-binlog-checksum \${end:+--stop-position="$end"} "$file" || echo failed >"$work/failed"
    } </dev/null | mysql --no-defaults --socket="$socket" --binary-mode --max-allowed-packet=1G ||
      fail "\${file##*/}: MySQL refuses what is in it"
    if [ -e "$work/failed" ]; then fail "\${file##*/}: it cannot be read to its end"; fi
  done <"$1"
}

# Logs of several machines may be needed, each from where the ones before lead to. What never joins on is a gap.
replay_all() {
  left=$(ls "$work/logs" 2>/dev/null || true)
  until_time=0
  while [ -n "$left" ]; do
    waiting= moved= reason=
    for one in $left; do
      if ! ${binlogScript} plan "$has" "$target" $(logs_of "$work/logs/$one") >"$work/plan" 2>"$work/reason"; then
        waiting="$waiting $one"
        reason="$one: $(cat "$work/reason")"
        continue
      fi
      replay "$work/plan"
      moved=yes
      reaches=$(sed -n 's/^reaches //p' "$work/plan")
      has=$(executed)
      { is_subset "$reaches" "$has" && is_subset "$has" "$reaches"; } || fail "$one: after the replay the server has $has, and should have $reaches"
      until_here=$(sed -n 's/^until //p' "$work/plan")
      if [ "$until_here" -gt "$until_time" ]; then until_time=$until_here; fi
      early=$(sed -n 's/^early //p' "$work/plan")
      if [ "$early" -gt 0 ]; then echo "early $early $one"; fi
      if grep -qx found "$work/plan"; then found=yes; fi
    done
    [ -n "$moved" ] || fail "binary logs are missing: $reason"
    left=$waiting
  done
  echo "until $until_time"
}

# Copies that are older than what was wanted have nothing else, or they are of another history: of a cluster that was made anew, say.
tell_others() {
  while read -r time id place <&3; do
    case $target in
      time:*) if [ "$time" -gt "$((\${target#time:} - ${settleSeconds} * 1000000))" ]; then continue; fi ;;
      gtid:*) continue ;;
    esac
    set=$(in_place "$place" restic dump --no-lock "$id" ${gtidSet}) || fail "the copy $id of $(readable "$time") in \${place##*/} cannot be read whole"
    other=$(ask "SELECT REPLACE(GTID_SUBTRACT('$set', '$has'), CHAR(10), '')")
    if [ -n "$other" ]; then echo "other $time \${place##*/} $id $other"; fi
  done 3<"$work/full"
}

# Of each table the rows, and MySQL's checksum.
tell_tables() {
  mark='CHAR(96 USING utf8mb4)'
  table="CONCAT($mark, REPLACE(TABLE_SCHEMA, $mark, CONCAT($mark, $mark)), $mark, '.', $mark, REPLACE(TABLE_NAME, $mark, CONCAT($mark, $mark)), $mark)"
  of="FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') ORDER BY TABLE_SCHEMA, TABLE_NAME"
  ask "SELECT CONCAT('SELECT ''rows'', ', QUOTE(CONCAT(TABLE_SCHEMA, '.', TABLE_NAME)), ', COUNT(*) FROM ', $table, ';') $of" >"$work/statements"
  ask "SELECT CONCAT('CHECKSUM TABLE ', $table, ';') $of" >"$work/checksums"
  mysql --no-defaults --socket="$socket" --batch --skip-column-names <"$work/statements"
  mysql --no-defaults --socket="$socket" --batch --skip-column-names <"$work/checksums" | sed 's/^/checksum\\t/'
}

tell() {
  echo "gtid $has"
  tell_tables
  echo "scratch 127.0.0.1 ${port} $socket"
}

scratch() {
  target=$1
  places=\${2:-${places}}
  before=\${3:-9000000000000000}
  least=0
  case $target in
    time:*) least=$((\${target#time:} + ${settleSeconds} * 1000000)) ;;
    # The newest.
    *) least=9000000000000000 ;;
  esac
  stop
  install -d -o mysql -g mysql -m 0700 ${folder.replace(/\/[^/]*$/, "")}
  mkdir -p "$work/data" "$work/logs"
  found=
  take_copy
  take_logs
  replay_all
  case $target in
    gtid:*) [ -n "$found" ] || fail "\${target#gtid:} is in none of the binary logs" ;;
  esac
  tell_others
  tell
}

live() {
  socket=$(mysql --no-defaults --batch --skip-column-names --execute 'SELECT @@GLOBAL.socket')
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  tell_tables
}

# Where it fails, the metric of the time before stays: its age says when it last went well.
try() {
  status=0
  ${backupScript} is-source || status=$?
  [ "$status" -lt 2 ] || fail "it is not known who makes the copies"
  if [ "$status" = 1 ]; then
    rm -f ${metrics}/trilithon-restore-test.prom
    echo "another member makes the copies, and tries them"
    exit 0
  fi
  if systemctl is-active --quiet ${unit}; then
    echo "somebody looks at a restored copy: this one is left out"
    exit 0
  fi
  trap stop EXIT
  trap 'exit 1' INT TERM
  scratch latest
  ask "SELECT CONCAT('CHECK TABLE ', GROUP_CONCAT(CONCAT(CHAR(96 USING utf8mb4), TABLE_SCHEMA, CHAR(96 USING utf8mb4), '.', CHAR(96 USING utf8mb4), TABLE_NAME, CHAR(96 USING utf8mb4))), ';')
    FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') GROUP BY TABLE_SCHEMA, TABLE_NAME" >"$work/statements"
  mysql --no-defaults --socket="$socket" --batch --skip-column-names <"$work/statements" >"$work/checked"
  broken=$(awk -F '\\t' '$3 == "error" || ($3 == "status" && $4 != "OK")' "$work/checked")
  [ -z "$broken" ] || fail "$broken"
  (umask 022 && mkdir -p ${metrics})
  {
    echo "trilithon_restore_test_last_success_seconds $(date +%s)"
    echo "trilithon_restore_test_until_seconds $((until_time / 1000000))"
  } >"${metrics}/trilithon-restore-test.prom.new"
  chmod 644 ${metrics}/trilithon-restore-test.prom.new
  mv ${metrics}/trilithon-restore-test.prom.new ${metrics}/trilithon-restore-test.prom
}

case $1 in
  scratch) scratch "$2" "\${3:-}" "\${4:-}" ;;
  live) live ;;
  stop) stop ;;
  test) try ;;
  *)
    echo "expected scratch, live, stop or test, got $1" >&2
    exit 2
    ;;
esac
`;
}
