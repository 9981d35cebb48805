/** Where a Service differs from what is wanted. */

import { compare } from "../../difference";
import type { Difference } from "../../kind";
import { isUnknown } from "../../protocol/values";
import type { Service } from "./args";
import { isAnotherInstance, plan, unknownOf, withoutUnknown } from "./plan";

export function diff(observed: Service, desired: Service): Difference[] {
  const identities = identity(observed, desired);
  const known = withoutUnknown(desired, observed);
  const found = [
    ...compare(compared(observed, known), compared(known, known), comparedKeys(observed)),
    ...unknownOf(desired).map((key) => ({ path: [key], kind: "update" as const })),
  ];
  if (!isAnotherInstance(observed.host, desired.host)) return [...identities, ...found];
  if (plan(observed, desired).length === 0) return identities;
  return [{ path: ["host", "instance"], kind: "update" }, ...identities, ...found];
}

function identity(observed: Service, desired: Service): Difference[] {
  const replaced = (path: string[]): Difference => ({ path, kind: "update", replace: true });
  return [
    ...(isUnknown(desired.host) || observed.host.name === desired.host.name
      ? []
      : [replaced(["host", "name"])]),
    ...(["name", "unit", "root"] as const)
      .filter((key) => observed[key] !== desired[key])
      .map((key) => replaced([key])),
  ];
}

/** What a unit has loaded is a question only while it runs. */
function comparedKeys({ state }: Service): readonly string[] {
  const always = ["packages", "users", "files", "absent", "version", "state", "enabled"];
  return state === "running" ? [...always, "configuration"] : always;
}

/** Without what only says how to go about it, and without what is never taken away: packages, users, what was moved aside. */
function compared(service: Service, desired: Service): object {
  const files = Object.entries(service.files).map(([path, file]) => {
    const { content, mode, owner, group } = file;
    return [path, { content, mode, owner, group }];
  });
  return {
    ...service,
    files: Object.fromEntries(files),
    packages: only(desired.packages, service.packages),
    users: only(desired.users, service.users),
    absent: desired.absent.filter((path) => service.absent.includes(path)),
    enabled: service.enabled ?? desired.enabled,
  };
}

function only<Value>(
  desired: Readonly<Record<string, Value>>,
  of: Readonly<Record<string, Value>>,
) {
  return Object.fromEntries(Object.entries(of).filter(([name]) => name in desired));
}
