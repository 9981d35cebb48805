/** What has to be done to make a Service true: one step for each thing, and the sentence that announces it. */

import { diffLines } from "diff";
import type { Host, Owner, StepText } from "../../kind";
import { isUnknown, unknown } from "../../protocol/values";
import type { File, PersistentFolder, Service } from "./args";
import { planWatch } from "./canary";
import { announceMaking, hasDependencies, makingUnit } from "./dependencies";
import type { ForeignChange } from "./foreign";
import { planForewarnings } from "./forewarning";
import { isSameStack, nameThing, type OwnedThing, thingsOf } from "./owner";
import { isLinkedOtherwise, planPersistent } from "./persistent";
import { bothUnits, effect, planDropped, planUnits } from "./plan-units";
import { planPortWait } from "./ports";
import { announceCommand, commandUnit, planAfterwards } from "./release-command";
import { awaitsPackages, upgrades } from "./runs-with";
import { planClosing, undrained } from "./together";
import { changesFor } from "./units";
import { variableChanges } from "./variables";

export type ServiceStep = StepText &
  (
    | { readonly do: "create user"; readonly name: string; readonly home: string }
    | { readonly do: "write"; readonly path: string; readonly file: File }
    | { readonly do: "set mode"; readonly path: string; readonly file: File }
    | { readonly do: "remove"; readonly path: string }
    | { readonly do: "move aside"; readonly path: string }
    | { readonly do: "send"; readonly version: string }
    // Both are done while the version is sent.
    | ({ readonly do: "keep"; readonly name: string } & PersistentFolder)
    | { readonly do: "let go"; readonly name: string; readonly folder: string }
    | ({ readonly do: "give"; readonly name: string } & PersistentFolder)
    | {
        readonly do: "make";
        readonly key: string;
        readonly version: string;
        readonly unit: string;
      }
    | {
        readonly do: "link";
        readonly key: string;
        readonly version: string;
        readonly path: string;
      }
    | { readonly do: "run"; readonly version: string; readonly unit: string }
    | { readonly do: "run afterwards"; readonly version: string }
    | { readonly do: "switch"; readonly version: string; readonly path: string }
    | { readonly do: "check" }
    // `unit` is given for one of `moreUnits`.
    | {
        readonly do: "unit";
        readonly action: UnitAction;
        readonly drains: boolean;
        readonly unit?: string;
      }
    | { readonly do: "enable" | "disable"; readonly unit?: string }
    | { readonly do: "wait"; readonly unit?: string }
    | { readonly do: "watch"; readonly version: string }
    | { readonly do: "close" }
    | { readonly do: "later" }
    // Where it stops all, the preview fails: nothing of the whole stack is to be touched.
    | { readonly do: "refuse"; readonly stopsAll?: boolean }
    | { readonly do: "adopt" }
    | { readonly do: "unmask"; readonly unit?: string }
    | { readonly do: "undrain"; readonly path: string }
    | { readonly do: "reset" }
    | { readonly do: "reread" }
    | { readonly do: "note" }
  );

export type UnitAction = "start" | "restart" | "reload" | "stop";

export function plan(
  known: Service | undefined,
  inputs: Service,
  owner: Pick<Owner, "project" | "stack">,
): ServiceStep[] {
  const observed =
    known === undefined || isAnotherInstance(known.host, inputs.host)
      ? { ...nothing(inputs), had: known?.had }
      : withoutOthers(known, inputs);
  const desired = withoutUnknown(inputs, observed);
  const changes = [
    ...planUsers(observed, desired),
    ...planFiles(observed, desired),
    ...planAbsent(observed, desired),
    ...planRelease(observed, desired),
  ];
  const refusals = [
    ...refuseOthers(observed, desired, owner),
    ...refuseFolders(observed, changes),
    ...refuseUnloadable(observed, changes),
  ];
  if (refusals.length > 0) return refusals;
  const isSwitched = changes.some((step) => step.do === "switch");
  const closing = planClosing(observed, desired, isSwitched);
  const isClosed = closing.length > 0;
  const unit = planUnits(observed, isClosed ? undrained(desired) : desired, changes);
  const isLive = unit.some(({ do: what }) => what === "unit");
  const taken = changesFor(desired.unit ?? "", changes, bothUnits(observed, desired));
  const checks = isLive || taken.some((step) => effect(step, observed) !== "nothing");
  const check: ServiceStep[] =
    checks && desired.check !== undefined && desired.state !== "stopped"
      ? [{ do: "check", sentence: "check it" }]
      : [];
  const steps = [
    ...planAdoption(observed, desired, owner),
    ...closing,
    ...planDropped(observed, desired),
    ...changes,
    ...check,
    ...planPortWait(observed, desired, unit),
    ...planForewarnings(observed, desired, unit),
    ...unit,
    ...planWatch(observed, desired, changes),
    ...(isClosed ? [] : planUndrain(observed)),
    ...planReset(observed, desired),
    ...planNote(observed, desired),
    ...planAfterwards(observed, desired, isSwitched),
    ...planUnknown(inputs),
  ];
  return [...steps, ...(steps.length === 0 ? planReread(observed, desired) : [])].map((step) => ({
    ...step,
    sentence: step.sentence.replaceAll(unknown, "(not known yet)"),
  }));
}

/** What other resources have of what is wanted here. */
export function ownersOf(observed: Service, desired: Service): readonly OwnedThing[] {
  if (observed.owners === undefined) return [];
  const away = isUnknown(desired.absent) ? [] : desired.absent;
  const things = new Set([
    ...thingsOf({ ...desired, files: isUnknown(desired.files) ? {} : desired.files }),
    ...away.filter((path) => !observed.absent.includes(path)).map((path) => `file ${path}`),
  ]);
  return observed.owners.filter(({ thing }) => things.has(thing));
}

/** Without the files that another resource has by now: they are no longer this one's to remove. */
export function withoutOthers(observed: Service, desired: Service): Service {
  const theirs = new Set((observed.owners ?? []).map(({ thing }) => thing));
  const isLeft = (path: string) =>
    theirs.has(`file ${path}`) && !isUnknown(desired.files) && desired.files[path] === undefined;
  if (!Object.keys(observed.files).some(isLeft)) return observed;
  const files = Object.entries(observed.files).filter(([path]) => !isLeft(path));
  return { ...observed, files: Object.fromEntries(files) };
}

function planAdoption(
  observed: Service,
  desired: Service,
  owner: Pick<Owner, "project" | "stack">,
): ServiceStep[] {
  const others = ownersOf(observed, desired).filter((other) => isSameStack(other, owner));
  return [...new Set(others.map((other) => other.owner))].map((former) => {
    const things = others.filter((other) => other.owner === former);
    return {
      do: "adopt",
      sentence: `adopt ${listed(things)} from ${former.replace(/^\S+ /, "")}`,
    };
  });
}

function refuseOthers(
  observed: Service,
  desired: Service,
  owner: Pick<Owner, "project" | "stack">,
): ServiceStep[] {
  const others = ownersOf(observed, desired).filter((other) => !isSameStack(other, owner));
  const { name } = observed.host;
  return [...new Set(others.map(({ claim }) => claim))].map((claim) => {
    const things = others.filter((other) => other.claim === claim);
    const [stack, resource] = (things[0]?.owner ?? "").split(" ");
    const record = `/var/lib/trilithon/owners/${claim}`;
    return {
      do: "refuse",
      stopsAll: true,
      sentence: `refuse, since ${listed(things)} belongs to the stack ${stack}`,
      warning:
        `${name}: ${listed(things)} belongs to ${resource} of the stack ${stack}; nothing will be changed. ` +
        `To go on, take it out of that stack (\`pulumi up\` or \`pulumi destroy\` there), ` +
        `or, if that stack is gone for good, remove ${record} on ${name}`,
    };
  });
}

function listed(things: readonly OwnedThing[]): string {
  const names = things.map(({ thing }) => nameThing(thing));
  if (names.length > 3) return `${names.slice(0, 2).join(" and ")} (and ${names.length - 2} more)`;
  return names.join(" and ");
}

/** Where a file that is not of this service is wrong, nothing can be loaded until somebody mends it. */
function refuseUnloadable(
  { host, name, unloadable }: Service,
  changes: readonly ServiceStep[],
): ServiceStep[] {
  if (unloadable === undefined || changes.length > 0) return [];
  return [
    {
      do: "refuse",
      sentence: `refuse, since ${name} cannot load its configuration`,
      warning:
        `${host.name}: ${name} cannot load its configuration: ${unloadable}; nothing will be changed. ` +
        "To go on, mend the file that is named: it is not of this stack",
    },
  ];
}

function planUndrain({ drained }: Service): ServiceStep[] {
  if (drained === undefined) return [];
  const sentence = `end the drain that was left behind (${drained})`;
  return [{ do: "undrain", path: drained, sentence }];
}

/** Whether something was set at run time that is to be put back. */
export function isOverridden(observed: Service, { overrides, state }: Service): boolean {
  if (overrides === undefined || state === "stopped" || observed.state !== "running") return false;
  return observed.overridden !== undefined;
}

function planReset(observed: Service, desired: Service): ServiceStep[] {
  if (!isOverridden(observed, desired)) return [];
  const sentence = `put back what was set at run time (${observed.overridden})`;
  return [{ do: "reset", sentence }];
}

/** How many lines of a file that is not of this stack are shown. */
const shownLines = 20;

/**
 * What changed since the last `up`. What a new version of a package has for defaults is no change by anybody, and could
 * not be told before it runs: while one is to be taken in, only files count.
 */
export function foreignOf(observed: Service, desired: Service): readonly ForeignChange[] {
  const { foreign = [] } = observed;
  if (upgrades(observed, desired).length === 0) return foreign;
  return foreign.filter(({ path }) => path.startsWith("/etc/"));
}

function planNote(observed: Service, desired: Service): ServiceStep[] {
  const { host, name } = observed;
  const foreign = foreignOf(observed, desired);
  if (foreign.length === 0) return [];
  const texts = foreign.map(({ path, change, lines }) => {
    const shown = lines.slice(0, shownLines).join("\n");
    const more = lines.length - shownLines;
    return `${path} (${change})\n${shown}${more > 0 ? `\n(${count(more, "more line")})` : ""}`;
  });
  const paths = foreign.map(({ path }) => path).join(" and ");
  return [
    {
      do: "note",
      sentence: `take note of ${paths} (not of this stack: left as it is)`,
      warning:
        `${host.name}: ${name} also loads what this stack did not write, and that changed since the last \`up\`. ` +
        `\`up\` leaves it as it is, and tells only what changes from then on:\n${texts.join("\n")}`,
    },
  ];
}

function planReread(observed: Service, { name }: Service): ServiceStep[] {
  if (observed.definition === undefined) return [];
  return [{ do: "reread", sentence: `have systemd read the unit of ${name} again` }];
}

/** Nothing of what is known holds on a machine that was made anew. */
export function isAnotherInstance(observed: Host, desired: Host): boolean {
  return observed.instance !== desired.instance;
}

const stopped = { state: "stopped", enabled: false };

export function nothing(desired: Service): Service {
  const { configuration: _, version: __, dependencies: ___, ...rest } = desired;
  return {
    ...rest,
    users: {},
    files: {},
    runsWith: {},
    startedWith: undefined,
    absent: isUnknown(desired.absent) ? [] : desired.absent,
    persistent: {},
    ...(desired.unit === undefined ? {} : stopped),
    moreUnits: Object.fromEntries(
      Object.keys(desired.moreUnits ?? {}).map((unit) => [unit, stopped]),
    ),
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
const wholes = ["users", "files", "absent", "state", "runsWith"] as const;

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

function planRelease(observed: Service, desired: Service): ServiceStep[] {
  const { version: now, releases, commanded, had, rolledBack } = observed;
  const { host, version, root, name, releaseCommand } = desired;
  if (version === undefined) return [];
  const folders = planPersistent(observed, desired);
  const isThere = releases?.includes(version) === true && !isLinkedOtherwise(observed, desired);
  const sending: ServiceStep[] = [
    ...(isThere ? [] : [{ do: "send" as const, version, sentence: `send version ${version}` }]),
    ...folders,
  ];
  if (version === now) {
    const again = folders.length > 0 ? sending : [];
    // What is sent again has no links to them.
    const isLinked = hasDependencies(observed, desired) && (isThere || again.length === 0);
    return [...again, ...(isLinked ? [] : planDependencies(observed, desired, version))];
  }
  const isCommanded =
    releaseCommand === undefined || commanded?.includes(version) || had?.includes("commanded");
  const was = now === undefined ? "" : ` (now ${now})`;
  return [
    ...sending,
    ...planDependencies(observed, desired, version),
    ...(isCommanded
      ? []
      : [
          {
            do: "run" as const,
            version,
            unit: commandUnit(name),
            sentence: announceCommand(releaseCommand, version),
          },
        ]),
    {
      do: "switch",
      version,
      path: `${root}/current`,
      sentence: `switch ${root}/current to ${version}${was}`,
      ...(rolledBack?.from === version && {
        warning: `${host.name}: version ${version} was rolled back to ${now} by ${rolledBack.by} at ${rolledBack.at}; \`up\` releases ${version} again`,
      }),
    },
  ];
}

function planDependencies(
  { madeDependencies }: Service,
  { name, root, dependencies }: Service,
  version: string,
): ServiceStep[] {
  if (dependencies === undefined || isUnknown(dependencies)) return [];
  const { key, links } = dependencies;
  const making = { do: "make" as const, key, version, unit: makingUnit(name) };
  return [
    ...(madeDependencies?.includes(key)
      ? []
      : [{ ...making, sentence: announceMaking(dependencies) }]),
    {
      do: "link",
      key,
      version,
      path: `${root}/releases/${version}/${links[0]}`,
      sentence: `link the dependencies ${key} to it`,
    },
  ];
}

/** What is in a folder may be dear to somebody, and no file can take its place. */
function refuseFolders({ host, folders }: Service, changes: readonly ServiceStep[]): ServiceStep[] {
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
    sentence:
      key === "runsWith"
        ? `restart ${desired.name} if its packages change (not known yet)`
        : `see to the ${key} once known`,
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
    .map((path): ServiceStep => {
      const back = observed.originals?.includes(path)
        ? " (what stood there before is put back)"
        : "";
      return { do: "remove", path, sentence: `remove ${path}${back}` };
    });
  return [...written, ...removed];
}

/** What `observe` says of a link that stands in place of a file. */
const linkMode = "0link";

function extent(now: File | undefined, file: File): string {
  if (isUnknown(file.content)) return "content not known yet";
  if (file.format === "environment") return variableChanges(now, file);
  const whole = count(file.content.split("\n").length - 1, "line");
  if (now === undefined) return `new, ${whole}`;
  if (now.mode === linkMode) return `in place of a link, ${whole}`;
  const parts = diffLines(now.content, file.content);
  const lines = (which: "added" | "removed") =>
    parts.filter((part) => part[which]).reduce((sum, part) => sum + (part.count ?? 0), 0);
  return count(Math.max(lines("added"), lines("removed")), "line");
}

function count(n: number, noun: string): string {
  return n === 1 ? `1 ${noun}` : `${n} ${noun}s`;
}

/** A package that is yet to be installed may bring what must not be there. */
function planAbsent(observed: Service, desired: Service): ServiceStep[] {
  const installs = awaitsPackages(observed, desired);
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
