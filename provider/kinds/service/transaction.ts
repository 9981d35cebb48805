/** The script that carries a plan out as one transaction: all of it is true afterwards, or all is as it was before. */

import { lines, type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import { listingFunction } from "./listing";
import type { ServiceStep } from "./plan";
import { renderStage, renderStep } from "./steps";

/** How long another change on the same host may take. */
const lockSeconds = 900;

/** Answers with `answer`'s output when all went well. A release's archive stands on standard input. */
export function renderTransaction(
  steps: readonly ServiceStep[],
  observed: Service | undefined,
  desired: Service,
  answer: Shell,
): Shell {
  const wasRunning =
    observed?.state === "running" && observed.host.instance === desired.host.instance;
  return lines(
    preamble(desired.name),
    recovery(steps, desired, wasRunning),
    desired.root !== undefined && releaseFunctions(desired.root),
    ...steps.filter(({ do: what }) => what === "create user").map(renderStep(desired)),
    ...steps.filter(({ do: what }) => what === "send").map(renderStep(desired)),
    ...steps.map(renderStage),
    sh`staged=yes`,
    ...steps
      .filter(({ do: what }) => !["create user", "send"].includes(what))
      .map(renderStep(desired)),
    desired.root !== undefined && prune(desired.root, desired.keep ?? 0),
    sh`done=yes; rm -rf -- "$undo"`,
    answer,
  );
}

function preamble(name: string): Shell {
  return sh`
set -u
umask 022
export LC_ALL=C
trap '' HUP PIPE
own=/var/lib/trilithon
undo=$own/undo/${name}
mkdir -p /run/lock "$own/undo" "$own/originals" && chmod 0700 "$own"
exec 9>/run/lock/trilithon
flock -w ${lockSeconds} 9 || { echo ${`another change on this host is not done after ${lockSeconds} seconds`} >&2; exit 1; }
rm -rf -- "$undo" && mkdir -p "$undo"
staged= done= switched= drained= unpacking= sent= before=
progress() { printf '@progress %s\n' "$1" 2>/dev/null || true; }
# Keeps what stands at a path: in $undo for the way back, and the first time for good.
keep() {
  n=$((\${n:-0} + 1))
  printf '%s\n' "$1" >"$undo/$n.path"
  if [ -e "$1" ] || [ -L "$1" ]; then
    cp -a -- "$1" "$undo/$n.old" || fail "cannot keep a copy of $1"
    if [ ! -e "$own/originals$1" ]; then mkdir -p "$own/originals$(dirname "$1")" && cp -a -- "$1" "$own/originals$1"; fi
  fi
}
beside() { printf '%s/.trilithon-%s' "$(dirname "$1")" "$(basename "$1")"; }
# A path that is a mount of its own cannot be renamed onto.
swap() { mv -fT -- "$1" "$2" 2>/dev/null || { cat -- "$1" >"$2" && rm -f -- "$1"; }; }
put_back() {
  for entry in "$undo"/*.path; do
    [ -e "$entry" ] || continue
    path=$(cat "$entry")
    rm -f -- "$(beside "$path")"
    [ -n "$staged" ] || continue
    old=\${entry%.path}.old
    if [ -e "$old" ] || [ -L "$old" ]; then cp -a -- "$old" "$(beside "$path")" && swap "$(beside "$path")" "$path"; else rm -f -- "$path"; fi
  done
}
`;
}

function recovery(steps: readonly ServiceStep[], desired: Service, wasRunning: boolean): Shell {
  const { unit, root, drain } = desired;
  const reloads = steps.some((step) => step.do === "unit" && step.action === "reload");
  const wayBack = wasRunning ? (reloads ? "reload-or-restart" : "restart") : "stop";
  return lines(
    sh`take_back() {`,
    sh`  put_back`,
    root !== undefined &&
      sh`  if [ -n "$switched" ]; then
    point ${`${root}/current`} "$former"
    point ${`${root}/previous`} "$before"
  fi
  if [ -n "$unpacking" ]; then rm -rf -- "$version.partial"; fi
  if [ -n "$sent" ]; then rm -rf -- "$sent" ${root}/.listings/"\${sent##*/}"; fi`,
    unit !== undefined &&
      sh`  systemctl daemon-reload
  # One that failed too often is not started again before that is forgotten.
  if [ -n "$acted" ]; then systemctl reset-failed -- ${unit} 2>/dev/null; systemctl ${wayBack} -- ${unit} || true; fi`,
    drain !== undefined && sh`  if [ -n "$drained" ]; then rm -f -- ${drain.file}; fi`,
    sh`  rm -rf -- "$undo"
}
acted= former=
fail() {
  printf '%s\n' "$1" >&2
  trap '' TERM INT
  done=yes
  take_back >&2
  exit 1
}
trap 'fail interrupted' TERM INT
trap '[ -n "$done" ] || fail "unexpected end"' EXIT`,
  );
}

/** What a change left that the power was taken from goes first: it may be what fills the disk. */
function releaseFunctions(root: string): Shell {
  return lines(
    listingFunction,
    sh`
point() { if [ -n "$2" ]; then ln -sfn -- "$2" "$1.new" && mv -fT -- "$1.new" "$1"; else rm -f -- "$1"; fi; }
rm -rf -- ${root}/releases/*.partial`,
  );
}

/** The latest that ran well stay: an archive has no times, so a version has none of its own until it did. */
function prune(root: string, keep: number): Shell {
  return sh`
cd ${`${root}/releases`} && now=$(basename "$(readlink ${`${root}/current`})") && last=$(readlink ${`${root}/previous`} || echo "$now") && last=$(basename "$last")
# The one before counts as one of those to keep, and stays in any case: its static files are still asked for.
first=${keep + 1}; if [ "$last" != "$now" ]; then first=${Math.max(keep, 1)}; fi
touch -c -- "$now" && ls -1t | grep -vxF -e "$now" -e "$last" | tail -n +"$first" | while read -r old; do rm -rf -- "./$old" "../.listings/$old"; done; cd /`;
}
