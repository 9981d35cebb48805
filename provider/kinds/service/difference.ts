/** Where a Service differs from what is wanted. */

import { compare } from "../../difference";
import type { Difference } from "../../kind";
import { isUnknown } from "../../protocol/values";
import type { Service } from "./args";
import { isAnotherLife, plan, unknownOf, withoutUnknown } from "./plan";

export function diff(live: Service, wanted: Service): Difference[] {
  const identities = identity(live, wanted);
  const known = withoutUnknown(wanted, live);
  const found = [
    ...compare(compared(live, known), compared(known, known), comparedKeys(live)),
    ...unknownOf(wanted).map((key) => ({ path: [key], kind: "update" as const })),
  ];
  if (!isAnotherLife(live.host, wanted.host)) return [...identities, ...found];
  if (plan(live, wanted).length === 0) return identities;
  return [{ path: ["host", "instance"], kind: "update" }, ...identities, ...found];
}

function identity(live: Service, wanted: Service): Difference[] {
  const replaced = (path: string[]): Difference => ({ path, kind: "update", replace: true });
  return [
    ...(isUnknown(wanted.host) || live.host.name === wanted.host.name
      ? []
      : [replaced(["host", "name"])]),
    ...(["name", "unit", "root"] as const)
      .filter((key) => live[key] !== wanted[key])
      .map((key) => replaced([key])),
  ];
}

/** What a unit has loaded is a question only while it runs. */
function comparedKeys({ state }: Service): readonly string[] {
  const always = ["packages", "users", "files", "absent", "version", "state", "enabled"];
  return state === "running" ? [...always, "configuration"] : always;
}

/** Without what only says how to go about it, and without what is never taken away: packages, users, what was moved aside. */
function compared(service: Service, wanted: Service): object {
  const files = Object.entries(service.files).map(([path, file]) => {
    const { content, mode, owner, group } = file;
    return [path, { content, mode, owner, group }];
  });
  return {
    ...service,
    files: Object.fromEntries(files),
    packages: only(wanted.packages, service.packages),
    users: only(wanted.users, service.users),
    absent: wanted.absent.filter((path) => service.absent.includes(path)),
    enabled: service.enabled ?? wanted.enabled,
  };
}

function only<Value>(wanted: Readonly<Record<string, Value>>, of: Readonly<Record<string, Value>>) {
  return Object.fromEntries(Object.entries(of).filter(([name]) => name in wanted));
}
