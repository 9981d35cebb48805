/**
 * What a unit runs with, known by what it was started or last reloaded with: each transaction records that in
 * `/var/lib/trilithon/loaded/UNIT`. The dates of files count only where somebody else started or reloaded the unit.
 */

import { createHash } from "node:crypto";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { Configuration, Service } from "./args";

/** Functions of the observation and of the transaction. */
export const unitFunctions = sh`
nl='
'
# Of a process: the start, in clock ticks since boot, of its youngest child (a daemon with workers makes new ones as it reloads),
# and the number of each child.
relatives() {
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v parent="$1" '
    { id = $1; sub(/^.*\) /, "") }
    $2 == parent { ids = ids " " id; if ($20 > found) found = $20 }
    END { printf "%.0f%s\n", found, ids }'
}
youngest() { relatives "$1" | cut -d ' ' -f 1; }
children() { relatives "$1" | cut -s -d ' ' -f 2-; }
# The program or the library, of processes, that is no longer the one on the disk.
replaced() {
  exes= maps=
  for id; do exes="$exes /proc/$id/exe" maps="$maps /proc/$id/maps"; done
  program=$(readlink $exes 2>/dev/null)$nl
  case $program in *" (deleted)$nl"*) program=\${program%%" (deleted)$nl"*}; echo "\${program##*"$nl"}"; return ;; esac
  maps=$(grep -hs ' (deleted)$' $maps)
  [ -z "$maps" ] || printf '%s\n' "$maps" | awk '
    $2 ~ /x/ && sub(/ \(deleted\)$/, "") && sub(/^[^\/]*/, "") && !/^\/(dev|run|tmp|var\/tmp|memfd:|SYSV)/ { print; exit }'
}
# Where the program of a unit's command leads: an alternative may be switched while the former program stays on the disk. What
# comes with a version is known by its link.
program() {
  path=\${shown#*"ExecStart={ path="}; path=\${path%% ;*}
  case $path in "$shown" | */current/* | */releases/*) ;; *) readlink -f -- "$path" ;; esac
}
# Of each unit, with an empty line between them.
unit_status() {
  systemctl show -p ExecStart -p LoadState -p ActiveState -p UnitFileState -p NeedDaemonReload -p MainPID -p InvocationID -p ActiveEnterTimestampMonotonic -p StateChangeTimestampMonotonic -p FragmentPath -p DropInPaths -- "$@"
}
`;

/** Functions of the observation alone. */
export const unitObservation = sh`
is_active() { case $shown in *ActiveState=active*) ;; *) return 1 ;; esac; }
# The next of those that were asked about. systemd ends at one that it does not know, and a command may have an empty line in it.
unit() {
  units_left=$((units_left - 1)) shown=$statuses
  if [ "$units_left" -gt 0 ]; then
    shown=\${statuses%%"$nl$nl"*}
    case $statuses in *"$nl$nl"*) statuses=\${statuses#*"$nl$nl"} ;; *) statuses= ;; esac
  fi
  printf '%s\n' "$shown"
  main=\${shown#*MainPID=}; main=\${main%%[!0-9]*}
  if [ "\${main:-0}" != 0 ]; then
    children=$(relatives "$main"); young=\${children%% *}
    children=\${children#"$young"}
    echo "Youngest=$young"; printf 'Replaced='; replaced "$main" $children; echo; printf 'Program='; program; echo
  fi
  echo "Uptime=$uptime"
  echo "Now=$clock"
  # A drain is left behind when no change is under way that drains.
  if [ -n "$2" ] && [ -e "$2" ] && { [ ! -e /run/lock/trilithon ] || flock -n /run/lock/trilithon true; }; then echo 'Drained=yes'; fi
  if [ -e "/var/lib/trilithon/loaded/$1" ]; then
    while IFS= read -r line; do printf 'Recorded=%s\n' "$line"; done <"/var/lib/trilithon/loaded/$1"
  fi
}
`;

/** All of them at once, before \`unit\` tells of each: systemd's answer takes longer than all else. */
export function renderUnitStatuses(units: readonly string[]): Shell {
  return sh`
statuses=$(unit_status ${units}) units_left=${units.length}
read -r uptime idle </proc/uptime; clock=$(date +%s.%N)`;
}

/** Functions of the transaction alone: what the unit runs with from now on. */
export const unitRecord = sh`
loaded() {
  unit=$1 link=$2
  shift 2
  shown=$(unit_status "$unit")
  mkdir -p "$own/loaded"
  # A reload starts no other program.
  started=$(program)
  if grep -qsxF "$(printf '%s\n' "$shown" | grep '^InvocationID=')" "$own/loaded/$unit"; then
    started=$(sed -n 's/^Program=//p' "$own/loaded/$unit")
  fi
  {
    printf '%s\n' "$shown" | grep -E '^(InvocationID|StateChangeTimestampMonotonic)='
    echo "Youngest=$(youngest "$(printf '%s\n' "$shown" | sed -n 's/^MainPID=//p')")"
    echo "Program=$started"
    if [ -n "$link" ]; then echo "Link=$(readlink -- "$link")"; fi
    for path; do
      if [ -f "$path" ]; then echo "File=$(stat -L -c '%.9Z' -- "$path") $(sha256sum <"$path" | cut -d ' ' -f 1) $path"; fi
    done
  } >"$own/loaded/.$unit" && mv -f -- "$own/loaded/.$unit" "$own/loaded/$unit"
}
`;

export function renderUnitObservation({ unit, drain, root }: Service): Shell | false {
  if (unit === undefined) return false;
  return lines(
    sh`unit ${unit} ${drain?.file ?? ""}`,
    root !== undefined &&
      sh`echo "Link=$(stat -c %.9Z -- ${`${root}/current`} 2>/dev/null) $(readlink -- ${`${root}/current`})"`,
    sh`echo end`,
  );
}

/** The files that the unit takes in as it starts or reloads. */
export function renderLoaded({ unit, files, state, root }: Service): Shell | false {
  if (unit === undefined) return false;
  if (state === "stopped") return sh`rm -f -- ${`/var/lib/trilithon/loaded/${unit}`}`;
  const taken = Object.entries(files).filter(([, { onChange }]) => onChange !== "nothing");
  const link = root === undefined ? "" : `${root}/current`;
  return sh`loaded ${unit} ${link} ${taken.map(([path]) => path)}`;
}

/** A file that was found on the host. */
export interface FoundFile {
  readonly bytes: Buffer;
  /** When its content, name, owner or mode last changed, in seconds since 1970. Nobody can set it, unlike the date of its content. */
  readonly changedAt: number;
  readonly onChange: string;
}

export function parseUnit(
  answer: readonly string[],
  files: ReadonlyMap<string, FoundFile>,
  { drain, version, onUpgrade }: Service,
): Partial<Service> {
  const shown = answer.map((line): [string, string] => {
    const [, name = "", value = ""] = /^([^=]*)=(.*)$/s.exec(line) ?? [];
    return [name, value];
  });
  const properties = new Map(shown);
  const recorded = shown.flatMap(([name, value]) => (name === "Recorded" ? [value] : []));
  const forewarned = shown.flatMap(([name, value]) => (name === "Forewarned" ? [value] : []));
  const active = properties.get("ActiveState") ?? "";
  const isRunning = ["active", "reloading", "refreshing"].includes(active);
  const unitFile = properties.get("UnitFileState") ?? "";
  const isMasked = properties.get("LoadState") === "masked" || unitFile.startsWith("masked");
  const enabled = enablement[unitFile];
  // Where a reload makes the main process anew, the record does not tell with which program.
  const former = onUpgrade === "reload" ? undefined : formerProgram(properties, recorded);
  const replaced = properties.get("Replaced") || former;
  return {
    state: isRunning ? "running" : active === "inactive" ? "stopped" : active,
    ...(enabled === undefined ? {} : { enabled }),
    ...(isRunning && { configuration: configurationOf(properties, recorded, { files, version }) }),
    ...(isMasked && { masked: "it cannot be started while it is masked" }),
    ...(isRunning && replaced && { process: `runs a former ${replaced}` }),
    ...(properties.get("PortHolder") && { portHolder: properties.get("PortHolder") }),
    ...(forewarned.length > 0 && { forewarned }),
    ...(properties.has("Drained") && { drained: drain?.file }),
    ...(properties.get("NeedDaemonReload") === "yes" && {
      definition: "systemd has read a former one",
    }),
  };
}

/** The program that its command led to when it was started, where it leads to another one by now. */
function formerProgram(
  properties: ReadonlyMap<string, string>,
  recorded: readonly string[],
): string | undefined {
  const record = parseRecord(recorded);
  const [then, now] = [record.get("Program"), properties.get("Program")];
  const isSameStart = record.get("InvocationID") === properties.get("InvocationID");
  return isSameStart && now && then !== now ? then : undefined;
}

/** Of units that cannot be enabled or disabled (static, generated ...) there is nothing to say. */
const enablement: Readonly<Record<string, boolean>> = {
  "": false,
  bad: false,
  enabled: true,
  "enabled-runtime": false,
  linked: false,
  "linked-runtime": false,
  disabled: false,
  masked: false,
  "masked-runtime": false,
};

/** What a unit takes in as it starts or reloads. */
interface Taken {
  readonly files: ReadonlyMap<string, FoundFile>;
  /** That the link `current` is to lead to; where it leads elsewhere it is switched anyway. */
  readonly version: string | undefined;
}

function configurationOf(
  properties: ReadonlyMap<string, string>,
  recorded: readonly string[],
  { files, version }: Taken,
): Configuration {
  const record = parseRecord(recorded);
  const isSame = (...names: string[]) =>
    names.every((name) => (properties.get(name) ?? "") === record.get(name));
  const isSameStart = isSame("InvocationID");
  const isSameReload = isSameStart && isSame("StateChangeTimestampMonotonic", "Youngest");
  const number = (name: string) => Number(properties.get(name) ?? 0);
  const bootedAt = number("Now") - number("Uptime");
  const startedAt = bootedAt + number("ActiveEnterTimestampMonotonic") / 1e6;
  const reloadedAt =
    bootedAt +
    Math.max(number("StateChangeTimestampMonotonic") / 1e6, number("Youngest") / ticksPerSecond);
  // The link counts like a file. A transaction of before did not record where it led.
  const isOfFormerVersion = (used = "") => {
    const [changedAt, target = ""] = (properties.get("Link") ?? "").split(" ");
    if (target !== `releases/${used}`) return false;
    if (isSameStart) return record.has("Link") && record.get("Link") !== target;
    return Number(changedAt) > startedAt;
  };
  const isStale = (on: string, isOurs: boolean, takenAt: number) =>
    [...files].some(([path, { bytes, changedAt, onChange }]) => {
      if (onChange !== on) return false;
      const [then, digest] = (record.get(path) ?? "").split(" ");
      const isSameContent = digest === createHash("sha256").update(bytes).digest("hex");
      if (isOurs && digest !== undefined) return !isSameContent;
      // Somebody else's start took in what was there at that moment.
      return !(isSameContent && Number(then) === changedAt) && changedAt > takenAt;
    });
  if (isStale("restart", isSameStart, startedAt) || isOfFormerVersion(version)) {
    return "restart needed";
  }
  return isStale("reload", isSameReload, Math.max(startedAt, reloadedAt))
    ? "reload needed"
    : "loaded";
}

/** Of `/proc/PID/stat`, on every Linux today. */
const ticksPerSecond = 100;

/** Property to value, and path to `CHANGED-AT DIGEST`. */
function parseRecord(record: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    record.map((line): [string, string] => {
      const file = /^File=(\S+ \S+) (.*)$/s.exec(line);
      if (file) return [file[2] ?? "", file[1] ?? ""];
      const [, name = "", value = ""] = /^([^=]*)=(.*)$/s.exec(line) ?? [];
      return [name, value];
    }),
  );
}
