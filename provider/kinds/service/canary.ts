/** The watch over a new version that serves already, while its host alone has it: the canary of a roll. */

import { isUnknown, unknown } from "../../protocol/values";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { Service, Watch } from "./args";
import type { ServiceStep } from "./plan";

/** Fewer say little: one failure of three requests is no third. At the end as many count as there are. */
const requestsToJudge = 50;
const tellSeconds = 10;

/** Only where there is a version to go back to. */
export function planWatch(
  observed: Service,
  { watch }: Service,
  changes: readonly ServiceStep[],
): ServiceStep[] {
  const switched = changes.find((step) => step.do === "switch");
  if (watch === undefined || switched === undefined) return [];
  if (observed.version === undefined || observed.state !== "running") return [];
  return [{ do: "watch", version: switched.version, sentence: announceWatch(watch) }];
}

function announceWatch(watch: Watch): string {
  if (isUnknown(watch)) return "watch it as a canary";
  const { seconds, maxErrorRatio, share } = watch;
  const of = share === undefined ? "" : ` with about ${share.percent} % of the requests`;
  return `watch it as a canary for ${seconds} seconds${of} (taken back if more than ${percent(maxErrorRatio)} of its requests fail or it ends by itself)`;
}

/** `leave` takes the host out of service before the former version comes back. Uses `$undo`, `fail`, `ends_of` and `first_words`. */
export function renderWatch(
  version: string,
  { seconds, maxErrorRatio, accessLog }: Watch,
  leave: Shell,
): Shell {
  const named = `version ${version} failed as a canary: `;
  return lines(
    sh`
leave() {
  :`,
    leave,
    sh`}
trap 'leave; fail interrupted' TERM INT
progress ${`watching version ${version} as a canary for ${seconds} seconds`}
log_of() { stat -c "$2" -- "$1" 2>/dev/null || echo 0; }
# What the application answered, or did not; files that the server in front of it sends say nothing of a version.
judge() {
  tail -c "+$(($2 + 1))" -- "$1" 2>/dev/null | head -c "$(($3 - $2))" | awk '
    /"upstream_status":"[0-9]/ { count++; if (/"status":(425|5[0-9][0-9])[,}]/) failed++ }
    END { print count + 0, failed + 0 }'
}
add() { requests=$((requests + $1)) failed=$((failed + $2)); }
log=${accessLog} requests=0 failed=0 told=0 began=$(date +%s)
at=$(log_of "$log" %s) inode=$(log_of "$log" %i)
is_over() { awk -v count="$requests" -v failed="$failed" 'BEGIN { exit !(failed > count * ${String(maxErrorRatio)}) }'; }
while :; do
  sleep 1
  passed=$(($(date +%s) - began))
  if [ "$(log_of "$log" %i)" != "$inode" ]; then
    # It was rotated.
    if [ "$(log_of "$log.1" %i)" = "$inode" ]; then add $(judge "$log.1" "$at" "$(log_of "$log.1" %s)"); fi
    at=0 inode=$(log_of "$log" %i)
  fi
  size=$(log_of "$log" %s)
  add $(judge "$log" "$at" "$size")
  at=$size
  for file in "$undo"/*.restarts; do
    [ -e "$file" ] || continue
    ended=\${file##*/} ended=\${ended%.restarts}
    [ "$(ends_of "$ended")" -gt 0 ] || is_down "$ended" || continue
    leave
    fail ${named}"\${ended%.service} ended by itself within $passed seconds; all is put back as it was. What it said first:
$(first_words "$ended")"
  done
  if is_over && { [ "$requests" -ge ${requestsToJudge} ] || [ "$passed" -ge ${seconds} ]; }; then
    leave
    fail ${named}"$failed of $requests requests failed within $passed seconds, more than "${percent(maxErrorRatio)}"; all is put back as it was"
  fi
  if [ "$passed" -ge ${seconds} ]; then break; fi
  if [ "$((passed / ${tellSeconds}))" -gt "$told" ]; then
    told=$((passed / ${tellSeconds}))
    progress "canary: $passed of "${seconds}" seconds, $failed of $requests requests failed"
  fi
done
trap 'fail interrupted' TERM INT
progress "canary: $failed of $requests requests failed: it goes on"`,
  );
}

function percent(ratio: number): string {
  return isUnknown(ratio) ? unknown : `${Number((ratio * 100).toPrecision(3))} %`;
}
