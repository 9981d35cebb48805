/**
 * What became of each release on a host, for `npm run releases`: a line in `/var/lib/trilithon/releases/NAME`, written by the
 * transaction itself. It is no part of the resource, so who runs `up` makes no difference.
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";
import { type Shell, sh } from "../../ssh/shell";
import type { RolledBack, Service } from "./args";
import type { ServiceStep } from "./plan";

export interface Author {
  /** `ada@laptop`: the user and machine that run Pulumi. */
  readonly who: string;
  /** Of the source's git checkout, with `-dirty` where it holds other changes; empty where it is none. */
  readonly commit: string;
}

/** Lines that are kept: some years of a release a day. */
const linesAtMost = 1000;
const reasonAtMost = 300;
const gitSeconds = 10;

/** Of an application alone: static files and other services have no line. What only tidies up, or mends a worker, is no release. */
export function isRecorded(
  steps: readonly ServiceStep[],
  { root, unit }: Pick<Service, "root" | "unit">,
): boolean {
  if (root === undefined || unit === undefined) return false;
  return steps.some(
    (step) => step.do === "switch" || (step.do === "unit" && (step.unit ?? unit) === unit),
  );
}

export async function authorOf(folder: string): Promise<Author> {
  const options = { cwd: existing(resolve(folder)), timeout: gitSeconds * 1000 };
  const words = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
  // Nobody has to have git, or a checkout.
  const commit = await promisify(execFile)("git", words, options).then(
    ({ stdout }) => stdout.trim(),
    () => "",
  );
  return { who: userAndMachine(), commit };
}

/** `ada@laptop` */
export function userAndMachine(): string {
  return `${userName()}@${hostname()}`;
}

/** The output of a build may not be there yet. */
function existing(folder: string): string {
  return existsSync(folder) ? folder : existing(dirname(folder));
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without a name, as in some containers.
    return `uid ${process.getuid?.()}`;
  }
}

/**
 * Defines `record RESULT REASON`. Fields are parted by tabs: when, the version and the one before, who, from what commit,
 * `done`, `taken back` or `rolled back` (by `npm run rollback`), and the first line of why.
 */
export function renderAudit({ name, root = "", version = "" }: Service, author: Author): Shell {
  const [who, commit] = [author.who, author.commit].map((text) => text.replace(/[\t\r\n]/g, " "));
  return sh`
was=$(readlink -- ${`${root}/current`} || true)
record() {
  log=$own/releases/${name}
  reason=$(printf '%s\n' "$2" | head -n 1 | tr '\t\r' '  ' | cut -c ${`1-${reasonAtMost}`})
  mkdir -p "$own/releases" && {
    if [ -e "$log" ]; then tail -n ${linesAtMost - 1} -- "$log"; fi &&
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" ${version} "\${was##*/}" ${who ?? ""} ${commit ?? ""} "$1" "\${reason%:}"
  } >"$log.new" && mv -fT -- "$log.new" "$log" || progress ${`warning: no line could be added to the log of releases of ${name}`}
}`;
}

/** Prints the latest line that changed which version is live. */
export function renderRolledBackObservation({ name, root, unit }: Service): Shell | false {
  if (root === undefined || unit === undefined) return false;
  const log = `/var/lib/trilithon/releases/${name}`;
  return sh`{ grep -v '	taken back	' ${log} 2>/dev/null || echo; } | tail -n 1`;
}

/** `current` is where the link leads: somebody may have moved it by hand since. */
export function parseRolledBack(line: string, current: string | undefined): RolledBack | undefined {
  const [at = "", version, from = "", by = "", , result] = line.split("\t");
  return result === "rolled back" && version === current ? { from, by, at } : undefined;
}
