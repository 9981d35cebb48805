/**
 * What somebody set in a running daemon past its files: a server that HAProxy was told to leave out, a variable of MySQL's.
 * It is gone with the next restart at the latest, or comes back with each one, and no file shows it.
 */

import { type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";

export interface Overrides {
  /** Prints a line for each such setting: `max_connections is 7, not 200`. Prints nothing where the files hold. */
  readonly find: readonly string[];
  /** Puts all of them back. */
  readonly reset: readonly string[];
}

/** One line, `overridden` and what was found. A daemon that does not answer says nothing of it. */
export function renderOverridesObservation({ unit, overrides }: Service): Shell | false {
  if (unit === undefined || overrides === undefined) return false;
  return sh`
found=
if is_active; then found=$(${overrides.find} 2>/dev/null </dev/null); fi
printf 'overridden %s\n' "$(printf '%s' "$found" | tr '\n' ';')"`;
}

/** What `renderOverridesObservation` printed. */
export function parseOverrides(line: string): Pick<Service, "overridden"> {
  const found = line.replace(/^overridden ?/, "").split(";");
  const settings = found.map((one) => one.trim()).filter((one) => one !== "");
  return settings.length > 0 ? { overridden: settings.join(", ") } : {};
}

export function renderReset({ name, overrides }: Service): Shell | false {
  if (overrides === undefined) return false;
  return sh`
said=$(${overrides.reset} 2>&1 </dev/null) || fail ${`cannot put back what was set in ${name} at run time:`}"
$said"`;
}

/** A daemon that keeps such settings has them again after its start; nobody could see them while it was stopped. */
export function renderResetAtStart({ overrides }: Service): Shell | false {
  return overrides !== undefined && sh`${overrides.reset} >/dev/null 2>&1 </dev/null || true`;
}
