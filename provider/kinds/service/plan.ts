/** What has to be done to make a Service true: one step for each thing, and the sentence that announces it. */

import { diffLines } from "diff";
import { compare } from "../../difference";
import type { Difference, Host, Step } from "../../kind";
import { isUnknown, unknown } from "../../protocol/values";
import type { File, OnChange, Service } from "./args";

export type ServiceStep = Step &
  (
    | { readonly do: "install"; readonly name: string; readonly version: string }
    | { readonly do: "create user"; readonly name: string; readonly home: string }
    | { readonly do: "write"; readonly path: string; readonly file: File }
    | { readonly do: "set mode"; readonly path: string; readonly file: File }
    | { readonly do: "remove"; readonly path: string }
    | { readonly do: "move aside"; readonly path: string }
    | { readonly do: "send"; readonly version: string }
    | { readonly do: "switch"; readonly version: string }
    | { readonly do: "check" }
    | { readonly do: "unit"; readonly action: UnitAction; readonly drains: boolean }
    | { readonly do: "enable" | "disable" }
    | { readonly do: "wait" }
    | { readonly do: "later" }
  );

export type UnitAction = "start" | "restart" | "reload" | "stop";

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

/** Nothing of what is known holds on a machine that was made anew. */
export function isAnotherLife(live: Host, wanted: Host): boolean {
  return live.instance !== wanted.instance;
}

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

/** What a preview may not know as a whole: nothing can be told of it one by one. */
const wholes = ["packages", "users", "files", "absent", "state"] as const;

function unknownOf(wanted: Service) {
  return wholes.filter((key) => isUnknown(wanted[key]));
}

/** What is not known as a whole is taken to stay as it is. */
function withoutUnknown(wanted: Service, live: Service): Service {
  const unknowns = unknownOf(wanted);
  if (unknowns.length === 0) return wanted;
  const kept = Object.fromEntries(unknowns.map((key) => [key, live[key]]));
  return { ...wanted, ...kept, ...("state" in kept && { enabled: live.enabled }) };
}

function planUnknown(wanted: Service): ServiceStep[] {
  return unknownOf(wanted).map((key) => ({
    do: "later",
    sentence: `see to the ${key} once known`,
  }));
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

function planFiles(live: Service, wanted: Service): ServiceStep[] {
  const written = Object.entries(wanted.files).flatMap(([path, file]): ServiceStep[] => {
    const now = live.files[path];
    if (isUnknown(file.content) || now?.content !== file.content) {
      return [{ do: "write", path, file, sentence: `write ${path} (${extent(now, file)})` }];
    }
    if (now.mode === file.mode && now.owner === file.owner && now.group === file.group) return [];
    const sentence = `set ${path} to mode ${file.mode}, owner ${file.owner}:${file.group}`;
    return [{ do: "set mode", path, file, sentence }];
  });
  const removed = Object.keys(live.files)
    .filter((path) => wanted.files[path] === undefined)
    .map((path): ServiceStep => ({ do: "remove", path, sentence: `remove ${path}` }));
  return [...written, ...removed];
}

/** A package that is yet to be installed may bring what must not be there. */
function planAbsent(live: Service, wanted: Service, installs: boolean): ServiceStep[] {
  return wanted.absent
    .filter((path) => installs || !live.absent.includes(path))
    .map((path) => ({
      do: "move aside",
      path,
      sentence: live.absent.includes(path)
        ? `move ${path} aside if a package brings it`
        : `move ${path} aside`,
    }));
}

function extent(now: File | undefined, file: File): string {
  if (isUnknown(file.content)) return "content not known yet";
  if (now === undefined) return `new, ${count(file.content.split("\n").length - 1, "line")}`;
  const parts = diffLines(now.content, file.content);
  const lines = (which: "added" | "removed") =>
    parts.filter((part) => part[which]).reduce((sum, part) => sum + (part.count ?? 0), 0);
  return count(Math.max(lines("added"), lines("removed")), "line");
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
    { do: "switch", version, sentence: `switch ${root}/current to ${version}${was}` },
  ];
}

function planUnit(live: Service, wanted: Service, changes: readonly ServiceStep[]): ServiceStep[] {
  const { unit, name, state } = wanted;
  if (unit === undefined) return [];
  const enabling = planEnablement(live, wanted, changes);
  if (state === "stopped") {
    if (live.state === "stopped") return enabling;
    return [{ do: "unit", action: "stop", drains: false, sentence: `stop ${name}` }, ...enabling];
  }
  const action = unitAction(live, changes);
  if (action === undefined) return enabling;
  const drains = action === "restart" && wanted.drain !== undefined;
  return [
    { do: "unit", action, drains, sentence: unitSentence(action, name, drains) },
    { do: "wait", sentence: "wait until it is ready" },
    ...enabling,
  ];
}

/** Debian's packages enable their units as they are installed. */
function planEnablement(
  live: Service,
  { name, enabled }: Service,
  changes: readonly ServiceStep[],
): ServiceStep[] {
  const installs = changes.some(({ do: what }) => what === "install");
  if (enabled === false && (live.enabled === true || installs)) {
    return [{ do: "disable", sentence: `disable ${name} at boot` }];
  }
  if (enabled === true && live.enabled === false) {
    return [{ do: "enable", sentence: `enable ${name} at boot` }];
  }
  return [];
}

function unitAction(live: Service, changes: readonly ServiceStep[]): UnitAction | undefined {
  if (live.state !== "running") return "start";
  const effects = [...changes.map((step) => effect(step, live)), stale(live)];
  return effects.includes("restart")
    ? "restart"
    : effects.includes("reload")
      ? "reload"
      : undefined;
}

function stale({ configuration }: Service): OnChange {
  if (configuration === "restart needed") return "restart";
  return configuration === "reload needed" ? "reload" : "nothing";
}

function effect(step: ServiceStep, live: Service): OnChange {
  switch (step.do) {
    case "install":
    case "switch":
      return "restart";
    case "write":
      return step.file.onChange;
    case "remove":
      return live.files[step.path]?.onChange ?? live.onChange;
    case "move aside":
      return live.onChange;
    default:
      return "nothing";
  }
}

function unitSentence(action: UnitAction, name: string, drains: boolean): string {
  if (action === "reload") return `reload ${name} (no connection dropped)`;
  return drains ? `drain the host and restart ${name} (no request lost)` : `${action} ${name}`;
}

function count(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun}s`;
}
