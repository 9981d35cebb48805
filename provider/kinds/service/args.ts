/** What a Service is told: checked, and with every default filled in. Release shares all of it. */

import * as v from "valibot";
import { absolutePath, failures, hostSchema, integer, integerIn, text, textOf } from "../../check";
import type { Failure, Host, Properties, Property } from "../../kind";
import { isProperties, isUnknown } from "../../protocol/values";
import * as values from "../../schema/values";
import type { ForeignChange } from "./foreign";
import type { Overrides } from "./overrides";
import type { OwnedThing } from "./owner";
import type { HttpProbe } from "./probe";

export type OnChange = "reload" | "restart" | "nothing";

export interface File {
  readonly content: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly onChange: OnChange;
  /** A preview then names the variables that change, and no value. Default: it counts lines. */
  readonly format?: "environment";
}

export interface Ready {
  readonly http?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly matches?: string;
  readonly tcp?: number;
  readonly command?: readonly string[];
  /** It was active for that long without a restart. */
  readonly staySeconds?: number;
  readonly deadlineSeconds: number;
}

/** A further unit of a service, which changes together with its `unit`: see `units.ts`. */
export interface MoreUnit {
  readonly ready?: Ready;
  readonly state?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly configuration?: Configuration | undefined;
  // Outputs only, as those of a service.
  readonly masked?: string | undefined;
  readonly process?: string | undefined;
}

/** How to know that a unit took a reload: some daemons keep their former configuration. */
export interface Reloaded {
  /** A process is made for the new configuration, as HAProxy and Nginx make workers. */
  readonly newWorker?: boolean;
  readonly endsConnections?: boolean;
}

export interface Drain {
  readonly file: string;
  readonly seconds: number;
  /** Any of them says so. */
  readonly allowed?: readonly HttpProbe[];
  /** Whether another server took over. */
  readonly takenCommand?: readonly string[];
  readonly finished?: HttpProbe;
  readonly finishedCommand?: readonly string[];
  readonly finishSeconds?: number;
}

/** What is looked at while a new version serves, before the change is done. */
export interface Watch {
  readonly seconds: number;
  /** From 0 to 1. */
  readonly maxErrorRatio: number;
  /** Of the server in front of it: a JSON object a line, with `status` and `upstream_status`. */
  readonly accessLog: string;
  readonly share?: Share;
}

/** Which share of the requests comes to a host while it is watched. */
export interface Share {
  readonly percent: number;
  /** They pass requests on, each by itself. */
  readonly hosts: readonly Host[];
  /** Sets the share there, and prints one line about it: none where that host passes nothing to the watched one. */
  readonly begin: readonly string[];
  /** Sets all back to what it is without a share. */
  readonly end: readonly string[];
}

/** What is run once for each version: before anything is switched to it, or when all hosts have it. */
export interface ReleaseCommand {
  readonly command: readonly string[];
  /** The text of the oneshot unit that runs it; where its environment is, and its time limit, are added. */
  readonly unit: string;
  readonly environmentFiles: readonly string[];
  readonly deadlineSeconds: number;
  /** Hosts that may have run it before: for a version that had it there it is not run again. */
  readonly elsewhere?: readonly Host[];
}

/** Away from which version, by whom (`ada@laptop`) and when. */
export interface RolledBack {
  readonly from: string;
  readonly by: string;
  readonly at: string;
}

/** Holds what an application writes, whatever its version. */
export interface PersistentFolder {
  readonly folder: string;
  /** The user to whom it belongs, with the group of the same name. */
  readonly owner: string;
  /** In outputs alone: four octal digits, where the owner cannot use the folder, or everybody can write to it. */
  readonly mode?: string;
}

/** What a version needs and is not sent: made on the host, and linked to each version that needs the same. */
export interface Dependencies {
  /** What is made from the same has the same key. In outputs that of the version in use. */
  readonly key: string;
  readonly command: readonly string[];
  /** The text of the oneshot unit that makes them, as for a release command. */
  readonly unit: string;
  readonly environmentFiles: readonly string[];
  readonly deadlineSeconds: number;
  /** Files of the version from which they are made. */
  readonly files: readonly string[];
  /** Files and folders that are taken along where the version has them. */
  readonly filesIfAny?: readonly string[] | undefined;
  /** What the command makes, and the version has links to. */
  readonly links: readonly string[];
  /** Who makes them. */
  readonly user: string;
  /** `version`: they are of one version alone, and what it has stands beside them. */
  readonly beside?: "version";
}

/** `loaded`: the unit runs with the files that are on the disk. */
export type Configuration = "loaded" | "reload needed" | "restart needed";

export interface Service {
  readonly host: Host;
  readonly name: string;
  readonly unit?: string;
  readonly state?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly configuration?: Configuration | undefined;
  readonly moreUnits?: Readonly<Record<string, MoreUnit>>;
  readonly users: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, File>>;
  readonly absent: readonly string[];
  readonly onChange: OnChange;
  readonly check?: readonly string[];
  readonly ready?: Ready;
  readonly reloaded?: Reloaded;
  /** Where the daemon says why it failed, besides the journal. */
  readonly log?: string;
  /** Prints the configuration as the unit would load it, with a line `# configuration file PATH:` before each file. */
  readonly configurationCommand?: readonly string[];
  /** What the unit loads besides its service's files: paths, `*` being any name. */
  readonly configurationFiles?: readonly string[];
  readonly overrides?: Overrides;
  readonly drain?: Drain;
  readonly reloadNote?: string;
  readonly restartNote?: string;
  readonly port?: number;
  /** Package to the version that is installed: another one than the unit was started with is taken in. */
  readonly runsWith?: Readonly<Record<string, string>> | undefined;
  /** How the unit takes in another version. */
  readonly onUpgrade?: OnChange;
  /** What the unit was started with, as far as that is known. Output only. */
  readonly startedWith?: Readonly<Record<string, string>> | undefined;
  readonly root?: string;
  readonly source?: string;
  readonly build?: string;
  readonly exclude?: readonly string[];
  readonly part?: string;
  readonly ahead?: string;
  readonly versionOf?: "content";
  readonly version?: string | undefined;
  readonly keep?: number;
  /** How many former versions have a link: `previous`, `previous-2` and so on. */
  readonly previous?: number;
  /** The versions on the host. Output only. */
  readonly releases?: readonly string[];
  /** Folders that are a link in each version, by their path in it. */
  readonly persistent?: Readonly<Record<string, PersistentFolder>>;
  readonly releaseCommand?: ReleaseCommand;
  /** Where this host is the last one to get a version. */
  readonly afterCommand?: ReleaseCommand;
  readonly watch?: Watch;
  /** The hosts that take another version while the site is closed: this one, and those with the same service. */
  readonly together?: { readonly hosts: readonly Host[] };
  readonly dependencies?: Dependencies | undefined;
  /** Keys of those that are on the host. Output only. */
  readonly madeDependencies?: readonly string[] | undefined;
  /** The versions for which `releaseCommand` ran. Output only. */
  readonly commanded?: readonly string[] | undefined;
  /** Which of them another host has of the version that is wanted. Output only. */
  readonly had?: readonly ("commanded" | "afterwards")[] | undefined;
  /** Those for which `afterCommand` ran. Output only. */
  readonly afterwards?: readonly string[] | undefined;
  /** The version that was switched to and for which it has not run yet. Output only. */
  readonly owed?: string | undefined;
  /** Where `npm run rollback` led to the version that is live. Output only. */
  readonly rolledBack?: RolledBack | undefined;
  /** Where a folder stands in place of a file or link. Output only: nothing is done before it is moved away by hand. */
  readonly folders?: readonly string[] | undefined;
  /** What other resources have on the machine of what this one has or wants. Output only. */
  readonly owners?: readonly OwnedThing[] | undefined;
  /** Paths of which what stood there before is kept, to be put back. Output only. */
  readonly originals?: readonly string[] | undefined;
  // What is wrong with the unit, each only where it is so. Outputs only.
  readonly masked?: string | undefined;
  /** `runs a former /usr/sbin/nginx`: the program or a library on the disk is another one by now. */
  readonly process?: string | undefined;
  /** Why it does not answer although it runs. */
  readonly answers?: string | undefined;
  /** Who of the same stack has its port. Only where a plan is to be made. */
  readonly portHolder?: string | undefined;
  /** The drain file, where one was left behind. */
  readonly drained?: string | undefined;
  /** What was set at run time, past the files. */
  readonly overridden?: string | undefined;
  /** That systemd has not read the unit's files since they changed. */
  readonly definition?: string | undefined;
  /** What changed since the last `up` in configuration that the unit loads and that is not this service's. Output only. */
  readonly foreign?: readonly ForeignChange[] | undefined;
  /** Why that configuration cannot be loaded. Output only. */
  readonly unloadable?: string | undefined;
}

/** Where the defaults of a Service stand. */
const defaults = {
  ...{ mode: "0644", owner: "root", group: "root" },
  ...{ deadlineSeconds: 30, keep: 4, commandSeconds: 600, staySeconds: 5 },
  watch: { seconds: 300, maxErrorRatio: 0.01 },
};

const onChange = v.picklist(
  ["reload", "restart", "nothing"],
  'expected "reload", "restart" or "nothing"',
);
const words = v.pipe(
  v.array(v.string("expected a word"), "expected a list of words"),
  v.minLength(1, "expected at least one word"),
);

const fileSchema = v.strictObject({
  content: v.pipe(
    v.string("expected the text of the file"),
    v.regex(/^[^\0]*$/, "expected text without NUL characters"),
  ),
  mode: v.optional(text(/^0[1-7]?[0-7]{3}$/, 'an octal mode such as "0644"')),
  owner: v.optional(textOf(values.ownerName)),
  group: v.optional(textOf(values.ownerName)),
  onChange: v.optional(onChange),
  format: v.optional(v.literal("environment", 'expected "environment"')),
});

const note = text(/^[^\n(),]+$/, "a few words without parentheses and commas");
const httpUrl = text(/^http:\/\/[^\s/]+(\/\S*)?$/, 'a URL such as "http://127.0.0.1:3000/health"');
const headers = v.record(
  text(/^[A-Za-z0-9-]+$/, "the name of a header"),
  text(/^[^\r\n\0]*$/, "one line of text"),
);
const matches = v.optional(text(/^[^\r\n\0]+$/, "a regular expression"));
const httpProbe = v.strictObject({ http: httpUrl, headers: v.optional(headers), matches });

const unitName = text(
  /^[A-Za-z0-9@:._\\-]+\.(service|socket|timer|target)$/,
  "a unit such as nginx.service",
);
const ready = v.optional(
  v.strictObject({
    http: v.optional(httpUrl),
    headers: v.optional(headers),
    matches,
    tcp: v.optional(integerIn(values.port)),
    command: v.optional(words),
    staySeconds: v.optional(integerIn(values.waitSeconds)),
    deadlineSeconds: v.optional(integerIn(values.waitSeconds)),
  }),
);
const state = v.optional(v.picklist(["running", "stopped"], 'expected "running" or "stopped"'));
// Filled in by `check` itself, and handed back to it by the engine.
const statuses = {
  enabled: v.optional(v.boolean()),
  configuration: v.optional(v.literal("loaded")),
};

const serviceEntries = {
  host: hostSchema,
  name: v.optional(text(/^[A-Za-z0-9][A-Za-z0-9@._-]*$/, "a name of letters, digits, @ . _ -")),
  unit: v.optional(unitName),
  moreUnits: v.optional(v.record(unitName, v.strictObject({ ready, state, ...statuses }))),
  state,
  users: v.optional(v.record(textOf(values.systemUser), absolutePath)),
  files: v.optional(v.record(absolutePath, fileSchema)),
  absent: v.optional(v.array(absolutePath)),
  onChange: v.optional(onChange),
  check: v.optional(words),
  ready,
  reloaded: v.optional(
    v.strictObject({
      newWorker: v.optional(v.boolean("expected true or false")),
      endsConnections: v.optional(v.boolean("expected true or false")),
    }),
  ),
  log: v.optional(absolutePath),
  configurationCommand: v.optional(words),
  configurationFiles: v.optional(
    v.array(text(/^(\/[A-Za-z0-9._*-]+)+$/, "an absolute path of letters, digits and . _ - *")),
  ),
  overrides: v.optional(v.strictObject({ find: words, reset: words })),
  drain: v.optional(
    v.strictObject({
      file: absolutePath,
      seconds: integerIn(values.drainSeconds),
      allowed: v.optional(
        v.pipe(v.array(httpProbe), v.minLength(1, "expected at least one probe")),
      ),
      takenCommand: v.optional(words),
      finished: v.optional(httpProbe),
      finishedCommand: v.optional(words),
      finishSeconds: v.optional(integerIn(values.waitSeconds)),
    }),
  ),
  reloadNote: v.optional(note),
  restartNote: v.optional(note),
  port: v.optional(integerIn(values.port)),
  runsWith: v.optional(
    v.record(textOf(values.packageName), text(/^[A-Za-z0-9.+~:-]+$/, "a version")),
  ),
  onUpgrade: v.optional(onChange),
  ...statuses,
};

const releaseWatch = v.strictObject({
  seconds: v.optional(integerIn(values.watchSeconds)),
  maxErrorRatio: v.optional(
    v.pipe(
      v.number("expected a number from 0 to 1"),
      v.minValue(0, "expected a number from 0 to 1"),
      v.maxValue(1, "expected a number from 0 to 1"),
    ),
  ),
  accessLog: absolutePath,
  share: v.optional(
    v.strictObject({
      percent: integerIn(values.sharePercent),
      hosts: v.pipe(v.array(hostSchema), v.minLength(1, "expected at least one host")),
      begin: words,
      end: words,
    }),
  ),
});
const pathWithin = text(
  /^(?!.*\.\.)[A-Za-z0-9._][A-Za-z0-9._/-]*$/,
  "a path in the source, of letters, digits and . _ / -",
);

const releaseCommand = v.optional(
  v.strictObject({
    command: words,
    unit: text(/\S/, "the text of a unit"),
    environmentFiles: v.optional(v.array(absolutePath)),
    deadlineSeconds: v.optional(integerIn(values.commandSeconds)),
    elsewhere: v.optional(v.array(hostSchema)),
  }),
);

const serviceSchema = v.strictObject(serviceEntries);
const releaseSchema = v.strictObject({
  ...serviceEntries,
  root: absolutePath,
  source: text(/./, "a folder on this machine"),
  build: v.optional(text(/\S/, "a command")),
  exclude: v.optional(
    v.array(
      text(/^(\.\/)?[^/\0]+$/, "a file name without /, or ./ and one"),
      "expected a list of names",
    ),
  ),
  part: v.optional(text(/^[A-Za-z0-9._-]+$/, "the name of a folder")),
  ahead: v.optional(absolutePath),
  versionOf: v.optional(v.literal("content", 'expected "content"')),
  version: text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "a version of letters, digits, . _ -"),
  keep: v.optional(integer(0, 100)),
  previous: v.optional(integerIn(values.keptVersions)),
  persistent: v.optional(
    v.record(
      textOf(values.folderPath),
      v.strictObject({ folder: absolutePath, owner: textOf(values.systemUser) }),
    ),
  ),
  dependencies: v.optional(
    v.strictObject({
      key: text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "a key of letters, digits, . _ -"),
      command: words,
      unit: text(/\S/, "the text of a unit"),
      environmentFiles: v.optional(v.array(absolutePath)),
      deadlineSeconds: v.optional(integerIn(values.commandSeconds)),
      files: v.pipe(v.array(pathWithin), v.minLength(1, "expected at least one file")),
      filesIfAny: v.optional(v.array(pathWithin)),
      links: v.pipe(v.array(pathWithin), v.minLength(1, "expected at least one path")),
      user: textOf(values.systemUser),
      beside: v.optional(v.literal("version", 'expected "version"')),
    }),
  ),
  releaseCommand,
  afterCommand: releaseCommand,
  watch: v.optional(releaseWatch),
  together: v.optional(v.strictObject({ hosts: v.array(hostSchema) })),
});

export function checkService(inputs: Properties): { args: Properties; failures: Failure[] } {
  return {
    args: withDefaults(inputs),
    failures: [
      ...failures(serviceSchema, inputs),
      ...unitFailures(inputs),
      ...absentFailures(inputs),
    ],
  };
}

export function checkRelease(inputs: Properties): { args: Properties; failures: Failure[] } {
  return {
    args: {
      ...withDefaults(inputs),
      keep: inputs.keep ?? defaults.keep,
      ...commandWithDefaults("releaseCommand", inputs),
      ...commandWithDefaults("afterCommand", inputs),
      ...commandWithDefaults("dependencies", inputs),
      ...(isProperties(inputs.watch) && { watch: { ...defaults.watch, ...inputs.watch } }),
    },
    failures: [
      ...failures(releaseSchema, inputs),
      ...unitFailures(inputs),
      ...absentFailures(inputs),
      ...persistentFailures(inputs),
      ...previousFailures(inputs),
    ],
  };
}

/** Those with a link are among those that stay; the last one stays in any case. */
function previousFailures({ previous, keep = defaults.keep }: Properties): Failure[] {
  if (typeof previous !== "number" || typeof keep !== "number") return [];
  if (previous <= Math.max(keep, 1)) return [];
  const reason = `expected at most keep, which is ${keep}, got ${previous}`;
  return [{ property: "previous", reason }];
}

/** A link cannot stand below another one. */
function persistentFailures({ persistent }: Properties): Failure[] {
  if (!isProperties(persistent)) return [];
  const paths = Object.keys(persistent);
  const below = paths
    .filter((path) => paths.some((other) => path.startsWith(`${other}/`)))
    .map((path) => ({
      property: `persistent.${path}`,
      reason: "expected a folder that is not below another one of them",
    }));
  const owners = new Map<unknown, unknown>();
  const shared = Object.entries(persistent).flatMap(([path, one]) => {
    if (!isProperties(one)) return [];
    const { folder, owner } = one;
    const other = owners.get(folder) ?? owner;
    owners.set(folder, other);
    if (other === owner) return [];
    const reason = `expected ${other}, as another path leads to ${folder} too, got ${owner}`;
    return [{ property: `persistent.${path}.owner`, reason }];
  });
  return [...below, ...shared];
}

function commandWithDefaults(name: string, { [name]: command }: Properties): Properties {
  if (!isProperties(command)) return {};
  const { commandSeconds: deadlineSeconds } = defaults;
  return { [name]: { environmentFiles: [], deadlineSeconds, ...command } };
}

/** What must not exist cannot be a file of the service as well. */
function absentFailures({ absent, files }: Properties): Failure[] {
  if (!Array.isArray(absent) || !isProperties(files)) return [];
  return absent.flatMap((path, index) =>
    typeof path === "string" && path in files
      ? [
          {
            property: `absent[${index}]`,
            reason: `expected a path that is not among the files, got "${path}"`,
          },
        ]
      : [],
  );
}

function unitFailures({ unit, name, state, moreUnits }: Properties): Failure[] {
  if (unit !== undefined) {
    const isTwice = isProperties(moreUnits) && typeof unit === "string" && unit in moreUnits;
    const reason = "expected a unit that is not `unit` itself";
    return isTwice ? [{ property: `moreUnits.${unit}`, reason }] : [];
  }
  const nameless = "expected a name, since there is no unit to take it from";
  return [
    ...(name === undefined ? [{ property: "name", reason: nameless }] : []),
    ...(["state", "moreUnits"] as const)
      .filter((property) => ({ state, moreUnits })[property] !== undefined)
      .map((property) => ({ property, reason: "expected a unit beside it" })),
  ];
}

function withDefaults(inputs: Properties): Properties {
  const unit = inputs.unit;
  const change = inputs.onChange ?? "restart";
  return {
    ...inputs,
    name: inputs.name ?? (typeof unit === "string" ? unit.replace(/\.service$/, "") : undefined),
    ...(unit === undefined ? {} : statusesOf(inputs.state)),
    ...(isProperties(inputs.moreUnits) && {
      moreUnits: moreUnitsWithDefaults(inputs.moreUnits, inputs.state),
    }),
    users: inputs.users ?? {},
    files: isUnknown(inputs.files) ? inputs.files : filesWithDefaults(inputs.files, change),
    absent: inputs.absent ?? [],
    onChange: change,
    ...(isProperties(inputs.ready) && { ready: readyWithDefaults(inputs.ready) }),
  };
}

function statusesOf(state: Property | undefined): Properties {
  const isRunning = (state ?? "running") === "running";
  return {
    ...{ state: state ?? "running", enabled: isRunning },
    ...(isRunning && { configuration: "loaded" }),
  };
}

function readyWithDefaults(ready: Properties): Properties {
  return { ...ready, deadlineSeconds: ready.deadlineSeconds ?? defaults.deadlineSeconds };
}

/** One that says nothing else is ready when it stays up for a while. */
function moreUnitsWithDefaults(units: Properties, state: Property | undefined): Properties {
  const { staySeconds } = defaults;
  return Object.fromEntries(
    Object.entries(units).map(([name, unit]) => {
      if (!isProperties(unit)) return [name, unit];
      const ready = isProperties(unit.ready) ? unit.ready : { staySeconds };
      return [name, { ...unit, ready: readyWithDefaults(ready), ...statusesOf(state) }];
    }),
  );
}

function filesWithDefaults(files: Property | undefined, change: Property): Properties {
  if (!isProperties(files)) return {};
  const { mode, owner, group } = defaults;
  return Object.fromEntries(
    Object.entries(files).map(([path, file]) => [
      path,
      isProperties(file) || isUnknown(file)
        ? {
            mode,
            owner,
            group,
            onChange: change,
            ...(isProperties(file) ? file : { content: file }),
          }
        : file,
    ]),
  );
}
