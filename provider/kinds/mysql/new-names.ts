/** Hosts that were renamed are the same members. */

import { isMap } from "../../difference";
import type { Members } from "./members";

interface Cluster {
  readonly members: Members;
  readonly primary: string;
}

/** A member that is reached where one of another name was is that one, and goes on under its new name. */
export function withNewNames<One extends Cluster>(recorded: One, desired: One): One {
  if (!isMap(desired.members)) return recorded;
  const { primary, members } = recorded;
  const newNames = new Map(
    Object.entries(members)
      .filter(([former]) => desired.members[former] === undefined)
      .flatMap(([former, { address, port }]) => {
        const now = Object.entries(desired.members).find(
          ([, one]) => one.address === address && one.port === port,
        );
        return now === undefined ? [] : [[former, now[0]] as const];
      }),
  );
  if (newNames.size === 0) return recorded;
  const kept = Object.entries(members).filter(([name]) => !newNames.has(name));
  return {
    ...recorded,
    members: { ...Object.fromEntries(kept), ...only(desired.members, [...newNames.values()]) },
    primary: newNames.get(primary) ?? primary,
  };
}

function only(members: Members, names: readonly string[]): Members {
  return Object.fromEntries(Object.entries(members).filter(([name]) => names.includes(name)));
}
