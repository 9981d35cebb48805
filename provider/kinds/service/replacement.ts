/** How an application that is called otherwise now takes the place of the former one. */

import type { Replacement } from "../../kind";
import type { Service } from "./args";
import { thingsOf } from "./owner";

/**
 * The new one is up before the former one goes, unless both want one thing: a unit, a file, a folder, the port where others reach it
 * or the one where it is asked whether it is ready.
 */
export function replacementOf(live: Service, desired: Service): Replacement {
  if (live.host.name !== desired.host.name) return { first: "removal", told: [] };
  const wanted = thingsOf(desired);
  const shared = [
    ...thingsOf(live).filter((thing) => wanted.includes(thing)),
    ...portOf(live).filter((port) => portOf(desired).includes(port)),
  ];
  const [former, now] = [live.unit ?? live.name, desired.unit ?? desired.name];
  const order =
    shared.length > 0
      ? `${former} stops before ${now} starts, as both have ${shared.join(", ")}: requests fail meanwhile unless another host serves`
      : `${now} starts, and then ${former} stops`;
  const what = live.root === undefined ? "its files" : `its files and the versions in ${live.root}`;
  return {
    first: shared.length > 0 ? "removal" : "creation",
    told: [
      `${live.host.name}: ${order}; ${what} are removed; what it wrote elsewhere stays, and is not the new one's`,
    ],
  };
}

/** In a preview one may not be known yet. */
function portOf({ port, ready }: Service): readonly string[] {
  const asked = typeof ready?.http === "string" ? [new URL(ready.http).port || "80"] : [];
  const reached = typeof port === "number" ? [String(port)] : [];
  return [...new Set([...asked, ...reached])].map((one) => `port ${one}`);
}
