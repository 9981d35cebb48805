/** What somebody did on a host on purpose, and no change takes away: a command there tells it, and each preview and `up` says it. */

import { type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";

/** Lines among those of the unit. */
export function renderNotices({ unit, noticeCommand }: Service): Shell | false {
  if (unit === undefined || noticeCommand === undefined) return false;
  return sh`${noticeCommand} 2>/dev/null </dev/null | sed 's/^/Notice=/'`;
}

/** In the answer to an observation. Files stand in it encoded, so none can look like one. */
export function noticesIn(answer: string): readonly string[] {
  return answer.split("\n").flatMap((line) => /^Notice=(.+)$/.exec(line)?.[1] ?? []);
}
