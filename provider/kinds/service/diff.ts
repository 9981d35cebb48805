/** Where a Service differs from what is wanted. */

import { compare, differences } from "../../difference";
import type { Difference, Host } from "../../kind";
import { isUnknown } from "../../protocol/values";
import type { MoreUnit, Service } from "./args";
import { hasDependencies } from "./dependencies";
import {
  foreignOf,
  isAnotherInstance,
  isOverridden,
  ownersOf,
  plan,
  unknownOf,
  withoutOthers,
  withoutUnknown,
} from "./plan";
import { owes } from "./release-command";
import { upgrades } from "./runs-with";
import { droppedUnits, unreadUnit, viewOf } from "./units";

export function diff(recorded: Service, desired: Service): Difference[] {
  const observed = withoutOthers(recorded, desired);
  const identities = identity(observed, desired);
  const known = withoutUnknown(desired, observed);
  const found = [
    ...compare(compared(observed, known), compared(known, known), comparedKeys(observed)),
    ...unitDifferences(observed, known),
    ...(hasDependencies(observed, known)
      ? []
      : [{ path: ["dependencies", "key"], kind: "update" as const }]),
    ...unknownOf(desired).map((key) => ({ path: [key], kind: "update" as const })),
    ...upgrades(observed, known).map(([name]) => ({
      path: ["runsWith", name],
      kind: "update" as const,
    })),
    ...troubles(observed, known).map((key) => ({ path: [key], kind: "delete" as const })),
  ];
  // What the service's own files change may well be why; the check finds out.
  if (observed.unloadable !== undefined && !found.some(({ path: [key = ""] }) => taken.has(key))) {
    found.push({ path: ["unloadable"], kind: "delete" });
  }
  if (found.length === 0 && observed.definition !== undefined && known.unit !== undefined) {
    found.push({ path: ["definition"], kind: "delete" });
  }
  if (!isAnotherInstance(observed.host, desired.host)) return [...identities, ...found];
  if (plan(observed, desired, nobody).length === 0) return identities;
  return [{ path: ["host", "instance"], kind: "update" }, ...identities, ...found];
}

/** What makes a change that the unit may have to take in. */
const taken = new Set(["users", "files", "absent", "version"]);

/** Whose it is makes no difference here: only whether there is anything to do. */
const nobody = { project: "", stack: "" };

/** Outputs that are there only while something is wrong. */
function troubles(observed: Service, desired: Service): string[] {
  const isWanted = desired.unit !== undefined && desired.state !== "stopped";
  const runs = isWanted && observed.state === "running";
  return [
    ...(ownersOf(observed, desired).length > 0 ? ["owners"] : []),
    ...(isWanted ? unitTroubles(observed) : []),
    ...(runs && observed.answers !== undefined ? ["answers"] : []),
    ...(observed.drained !== undefined ? ["drained"] : []),
    ...(isOverridden(observed, desired) ? ["overridden"] : []),
    ...(owes(observed, desired) ? ["owed"] : []),
    ...(foreignOf(observed, desired).length > 0 ? ["foreign"] : []),
  ];
}

/** Those of any unit that is to run. */
function unitTroubles({ state, masked, process }: MoreUnit): string[] {
  return [
    ...(masked !== undefined ? ["masked"] : []),
    ...(state === "running" && process !== undefined ? ["process"] : []),
  ];
}

/** Of the units beside `unit`. One that is dropped differs until it is stopped. */
function unitDifferences(observed: Service, desired: Service): Difference[] {
  const wanted = Object.entries(desired.moreUnits ?? {}).flatMap(([unit, goal]) => {
    const path = ["moreUnits", unit];
    const live = observed.moreUnits?.[unit] ?? unreadUnit;
    const troubles = goal.state === "stopped" ? [] : unitTroubles(live);
    const status = ({ state, enabled = goal.enabled, configuration }: MoreUnit) => ({
      ...{ state, enabled },
      ...(live.state === "running" && { configuration }),
    });
    return [
      ...differences(path, status(live), status(goal)),
      ...troubles.map((key) => ({ path: [...path, key], kind: "delete" as const })),
    ];
  });
  const dropped = droppedUnits(observed, desired).filter((unit) => {
    const { state, enabled } = viewOf(observed, unit);
    return state !== "stopped" || enabled === true;
  });
  return [
    ...wanted,
    ...dropped.map((unit) => ({ path: ["moreUnits", unit], kind: "delete" as const })),
  ];
}

function identity(observed: Service, desired: Service): Difference[] {
  const replaced = (path: string[]): Difference => ({ path, kind: "update", replace: true });
  return [
    ...(isUnknown(desired.host) ||
    observed.host.name === desired.host.name ||
    isSameMachine(observed.host, desired.host)
      ? []
      : [replaced(["host", "name"])]),
    ...(["name", "unit", "root"] as const)
      .filter((key) => observed[key] !== desired[key])
      .map((key) => replaced([key])),
  ];
}

/** A machine that is called otherwise now keeps all that it has. */
function isSameMachine(one: Host, other: Host): boolean {
  return one.hostKey === other.hostKey && one.address === other.address && one.port === other.port;
}

/** What a unit has loaded is a question only while it runs. */
function comparedKeys({ state }: Service): readonly string[] {
  const always = ["users", "files", "absent", "version", "persistent", "state", "enabled"];
  return state === "running" ? [...always, "configuration"] : always;
}

/** Without what only says how to go about it, and without what is never taken away: users, what was moved aside. */
function compared(service: Service, desired: Service): object {
  const files = Object.entries(service.files).map(([path, file]) => {
    const { content, mode, owner, group } = file;
    return [path, { content, mode, owner, group }];
  });
  return {
    ...service,
    files: Object.fromEntries(files),
    users: only(desired.users, service.users),
    absent: desired.absent.filter((path) => service.absent.includes(path)),
    enabled: service.enabled ?? desired.enabled,
    persistent: service.persistent ?? {},
  };
}

function only<Value>(
  desired: Readonly<Record<string, Value>>,
  of: Readonly<Record<string, Value>>,
) {
  return Object.fromEntries(Object.entries(of).filter(([name]) => name in desired));
}
