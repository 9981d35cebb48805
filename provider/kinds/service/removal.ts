/** Takes a Service away: what is still its own, and no more. What stood there before comes back. */

import type { Owner } from "../../kind";
import { lines, Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import { originalFunctions } from "./originals";
import { commandFiles } from "./release-command";
import { stopTimed } from "./steps";
import { nameOf, unitsOf } from "./units";

/**
 * What is to be told is printed, a line each: `left THING OWNER`, `back PATH`, `kept FOLDER`, `unit WORDS`. What came from packages stays
 * installed, and what a unit was before is put back only where it ran: one that did not is stopped and disabled.
 */
export function renderRemoval(service: Service, { claim }: Owner): Shell {
  const { files, absent, root, drain, persistent = {} } = service;
  const units = unitsOf(service);
  return lines(
    sh`
set -u
umask 022
export LC_ALL=C
trap '' HUP PIPE
own=/var/lib/trilithon
mkdir -p /run/lock "$own"
exec 9>/run/lock/trilithon
flock -w 900 9 || { echo 'another change on this host is not done after 900 seconds' >&2; exit 1; }
beside() { printf '%s/.trilithon-%s' "$(dirname "$1")" "$(basename "$1")"; }
swap() { mv -fT -- "$1" "$2" 2>/dev/null || { cat -- "$1" >"$2" && rm -f -- "$1"; }; }
is_others() {
  for record in "$own/owners"/*; do
    [ "\${record##*/}" != ${claim} ] && grep -qsxF -e "$1" -- "$record" || continue
    owner=$(sed -n 's/^owner //p' "$record")
    return 0
  done
  return 1
}
left() { printf 'left %s\t%s\n' "$1" "$owner"; }
for entry in "$own/undo"/*/*.path; do
  if [ -e "$entry" ]; then rm -f -- "$(beside "$(cat "$entry")")"; fi
done
rm -rf -- "$own/undo"
`,
    originalFunctions,
    // Before their files go.
    ...units.map(stop),
    ...Object.keys(files).map(
      (path) => sh`
if is_others ${`file ${path}`}; then left ${path}
elif put_original_back ${path}; then echo ${`back ${path}`}
else rm -f -- ${path} || exit 1; fi`,
    ),
    ...absent.map(
      (path) => sh`
if is_others ${`file ${path}`} || is_others ${`away ${path}`} || is_there ${path}; then :
elif put_original_back ${path}; then echo ${`back ${path}`}; fi`,
    ),
    root !== undefined &&
      sh`
if is_others ${`root ${root}`}; then left ${root}
else rm -rf -- ${["releases", "current", "previous", ".incoming", ".listings", "dependencies", ...Object.values(commandFiles), ".current", ".previous"].map((name) => `${root}/${name}`)} || exit 1; rm -f -- ${root}/previous-*; rmdir --ignore-fail-on-non-empty -- ${root} 2>/dev/null; rm -f -- "$own/releases/"${service.name} "$own/rollback/"${service.name}; rmdir -- "$own/releases" "$own/rollback" 2>/dev/null; fi`,
    ...Object.values(persistent).map(
      ({ folder }) => sh`if [ -d ${folder} ]; then echo ${`kept ${folder}`}; fi`,
    ),
    drain !== undefined && sh`rm -f -- ${drain.file}`,
    sh`
if [ -e "$own/owners/"${claim} ]; then
  sed -n 's/^folder //p' "$own/owners/"${claim} | sort -r | while read -r folder; do rmdir -- "$folder" 2>/dev/null; done
  rm -f -- "$own/owners/"${claim}
fi`,
    units.length > 0 && sh`systemctl daemon-reload`,
    ...units.map((unit, at) =>
      resume(unit, at, unit === service.unit ? service.name : nameOf(unit)),
    ),
    sh`
for folder in owners originals units loaded foreign; do rmdir -- "$own/$folder" 2>/dev/null; done
if [ ! -e "$own/owners" ]; then rm -f -- "$own/unrecorded"; fi
rmdir -- "$own" 2>/dev/null
true`,
  );
}

function stop(unit: string, at: number): Shell {
  return sh`
was_active=no was_enabled=
if [ -e "$own/units/"${unit} ]; then read -r was_active was_enabled <"$own/units/"${unit}; fi
if is_others ${`unit ${unit}`}; then
  left ${unit}
  was_active=no
elif [ "$was_active" != active ] && [ "$(systemctl show -P LoadState -- ${unit})" != not-found ]; then
  systemctl --quiet disable --now -- ${unit} >&2 </dev/null || exit 1
  ${stopTimed(unit) || sh`:`}
  if [ "$was_enabled" = masked ]; then systemctl --quiet mask -- ${unit} >&2 </dev/null; fi
fi
was_${new Shell(String(at))}="$was_active $was_enabled"`;
}

/** With what stood there before it runs as before; where it cannot, it is stopped, which is told. */
function resume(unit: string, at: number, name: string): Shell {
  return sh`
set -- $was_${new Shell(String(at))}
if [ "\${1-}" = active ]; then
  if [ "\${2-}" = disabled ]; then systemctl --quiet disable -- ${unit} >&2 </dev/null; fi
  if systemctl restart -- ${unit} >&2 </dev/null; then echo ${`unit ${name} runs again as before`}
  else
    systemctl --quiet disable --now -- ${unit} >&2 </dev/null
    echo ${`unit ${name} ran before, and does not start with what stood there then: it is stopped and disabled`}
  fi
fi
if ! is_others ${`unit ${unit}`}; then rm -f -- "$own/units/"${unit} "$own/loaded/"${unit} "$own/foreign/"${unit}; fi
systemctl reset-failed -- ${unit} 2>/dev/null || true`;
}
