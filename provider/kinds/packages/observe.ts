/** Observes packages and their sources on a host with one script, and parses what that prints. */

import { lines, type Shell, sh } from "../../ssh/shell";
import type { Packages } from "./args";
import { renderOwnerObservation } from "./owner";
import { parseSource, type Source, sourcePath } from "./source";
import { compareVersions, matches } from "./version";

/** One call of dpkg-query for all names. What provides a name is asked only where no package of that name is there. */
export function renderObservation({ packages, sources }: Packages, own: string): Shell {
  const names = Object.keys(packages);
  return lines(
    names.length > 0 &&
      sh`
native=$(dpkg --print-architecture)
echo "native $native"
nl='
'
found=$(dpkg-query -W -f 'package \${Package}:\${Architecture} \${db:Status-Status} \${db:Status-Want} \${Version}\n' -- ${names} 2>/dev/null)
printf '%s\n' "$found"
for name in ${names}; do
  case "$nl$found$nl" in
    *" $name:$native installed "* | *" $name:all installed "* | *" $name installed "*) ;;
    *) dpkg-query -W -f 'provider \${db:Status-Status} \${Package} \${Version} \${Provides}\n' | grep '^provider installed ' | grep -F -- "$name"; break ;;
  esac
done`,
    ...Object.keys(sources).map(
      (name) =>
        sh`if [ -f ${sourcePath(name)} ]; then echo source ${name} "$(base64 -w 0 -- ${sourcePath(name)})"; fi`,
    ),
    renderOwnerObservation(Object.keys(sources), own),
    sh`true`,
  );
}

interface Installed {
  readonly version: string;
  readonly isHeld: boolean;
}

/** What is true on the host. `undefined` when there is nothing of it. */
export function parseObservation(answer: string, expected: Packages): Packages | undefined {
  const lines = answer.split("\n").map((line) => line.split(" "));
  const packages: Record<string, string> = {};
  const versions: Record<string, string> = {};
  const hold: Record<string, "held"> = {};
  for (const [name, wanted] of Object.entries(expected.packages)) {
    const found = findInstalled(lines, name) ?? findProvider(lines, name);
    if (found === undefined) continue;
    const { version, isHeld } = found;
    const known = expected.versions?.[name] ?? version;
    const isOlder = wanted === "present" && compareVersions(version, known) < 0;
    versions[name] = isOlder ? known : version;
    if (isOlder) packages[name] = `${version}, older than ${known}`;
    else packages[name] = matches(version, wanted) ? wanted : version;
    if (isHeld && name in expected.hold) hold[name] = "held";
  }
  const sources: Record<string, Source> = {};
  for (const [kind, name, text = ""] of lines) {
    if (kind !== "source" || name === undefined) continue;
    sources[name] = parseSource(Buffer.from(text, "base64").toString("utf8"));
  }
  const owned = lines.filter(([kind]) => kind === "owned");
  const owners = owned.map(([, name, ...words]) => [name, words.join(" ")]);
  const wanted = { ...expected.packages, ...expected.sources };
  const isThere = Object.keys({ ...packages, ...sources }).length > 0;
  if (!isThere && Object.keys(wanted).length > 0) return undefined;
  return {
    ...expected,
    packages,
    versions,
    hold,
    sources,
    owners: owners.length > 0 ? Object.fromEntries(owners) : undefined,
    changes: undefined,
  };
}

/** A package of the host's own architecture, of all, or of the one that the name says. */
function findInstalled(lines: readonly (readonly string[])[], name: string): Installed | undefined {
  const native = lines.find(([kind]) => kind === "native")?.[1] ?? "";
  const names = name.includes(":") ? [name] : [`${name}:${native}`, `${name}:all`];
  const line = lines.find(
    ([kind, found = "", status]) =>
      kind === "package" && status === "installed" && names.includes(found),
  );
  if (line === undefined) return undefined;
  const [, , , want, version = ""] = line;
  return { version, isHeld: want === "hold" };
}

/** Of a virtual package: `nginx, httpd (= 2)` after the provider's own name and version. */
function findProvider(lines: readonly (readonly string[])[], name: string): Installed | undefined {
  for (const [kind, , , version = "", ...words] of lines) {
    if (kind !== "provider") continue;
    const provided = words
      .join(" ")
      .split(", ")
      .map((one) => one.split(" ")[0]);
    if (provided.includes(name)) return { version, isHeld: false };
  }
  return undefined;
}
