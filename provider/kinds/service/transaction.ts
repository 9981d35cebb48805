/** The script that carries a plan out as one transaction: all of it is true afterwards, or all is as it was before. */

import type { Owner } from "../../kind";
import { lines, Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import { type Author, renderAudit } from "./audit";
import { renderProbation } from "./confirm";
import { renderDependenciesEnd, renderDependencyLinksBack } from "./dependencies";
import { renderForeignFunction, renderForeignRecord } from "./foreign";
import { renderLastingRecords } from "./lasting";
import { listingFunction } from "./listing";
import { originalFunctions } from "./originals";
import { renderClaim, renderRecord } from "./owner";
import { persistentFunctions } from "./persistent";
import type { ServiceStep } from "./plan";
import { renderPortWait } from "./ports";
import { crashFunctions } from "./ready";
import { renderIncomingFunctions } from "./receiving";
import { renderOwed } from "./release-command";
import { renderRunEnd } from "./run-unit";
import { renderDrain, renderStage, renderStep } from "./steps";
import { renderLoaded, unitFunctions, unitRecord } from "./unit-status";
import { droppedUnits, unitsOf, viewOf } from "./units";

/** How long another change on the same host may take. */
export const lockSeconds = 900;

export interface TransactionArgs {
  readonly owner: Owner;
  readonly answer: Shell;
  /** Default: no line is added to the log of releases. */
  readonly author?: Author | undefined;
  /** What that line says of one that went well. Default `done`. */
  readonly result?: "done" | "rolled back";
  /** Keeps what takes the host back to another version. */
  readonly wayBack?: Shell | false;
}

/** Answers with `answer`'s output when all went well. The files of a release are on the host by then. */
export function renderTransaction(
  steps: readonly ServiceStep[],
  observed: Service | undefined,
  desired: Service,
  { owner, answer, author, result = "done", wayBack = false }: TransactionArgs,
): Shell {
  const wasRunning = (unit: string) =>
    observed !== undefined &&
    viewOf(observed, unit).state === "running" &&
    observed.host.instance === desired.host.instance;
  const dropped = observed === undefined ? [] : droppedUnits(observed, desired);
  return lines(
    sh`progress() { printf '@progress %s\n' "$1" 2>/dev/null || true; }`,
    renderPortWait(steps, desired, owner),
    preamble(desired, owner),
    unitFunctions,
    unitRecord,
    crashFunctions,
    renderForeignFunction(desired),
    ...unitsOf(desired).map((unit) => sh`keep_unit ${unit}`),
    author && renderAudit(desired, author),
    desired.root !== undefined && renderIncomingFunctions(desired),
    recovery(steps, desired, { wasRunning, isAudited: author !== undefined }),
    desired.root !== undefined && releaseFunctions(desired.root),
    ...steps.filter(({ do: what }) => what === "create user").map(renderStep(desired)),
    ...steps.filter(({ do: what }) => what === "send").map(renderStep(desired)),
    ...steps.map(renderStage),
    ...steps.filter(({ do: what }) => what === "make" || what === "link").map(renderStep(desired)),
    // Nothing is in place yet: where the release command fails, all is as it was.
    ...steps.filter(({ do: what }) => what === "run").map(renderStep(desired)),
    sh`staged=yes`,
    ...steps
      .filter(({ do: what }) => !aside.includes(what))
      .map((step) => lines(drainsBefore(step, steps, desired), renderStep(desired)(step))),
    definesUnits(steps, observed) && sh`systemctl daemon-reload`,
    renderProbation(desired, steps),
    desired.root !== undefined && prune(desired.root, desired.keep ?? 0),
    desired.root !== undefined && sh`incoming_end`,
    desired.root !== undefined && linkFormer(desired.root, desired.previous ?? 1),
    desired.root !== undefined && renderDependenciesEnd(desired.root),
    renderRecord(desired, owner),
    renderOwed(desired, steps),
    sh`done=yes; rm -rf -- "$undo"`,
    author && sh`record ${result} ''`,
    wayBack,
    renderClaim(desired, owner),
    ...unitsOf(desired).map((unit) => renderLoaded(viewOf(desired, unit))),
    dropped.length > 0 && forgetUnits(dropped),
    renderForeignRecord(desired),
    renderLastingRecords(steps, desired),
    answer,
  );
}

/** They are done before these, or after the transaction. */
const aside = ["create user", "send", "make", "link", "run", "run afterwards"];

/** PHP reads a version's files with each request: once it is switched, they answer. */
function drainsBefore(
  step: ServiceStep,
  steps: readonly ServiceStep[],
  { drain, name }: Service,
): Shell | false {
  if (step.do !== "switch" || drain === undefined) return false;
  return steps.some((other) => other.do === "unit" && other.drains) && renderDrain(drain, name);
}

/** Whether systemd has to read its units again: each step of a unit has it do so, but only for what came before. */
function definesUnits(steps: readonly ServiceStep[], observed: Service | undefined): boolean {
  const isDefinition = (step: ServiceStep) =>
    step.do === "run" ||
    step.do === "make" ||
    ("path" in step && /\/(etc|run)\/systemd\//.test(step.path));
  const isReading = ({ do: what }: ServiceStep) => what === "unit" || what === "reread";
  const last = steps.findLastIndex(isReading);
  if (last >= 0) return steps.slice(last).some(isDefinition);
  return observed?.definition !== undefined || steps.some(isDefinition);
}

function forgetUnits(units: readonly string[]): Shell {
  const records = units.flatMap((unit) => [`loaded/${unit}`, `units/${unit}`]);
  return sh`(cd "$own" && rm -f -- ${records}); systemctl reset-failed -- ${units} 2>/dev/null`;
}

function preamble({ name, files, absent }: Service, { claim, isNew }: Owner): Shell {
  const wanted = [...Object.keys(files), ...absent];
  return lines(
    sh`
set -u
umask 022
export LC_ALL=C
trap '' HUP PIPE
own=/var/lib/trilithon
undo=$own/undo/${name}
mkdir -p /run/lock
exec 9>/run/lock/trilithon
flock -w ${lockSeconds} 9 || { echo ${`another change on this host is not done after ${lockSeconds} seconds`} >&2; exit 1; }
# Version 0.1.0 kept no records, and took for an original what it had written itself.
if [ -d "$own/originals" ] && [ ! -d "$own/owners" ]; then
  : >"$own/unrecorded"
  grep -rlsE '^(#|;) Written by trilithon' "$own/originals" | while read -r path; do rm -f -- "$path"; done
fi
mkdir -p "$own/undo" "$own/owners" "$own/originals" && chmod 0700 "$own"
staged= done= switched= drained= alone= unpacking= sent= before= made= making=
beside() { printf '%s/.trilithon-%s' "$(dirname "$1")" "$(basename "$1")"; }
# A path that is a mount of its own cannot be renamed onto.
swap() { mv -fT -- "$1" "$2" 2>/dev/null || { cat -- "$1" >"$2" && rm -f -- "$1"; }; }
`,
    originalFunctions,
    sh`
# What a change left that the power was taken from: nothing else is under way while the lock is held. A file that has no
# owner and that nobody wants any more is as it was before that change.
is_wanted() { case $1 in ${wanted.length === 0 ? "//" : new Shell(wanted.map((path) => sh`${path}`.text).join(" | "))}) ;; *) is_recorded "file $1" ;; esac; }
for entry in "$own/undo"/*/*.path; do
  [ -e "$entry" ] || continue
  path=$(cat "$entry") old=\${entry%.path}.old
  rm -f -- "$(beside "$path")"
  if is_wanted "$path"; then continue; fi
  if is_there "$old"; then cp -a -- "$old" "$(beside "$path")" && swap "$(beside "$path")" "$path"; else rm -f -- "$path"; fi
done
rm -rf -- "$own/undo" && mkdir -p "$undo"`,
    sh`
is_unrecorded() { ${isNew ? sh`false` : sh`[ -e "$own/unrecorded" ] && [ ! -e "$own/owners/"${claim} ]`}; }
# Keeps what stands at a path: in $undo for the way back, and for good if it is from before trilithon.
keep() {
  n=$((\${n:-0} + 1))
  printf '%s\n' "$1" >"$undo/$n.path" || fail "cannot keep a copy of $1"
  if is_there "$1"; then
    cp -a -- "$1" "$undo/$n.old" || fail "cannot keep a copy of $1"
    if is_from_before "$1"; then
      mkdir -p "$own/originals$(dirname "$1")" && cp -a -- "$1" "$own/originals$1" || fail "cannot keep a copy of $1"
    fi
  fi
}
# What a record names, trilithon wrote itself. So it did what a resource has from the time when there were no records.
is_from_before() {
  ! is_unrecorded && ! is_there "$own/originals$1" && ! is_recorded "file $1" && ! is_recorded "away $1"
}
keep_unit() {
  if is_unrecorded || is_recorded "unit $1" || [ -e "$own/units/$1" ]; then return; fi
  mkdir -p "$own/units"
  printf '%s %s\n' "$(systemctl show -P ActiveState -- "$1")" "$(systemctl show -P UnitFileState -- "$1")" >"$own/units/$1"
}
make_folder() {
  if [ -d "$1" ]; then return; fi
  make_folder "$(dirname "$1")"
  mkdir -- "$1" && made="\${made}folder $1
"
}
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
`,
  );
}

function recovery(
  steps: readonly ServiceStep[],
  desired: Service,
  {
    wasRunning,
    isAudited,
  }: { readonly wasRunning: (unit: string) => boolean; readonly isAudited: boolean },
): Shell {
  const { root, drain } = desired;
  const unitOf = (step: { readonly unit?: string }) => step.unit ?? desired.unit ?? "";
  return lines(
    sh`take_back() {`,
    steps.some(({ do: what }) => what === "run" || what === "make") && renderRunEnd(),
    sh`  put_back`,
    steps.some(({ do: what }) => what === "link") && renderDependencyLinksBack(desired),
    root !== undefined &&
      sh`  if [ -n "$switched" ]; then
    point ${`${root}/current`} "$former"
    point ${`${root}/previous`} "$before"
  fi
  if [ -n "$unpacking" ]; then rm -rf -- "$version.partial"; fi
  if [ -n "$sent" ]; then rm -rf -- "$sent" ${root}/.listings/"\${sent##*/}"; fi
  incoming_end failed
  if [ -n "$sent" ]; then empty_again; fi
  # A first version leaves no folder either.
  rmdir -- ${`${root}/releases`} ${`${root}/.listings`} ${root} 2>/dev/null || true`,
    desired.unit !== undefined && sh`  systemctl daemon-reload`,
    ...steps.flatMap((step) => {
      if (step.do === "enable" || step.do === "disable") {
        const [done, back] =
          step.do === "enable" ? ["$enabled", "disable"] : ["$disabled", "enable"];
        const unit = unitOf(step);
        return sh`  case "${new Shell(done)} " in *" "${unit}" "*) systemctl --quiet ${back} -- ${unit} ;; esac`;
      }
      if (step.do !== "unit") return [];
      const unit = unitOf(step);
      const again = step.action === "reload" ? "reload-or-restart" : "restart";
      // One that failed too often is not started again before that is forgotten.
      return sh`  case "$acted " in *" "${unit}" "*)
    systemctl reset-failed -- ${unit} 2>/dev/null; systemctl ${wasRunning(unit) ? again : "stop"} -- ${unit} || true ;;
  esac`;
    }),
    drain !== undefined && sh`  if [ -n "$drained" ]; then rm -f -- ${drain.file}; fi`,
    sh`  rm -rf -- "$undo"
}
acted= former= enabled= disabled=
fail() {
  printf '%s\n' "$1" >&2
  trap '' TERM INT
  done=yes
  take_back >&2
  ${isAudited ? sh`record 'taken back' "$1"` : sh`:`}
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
    persistentFunctions,
    sh`
point() { if [ -n "$2" ]; then ln -sfn -- "$2" "$1.new" && mv -fT -- "$1.new" "$1"; else rm -f -- "$1"; fi; }
rm -rf -- ${root}/releases/*.partial`,
  );
}

/** `previous` is linked by the switch. Those before it, `previous-2` and so on, are what ran before that, the latest first. */
function linkFormer(root: string, previous: number): Shell {
  return sh`
rm -f -- ${root}/previous-*
n=1; (cd ${`${root}/releases`} && ls -1t) | grep -vxF "$now" | grep -vxF "$last" | head -n ${previous - 1} | while read -r old; do n=$((n + 1)); ln -s -- "releases/$old" ${`${root}/previous-`}"$n"; done`;
}

/** The latest that ran well stay: a version has no time of its own until it did. */
function prune(root: string, keep: number): Shell {
  return sh`
cd ${`${root}/releases`} && now=$(basename "$(readlink ${`${root}/current`})") && last=$(readlink ${`${root}/previous`} || echo "$now") && last=$(basename "$last")
# The one before counts as one of those to keep, and stays in any case: its static files are still asked for.
first=${keep + 1}; if [ "$last" != "$now" ]; then first=${Math.max(keep, 1)}; fi
touch -c -- "$now" && ls -1t | grep -vxF -e "$now" -e "$last" | tail -n +"$first" | while read -r old; do rm -rf -- "./$old" "../.listings/$old"; done; cd /`;
}
