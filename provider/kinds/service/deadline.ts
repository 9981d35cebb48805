/** How long a transaction may take: the sum of all that a Service allows for, there and back. */

import type { Service } from "./args";
import { portSeconds } from "./ports";
import { lockSeconds } from "./transaction";
import { unitsOf, viewOf } from "./units";

/** systemd's own, for a unit that says nothing. */
const unitSeconds = 90;
/** For what has no limit of its own: to put a release in place, a check, a daemon-reload on a busy machine. */
const workSeconds = 600;

export function transactionSeconds(service: Service): number {
  const { drain, releaseCommand, dependencies, watch } = service;
  const units = unitsOf(service).map((unit) => viewOf(service, unit));
  const turns = (units.length === 0 ? [service] : units).map(turnSeconds);
  // A canary that fails drains once more.
  const drainings = watch === undefined ? 1 : 2;
  const drains =
    drain === undefined ? 0 : drainings * (2 * drain.seconds + (drain.finishSeconds ?? 30) + 60);
  const waits = [service, ...Object.values(service.moreUnits ?? {})].map(
    ({ ready }) => 2 * ((ready?.deadlineSeconds ?? 30) + (ready?.staySeconds ?? 0)),
  );
  const commands = (releaseCommand?.deadlineSeconds ?? 0) + (dependencies?.deadlineSeconds ?? 0);
  const once = commands + (watch?.seconds ?? 0) + (service.confirmSeconds ?? 0);
  const limited = total(turns) + total(waits) + once + portSeconds(service);
  return lockSeconds + drains + limited + workSeconds;
}

/** One way, and the way back when the new version does not get ready. A timer waits for nothing that its service says. */
function turnSeconds({ unit = "", files }: Service): number {
  const texts = unit.endsWith(".timer") ? [] : Object.values(files).map(({ content }) => content);
  const start = longest(texts, /^Timeout(?:Start)?Sec=(\d+)s?$/gm);
  const stop = longest(texts, /^Timeout(?:Stop)?Sec=(\d+)s?$/gm);
  return 2 * (start + stop);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function longest(texts: readonly string[], pattern: RegExp): number {
  const found = texts.flatMap((text) => [...text.matchAll(pattern)].map(([, n]) => Number(n)));
  return Math.max(unitSeconds, ...found);
}
