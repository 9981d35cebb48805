/** What has to be done to make a Service true: one step for each thing, and the sentence that announces it. */

import { diffLines } from "diff";
import type { Host, StepText } from "../../kind";
import { isUnknown, unknown } from "../../protocol/values";
import type { File, OnChange, Service } from "./args";

export type ServiceStep = StepText &
  (
    | { readonly do: "install"; readonly name: string; readonly version: string }
    | { readonly do: "create user"; readonly name: string; readonly home: string }
    | { readonly do: "write"; readonly path: string; readonly file: File }
    | { readonly do: "set mode"; readonly path: string; readonly file: File }
    | { readonly do: "remove"; readonly path: string }
    | { readonly do: "move aside"; readonly path: string }
    | { readonly do: "send"; readonly version: string }
    | { readonly do: "switch"; readonly version: string; readonly path: string }
    | { readonly do: "check" }
    | { readonly do: "unit"; readonly action: UnitAction; readonly drains: boolean }
    | { readonly do: "enable" | "disable" }
    | { readonly do: "wait" }
    | { readonly do: "later" }
    | { readonly do: "refuse" }
  );

export type UnitAction = "start" | "restart" | "reload" | "stop";

export function plan(known: Service | undefined, inputs: Service): ServiceStep[] {
  const observed =
    known === undefined || isAnotherInstance(known.host, inputs.host) ? nothing(inputs) : known;
  const desired = withoutUnknown(inputs, observed);
  const packages = planPackages(observed, desired);
  const changes = [
    ...planUsers(observed, desired),
    ...planFiles(observed, desired),
    ...planAbsent(observed, desired, packages.length > 0),
    ...planRelease(observed, desired),
  ];
  const refusals = planRefusals(observed, changes);
  if (refusals.length > 0) return refusals;
  const unit = planUnit(observed, desired, [...packages, ...changes]);
  const isLive = unit.some(({ do: what }) => what === "unit");
  const checks = isLive || changes.some((step) => effect(step, observed) !== "nothing");
  const check: ServiceStep[] =
    checks && desired.check !== undefined && desired.state !== "stopped"
      ? [{ do: "check", sentence: "check it" }]
      : [];
  return [...packages, ...changes, ...check, ...unit, ...planUnknown(inputs)].map((step) => ({
    ...step,
    sentence: step.sentence.replaceAll(unknown, "(not known yet)"),
  }));
}

/** Nothing of what is known holds on a machine that was made anew. */
export function isAnotherInstance(observed: Host, desired: Host): boolean {
  return observed.instance !== desired.instance;
}

function nothing(desired: Service): Service {
  const { configuration: _, version: __, ...rest } = desired;
  return {
    ...rest,
    packages: {},
    users: {},
    files: {},
    absent: isUnknown(desired.absent) ? [] : desired.absent,
    ...(desired.unit === undefined ? {} : { state: "stopped", enabled: false }),
  };
}

/** What is not known as a whole is taken to stay as it is. */
export function withoutUnknown(desired: Service, observed: Service): Service {
  const unknowns = unknownOf(desired);
  if (unknowns.length === 0) return desired;
  const kept = Object.fromEntries(unknowns.map((key) => [key, observed[key]]));
  return { ...desired, ...kept, ...("state" in kept && { enabled: observed.enabled }) };
}

export function unknownOf(desired: Service) {
  return wholes.filter((key) => isUnknown(desired[key]));
}

/** What a preview may not know as a whole: nothing can be told of it one by one. */
const wholes = ["packages", "users", "files", "absent", "state"] as const;

function planPackages(observed: Service, desired: Service): ServiceStep[] {
  return Object.entries(desired.packages)
    .filter(([name, version]) => observed.packages[name] !== version)
    .map(([name, version]) => {
      const now = observed.packages[name];
      const what = version === "present" ? name : `${name} ${version}`;
      const sentence = now === undefined ? `install ${what}` : `install ${what} (now ${now})`;
      return { do: "install", name, version, sentence };
    });
}

function planUsers(observed: Service, desired: Service): ServiceStep[] {
  return Object.entries(desired.users)
    .filter(([name, home]) => observed.users[name] !== home)
    .map(([name, home]) => ({
      do: "create user",
      name,
      home,
      sentence:
        observed.users[name] === undefined
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

function planUnknown(desired: Service): ServiceStep[] {
  return unknownOf(desired).map((key) => ({
    do: "later",
    sentence: `see to the ${key} once known`,
  }));
}

function planFiles(observed: Service, desired: Service): ServiceStep[] {
  const written = Object.entries(desired.files).flatMap(([path, file]): ServiceStep[] => {
    const now = observed.files[path];
    if (isUnknown(file.content) || now?.content !== file.content) {
      return [{ do: "write", path, file, sentence: `write ${path} (${extent(now, file)})` }];
    }
    if (now.mode === file.mode && now.owner === file.owner && now.group === file.group) return [];
    const sentence = `set ${path} to mode ${file.mode}, owner ${file.owner}:${file.group}`;
    return [{ do: "set mode", path, file, sentence }];
  });
  const removed = Object.keys(observed.files)
    .filter((path) => desired.files[path] === undefined)
    .map((path): ServiceStep => ({ do: "remove", path, sentence: `remove ${path}` }));
  return [...written, ...removed];
}

function extent(now: File | undefined, file: File): string {
  if (isUnknown(file.content)) return "content not known yet";
  if (now === undefined) return `new, ${count(file.content.split("\n").length - 1, "line")}`;
  const parts = diffLines(now.content, file.content);
  const lines = (which: "added" | "removed") =>
    parts.filter((part) => part[which]).reduce((sum, part) => sum + (part.count ?? 0), 0);
  return count(Math.max(lines("added"), lines("removed")), "line");
}

function count(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun}s`;
}

/** A package that is yet to be installed may bring what must not be there. */
function planAbsent(observed: Service, desired: Service, installs: boolean): ServiceStep[] {
  return desired.absent
    .filter((path) => installs || !observed.absent.includes(path))
    .map((path) => ({
      do: "move aside",
      path,
      sentence: observed.absent.includes(path)
        ? `move ${path} aside if a package brings it`
        : `move ${path} aside`,
    }));
}

function planUnit(
  observed: Service,
  desired: Service,
  changes: readonly ServiceStep[],
): ServiceStep[] {
  const { unit, name, state } = desired;
  if (unit === undefined) return [];
  const enabling = planEnablement(observed, desired, changes);
  if (state === "stopped") {
    if (observed.state === "stopped") return enabling;
    return [{ do: "unit", action: "stop", drains: false, sentence: `stop ${name}` }, ...enabling];
  }
  const action = unitAction(observed, changes);
  if (action === undefined) return enabling;
  const drains = action === "restart" && desired.drain !== undefined;
  return [
    { do: "unit", action, drains, sentence: unitSentence(action, name, drains) },
    { do: "wait", sentence: "wait until it is ready" },
    ...enabling,
  ];
}

/** Debian's packages enable their units as they are installed. */
function planEnablement(
  observed: Service,
  { name, enabled }: Service,
  changes: readonly ServiceStep[],
): ServiceStep[] {
  const installs = changes.some(({ do: what }) => what === "install");
  if (enabled === false && (observed.enabled === true || installs)) {
    return [{ do: "disable", sentence: `disable ${name} at boot` }];
  }
  if (enabled === true && observed.enabled === false) {
    return [{ do: "enable", sentence: `enable ${name} at boot` }];
  }
  return [];
}

function unitAction(observed: Service, changes: readonly ServiceStep[]): UnitAction | undefined {
  if (observed.state !== "running") return "start";
  const effects = [...changes.map((step) => effect(step, observed)), stale(observed)];
  return effects.includes("restart")
    ? "restart"
    : effects.includes("reload")
      ? "reload"
      : undefined;
}

/** What a change asks of the unit that runs. */
function effect(step: ServiceStep, observed: Service): OnChange {
  switch (step.do) {
    case "install":
    case "switch":
      return "restart";
    case "write":
      return step.file.onChange;
    case "remove":
      return observed.files[step.path]?.onChange ?? observed.onChange;
    case "move aside":
      return observed.onChange;
    default:
      return "nothing";
  }
}

function stale({ configuration }: Service): OnChange {
  if (configuration === "restart needed") return "restart";
  return configuration === "reload needed" ? "reload" : "nothing";
}

function unitSentence(action: UnitAction, name: string, drains: boolean): string {
  if (action === "reload") return `reload ${name} (no connection dropped)`;
  return drains ? `drain the host and restart ${name} (no request lost)` : `${action} ${name}`;
}
