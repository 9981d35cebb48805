/** What a start or reload of a unit does that none of its files shows: a command on the host tells, for a plan alone. */

import { type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import type { ServiceStep } from "./plan";

/** For a plan. Lines among those of the unit. */
export function renderForewarnings({ unit, forewarningCommand }: Service): Shell | false {
  if (unit === undefined || forewarningCommand === undefined) return false;
  return sh`${forewarningCommand} 2>/dev/null </dev/null | sed 's/^/Forewarned=/'`;
}

/** Only where a unit does something. */
export function planForewarnings(
  { forewarned = [] }: Service,
  { host }: Service,
  steps: readonly ServiceStep[],
): ServiceStep[] {
  if (!steps.some(({ do: what }) => what === "unit")) return [];
  return forewarned.map((line) => ({
    do: "note",
    sentence: line,
    warning: `${host.name}: ${line}`,
  }));
}
