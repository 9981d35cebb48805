/**
 * The wait of a transaction until the unit is ready. `fail` and `progress` are the transaction's own, `journal` comes
 * with the unit's step.
 */

import { type Shell, sh } from "../../ssh/shell";
import type { Ready, Service } from "./args";
import { listenFunctions, portOf } from "./ports";
import { renderHttpProbe, renderTcpProbe } from "./probe";

/** A unit that ends so often while it is waited for does not become ready by more of the same. */
const crashes = 5;

/** Functions of the transaction. Each unit that was acted on has its count of then in `$undo`. */
export const crashFunctions = sh`
restarts_of() { n=$(systemctl show -P NRestarts -- "$1"); printf '%s\n' "\${n:-0}"; }
ends_of() { echo $(($(restarts_of "$1") - $(cat "$undo/$1.restarts" 2>/dev/null || echo 0))); }
# systemd counts a restart only as it begins, which may be seconds after the end.
is_down() { case $(systemctl show -P ActiveState -- "$1") in active | reloading | refreshing) false ;; esac; }
# Also of the units that are not waited for yet: one that crashes may be why another one does not become ready.
has_crashed() {
  for file in "$undo"/*.restarts; do
    [ -e "$file" ] || continue
    crashed=\${file##*/} crashed=\${crashed%.restarts}
    if [ "$(ends_of "$crashed")" -ge ${crashes} ]; then return 0; fi
  done
  false
}`;

export function renderWait(service: Service): Shell {
  const { unit = "", name, ready } = service;
  const { deadlineSeconds: seconds = 30, staySeconds = 0 } = ready ?? {};
  // What listens there already would answer for an application that cannot.
  const port = portOf(service);
  return sh`
progress ${`waiting until ${name} is ready`}
end=$(($(date +%s) + ${seconds + staySeconds}))
${ready?.staySeconds === undefined ? sh`:` : hasStayed(unit, ready.staySeconds)}
${port === undefined ? sh`:` : listenFunctions}
until [ "$(systemctl is-active -- ${unit})" = active ] && said=$(${probe(ready)} 2>&1 </dev/null)${port === undefined ? sh`` : sh` && said=$(listens_itself ${unit} ${port})`}; do
  if has_crashed; then
    fail "\${crashed%.service} "${`ended ${crashes} times by itself; all is put back as it was. What it said first:`}"
$(first_words "$crashed")"
  fi
  if [ "$(date +%s)" -ge "$end" ]; then
    if [ "$(ends_of ${unit})" -gt 0 ]; then
      fail ${`${name} was not ready within ${seconds} seconds (ready.deadlineSeconds, an application's readySeconds), and ended by itself meanwhile; all is put back as it was. What it said first:`}"
$(first_words ${unit})"
    fi
    fail ${`${name} was not ready within ${seconds} seconds (ready.deadlineSeconds, an application's readySeconds); all is put back as it was:`}"
$(journal)
$(systemctl is-active -- ${unit})
$said"
  fi
  sleep 0.2
done`;
}

/** Each start makes another time of entry. */
function hasStayed(unit: string, seconds: number): Shell {
  return sh`
has_stayed() {
  entered=$(systemctl show -P ActiveEnterTimestampMonotonic -- ${unit})
  awk -v entered="\${entered:-0}" '{ exit !($1 - entered / 1e6 >= ${seconds}) }' /proc/uptime && return
  echo ${`it is not up for ${seconds} seconds without a restart`}
  return 1
}`;
}

/**
 * Fails where a unit did not take a reload: it goes on with what it had, answers, and would not come back after its next
 * restart. HAProxy says so in its status; where workers are made for a new configuration, none is new then.
 */
export function renderReloaded({ unit = "", name, ready, reloaded }: Service): Shell {
  const seconds = ready?.deadlineSeconds ?? 30;
  return sh`
has_new_worker() {
  for worker in $(children "$main"); do
    case $workers in *" $worker "*) ;; *) return 0 ;; esac
  done
  return 1
}
end=$(($(date +%s) + ${seconds}))
while state=$(systemctl show -P ActiveState -- ${unit}):$(systemctl show -P StatusText -- ${unit}); do
  case $state in
    *:'Reload failed'*) taken=no; break ;;
    reloading:* | refreshing:* | *:Reloading*) taken=no ;;
    *) taken=yes; ${reloaded?.newWorker ? sh`has_new_worker || taken=no` : sh`:`} ;;
  esac
  [ "$taken" = no ] && [ "$(date +%s)" -lt "$end" ] || break
  sleep 0.2
done
[ "$taken" = yes ] || fail ${`${name} did not take the new configuration; all is put back as it was:`}"
$(journal)"
${reloaded?.newWorker ? untilFormerWorkersListenNoMore : sh`:`}`;
}

/**
 * A worker of before that still accepts connections would answer for the new ones, and well. It stops within milliseconds;
 * one that does not is not waited for longer than 10 seconds.
 */
const untilFormerWorkersListenNoMore = sh`
former_listens() {
  listening=$(ss -Hltnp 2>/dev/null)
  for worker in $workers; do
    case $listening in *"pid=$worker,"*) return 0 ;; esac
  done
  false
}
end=$(($(date +%s) + 10))
while former_listens && [ "$(date +%s)" -lt "$end" ]; do sleep 0.1; done`;

/**
 * Prints `alive`, or `silent` and why. An application that answers at all is alive: what makes it say 503, a database
 * that is away, say, is not mended by its restart. A command may be anything, and is not run for that.
 */
export function renderLiveness({ unit, ready }: Service): Shell | false {
  if (unit === undefined) return false;
  if (ready?.command !== undefined || (ready?.http === undefined && ready?.tcp === undefined)) {
    return sh`echo alive`;
  }
  return sh`
alive() {
  is_active || { echo alive; return; }
  for try in 1 2 3; do
    if said=$(${livenessProbe(ready)} 2>&1 </dev/null); then echo alive; return; fi
    case $said in *'no answer within'*) break ;; esac
    sleep 0.5
  done
  echo "silent $(printf '%s' "$said" | tr '\n' ' ')"
}
alive`;
}

function livenessProbe({ http, headers, tcp = 0 }: Ready): Shell {
  if (http === undefined) return renderTcpProbe(tcp);
  return renderHttpProbe({ http, headers, deadlineSeconds: 4, status: "any" });
}

function probe(ready: Ready | undefined): Shell {
  if (ready?.command !== undefined) return sh`${ready.command}`;
  if (ready?.tcp !== undefined) return renderTcpProbe(ready.tcp);
  if (ready?.http !== undefined) {
    const { http, headers, matches } = ready;
    return renderHttpProbe({ http, headers, matches });
  }
  return ready?.staySeconds === undefined ? sh`true` : sh`has_stayed`;
}
