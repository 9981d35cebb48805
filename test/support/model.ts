/** A machine as a value: answers a Service's question in the words of the real one, and changes as each step says. */

import { createHash } from "node:crypto";
import type { PersistentFolder, Service } from "../../provider/kinds/service/args";
import type { ServiceStep } from "../../provider/kinds/service/plan";

export interface ModelFile {
  readonly content: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly modified: number;
}

export interface ModelUnit {
  readonly active: "active" | "inactive" | "failed" | "activating";
  /** `undefined` for one that can be neither enabled nor disabled. */
  readonly enabled: boolean | undefined;
  /** When it was started. */
  readonly entered: number;
  /** When it was last started, reloaded or stopped. */
  readonly changed: number;
}

export interface Model {
  /** Seconds; each step takes one. */
  readonly now: number;
  readonly users: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, ModelFile>>;
  readonly unit: ModelUnit;
  /** Those beside it, by name. One that is not here is stopped. */
  readonly moreUnits?: Readonly<Record<string, ModelUnit>>;
  readonly releases: readonly string[];
  readonly current?: string | undefined;
  /** What the version in use has as links. */
  readonly persistent?: Readonly<Record<string, PersistentFolder>>;
  /** The versions that had the release command. */
  readonly commanded?: readonly string[];
  /** Those that had the command afterwards, and the one for which it has not run yet. */
  readonly afterwards?: readonly string[];
  readonly owed?: string | undefined;
  /** Keys of dependencies, and of those that each version has. */
  readonly dependencies?: readonly string[];
  readonly linked?: Readonly<Record<string, string>>;
  /** What the last transaction recorded of each unit. */
  readonly recorded?: Readonly<Record<string, readonly string[]>>;
}

/** What the machine says to a Service's question. */
export function answer(model: Model, service: Service): string {
  const { users, files, releases, current, commanded = [] } = model;
  const { dependencies = [], linked = {}, afterwards = [], owed = "" } = model;
  const text = [
    ...Object.keys(service.users).map((name) =>
      users[name] === undefined ? "none" : `${name}:x:990:990::${users[name]}:/usr/sbin/nologin`,
    ),
    ...fileLines(Object.keys(service.files).map((path) => files[path])),
    ...service.absent.map((path) => (files[path] === undefined ? "absent" : "present")),
    // No originals, no owners.
    "end",
    "end",
    ...(service.unit === undefined ? [] : [...unitLines(model, ""), "none", "alive"]),
    ...Object.keys(service.persistent ?? {}).map((path) => linkLine(model, path)),
    ...(service.root === undefined ? [] : [current ?? "none", ...releases, "end"]),
    // No log of releases.
    ...(service.root === undefined || service.unit === undefined ? [] : [""]),
    ...(service.releaseCommand === undefined ? [] : [...commanded, "end"]),
    ...(service.afterCommand === undefined ? [] : [...afterwards, "end", owed]),
    ...(service.dependencies === undefined
      ? []
      : [...dependencies, "end", linked[current ?? ""] ?? "none"]),
    ...Object.keys(service.moreUnits ?? {}).flatMap((name) => unitLines(model, name)),
  ];
  return text.map((line) => `${line}\n`).join("");
}

/** The machine after all steps. */
export function carryOut(model: Model, steps: readonly ServiceStep[]): Model {
  return record(steps.reduce(after, model));
}

function record(model: Model): Model {
  const { files, moreUnits } = model;
  const recorded = Object.keys({ "": model.unit, ...moreUnits }).map((name) => {
    const { entered, changed } = unitOf(model, name);
    return [
      name,
      [
        `InvocationID=${entered}`,
        `StateChangeTimestampMonotonic=${changed}000000`,
        "Youngest=0",
        ...Object.entries(files).map(([path, { content, modified }]) => {
          const digest = createHash("sha256").update(content).digest("hex");
          return `File=${modified} ${digest} ${path}`;
        }),
      ],
    ] as const;
  });
  return { ...model, recorded: Object.fromEntries(recorded) };
}

const stopped: ModelUnit = { active: "inactive", enabled: false, entered: 0, changed: 0 };

/** "" is the service's own. */
function unitOf({ unit, moreUnits }: Model, name = ""): ModelUnit {
  return name === "" ? unit : (moreUnits?.[name] ?? stopped);
}

function withUnit(model: Model, change: Partial<ModelUnit>, name = ""): Model {
  const unit = { ...unitOf(model, name), ...change };
  return name === ""
    ? { ...model, unit }
    : { ...model, moreUnits: { ...model.moreUnits, [name]: unit } };
}

function after(before: Model, step: ServiceStep): Model {
  const now = before.now + 1;
  const model = { ...before, now };
  const { users, files, releases } = model;
  switch (step.do) {
    case "create user":
      return { ...model, users: { ...users, [step.name]: step.home } };
    case "write": {
      const { content, mode, owner, group } = step.file;
      const file = { content, mode, owner, group, modified: now };
      return { ...model, files: { ...files, [step.path]: file } };
    }
    case "set mode": {
      const { mode, owner, group } = step.file;
      const old = files[step.path];
      if (old === undefined) throw new Error(`${step.path} is not there`);
      return {
        ...model,
        files: { ...files, [step.path]: { ...old, mode, owner, group, modified: now } },
      };
    }
    case "remove":
    case "move aside": {
      const { [step.path]: _, ...rest } = files;
      return { ...model, files: rest };
    }
    case "send":
      return { ...model, releases: [...releases, step.version] };
    case "keep":
    case "give": {
      const { folder, owner } = step;
      return { ...model, persistent: { ...model.persistent, [step.name]: { folder, owner } } };
    }
    case "let go": {
      const { [step.name]: _, ...rest } = model.persistent ?? {};
      return { ...model, persistent: rest };
    }
    case "make":
      if (!model.releases.includes(step.version)) throw new Error(`${step.version} is not there`);
      return { ...model, dependencies: [...(model.dependencies ?? []), step.key] };
    case "link":
      if (!model.dependencies?.includes(step.key)) throw new Error(`${step.key} is not made`);
      return { ...model, linked: { ...model.linked, [step.version]: step.key } };
    case "run":
      if (!model.releases.includes(step.version)) throw new Error(`${step.version} is not there`);
      return { ...model, commanded: [...(model.commanded ?? []), step.version] };
    case "run afterwards":
      if (model.current !== step.version) throw new Error(`${step.version} is not live`);
      return {
        ...model,
        afterwards: [...(model.afterwards ?? []), step.version],
        owed: undefined,
      };
    case "switch":
      if (!releases.includes(step.version)) throw new Error(`${step.version} is not there`);
      return { ...model, current: step.version };
    case "unit":
      return withUnit(model, unitAfter(step.action, unitOf(model, step.unit), now), step.unit);
    case "enable":
    case "disable":
      if (unitOf(model, step.unit).enabled === undefined) return model;
      return withUnit(model, { enabled: step.do === "enable" }, step.unit);
    case "check":
    case "wait":
    case "watch":
    case "close":
    case "later":
    case "refuse":
    case "adopt":
    case "unmask":
    case "undrain":
    case "reset":
    case "reread":
    case "note":
      return model;
    default:
      return step satisfies never;
  }
}

function unitAfter(
  action: "start" | "restart" | "reload" | "stop",
  { active }: ModelUnit,
  now: number,
): Partial<ModelUnit> {
  switch (action) {
    case "start":
      return active === "active" ? {} : { active: "active", entered: now, changed: now };
    case "restart":
      return { active: "active", entered: now, changed: now };
    case "reload":
      if (active !== "active") throw new Error("a unit that does not run cannot reload");
      return { changed: now };
    case "stop":
      return { active: "inactive", changed: now };
    default:
      return action satisfies never;
  }
}

function linkLine({ current, persistent }: Model, path: string): string {
  const kept = persistent?.[path];
  return current === undefined || kept === undefined ? "none" : `${kept.owner} 755 ${kept.folder}`;
}

function fileLines(all: readonly (ModelFile | undefined)[]): string[] {
  if (all.length === 0) return [];
  const there = all.flatMap((file) => (file === undefined ? [] : [file]));
  const content = Buffer.from(there.map((file) => file.content).join(""));
  return [
    ...all.map((file) => (file === undefined ? "none" : "file")),
    ...there.map(({ mode, owner, group, modified, content }) => {
      const size = Buffer.byteLength(content);
      return `${mode.replace(/^0+(?=.)/, "")} ${owner} ${group} ${modified} ${size}`;
    }),
    content.toString("base64"),
  ];
}

function unitLines(model: Model, name: string): string[] {
  const { now } = model;
  const { active, enabled, entered, changed } = unitOf(model, name);
  const recorded = model.recorded?.[name] ?? [];
  return [
    "LoadState=loaded",
    `ActiveState=${active}`,
    `UnitFileState=${enabled === undefined ? "static" : enabled ? "enabled" : "disabled"}`,
    "NeedDaemonReload=no",
    `InvocationID=${entered}`,
    `StateChangeTimestampMonotonic=${changed}000000`,
    `ActiveEnterTimestampMonotonic=${entered}000000`,
    "Youngest=0",
    "Replaced=",
    `Uptime=${now}`,
    `Now=${now}`,
    ...recorded.map((line) => `Recorded=${line}`),
    "end",
  ];
}
