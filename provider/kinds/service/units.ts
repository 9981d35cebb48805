/**
 * The units of a service. `unit` is the one that it is named after; `moreUnits` are those that change together with it: the
 * workers of an application. All that is planned and done for a unit takes a service as that unit sees it (`viewOf`), so
 * that a service with one unit is the simple case and not another one.
 */

import type { MoreUnit, Service } from "./args";
import type { ServiceStep } from "./plan";

/** `unit` first. */
export function unitsOf({ unit, moreUnits = {} }: Pick<Service, "unit" | "moreUnits">): string[] {
  return unit === undefined ? [] : [unit, ...Object.keys(moreUnits)];
}

/** The units that a service has by now and is not to have any more. Another resource may have taken one over. */
export function droppedUnits(observed: Service, desired: Service): string[] {
  const theirs = new Set((observed.owners ?? []).map(({ thing }) => thing));
  const wanted = unitsOf(desired);
  return Object.keys(observed.moreUnits ?? {}).filter(
    (unit) => !wanted.includes(unit) && !theirs.has(`unit ${unit}`),
  );
}

/** A service as one of its units sees it. `units` are those among which the files are divided; default: its own. */
export function viewOf(service: Service, unit: string, units = unitsOf(service)): Service {
  const files = Object.entries(service.files).filter(([path]) => isTakenBy(unit, path, units));
  const view = { ...service, files: Object.fromEntries(files) };
  if (unit === service.unit) return view;
  const { host, users, absent, onChange, runsWith, onUpgrade, root, version } = service;
  const { ready, ...status } = service.moreUnits?.[unit] ?? unreadUnit;
  return {
    ...{ host, unit, name: nameOf(unit), users, files: view.files, absent, onChange },
    ...(runsWith !== undefined && { runsWith }),
    ...(onUpgrade !== undefined && { onUpgrade }),
    // A timer runs nothing itself.
    ...(root !== undefined && !unit.endsWith(".timer") && { root, version }),
    ...(ready !== undefined && { ready }),
    ...status,
  };
}

/** A unit that was not asked for yet: it may run. */
export const unreadUnit: MoreUnit = {};

/** As people call it: `shop-mail` for `shop-mail.service`. */
export function nameOf(unit: string): string {
  return unit.replace(/\.service$/, "");
}

/** The changes that a unit has to take in. A timer runs nothing: whatever becomes of the version's folders, it goes on. */
export function changesFor(
  unit: string,
  changes: readonly ServiceStep[],
  units: readonly string[],
): ServiceStep[] {
  return changes.filter((step) =>
    "path" in step ? isTakenBy(unit, step.path, units) : !unit.endsWith(".timer"),
  );
}

/**
 * A unit's own file concerns that unit alone, any other file all of them. A timer has its own and its service's: what the
 * service runs with is read whenever that is started.
 */
function isTakenBy(unit: string, path: string, units: readonly string[]): boolean {
  const [, own] = /\/(?:etc|run)\/systemd\/system\/([^/]+?)(?:\.d\/[^/]+)?$/.exec(path) ?? [];
  if (own === undefined || !units.some((one) => stemOf(one) === stemOf(own))) {
    return !unit.endsWith(".timer");
  }
  return stemOf(unit) === stemOf(own);
}

/** `shop-mail@` for `shop-mail@1.service` and for its template. */
function stemOf(unit: string): string {
  return unit.replace(/\.[a-z]+$/, "").replace(/@.*$/, "@");
}
