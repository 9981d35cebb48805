/** The program that starts a mysqld of its own on a backup and replays binary logs into it, and the unit that tries that each night. */
import { writtenByTrilithon } from "./application-unit";
import { backupConfinement, backupFiles, backupPriority } from "./backup";
import { cloneFunction, inPlaceFunction } from "./backup-script";
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
  /** Binary logs are stored each minute; a run that hangs is ended after a quarter of an hour. */
  storedSeconds: 1200,
};

export function renderTestService(): string {
  return `${writtenByTrilithon}
[Unit]
Description=Restores the newest backup beside MySQL, and compares it with what MySQL has
After=network-online.target mysql.service

[Service]
Type=oneshot
ExecStart=${restore.scriptPath} test
TimeoutStartSec=12h
${backupPriority}${backupConfinement}`;
}

export function renderTestTimer(): string {
  return `${writtenByTrilithon}
[Unit]
Description=Restores the newest backup beside MySQL, and compares it with what MySQL has

[Timer]
OnCalendar=*-*-* 05:30 UTC
RandomizedDelaySec=15min

[Install]
WantedBy=timers.target
`;
}

/** Places are those of `trilithon-backup`, or a folder of the same form. */
export function renderRestoreScript({
  megabytesPerSecond,
}: {
  /** At which copies are sent. */
  readonly megabytesPerSecond: number;
}): string {
  const { folder, unit, port, settleSeconds, storedSeconds } = restore;
  const { clone, gtidSet, gtidPurged, gtidStored, lock, metrics, places } = backupFiles;
  const { scriptPath: backupScript, logsUnit } = backupFiles;
  return `#!/bin/sh
${writtenByTrilithon}
# trilithon-restore scratch TARGET [PLACES [BEFORE]]
#   starts a mysqld at 127.0.0.1:${port} that has what TARGET says, and tells what is in it
#   TARGET  latest, time:MICROSECONDS (all that committed before it), gtid:UUID:NUMBER (up to this one and with it) or set:SET (just these)
#   PLACES  a folder with a folder for each repository; default: those of this machine
#   BEFORE  takes no copy that was made later, in microseconds
# trilithon-restore live   tells the same of the MySQL that serves
# trilithon-restore definers DATABASE...  accounts that views, routines, triggers or events of it act in the name of, and that the MySQL that serves has not
# trilithon-restore make-definers DATABASE...  makes these there, locked, with the rights that they had, and tells what is refused
# trilithon-restore stop   ends it, and removes its data
# trilithon-restore test   on the member that makes the copies: restores what this member has now, and compares each table with it
set -eu
umask 077
export LC_ALL=C TZ=UTC RESTIC_CACHE_DIR=/var/cache/trilithon-backup
work=${folder}
socket=$work/mysqld.sock

fail() {
  echo "$*" >&2
  exit 1
}

${inPlaceFunction}
ask() { mysql --no-defaults --socket="$socket" --batch --skip-column-names --execute "$1"; }

# All copies with a tag: a line of MICROSECONDS ID PLACE for each, the oldest first. A place that does not answer ends all: what it has could be newer.
copies() {
  : >"$work/copies"
  for place in "$places"/*; do
    said=$(in_place "$place" restic snapshots --json --no-lock --tag "$1") || fail "\${place##*/}: its copies cannot be read; to do without them: --keys FILE, of the places that are left"
    printf '%s\\n' "$said" | perl -ne 'while (/"time":"([^"]+)".*?"short_id":"([0-9a-f]+)"/g) { print "$1 $2\\n" }' >"$work/times"
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
  systemd-run --quiet --collect --unit=${unit} --property=User=mysql --property=Nice=10 --property=CPUWeight=10 --property=IOWeight=10 \\
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

# A disk that it fills is that of the MySQL that serves.
has_space() {
  free=$(df -kP "$work" | awk 'NR == 2 { print $4 }')
  [ "$free" -gt "$1" ] || fail "a restore needs $1 KB in ${folder}, which has $free KB free"
}

# The newest copy that has nothing beyond the target.
take_copy() {
  copies full >"$work/full"
  sort -rn "$work/full" >"$work/newest-first"
  while read -r time id place <&3; do
    case $target in
      time:*) if [ "$time" -gt "$((\${target#time:} - ${settleSeconds} * 1000000))" ]; then continue; fi ;;
    esac
    size=$(in_place "$place" restic stats --json --no-lock --mode restore-size "$id" | sed -n 's/.*"total_size":\\([0-9]*\\).*/\\1/p')
    has_space "$((\${size:-0} / 1024))"
    in_place "$place" restic restore --quiet --verify --retry-lock 30m "$id:${clone}" --target "$work/data" ||
      fail "the copy $id of $(readable "$time") in \${place##*/} cannot be read whole"
    start
    has=$(executed)
    beyond=
    case $target in
      gtid:*) if is_subset "\${target#gtid:}" "$has"; then beyond=yes; fi ;;
      set:*) if ! is_subset "$has" "\${target#set:}"; then beyond=yes; fi ;;
    esac
    if [ -n "$beyond" ]; then
      systemctl stop ${unit}
      rm -rf "$work/data"
      continue
    fi
    echo "copy $time \${place##*/} $id"
    return 0
  done 3<"$work/newest-first"
  fail "there is no copy of the database from before that"
}

# The logs of each place: the copy of them that is the first to have all before the target, or the newest.
take_logs() {
  copies logs >"$work/log-copies"
  reached=0
  : >"$work/whole"
  for place in "$places"/*; do
    chosen=$(awk -v "place=$place" -v "least=$least" '$3 == place { line = $0; if ($1 >= least && !found) { found = $0 } }
      END { print found == "" ? line : found }' "$work/log-copies")
    if [ -z "$chosen" ]; then continue; fi
    set -- $chosen
    if [ "$1" -gt "$reached" ]; then reached=$1; fi
    if [ "$1" -ge "$least" ]; then echo "\${place##*/}" >>"$work/whole"; fi
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
# What is before the oldest of them is told by the logs, and of a member that was cloned by its set of what it purged.
logs_of() { find "$1" -type f -name '*.[0-9]*' | awk -F / '{ print $NF " " $0 }' | sort | cut -d ' ' -f 2-; }

replay() {
  only=
  case $target in set:*) only=\${target#set:} ;; esac
  while read -r word file end; do
    if [ "$word" != replay ]; then continue; fi
    {
      mysqlbinlog --verify-binlog-checksum \${end:+--stop-position="$end"} \${only:+--include-gtids="$only"} "$file" || echo failed >"$work/failed"
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
      purged=$(cat "$work/logs/$one"${gtidPurged}) || fail "$one: its binary logs do not say what was before them"
      if ! is_subset "$purged" "$has"; then
        waiting="$waiting $one"
        reason="$one: its binary logs begin after $(ask "SELECT REPLACE(GTID_SUBTRACT('$purged', '$has'), CHAR(10), '')")"
        continue
      fi
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
      if grep -qxF "$one" "$work/whole"; then found=yes; fi
    done
    # All that is wanted is there: logs that begin later have none of it.
    if [ -n "$found" ]; then break; fi
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
      gtid:* | set:*) continue ;;
    esac
    set=$(in_place "$place" restic dump --no-lock "$id" ${gtidSet}) || fail "the copy $id of $(readable "$time") in \${place##*/} cannot be read whole"
    other=$(ask "SELECT REPLACE(GTID_SUBTRACT('$set', '$has'), CHAR(10), '')")
    if [ -n "$other" ]; then echo "other $time \${place##*/} $id $other"; fi
  done 3<"$work/full"
}

mark='CHAR(96 USING utf8mb4)'
table="CONCAT($mark, REPLACE(TABLE_SCHEMA, $mark, CONCAT($mark, $mark)), $mark, '.', $mark, REPLACE(TABLE_NAME, $mark, CONCAT($mark, $mark)), $mark)"
tables="FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') ORDER BY TABLE_SCHEMA, TABLE_NAME"

# for_each_table BEFORE AFTER: a statement for each.
for_each_table() {
  ask "SELECT CONCAT($1, $table, $2) $tables" >"$work/statements"
  mysql --no-defaults --socket="$socket" --batch --skip-column-names <"$work/statements"
}

checksums() { for_each_table "'CHECKSUM TABLE '" "';'"; }

# Of each table the rows, and MySQL's checksum.
tell_tables() {
  for_each_table "'SELECT ''rows'', ', QUOTE(CONCAT(TABLE_SCHEMA, '.', TABLE_NAME)), ', COUNT(*) FROM '" "';'"
  checksums | sed 's/^/checksum\\t/'
}

# One may have views, routines or events alone.
tell_databases() {
  ask "SELECT 'database', SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')"
}

tell() {
  echo "gtid $has"
  tell_databases
  tell_tables
  echo "scratch 127.0.0.1 ${port} $socket"
}

# What fails leaves nothing behind: the MySQL that serves needs the space.
scratch() {
  trap stop EXIT
  trap 'exit 1' HUP INT TERM
  rebuild "$@"
  tell_others
  tell
  trap - EXIT
}

rebuild() {
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
    set:*) is_subset "\${target#set:}" "$has" || fail "of \${target#set:} there is in none of the binary logs: $(ask "SELECT REPLACE(GTID_SUBTRACT('\${target#set:}', '$has'), CHAR(10), '')")" ;;
  esac
}

live() {
  socket=$(mysql --no-defaults --batch --skip-column-names --execute 'SELECT @@GLOBAL.socket')
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  tell_tables
}

definers() {
  made='SELECT TABLE_SCHEMA AS place, DEFINER FROM information_schema.VIEWS UNION SELECT ROUTINE_SCHEMA, DEFINER FROM information_schema.ROUTINES
    UNION SELECT TRIGGER_SCHEMA, DEFINER FROM information_schema.TRIGGERS UNION SELECT EVENT_SCHEMA, DEFINER FROM information_schema.EVENTS'
  account="CONCAT(QUOTE(User), '@', QUOTE(Host))"
  live_ask "SELECT $account FROM mysql.user" >"$work/accounts"
  : >"$work/acting"
  for database in "$@"; do
    name=$(printf %s "$database" | od -An -v -tx1 | tr -d ' \\n')
    ask "SELECT DISTINCT $account FROM ($made) AS made JOIN mysql.user ON DEFINER = CONCAT(User, '@', Host) WHERE place = CONVERT(X'$name' USING utf8mb4)" >>"$work/acting"
  done
  sort -u "$work/acting" | grep -vxFf "$work/accounts" || true
}

make_definers() {
  definers "$@" >"$work/definers"
  while read -r account; do
    {
      echo "CREATE USER $account IDENTIFIED BY RANDOM PASSWORD ACCOUNT LOCK;"
      mysql --no-defaults --socket="$socket" --batch --skip-column-names --raw --execute "SHOW GRANTS FOR $account" | sed 's/$/;/'
    } </dev/null >"$work/grants"
    mysql --no-defaults --force <"$work/grants" 2>&1 >/dev/null || true
  done <"$work/definers"
}

# What this member has now: a copy of its own by CLONE, which is consistent and locks nothing. FLUSH TABLES WITH READ LOCK would wait for
# whoever reads, and even once it has given up keep the tables that it waited for from everybody, the applier too.
take_marker() {
  stop
  mkdir -p "$work"
  chown mysql:mysql "$work"
  has_space "$(du -sk "$(live_ask 'SELECT @@datadir')" | cut -f 1)"
  (
    flock 9
    clone_into "$work/data"
  ) 9>${lock}
  start
  marker=$(executed)
  checksums >"$kept/wanted"
  stop
}

live_ask() { mysql --no-defaults --batch --skip-column-names --execute "$1"; }

${cloneFunction({ ask: "live_ask", megabytesPerSecond })}
# Whoever makes the copies tries them, and nobody else tells of it. Status 3: that is not known.
only_as_source() {
  status=0
  ${backupScript} is-source || status=$?
  if [ "$status" != 1 ]; then return "$status"; fi
  rm -f ${metrics}/trilithon-restore-test.prom ${metrics}/trilithon-restore-test-tables.prom
  echo "another member makes the copies, and tries them"
  exit 0
}

# Where another member goes on with the copies meanwhile, the marker never comes.
await_stored() {
  tries=0
  until [ -e ${gtidStored} ] && [ "$(live_ask "SELECT GTID_SUBSET('$marker', '$(cat ${gtidStored})')")" = 1 ]; do
    tries=$((tries + 1))
    only_as_source || true
    [ "$tries" -le ${storedSeconds / 5} ] || fail "the binary logs up to $marker were not stored within ${storedSeconds} s: journalctl -u ${logsUnit}"
    sleep 5
  done
}

# Tables that are not the same, a line for each: the name, and what was found.
compare() {
  checksums >"$kept/found"
  awk -F '\\t' 'NR == FNR { wanted[$1] = $2; next }
    !($1 in wanted) { print $1 "\\tis not on this member" }
    $1 in wanted && wanted[$1] != $2 { print $1 "\\thas the checksum " $2 ", and " wanted[$1] " on this member" }
    { found[$1] = 1 }
    END { for (name in wanted) if (!(name in found)) print name "\\tis missing" }' "$kept/wanted" "$kept/found" >"$kept/different"
}

metrics_file() {
  (umask 022 && mkdir -p ${metrics})
  cat >"${metrics}/$1.new"
  chmod 644 "${metrics}/$1.new"
  mv "${metrics}/$1.new" "${metrics}/$1"
}

tell_different() {
  {
    echo "trilithon_restore_test_different_tables $(wc -l <"$kept/different")"
    cut -f 1 "$kept/different" | sed 's/["\\]/\\\\&/g; s/.*/trilithon_restore_test_different{table="&"} 1/'
  } | metrics_file trilithon-restore-test-tables.prom
}

# Where it fails, the metric of the time before stays: its age says when it last went well.
try() {
  only_as_source || fail "it is not known who makes the copies"
  if systemctl is-active --quiet ${unit}; then
    echo "somebody looks at a restored copy: this one is left out"
    exit 0
  fi
  kept=$(mktemp -d)
  trap 'stop; rm -rf "$kept"' EXIT
  trap 'exit 1' INT TERM
  take_marker
  await_stored
  rebuild "set:$marker"
  compare
  tell_different
  if [ -s "$kept/different" ]; then
    sed 's/\\t/ /; s/^/restored, /' "$kept/different" >&2
    fail "what was restored is not what this member had at $marker"
  fi
  for_each_table "'CHECK TABLE '" "';'" >"$work/checked"
  broken=$(awk -F '\\t' '$3 == "error" || ($3 == "status" && $4 != "OK")' "$work/checked")
  [ -z "$broken" ] || fail "$broken"
  echo "$(wc -l <"$kept/found") tables are what this member had at $marker"
  {
    echo "trilithon_restore_test_last_success_seconds $(date +%s)"
    echo "trilithon_restore_test_until_seconds $((until_time / 1000000))"
    echo "trilithon_restore_test_compared_tables $(wc -l <"$kept/found")"
  } | metrics_file trilithon-restore-test.prom
}

case $1 in
  scratch) scratch "$2" "\${3:-}" "\${4:-}" ;;
  live) live ;;
  definers)
    shift
    definers "$@"
    ;;
  make-definers)
    shift
    make_definers "$@"
    ;;
  stop) stop ;;
  test) try ;;
  *)
    echo "expected scratch, live, definers, make-definers, stop or test, got $1" >&2
    exit 2
    ;;
esac
`;
}
