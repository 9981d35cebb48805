/** The checks of what a Service and a Release are told, and the defaults that are filled in. */

import * as v from "valibot";
import { absolutePath, failures, hostSchema, integer, integerIn, text, textOf } from "../../check";
import type { Failure, Properties, Property } from "../../kind";
import { isProperties, isUnknown } from "../../protocol/values";
import * as values from "../../schema/values";

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
  forewarningCommand: v.optional(words),
  noticeCommand: v.optional(words),
  confirmSeconds: v.optional(integerIn(values.confirmSeconds)),
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
