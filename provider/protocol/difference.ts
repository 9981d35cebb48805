/** Where a resource differs from what is wanted, with what all kinds have in common. */

import type { AnyKind, Difference, Properties } from "../kind";
import { isUnknown } from "./values";

export function differencesOf(
  kind: AnyKind,
  live: Properties,
  wanted: Properties,
): readonly Difference[] {
  const found = kind.diff(live, wanted);
  const path = ["host", "hostKey"];
  const isTold = found.some((one) => one.path.join() === path.join());
  return isTold || !isAnotherMachine(kind, live, wanted)
    ? found
    : [...found, { path, kind: "update" }];
}

/**
 * Another host key is another machine under the same name, of which nothing is known: what was read before was read from
 * the former one. A kind over several hosts compares its members itself.
 */
function isAnotherMachine(kind: AnyKind, live: Properties, wanted: Properties): boolean {
  const [[then, ...othersThen], [now, ...othersNow]] = [kind.hosts(live), kind.hosts(wanted)];
  if (othersThen.length + othersNow.length > 0) return false;
  if (then?.hostKey === undefined || now?.hostKey === undefined) return false;
  if (isUnknown(then.hostKey) || isUnknown(now.hostKey)) return false;
  return then.hostKey !== now.hostKey;
}
