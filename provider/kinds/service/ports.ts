/** Who listens at the port where an application is asked whether it is ready, and the wait for one of the same stack to leave it. */

import type { Owner } from "../../kind";
import { type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import type { ServiceStep } from "./plan";
import { unitsOf } from "./units";

/**
 * `listens_itself UNIT PORT`: fails where only others listen there, and says who. Processes of a unit have a control group of
 * their own; where groups tell nothing, the children of its main process are its processes. Without `ss` nobody is found.
 */
export const listenFunctions = sh`
is_child() {
  child=$1
  while [ "\${child:-0}" -gt 1 ]; do
    if [ "$child" = "$2" ]; then return; fi
    child=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$child/status" 2>/dev/null)
  done
  false
}
main_of() { main=$(systemctl show -P MainPID -- "$1") && [ "\${main:-0}" != 0 ]; }
is_of_main() {
  group=$(cat "/proc/$main/cgroup" 2>/dev/null)
  if [ -z "$group" ] || [ "$group" = "$(cat /proc/self/cgroup)" ]; then is_child "$1" "$main"; return; fi
  case $(cat "/proc/$1/cgroup" 2>/dev/null) in "$group"*) ;; *) false ;; esac
}
listeners_at() { ss -Hltnp "sport = :$1" 2>/dev/null | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -u; }
listens_itself() {
  main_of "$1" || return 0
  others=
  for pid in $(listeners_at "$2"); do
    if is_of_main "$pid"; then return; fi
    others="$others, $(cat "/proc/$pid/comm" 2>/dev/null) (process $pid)"
  done
  [ -n "$others" ] || return 0
  echo "port $2 is taken by\${others#,}"
  return 1
}`;

/** The port of an application. Undefined of a service, whose daemon may hand its socket on. */
export function portOf({ root, ready }: Service): string | undefined {
  // In a preview it may not be known yet.
  if (root === undefined || typeof ready?.http !== "string") return undefined;
  return new URL(ready.http).port || "80";
}

/** How long another one may take to leave its port: as long as this one itself may take to drain and to get ready. */
export function portSeconds(service: Service): number {
  if (portOf(service) === undefined) return 0;
  const { ready, drain } = service;
  const drains = drain === undefined ? 0 : drain.seconds + (drain.finishSeconds ?? 30);
  return (ready?.deadlineSeconds ?? 30) + drains;
}

/** `holder`: prints the unit of the same stack that has the port of the service. */
function holderFunction(service: Service, port: string, { project, stack, claim }: Owner): Shell {
  return sh`
${listenFunctions}
has_pids() { for pid in $pids; do if is_of_main "$pid"; then return; fi; done; false; }
holder() {
  pids=$(listeners_at ${port})
  [ -n "$pids" ] && cd /var/lib/trilithon/owners 2>/dev/null || return
  if main_of ${service.unit ?? ""} && has_pids; then return; fi
  for record in $(grep -lF -- ${`owner ${project}/${stack} `} *); do
    if [ "$record" = ${claim} ]; then continue; fi
    for unit in $(sed -n 's/^unit //p' "$record"); do
      case $unit in ${joined(unitsOf(service))}) continue ;; esac
      if main_of "$unit" && has_pids; then echo "$unit"; return; fi
    done
  done
}`;
}

/** For a plan. A line among those of the unit. */
export function renderPortObservation(service: Service, owner: Owner): Shell | false {
  const port = portOf(service);
  if (port === undefined || service.unit === undefined) return false;
  return sh`
${holderFunction(service, port, owner)}
echo "PortHolder=$(holder)"`;
}

/** Announces the wait. */
export function planPortWait(
  { portHolder }: Service,
  desired: Service,
  steps: readonly ServiceStep[],
): ServiceStep[] {
  const [port, name] = [portOf(desired), desired.name];
  if (portHolder === undefined || port === undefined || !startsIt(steps, desired)) return [];
  return [
    {
      do: "note",
      sentence: `wait until ${portHolder} leaves port ${port}`,
      warning:
        `${desired.host.name}: ${portHolder}, of this stack as well, has port ${port}: \`up\` waits for it to leave. ` +
        `If it stays, or goes only at the end, as an application that is taken out or called otherwise, ${name} is left as it is and ` +
        `\`up\` fails: give ${name} another port`,
    },
  ];
}

/** Before the lock is taken, which the other one needs to leave. Nothing is changed yet. */
export function renderPortWait(
  steps: readonly ServiceStep[],
  service: Service,
  owner: Owner,
): Shell | false {
  const port = portOf(service);
  if (port === undefined || !startsIt(steps, service)) return false;
  const seconds = portSeconds(service);
  return sh`
${holderFunction(service, port, owner)}
end=$(($(date +%s) + ${seconds})) told=
while holder=$(holder) && [ -n "$holder" ]; do
  if [ "$(date +%s)" -ge "$end" ]; then
    echo ${`port ${port} is taken by `}"$holder"${`, of this stack as well, which did not leave it within ${seconds} seconds; nothing was changed. To go on, give one of them another port: two that change ports with each other need a third one for a while`} >&2
    exit 1
  fi
  if [ "$told" != "$holder" ]; then progress "waiting until $holder leaves port "${port}; fi
  told=$holder
  sleep 0.5
done`;
}

function startsIt(steps: readonly ServiceStep[], { unit }: Service): boolean {
  return steps.some(
    (step) => step.do === "unit" && (step.unit ?? unit) === unit && step.action !== "stop",
  );
}

function joined(units: readonly string[]): Shell {
  return units.map((unit) => sh`${unit}`).reduce((all, unit) => sh`${all} | ${unit}`);
}
