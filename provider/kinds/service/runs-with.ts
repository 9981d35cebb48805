/** The versions of packages that a unit runs with: an upgrade restarts it. */

import { createHash } from "node:crypto";
import { isUnknown } from "../../protocol/values";
import { type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import type { FoundFile } from "./unit-status";

type Versions = Readonly<Record<string, string>>;

/**
 * Prints of each package what is installed, and whether the unit was started before or after that was unpacked. Needs `statuses`,
 * of which the unit's own is the first, `uptime` and `clock`, where there is a unit.
 */
export const runsWithFunction = sh`
runs_with() {
  started=\${statuses#*ActiveEnterTimestampMonotonic=}; started=\${started%%[!0-9]*}
  lists=
  for name; do
    for list in "/var/lib/dpkg/info/$name.list" "/var/lib/dpkg/info/$name:"*.list; do [ ! -e "$list" ] || break; done
    lists="$lists $list"
  done
  {
    dpkg-query -W -f '\${Package} \${Package}:\${Architecture} \${db:Status-Status} \${Version}\n' -- "$@"
    stat -c 'unpacked %Y %n' -- $lists
  } 2>/dev/null | awk -v names="$*" -v started="\${started:-0}" -v uptime="$uptime" -v now="$clock" '
    $1 == "unpacked" {
      sub(/.*\//, "", $3); sub(/\.list$/, "", $3); unpacked[$3] = $2
      sub(/:.*/, "", $3); if (!($3 in unpacked)) unpacked[$3] = $2
    }
    $3 == "installed" { if (!($1 in version)) version[$1] = $4; version[$2] = $4 }
    END {
      count = split(names, wanted, " ")
      for (i = 1; i <= count; i++) {
        name = wanted[i]
        if (name in version) print version[name], (uptime - started / 1000000 > now - unpacked[name] + 1 ? "before" : "after")
        else print "none"
      }
    }'
}`;

/** With `isNew`, also what the packages' own configuration files are as they came. */
export function renderRunsWith({ runsWith }: Service, isNew: boolean): Shell[] {
  const names = Object.keys(runsWith ?? {});
  if (names.length === 0) return [];
  return [
    sh`runs_with ${names}`,
    ...(isNew
      ? [
          sh`dpkg-query -W -f '\${Conffiles}\n' -- ${names} 2>/dev/null | sed -n 's/^ //p'; echo end`,
        ]
      : []),
  ];
}

/** What the unit runs with: its start is known by the last \`up\`, or took in what was installed by then. */
export function parseRunsWith(
  lines: readonly string[],
  { runsWith, startedWith = {} }: Service,
): Versions | undefined {
  if (runsWith === undefined) return undefined;
  const found = Object.keys(runsWith).map((name, at): [string, string | undefined] => {
    const [version = "none", when] = (lines[at] ?? "").split(" ");
    const started = startedWith[name];
    // A name that another package provides is no package of its own.
    if (version === "none") return [name, started];
    return [name, when === "before" ? (started ?? version) : version];
  });
  return Object.fromEntries(
    found.flatMap(([name, version]) => (version === undefined ? [] : [[name, version]])),
  );
}

/** Paths of files that are just as their package brought them. */
export function pristineFiles(
  lines: readonly string[],
  files: ReadonlyMap<string, FoundFile>,
): string[] {
  const sums = new Map(lines.map((line) => line.split(" ").slice(0, 2) as [string, string]));
  return [...files].flatMap(([path, { bytes }]) =>
    createHash("md5").update(bytes).digest("hex") === sums.get(path) ? [path] : [],
  );
}

/** What an upgrade asks of a unit that runs: `haproxy 3.2.4-1 -> 3.2.9-1`, one for each package. */
export function upgrades(observed: Service, desired: Service): [name: string, text: string][] {
  const { runsWith: now } = observed;
  const { unit, state, runsWith: wanted = {} } = desired;
  const runs = unit !== undefined && state !== "stopped" && observed.state === "running";
  // A state of a time when it was not kept says nothing.
  if (!runs || now === undefined || isUnknown(wanted)) return [];
  return Object.entries(wanted)
    .filter(([name, version]) => now[name] !== version)
    .map(([name, version]) => {
      const to = isUnknown(version) ? "(not known yet)" : version;
      const text = now[name] === undefined ? `${name} ${to}` : `${name} ${now[name]} -> ${to}`;
      return [name, text];
    });
}

/** Whether packages that the unit runs with are yet to be installed: they may bring what must not be there. */
export function awaitsPackages(observed: Service, desired: Service): boolean {
  const { runsWith: now } = observed;
  const { unit, state, runsWith: wanted = {} } = desired;
  const starts = unit !== undefined && state !== "stopped" && observed.state !== "running";
  if (!starts || now === undefined || isUnknown(wanted)) return false;
  return Object.keys(wanted).some((name) => now[name] === undefined);
}
