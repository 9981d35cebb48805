/** How long a transaction may take: the sum of all that a Service allows for, there and back. */

import type { Service } from "./args";
import { lockSeconds } from "./transaction";
import { unitsOf } from "./units";

/** systemd's own, for a unit that says nothing. */
const unitSeconds = 90;
/** For what has no limit of its own: unpacking a release, a check, a daemon-reload on a busy machine. */
const workSeconds = 600;

export function transactionSeconds(service: Service): number {
  const { files, drain, releaseCommand } = service;
  const texts = Object.values(files).map(({ content }) => content);
  const start = longest(texts, /^Timeout(?:Start)?Sec=(\d+)s?$/gm);
  const stop = longest(texts, /^Timeout(?:Stop)?Sec=(\d+)s?$/gm);
  // One way, and the way back when the new version does not get ready.
  const turns = 2 * (start + stop) * Math.max(unitsOf(service).length, 1);
  const drains = drain === undefined ? 0 : 2 * drain.seconds + (drain.finishSeconds ?? 30) + 60;
  const waits = [service, ...Object.values(service.moreUnits ?? {})].map(
    ({ ready }) => 2 * ((ready?.deadlineSeconds ?? 30) + (ready?.staySeconds ?? 0)),
  );
  const command = releaseCommand?.deadlineSeconds ?? 0;
  return (
    lockSeconds + drains + turns + waits.reduce((sum, wait) => sum + wait) + command + workSeconds
  );
}

function longest(texts: readonly string[], pattern: RegExp): number {
  const found = texts.flatMap((text) => [...text.matchAll(pattern)].map(([, n]) => Number(n)));
  return Math.max(unitSeconds, ...found);
}
