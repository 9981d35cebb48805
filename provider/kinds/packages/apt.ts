/** The parts of scripts that ask apt or let it work: its locks are waited for, its lists read again when they lack something. */

import { lines, type Shell, sh } from "../../ssh/shell";
import { renderSource, type Source, sourcePath } from "./source";

/** How long another process may hold a lock of apt or dpkg. */
export const lockSeconds = 600;
/** Lists that are older are read again before anything is installed. */
const listsMinutes = 720;

/** `progress`, `fail`, and `apt`, which runs apt-get with its output in `$log`. */
export function renderPreamble(): Shell {
  // Ubuntu's needrestart would restart daemons by itself, undrained and on all hosts at once.
  return sh`
set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
log=$(mktemp)
pending=
clean_up() { rm -rf -- "$log" "$log.status" "$log.found" \${pending:+"$pending"}; }
trap clean_up EXIT
progress() { printf '@progress %s\n' "$1" 2>/dev/null || true; }
options='-o Acquire::Retries=3 -o APT::Update::Error-Mode=any'
# Whether apt or dpkg has ended because another process holds a lock: says who, and waits a moment.
locked() {
  holder=$(grep -m 1 -o -E 'Could not get lock .*|dpkg.*lock was locked by .*' "$log") || return 1
  if [ "$(date +%s)" -ge "$lock_end" ]; then
    printf 'E: %s: not free after %s seconds\n' "$holder" ${lockSeconds} >>"$log"
    return 1
  fi
  progress "waiting: $holder"
  sleep 0.5
}
begin() { lock_end=$(($(date +%s) + ${lockSeconds})); }
apt() {
  begin
  until apt-get $options "$@" >"$log" 2>&1 </dev/null 9>&-; do
    locked || return 1
  done
}
lists=/var/lib/apt/lists
is_recent() {
  [ -n "$(find "$lists" -maxdepth 1 -name '*_Packages*' 2>/dev/null | head -n 1)" ] &&
    [ -n "$(find "$lists/partial" -maxdepth 0 -mmin -${listsMinutes} 2>/dev/null)" ]
}
read_lists() {
  was_read=yes
  progress 'reading the package lists (apt-get update)'
  apt update && return
  echo 'apt-get update failed: are the package sources of this host reachable?' >"$log.found"
  grep -E '^(E|W|Err):' "$log" >>"$log.found"
  mv -f -- "$log.found" "$log"
  return 1
}
was_read=
`;
}

/** Lets apt see sources that are not on the host yet, in folders of its own: nothing of the host's is changed. */
function renderPending(sources: Readonly<Record<string, Source>>): Shell | undefined {
  const entries = Object.entries(sources);
  if (entries.length === 0) return undefined;
  return lines(
    sh`
mkdir -p /var/lib/trilithon && chmod 0700 /var/lib/trilithon
pending=$(mktemp -d /var/lib/trilithon/apt.XXXXXX)
mkdir -p "$pending/sources"
cp -a "$lists" "$pending/lists" && rm -f -- "$pending/lists/lock"
if [ -d /etc/apt/sources.list.d ]; then cp -a /etc/apt/sources.list.d/. "$pending/sources/"; fi`,
    ...entries.map(
      ([name, source]) =>
        sh`printf '%s' ${renderSource(source)} >"$pending/sources/"${sourcePath(name).replace(/^.*\//, "")}`,
    ),
    sh`
lists=$pending/lists
options="$options -o APT::Sandbox::User=root -o Dir::State::lists=$lists -o Dir::Etc::sourceparts=$pending/sources -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
read_lists || { echo refused; cat "$log"; exit 0; }`,
  );
}

/** Every flag that lets apt go on; what must not happen is found in what it says that it would do. */
const permissive = [
  ...["--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages"],
];

/** Answers what apt would do to install the targets, for `parseChanges`. `pending` are sources that are not there yet. */
export function renderSimulation(
  targets: readonly string[],
  pending: Readonly<Record<string, Source>>,
): Shell {
  return lines(
    renderPreamble(),
    renderPending(pending),
    sh`
simulate() { apt-get $options -s -y ${permissive} install -- ${targets} >"$log" 2>&1 </dev/null; }
[ -n "$was_read" ] || is_recent || read_lists || { echo refused; tail -n 25 "$log"; exit 0; }
# A name or a version that is not found may be in newer lists.
if ! simulate; then
  [ -z "$was_read" ] && read_lists && simulate || { echo refused; ${renderReason(targets)}; exit 0; }
fi
grep -E '^(Inst|Remv|Purg) ' "$log"
apt-mark showhold 2>/dev/null </dev/null | sed 's/^/held /'
exit 0`,
  );
}

/** Apt's last words, the remedy where no source has a name, and the versions that there are of what is asked for by version. */
function renderReason(targets: readonly string[]): Shell {
  const names = targets
    .filter((target) => target.includes("="))
    .map((target) => target.split("=")[0] ?? "");
  return lines(
    sh`{ grep -E '^(E:|apt-get update failed)|^ .*(Depends|Conflicts|Breaks):' "$log" || tail -n 25 "$log"; }
if grep -qE '^E: (Unable to locate package|Package .* has no installation candidate)' "$log"; then
  echo 'no package source of this host has it: name one that does in packages.sources'
fi`,
    ...names.map(
      (name) =>
        sh`apt-cache $options madison -- ${name} 2>/dev/null | awk -F ' *[|] *' -v name=${name} '{ gsub(/ /, "", $2); if (!seen[$2]++) all = all (all ? ", " : "") $2 } END { if (all) print name ": the package sources have " all }'`,
    ),
  );
}
