/** Observes all of a Service on a host with one script, and parses what that prints. */

import type { Owner } from "../../kind";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { Dependencies, File, Service } from "./args";
import { parseRolledBack, renderRolledBackObservation } from "./audit";
import { renderDependenciesObservation } from "./dependencies";
import { foreignChanges, renderForeignFunction, renderForeignObservation } from "./foreign";
import { renderForewarnings } from "./forewarning";
import { listingFunction } from "./listing";
import { renderNotices } from "./notice";
import { parseOverrides, renderOverridesObservation } from "./overrides";
import { parseOwners, renderOwnerObservation } from "./owner";
import { parsePersistent, renderPersistentObservation } from "./persistent";
import { renderPortObservation } from "./ports";
import { renderLiveness } from "./ready";
import { renderCommandedObservation } from "./release-command";
import { parseRunsWith, pristineFiles, renderRunsWith, runsWithFunction } from "./runs-with";
import {
  type FoundFile,
  parseUnit,
  renderUnitObservation,
  renderUnitStatuses,
  unitFunctions,
  unitObservation,
} from "./unit-status";
import { unitsOf, viewOf } from "./units";

/** Small words, one line each: what the answer is made of. */
const functions = sh`
# A line for each, one more for each that is a file, and then what these hold, one after the other.
files() {
  count=$#
  while [ "$count" -gt 0 ]; do
    path=$1; shift
    if [ -L "$path" ]; then echo link
    elif [ -f "$path" ]; then echo file; set -- "$@" "$path"
    elif [ -d "$path" ]; then echo folder
    elif [ -e "$path" ]; then echo other
    else echo none; fi
    count=$((count - 1))
  done
  if [ $# -gt 0 ]; then stat -L -c '%a %U %G %.9Z %s' -- "$@"; cat -- "$@" | base64 -w 0; fi
  echo
}
present() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then echo 'folder'
  elif [ -e "$1" ] || [ -L "$1" ]; then echo 'present'
  else echo 'absent'; fi
}
user() { getent passwd "$1" || echo 'none'; }
originals() {
  for path; do
    if [ -e "/var/lib/trilithon/originals$path" ] || [ -L "/var/lib/trilithon/originals$path" ]; then echo "$path"; fi
  done
  echo end
}
# A link that leads nowhere, or elsewhere, is no version in use.
release() {
  used=$(readlink -- "$1/current"); used=$1/releases/\${used##*/}
  if [ -d "$1/current" ] && [ ! -L "$1/current" ]; then echo 'a folder'
  elif [ -d "$used" ] && [ "$1/current" -ef "$used" ]; then
    name=\${used##*/}
    if [ -e "$1/.listings/$name" ] && [ "$(listing "$used")" != "$(cat "$1/.listings/$name")" ]; then echo "$name edited"
    else echo "$name"; fi
  else echo 'none'; fi
  for version in "$1"/releases/*/; do
    version=\${version%/}; if [ -d "$version" ] && linked "$version"; then echo "\${version##*/}"; fi
  done
  echo end
}
`;

/** `isNew`: where nothing on the host was written for it before. */
/** `planner` is given where a plan is to be made. */
export function renderObservation(
  service: Service,
  { isNew = false, planner }: { readonly isNew?: boolean; readonly planner?: Owner } = {},
): Shell {
  const { unit, root } = service;
  return lines(
    functions,
    root !== undefined && listingFunction,
    service.runsWith !== undefined && runsWithFunction,
    unit !== undefined &&
      lines(
        unitFunctions,
        unitObservation,
        renderForeignFunction(service),
        renderUnitStatuses(unitsOf(service)),
      ),
    ...renderRunsWith(service, isNew),
    ...Object.keys(service.users).map((name) => sh`user ${name}`),
    Object.keys(service.files).length > 0 && sh`files ${Object.keys(service.files)}`,
    ...service.absent.map((path) => sh`present ${path}`),
    sh`originals ${[...Object.keys(service.files), ...service.absent]}`,
    renderOwnerObservation(service),
    planner !== undefined && renderPortObservation(service, planner),
    planner !== undefined && renderForewarnings(service),
    renderNotices(service),
    renderUnitObservation(service),
    renderForeignObservation(service),
    renderLiveness(service),
    renderOverridesObservation(service),
    renderPersistentObservation(service),
    root !== undefined && sh`release ${root}`,
    renderRolledBackObservation(service),
    renderCommandedObservation(service),
    renderDependenciesObservation(service),
    ...Object.keys(service.moreUnits ?? {}).map((name) =>
      renderUnitObservation(viewOf(service, name)),
    ),
  );
}

/** What is true on the host. `undefined` when there is nothing of the service. */
export function parseObservation(
  answer: string,
  expected: Service,
  owner: Owner,
  { isNew = false } = {},
): Service | undefined {
  const reader = new Reader(answer);
  const packageNames = Object.keys(expected.runsWith ?? {});
  const runsWith = parseRunsWith(
    packageNames.map(() => reader.line()),
    expected,
  );
  const conffiles = isNew && packageNames.length > 0 ? reader.until("end") : [];
  const users: Record<string, string> = {};
  for (const name of Object.keys(expected.users)) {
    const home = reader.line().split(":")[5];
    if (home !== undefined) users[name] = home;
  }
  const files: Record<string, File> = {};
  const folders: string[] = [];
  const found = new Map<string, FoundFile>();
  const seen = readFiles(Object.keys(expected.files), reader);
  for (const [path, { onChange, format }] of Object.entries(expected.files)) {
    const one = seen.get(path);
    if (one === undefined) continue;
    const { mode, user = "", group = "", changedAt = 0 } = one;
    if (mode === "folder") folders.push(path);
    const content = (one.bytes ?? Buffer.from("(not a file)\n")).toString("utf8");
    files[path] = {
      ...{ content, mode: `0${mode.padStart(3, "0")}`, owner: user, group, onChange },
      ...(format !== undefined && { format }),
    };
    if (one.bytes) found.set(path, { bytes: one.bytes, changedAt, onChange });
  }
  // What a package brought and nobody has changed is nothing of anybody's.
  for (const path of pristineFiles(conffiles, found)) delete files[path];
  const absent = expected.absent.filter((path) => {
    const what = reader.line();
    if (what === "folder") folders.push(path);
    return what === "absent";
  });
  const originals = reader.until("end");
  const owners = parseOwners(reader.until("end"), owner);
  const unitLines = expected.unit === undefined ? [] : reader.until("end");
  const more: Partial<Service> =
    expected.unit === undefined
      ? {}
      : {
          ...readForeign(reader),
          ...readLiveness(reader),
          ...(expected.overrides && parseOverrides(reader.line())),
        };
  const release = expected.root === undefined ? {} : readReleaseOf(expected, reader);
  const units = unitsOf(expected).map((name): [string, Partial<Service>] => {
    const view = viewOf(expected, name);
    const taken = new Map([...found].filter(([path]) => path in view.files));
    const status = name === expected.unit ? unitLines : reader.until("end");
    return [name, parseUnit(status, taken, view)];
  });
  const [[, main] = ["", {}], ...others] = units;
  const unit = { ...main, ...more };
  if (release.version === "a folder") folders.push(`${expected.root}/current`);
  const isThere =
    units.some(([, one]) => one.enabled === true || (one.state ?? "stopped") !== "stopped") ||
    (release.releases ?? []).length > 0 ||
    absent.length < expected.absent.length ||
    folders.length > 0 ||
    owners.length > 0 ||
    unit.portHolder !== undefined ||
    unit.forewarned !== undefined ||
    Object.keys({ ...users, ...files }).length > 0 ||
    // Nothing that could be gone: a unit alone, or what must not exist.
    Object.keys({ ...expected.users, ...expected.files }).length === 0;
  if (!isThere) return undefined;
  const unsaid = {
    state: undefined,
    enabled: undefined,
    configuration: undefined,
    version: undefined,
    had: undefined,
    masked: undefined,
    process: undefined,
    portHolder: undefined,
    forewarned: undefined,
    answers: undefined,
    drained: undefined,
    overridden: undefined,
    definition: undefined,
    foreign: undefined,
    unloadable: undefined,
    folders: folders.length > 0 ? folders : undefined,
    originals: originals.length > 0 ? originals : undefined,
    owners: owners.length > 0 ? owners : undefined,
    runsWith,
    startedWith: runsWith,
  };
  return {
    ...{ ...expected, ...unsaid, users, files, absent, ...unit, ...release },
    ...moreUnits(expected, others),
  };
}

/** That systemd has not read one of them since it changed is said of the service. */
function moreUnits(
  { moreUnits = {} }: Service,
  statuses: readonly [string, Partial<Service>][],
): Partial<Service> {
  if (statuses.length === 0) return {};
  const found = statuses.map(([name, { state, enabled, configuration, masked, process }]) => {
    const ready = moreUnits[name]?.ready;
    const status = { state, enabled, configuration, masked, process };
    return [name, { ...(ready !== undefined && { ready }), ...status }] as const;
  });
  const definition = statuses.map(([, one]) => one.definition).find((one) => one !== undefined);
  return {
    moreUnits: Object.fromEntries(found),
    ...(definition !== undefined && { definition }),
  };
}

/** What stands at a path: a file with its bytes, or `mode` says what else. */
interface Seen {
  readonly mode: string;
  readonly user?: string;
  readonly group?: string;
  readonly changedAt?: number;
  readonly bytes?: Buffer;
}

/** Without those at which there is nothing. */
function readFiles(paths: readonly string[], reader: Reader): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  if (paths.length === 0) return seen;
  const kinds = paths.map((path) => ({ path, mode: reader.line() }));
  const files = kinds
    .filter(({ mode }) => mode === "file")
    .map(({ path }) => ({ path, words: reader.line().split(" ") }));
  const all = Buffer.from(reader.line(), "base64");
  let start = 0;
  for (const { path, words } of files) {
    const [mode = "", user = "", group = "", time = "", size = ""] = words;
    const bytes = all.subarray(start, start + Number(size));
    seen.set(path, { mode, user, group, changedAt: Number(time), bytes });
    start += Number(size);
  }
  if (start !== all.length) throw new Error("files changed while they were read: try again");
  for (const { path, mode } of kinds) {
    if (mode !== "file" && mode !== "none") seen.set(path, { mode });
  }
  return seen;
}

function readForeign(reader: Reader): Partial<Service> {
  const [what, ...words] = reader.line().split(" ");
  if (what === "failed") return { unloadable: words.join(" ").trim() };
  if (what !== "differs") return {};
  const [then = "", now = ""] = [reader.line(), reader.line()].map((line) =>
    Buffer.from(line, "base64").toString("utf8"),
  );
  const foreign = foreignChanges(then, now);
  return foreign.length > 0 ? { foreign } : {};
}

function readLiveness(reader: Reader): Partial<Service> {
  const line = reader.line();
  return line.startsWith("silent ") ? { answers: line.slice("silent ".length) } : {};
}

function readReleaseOf(expected: Service, reader: Reader): Partial<Service> {
  const { unit, releaseCommand, afterCommand, dependencies } = expected;
  const persistent = parsePersistent(expected, () => reader.line());
  const release = readRelease(reader);
  const { version } = release;
  return {
    persistent,
    ...release,
    rolledBack: unit === undefined ? undefined : parseRolledBack(reader.line(), version),
    commanded: releaseCommand === undefined ? undefined : reader.until("end"),
    afterwards: afterCommand === undefined ? undefined : reader.until("end"),
    owed: (afterCommand && reader.line()) || undefined,
    ...(dependencies && readDependencies(reader, dependencies)),
  };
}

function readRelease(reader: Reader): { version?: string; releases: string[] } {
  const line = reader.line();
  const edited = /^(\S+) edited$/.exec(line)?.[1];
  const releases = reader
    .until("end")
    .filter((name) => !name.endsWith(".partial") && name !== edited);
  if (edited !== undefined) return { version: `${edited}, edited in place`, releases };
  return line === "none" ? { releases } : { version: line, releases };
}

function readDependencies(reader: Reader, expected: Dependencies): Partial<Service> {
  const madeDependencies = reader.until("end");
  return { madeDependencies, dependencies: { ...expected, key: reader.line() } };
}

class Reader {
  readonly #lines: string[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split("\n");
  }

  line(): string {
    const line = this.#lines[this.#at];
    if (line === undefined) throw new Error("the host's answer is cut short");
    this.#at += 1;
    return line;
  }

  until(end: string): string[] {
    const taken: string[] = [];
    for (let line = this.line(); line !== end; line = this.line()) taken.push(line);
    return taken;
  }
}
