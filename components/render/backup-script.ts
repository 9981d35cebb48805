/** The program that copies a machine's data into its repositories. */
import { writtenByTrilithon } from "./application-unit";
import { backupFiles, type Copied } from "./backup";
import { roleCheck } from "./mysql-role";

/** Less than a run of the timer: a member that is further behind is none that copies are made from. */
const applySeconds = 30;

/** A backup host that is started anew answers by then. */
const reachedSeconds = 15;

/** in_place PLACE COMMAND...: with the repository of a place, which is a folder as `backupFiles.places` has them. */
export const inPlaceFunction = `in_place() (
  place=$1
  shift
  export RESTIC_REPOSITORY_FILE="$place/repository" RESTIC_PASSWORD_FILE="$place/password"
  if [ -e "$place/ca.pem" ]; then export RESTIC_CACERT="$place/ca.pem"; fi
  if [ -e "$place/environment" ]; then . "$place/environment"; fi
  "$@"
)
`;

/**
 * clone_into FOLDER: a consistent copy of what this MySQL has. MySQL reads, writes and syncs all of it as fast as it can, for which whoever
 * else writes to the disk had to wait for seconds; the limit holds for members that are filled from another one as well. `ask` is a statement's answer.
 */
export function cloneFunction({ ask, megabytesPerSecond }: CloneParts): string {
  // On its way into the folder it is not compressed, as it is when it is sent.
  const mebibytesPerSecond = Math.max(1, Math.round((2 * megabytesPerSecond * 1e6) / 2 ** 20));
  const limit = "clone_max_data_bandwidth";
  return `clone_into() {
  usual=$(${ask} 'SELECT @@GLOBAL.${limit}')
  cloned=0
  ${ask} "SET GLOBAL ${limit} = ${mebibytesPerSecond}; CLONE LOCAL DATA DIRECTORY = '$1'" || cloned=$?
  ${ask} "SET GLOBAL ${limit} = $usual"
  return "$cloned"
}
`;
}

interface CloneParts {
  /** A function of the script. */
  readonly ask: string;
  /** At which copies are sent. */
  readonly megabytesPerSecond: number;
}

/** Tags, `full`, `logs`, `folders` and `state`, are those that `trilithon-backup-keep` and `trilithon-restore` know. */
export function renderBackupScript({
  name,
  megabytesPerSecond,
}: Pick<Copied, "name"> & { readonly megabytesPerSecond: number }): string {
  const kibibytesPerSecond = Math.round((megabytesPerSecond * 1e6) / 1024);
  const { folders, members, clone, gtidSet, gtidPurged, gtidStored, lock, metrics, unit } =
    backupFiles;
  return `#!/bin/sh
${writtenByTrilithon}
# trilithon-backup full      a copy of the whole database, if this member is the one that makes it; --here: in any case
# trilithon-backup logs      the binary logs up to now, if this member is the one
# trilithon-backup folders   the folders in which applications keep state
# trilithon-backup each WORDS...  one after the other, each whatever became of the ones before
# trilithon-backup state     standard input: the state of the stack, as \`npm run backup -- now\` sends it
# trilithon-backup list      the copies of this machine, as restic has them: JSON, a line for each place
# trilithon-backup check     whether all data can be read, in each place
# trilithon-backup restic PLACE ARGUMENTS...  restic with the repository of this machine in a place: a folder in ${backupFiles.folder}/places
# trilithon-backup is-source status 0 where this member is the one, 1 where another one is, 3 where that is not known
set -eu
umask 077
config=${backupFiles.folder}
state=/var/lib/trilithon/backup
name=${name}
export LC_ALL=C TZ=UTC RESTIC_CACHE_DIR=/var/cache/trilithon-backup
mkdir -p "$state"

fail() {
  echo "$*" >&2
  exit 1
}

# Each by itself: one that fails keeps none of the others from theirs.
in_each_place() {
  failed=
  for place in "$config"/places/*; do
    in_place "$place" "$@" || failed="$failed \${place##*/}"
  done
  [ -z "$failed" ] || fail "$name: no copy in:$failed"
}

# \`errexit\` does not hold in here: each command's end is looked at.
${inPlaceFunction}
# A repository that the stack does not keep itself is made once, also by a member that copies nothing yet: one that is missing later was lost.
make_repository() {
  if [ ! -e "$place/makes-repository" ]; then return 0; fi
  made="$state/made-\${place##*/}"
  is=$(which_repository)
  if [ "$(cat "$made" 2>/dev/null)" = "$is" ]; then return 0; fi
  status=0
  said=$(restic cat config --no-lock 2>&1 >/dev/null) || status=$?
  case "$status $said" in
    0\\ *) ;;
    10\\ * | 1\\ *"Is there a repository at the following location"*) restic init --quiet || return 1 ;;
    *)
      echo "$said" >&2
      return 1
      ;;
  esac
  echo "$is" >"$made"
}

# Where a place leads may hold a password.
which_repository() { sha256sum <"$place/repository"; }

# All places as they are: where another one is among them, it has no full copy yet.
places_now() {
  for place in "$config"/places/*; do echo "\${place##*/} $(which_repository)"; done
}

# One of the stack's own that is gone: restic would wait a quarter of an hour for it, and so would the places after it. One that starts anew is waited for.
reached() {
  if [ -e "$place/makes-repository" ]; then return 0; fi
  perl -MIO::Socket::INET -e '
    open my $file, "<", $ARGV[0] or exit 1;
    my ($peer) = (<$file> // "") =~ m{^rest:https://[^/]*\\@([^/\\@]+:\\d+)/} or exit 0;
    my $end = time + ${reachedSeconds};
    until (IO::Socket::INET->new(PeerAddr => $peer, Timeout => 5)) {
      exit 1 if time >= $end;
      sleep 1;
    }' "$place/repository" && return 0
  echo "\${place##*/}: nobody answers" >&2
  return 1
}

# store TAG ARGUMENTS... Status 3 of restic's, as something could not be read, is a failure as well.
# Visitors share the processors, also those of whoever keeps the copies. Logs are small, and nothing is to delay them.
store() {
  tag=$1
  shift
  reached || return 1
  if [ "$tag" != logs ]; then set -- --limit-upload ${kibibytesPerSecond} --read-concurrency 1 "$@"; fi
  restic backup --quiet --host "$name" --tag "$tag" --group-by host,tags --retry-lock 5m "$@"
}

# metric WHAT [SECONDS]: as of when the copy is. Default: now.
metric() {
  (umask 022 && mkdir -p ${metrics})
  echo "trilithon_backup_last_success_seconds{what=\\"$1\\"} \${2:-$(date +%s)}" >"${metrics}/trilithon-backup-$1.prom.new"
  chmod 644 "${metrics}/trilithon-backup-$1.prom.new"
  mv "${metrics}/trilithon-backup-$1.prom.new" "${metrics}/trilithon-backup-$1.prom"
}

# Who makes no copies tells no time of one.
no_metric() { rm -f "${metrics}/trilithon-backup-$1.prom"; }

ask() { mysql --no-defaults --batch --skip-column-names --execute "$1"; }

${cloneFunction({ ask: "ask", megabytesPerSecond })}
# Whether a member, by its address, answers well for a path: /replica, /primary.
answers() {
  perl -MIO::Socket::INET -e '
    my $line = eval {
      local $SIG{ALRM} = sub { die };
      alarm 3;
      my $peer = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => ${roleCheck.port}, Timeout => 2) or die;
      print $peer "GET $ARGV[1] HTTP/1.0\\r\\n\\r\\n";
      scalar <$peer>;
    };
    exit(($line // "") =~ m{^HTTP/1\\.\\d 200 } ? 0 : 1);' "$1" "$2" </dev/null
}

# The first that is a replica, or else the primary: on each member the same answer.
source_name() {
  for role in replica primary; do
    while read -r member address; do
      if answers "$address" "/$role"; then
        echo "$member"
        return 0
      fi
    done <${members}
  done
  return 1
}

is_source() {
  if ! source=$(source_name); then
    echo "no member says that it is a replica or the primary: nothing is copied" >&2
    exit 3
  fi
  [ "$source" = "$name" ]
}

executed() { ask "SELECT REPLACE(@@GLOBAL.$1, CHAR(10), '')"; }

full() {
  if [ "\${1:-}" != --here ] && ! is_source; then
    echo "$source makes the copy"
    no_metric full
    return 0
  fi
  exec 9>${lock}
  flock 9
  data=$(ask 'SELECT @@datadir')
  needed=$(du -sk "$data" | cut -f 1)
  install -d -o mysql -g mysql -m 0700 ${clone.replace(/\/[^/]*$/, "")}
  free=$(df -kP ${clone.replace(/\/[^/]*$/, "")} | awk 'NR == 2 { print $4 }')
  rm -rf ${clone}
  [ "$free" -gt "$needed" ] || fail "a copy needs $needed KB in ${clone}, which has $free KB free"
  trap 'rm -rf ${clone}' EXIT
  # What the copy has at the least: it is what the logs have to join on to.
  least=$(executed gtid_executed)
  clone_into ${clone}
  echo "$least" >${gtidSet}
  in_each_place store full ${clone} ${gtidSet}
  places_now >"$state/copied-to"
  cp ${gtidSet} "$state/copied.new"
  mv "$state/copied.new" "$state/copied"
  others=$(ask "SELECT GROUP_CONCAT(CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) SEPARATOR ', ') FROM information_schema.TABLES
    WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB' AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') HAVING COUNT(*) > 0")
  [ -z "$others" ] || fail "CLONE copies InnoDB alone, so these are not in the copy: $others: ALTER TABLE ... ENGINE = InnoDB"
  metric full
}

# Up to when, in seconds, this member was sent all that its primary committed. One that follows nobody has its own, and one of a group what the group has.
sent_until() {
  ask "SELECT FLOOR(COALESCE(
    (SELECT GREATEST(UNIX_TIMESTAMP(LAST_HEARTBEAT_TIMESTAMP), UNIX_TIMESTAMP(LAST_QUEUED_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP))
      FROM performance_schema.replication_connection_status JOIN performance_schema.replication_connection_configuration USING (CHANNEL_NAME)
      WHERE CHANNEL_NAME = '' AND HOST <> ''),
    UNIX_TIMESTAMP()))"
}

# What it was sent is in its own binary logs once it was applied.
await_applied() {
  received="SELECT MAX(RECEIVED_TRANSACTION_SET) INTO @received FROM performance_schema.replication_connection_status
    WHERE CHANNEL_NAME IN ('', 'group_replication_applier')"
  applied=$(ask "$received; SELECT WAIT_FOR_EXECUTED_GTID_SET(COALESCE(@received, ''), ${applySeconds})")
  [ "$applied" = 0 ] || fail "what this member was sent is not applied within ${applySeconds} s: its logs are not whole"
}

# The name of the open log and its end, where a transaction ends. The statement has another name before MySQL 8.2.
# A set of several members has \`\\n\` in it, which \`echo\` would make a line of.
open_log() {
  status=$(ask 'SHOW BINARY LOG STATUS' 2>/dev/null) || status=$(ask 'SHOW MASTER STATUS')
  printf '%s\\n' "$status" | cut -f 1,2 | tr '\\t' ' '
}

# Whether what is gone from the logs is in this machine's last copy, and that is in each place.
joins_on() {
  [ -e "$state/copied" ] &&
    [ "$(places_now)" = "$(cat "$state/copied-to")" ] &&
    [ "$(ask "SELECT GTID_SUBSET(@@GLOBAL.gtid_purged, '$(cat "$state/copied")')")" = 1 ]
}

logs() {
  if ! is_source; then
    no_metric logs
    rm -f "$state/logged" ${gtidStored}
    return 0
  fi
  until_time=$(sent_until)
  await_applied
  has=$(executed gtid_executed)
  found=$(open_log)
  if [ "\${found#* }" -gt 16777216 ]; then
    ask 'FLUSH NO_WRITE_TO_BINLOG BINARY LOGS'
    found=$(open_log)
  fi
  # Where nothing was written, one copy in ten minutes says that.
  if [ "$(cat "$state/logged" 2>/dev/null)" != "$found" ] || [ -z "$(find "$state/logged" -mmin -10)" ]; then
    store_logs "\${found% *}" "\${found#* }"
    echo "$found" >"$state/logged"
  fi
  echo "$has" >${gtidStored}.new
  mv ${gtidStored}.new ${gtidStored}
  metric logs "$until_time"
  if ! joins_on; then
    echo "the logs do not join on to a copy of this machine's: one is made"
    systemctl start --no-block ${unit}.service
  fi
}

# store_logs FILE END: those before it as they lie, and of it what is before its end. The time of the copy is that up to which it is whole.
store_logs() {
  base=$(ask 'SELECT @@log_bin_basename')
  rm -rf "$state/open"
  mkdir -p "$state/open"
  head -c "$2" "\${base%/*}/$1" >"$state/open/$1"
  [ "$(stat -c %s "$state/open/$1")" = "$2" ] || fail "$1: expected $2 bytes"
  # A member that was cloned begins with a log that does not say what was before it.
  executed gtid_purged >${gtidPurged}
  all=$(ask 'SHOW BINARY LOGS')
  echo "$all" | awk -v "folder=\${base%/*}" -v "open=$1" '$1 == open { exit } { print folder "/" $1 }' >"$state/list"
  printf '%s\\n' "$state/open/$1" ${gtidPurged} >>"$state/list"
  in_each_place store logs --time "$(date -d "@$until_time" '+%Y-%m-%d %H:%M:%S')" --files-from-verbatim "$state/list"
}

folders() {
  set --
  while read -r one; do
    if [ -d "$one" ]; then set -- "$@" "$one"; fi
  done <${folders}
  if [ $# -gt 0 ]; then in_each_place store folders "$@"; fi
  metric folders
}

each() {
  failed=
  for what in "$@"; do "$0" "$what" || failed=yes; done
  [ -z "$failed" ]
}

# Its secrets are encrypted by the stack's passphrase.
state() {
  cat >"$state/stack.json.new"
  [ -s "$state/stack.json.new" ] || fail "the state of the stack is empty"
  mv "$state/stack.json.new" "$state/stack.json"
  in_each_place store state "$state/stack.json"
}

list_one() {
  reached || return 1
  said=$(restic snapshots --json --no-lock) || return 1
  printf '%s\\n' "\${place##*/} $said"
}

check_one() { reached && restic check --read-data --no-lock; }

made_none=
case $1 in full | logs | folders | state) (in_each_place make_repository) || made_none=yes ;; esac
case $1 in
  full) full "\${2:-}" ;;
  logs) logs ;;
  folders) folders ;;
  each)
    shift
    each "$@"
    ;;
  state) state ;;
  list) in_each_place list_one ;;
  check) in_each_place check_one ;;
  restic)
    [ -d "$config/places/\${2:-}" ] && [ $# -gt 2 ] || fail "expected a place ($(ls "$config/places" | tr '\\n' ' ')), and what restic is to do"
    shift
    place=$1
    shift
    in_place "$config/places/$place" restic "$@"
    ;;
  is-source) is_source ;;
  *)
    echo "expected full, logs, folders, each, state, list, check, restic or is-source, got $1" >&2
    exit 2
    ;;
esac
[ -z "$made_none" ]
`;
}
