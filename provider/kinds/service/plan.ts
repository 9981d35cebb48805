/** What has to be done to make a Service true: one step for each thing, and the sentence that announces it. */

import type { Host } from "../../kind";
import { isUnknown, unknown } from "../../protocol/values";
import type { Service } from "./args";
import { planAbsent, planFiles } from "./plan-files";
import { effect, planUnit } from "./plan-unit";
import type { ServiceStep } from "./step";

export function plan(known: Service | undefined, inputs: Service): ServiceStep[] {
  const live =
    known === undefined || isAnotherLife(known.host, inputs.host) ? nothing(inputs) : known;
  const wanted = withoutUnknown(inputs, live);
  const packages = planPackages(live, wanted);
  const changes = [
    ...planUsers(live, wanted),
    ...planFiles(live, wanted),
    ...planAbsent(live, wanted, packages.length > 0),
    ...planRelease(live, wanted),
  ];
  const refusals = planRefusals(live, changes);
  if (refusals.length > 0) return refusals;
  const unit = planUnit(live, wanted, [...packages, ...changes]);
  const isLive = unit.some(({ do: what }) => what === "unit");
  const checks = isLive || changes.some((step) => effect(step, live) !== "nothing");
  const check: ServiceStep[] =
    checks && wanted.check !== undefined && wanted.state !== "stopped"
      ? [{ do: "check", sentence: "check it" }]
      : [];
  return [...packages, ...changes, ...check, ...unit, ...planUnknown(inputs)].map((step) => ({
    ...step,
    sentence: step.sentence.replaceAll(unknown, "(not known yet)"),
  }));
}

/** Nothing of what is known holds on a machine that was made anew. */
export function isAnotherLife(live: Host, wanted: Host): boolean {
  return live.instance !== wanted.instance;
}

function nothing(wanted: Service): Service {
  const { configuration: _, version: __, ...rest } = wanted;
  return {
    ...rest,
    packages: {},
    users: {},
    files: {},
    absent: isUnknown(wanted.absent) ? [] : wanted.absent,
    ...(wanted.unit === undefined ? {} : { state: "stopped", enabled: false }),
  };
}

/** What is not known as a whole is taken to stay as it is. */
export function withoutUnknown(wanted: Service, live: Service): Service {
  const unknowns = unknownOf(wanted);
  if (unknowns.length === 0) return wanted;
  const kept = Object.fromEntries(unknowns.map((key) => [key, live[key]]));
  return { ...wanted, ...kept, ...("state" in kept && { enabled: live.enabled }) };
}

export function unknownOf(wanted: Service) {
  return wholes.filter((key) => isUnknown(wanted[key]));
}

/** What a preview may not know as a whole: nothing can be told of it one by one. */
const wholes = ["packages", "users", "files", "absent", "state"] as const;

function planPackages(live: Service, wanted: Service): ServiceStep[] {
  return Object.entries(wanted.packages)
    .filter(([name, version]) => live.packages[name] !== version)
    .map(([name, version]) => {
      const now = live.packages[name];
      const what = version === "present" ? name : `${name} ${version}`;
      const sentence = now === undefined ? `install ${what}` : `install ${what} (now ${now})`;
      return { do: "install", name, version, sentence };
    });
}

function planUsers(live: Service, wanted: Service): ServiceStep[] {
  return Object.entries(wanted.users)
    .filter(([name, home]) => live.users[name] !== home)
    .map(([name, home]) => ({
      do: "create user",
      name,
      home,
      sentence:
        live.users[name] === undefined
          ? `create user ${name}`
          : `set the home of user ${name} to ${home}`,
    }));
}

function planRelease(
  { version: now, releases }: Service,
  { version, root }: Service,
): ServiceStep[] {
  if (version === undefined || version === now) return [];
  const isThere = releases?.includes(version) ?? false;
  const was = now === undefined ? "" : ` (now ${now})`;
  return [
    ...(isThere ? [] : [{ do: "send" as const, version, sentence: `send version ${version}` }]),
    {
      do: "switch",
      version,
      path: `${root}/current`,
      sentence: `switch ${root}/current to ${version}${was}`,
    },
  ];
}

/** What is in a folder may be dear to somebody, and no file can take its place. */
function planRefusals({ host, folders }: Service, changes: readonly ServiceStep[]): ServiceStep[] {
  return changes
    .flatMap((step) => ("path" in step && folders?.includes(step.path) ? [step.path] : []))
    .map((path) => ({
      do: "refuse",
      sentence: `refuse, since ${path} is a folder`,
      warning: `${host.name}: ${path} is a folder, not a file or link; nothing will be changed. To go on, move it away`,
    }));
}

function planUnknown(wanted: Service): ServiceStep[] {
  return unknownOf(wanted).map((key) => ({
    do: "later",
    sentence: `see to the ${key} once known`,
  }));
}
