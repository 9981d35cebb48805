/** What brings a group to what is desired, in the order in which it is done. */

import { isMap } from "../../difference";
import { isUnknown } from "../../protocol/values";
import { isRefusal } from "../mysql/steps";
import type { Group } from "./args";
import { clusterOf, untouched } from "./cluster";
import { diff } from "./diff";
import { planGroup } from "./plan-group";
import { planRestart } from "./plan-restart";
import { type GroupStep, inOrder, type PlainStep, placed } from "./steps";

export function plan(live: Group | undefined, desired: Group): GroupStep[] {
  return planAll(live, desired).map(placed);
}

function planAll(live: Group | undefined, desired: Group): PlainStep[] {
  const isKnown = isMap(desired.members) && isMap(desired.status) && !isUnknown(desired.primary);
  if (!isKnown || !Array.isArray(desired.away)) {
    const sentence = "set up the group once its members are known";
    return [{ sentence, task: { do: "await", member: "" } }];
  }
  const seen = live ?? untouched(desired);
  if (diff(seen, desired).length === 0) return [];
  const cluster = clusterOf(seen, desired);
  const steps = cluster.isFormed ? planGroup(cluster) : planRestart(cluster);
  if (steps.length === 0) return [noteOf(seen, desired)];
  const refusals = steps.filter(isRefusal);
  return refusals.length > 0 ? refusals : inOrder(steps);
}

/** The program names a member, or reaches one otherwise, and all on the machines is as it should be. */
function noteOf(live: Group, desired: Group): PlainStep {
  const places = new Set(diff(live, desired).map(({ path }) => path.slice(0, 2).join(" ")));
  const sentence = `take note of ${[...places].join(", ")}: nothing is to be done there`;
  return { sentence, task: { do: "note" } };
}
