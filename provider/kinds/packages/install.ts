/** Packages of several resources on one host that wait at the same time become one apt transaction. */

import type { Context, Host } from "../../kind";
import { lines, type Shell, sh } from "../../ssh/shell";
import { lockSeconds, renderPreamble } from "./apt";
import { type Change, isDowngrade, isRemoval } from "./changes";
import { gatherer } from "./gather";
import { renderSource, type Source, sourcePath } from "./source";

export interface Installation {
  readonly host: Host;
  readonly context: Context;
  /** Name to version or `present`. */
  readonly packages: Readonly<Record<string, string>>;
  /** What apt is allowed to do besides that it does not do by itself: remove, downgrade, change what is on hold. */
  readonly allowed: readonly Change[];
  readonly sources: Readonly<Record<string, Source>>;
  readonly removedSources: readonly string[];
  readonly hold: readonly string[];
  readonly unhold: readonly string[];
  /** Units that their packages' scripts may stop; those that ran are started again. */
  readonly mayStop: readonly string[];
}

/** The program registers what a host needs one after the other, within about this time. */
const gatherMilliseconds = 1000;
const deadlineSeconds = 3600;

export const install: (installation: Installation) => Promise<void> = gatherer(
  gatherMilliseconds,
  async (together: readonly Installation[]) => {
    const [first] = together;
    if (first === undefined) return;
    const all = together.reduce(merged);
    const names = [...Object.keys(all.packages), ...Object.keys(all.sources)];
    await first.context.run(first.host, {
      script: renderInstall(all).text,
      doing:
        names.length > 0 ? `installing ${names.join(", ")}` : "changing package sources and holds",
      deadlineSeconds,
      onProgress: (message) => {
        for (const one of together) one.context.progress(`${one.host.name}: ${message}`);
      },
    });
  },
);

function merged(one: Installation, other: Installation): Installation {
  const packages = Object.entries({ ...one.packages, ...other.packages }).map(([name, version]) => [
    name,
    // Who wants a certain version has the last word.
    version === "present" ? (one.packages[name] ?? version) : version,
  ]);
  return {
    ...one,
    packages: Object.fromEntries(packages),
    allowed: [...one.allowed, ...other.allowed],
    sources: { ...one.sources, ...other.sources },
    removedSources: [...one.removedSources, ...other.removedSources],
    hold: [...one.hold, ...other.hold],
    unhold: [...one.unhold, ...other.unhold],
    mayStop: [...new Set([...one.mayStop, ...other.mayStop])],
  };
}

export function targetsOf(packages: Readonly<Record<string, string>>): string[] {
  return Object.entries(packages).map(([name, version]) =>
    version === "present" ? name : `${name}=${version}`,
  );
}

export function renderInstall(installation: Installation): Shell {
  const { packages, sources, removedSources, hold, unhold, mayStop } = installation;
  const targets = targetsOf(packages);
  return lines(
    renderPreamble(),
    renderStart(mayStop),
    renderSources(sources, removedSources),
    unhold.length > 0 && sh`mark unhold ${[...new Set(unhold)]}`,
    targets.length > 0 && renderTransaction(targets, installation),
    hold.length > 0 && sh`mark hold ${[...new Set(hold)]}`,
    sh`
revive || fail 'a unit that its package stopped does not start again'
exit 0`,
  );
}

/**
 * One installation at a time; one that was interrupted is completed first. Daemons must not start before their
 * configuration is in place, nor stop while they serve: while it installs, a policy forbids both.
 */
function renderStart(mayStop: readonly string[]): Shell {
  const stops = mayStop.flatMap((unit) => [unit, unit.replace(/\.service$/, "")]);
  const allowed = stops.map((name) => `  "${name} stop") exit 0 ;;\n`).join("");
  return sh`
# Packages half unpacked are worse than a moment more: nothing ends this early.
trap '' HUP PIPE TERM INT
policy=/usr/sbin/policy-rc.d
mine='# trilithon: no daemon starts before its configuration is in place'
running=
revive() {
  for unit in $running; do
    systemctl is-active --quiet -- "$unit" && continue
    progress "starting $unit again"
    systemctl start -- "$unit" >"$log" 2>&1 </dev/null 9>&- || return 1
  done
}
end() {
  if grep -qsxF "$mine" "$policy"; then rm -f -- "$policy"; fi
  revive
  clean_up
}
trap end EXIT
fail() { printf '%s\n' "$1" >&2; tail -n 25 "$log" >&2; exit 1; }
mark() {
  verb=$1; shift; begin
  until apt-mark "$verb" -- "$@" >"$log" 2>&1 </dev/null 9>&-; do locked || fail "apt-mark $verb failed"; done
}
# The installation of an \`up\` that was killed goes on by itself.
mkdir -p /run/lock && exec 9>/run/lock/trilithon-packages
if ! flock -n 9; then
  progress 'waiting for another installation'
  flock -w ${lockSeconds} 9 || fail ${`another installation is not done after ${lockSeconds} seconds`}
fi
for unit in ${mayStop}; do
  if systemctl is-active --quiet -- "$unit"; then running="$running $unit"; fi
done
if [ ! -e "$policy" ] || grep -qsxF "$mine" "$policy"; then
  printf '#!/bin/sh\n%s\ncase "$1 $2" in\n%s\nesac\nexit 101\n' "$mine" ${allowed} >"$policy.new" && chmod 0755 "$policy.new" && mv -f -- "$policy.new" "$policy"
fi
complete() { dpkg --configure -a --force-confdef --force-confold >"$log" 2>&1 </dev/null 9>&-; }
if [ -n "$(ls -A /var/lib/dpkg/updates)" ] || dpkg -C | grep -q .; then
  progress 'completing an interrupted installation'
  begin
  until complete; do locked || fail 'dpkg cannot complete an interrupted installation'; done
fi`;
}

/** A source that apt cannot read is taken back: it would be in the way of everything else. */
function renderSources(
  sources: Readonly<Record<string, Source>>,
  removed: readonly string[],
): Shell | undefined {
  const entries = Object.entries(sources);
  if (entries.length === 0 && removed.length === 0) return undefined;
  return lines(
    sh`
undo=$(mktemp -d)
keep() { if [ -e "$1" ]; then cp -a -- "$1" "$undo/"; else : >"$undo/$(basename "$1").new"; fi; }
take_back() {
  for kept in "$undo"/*; do
    name=$(basename "$kept")
    case $name in
      *.new) rm -f -- "/etc/apt/sources.list.d/\${name%.new}" ;;
      *) cp -a -- "$kept" /etc/apt/sources.list.d/ ;;
    esac
  done
  rm -rf -- "$undo"
}
mkdir -p /etc/apt/sources.list.d`,
    ...entries.map(
      ([name, source]) =>
        sh`keep ${sourcePath(name)}; printf '%s' ${renderSource(source)} >${`${sourcePath(name)}.tmp`} && chmod 0644 ${`${sourcePath(name)}.tmp`} && mv -f -- ${`${sourcePath(name)}.tmp`} ${sourcePath(name)} || { take_back; fail ${`cannot write ${sourcePath(name)}`}; }`,
    ),
    ...removed.map((name) => sh`keep ${sourcePath(name)}; rm -f -- ${sourcePath(name)}`),
    sh`
if ! read_lists; then
  take_back
  fail ${`the package sources ${entries.map(([name]) => name).join(", ")} are taken back, since apt cannot read them:`}
fi
rm -rf -- "$undo"`,
  );
}

function renderTransaction(targets: readonly string[], { allowed }: Installation): Shell {
  const flags = [
    ...["-y", "--no-install-recommends"],
    ...(allowed.some(isRemoval) ? [] : ["--no-remove"]),
    ...(allowed.some(isDowngrade) ? ["--allow-downgrades"] : []),
    ...(allowed.some(({ isHeld }) => isHeld) ? ["--allow-change-held-packages"] : []),
  ];
  return lines(
    sh`
[ -n "$was_read" ] || is_recent || read_lists || fail 'cannot install'
simulate() { apt-get $options -s ${flags} install -- ${targets} >"$log" 2>&1 </dev/null 9>&-; }`,
    // Also what apt was told that it may do, it may do to just what was announced.
    allowed.length > 0 && renderGuard(allowed),
    sh`
work() {
  {
    apt-get $options -o APT::Status-Fd=3 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
      install ${flags} -- ${targets} 3>&4 4>&- 9>&- >"$log" 2>&1 </dev/null
    echo "$?" >"$log.status"
  } 4>&1 | while IFS=: read -r kind package percent message; do
    if [ "$kind" = pmstatus ] || [ "$kind" = dlstatus ]; then progress "$message (\${percent%%.*} %)"; fi
  done
  [ "$(cat "$log.status")" = 0 ]
}
again=
begin
until work; do
  if locked; then continue; fi
  # A version that went from the mirror since the lists were read, or a name that came.
  if [ -z "$was_read" ] && grep -qE '^E: (Unable to locate|Version |Failed to fetch|Unable to fetch|Package .* has no installation candidate)' "$log"; then
    read_lists || fail 'cannot install'
    continue
  fi
  # On a busy machine: MySQL's package makes its data, and now and then ends that before it is done.
  if [ -z "$again" ] && grep -q '^dpkg: error processing package .*--configure' "$log"; then
    again=yes
    progress 'a package could not be set up: once more'
    continue
  fi
  fail 'apt-get install failed'
done`,
  );
}

function renderGuard(allowed: readonly Change[]): Shell {
  const names = allowed.map(({ name }) => name);
  return sh`
simulate || fail 'apt-get cannot install this'
{
  sed -n -E 's/^(Remv|Purg) ([^ ]+) .*/\2/p' "$log"
  sed -n -E 's/^Inst ([^ ]+) \[([^]]+)\] \(([^ ]+) .*/\1 \2 \3/p' "$log" | while read -r name from to; do
    if dpkg --compare-versions "$to" lt "$from"; then echo "$name"; fi
  done
  apt-mark showhold </dev/null | while read -r name; do
    if grep -qF "Inst $name [" "$log"; then echo "$name"; fi
  done
} >"$log.found"
others=$(for name in ${names}; do echo "$name"; done | grep -vxFf - -- "$log.found" | tr '\n' ' ')
[ -z "$others" ] || fail "apt would now also remove, downgrade or change $others; nothing was changed"`;
}
