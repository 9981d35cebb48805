/**
 * What a version needs and is not sent: packages of Python, Ruby or Node, made on the host itself. They lie beside the versions, by
 * a key: versions that need the same have links to the same.
 */

import { isUnknown } from "../../protocol/values";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { Dependencies, Service } from "./args";
import { renderRun } from "./run-unit";

/** Where those of all versions are. */
function folderOf(root: string): string {
  return `${root}/dependencies`;
}

export function makingUnit(name: string): string {
  return `${name}-dependencies.service`;
}

export function announceMaking({ command, deadlineSeconds }: Dependencies): string {
  return `make its dependencies by ${words(command)}, at most ${deadlineSeconds} seconds`;
}

function words(command: Dependencies["command"]): string {
  return `\`${isUnknown(command) ? "a command" : command.join(" ")}\``;
}

/** Whether the version in use has those that are wanted. */
export function hasDependencies(observed: Service, { dependencies }: Service): boolean {
  if (dependencies === undefined || isUnknown(dependencies)) return true;
  return observed.dependencies?.key === dependencies.key;
}

/** Prints a line for each that is made, `end`, and the one that the version in use has. */
export function renderDependenciesObservation({ root, dependencies }: Service): Shell | false {
  const [link] = dependencies?.links ?? [];
  if (root === undefined || link === undefined) return false;
  const folder = folderOf(root);
  return sh`
for made in ${folder}/*/.made; do
  if [ -e "$made" ]; then made=\${made%/.made}; echo "\${made##*/}"; fi
done
echo end
linked=$(readlink -- ${`${root}/current/${link}`}) linked=\${linked#${folder}/}
if [ -e ${`${root}/current/${link}`} ]; then echo "\${linked%%/*}"; else echo none; fi`;
}

/** They are made as their user, with nothing at hand but the files that they depend on; then nobody can change them. */
export function renderMaking(
  { key, version, unit }: { readonly key: string; readonly version: string; readonly unit: string },
  { name, root = "", dependencies }: Service,
): Shell | false {
  if (dependencies === undefined) return false;
  const {
    command,
    files,
    filesIfAny = [],
    links,
    user,
    unit: text,
    environmentFiles,
    deadlineSeconds,
    beside,
  } = dependencies;
  const store = `${folderOf(root)}/${key}`;
  const release = `${root}/releases/${version}`;
  return lines(
    sh`
progress ${`making the dependencies of version ${version}: ${words(command)}`}
making=${store}
rm -rf -- "$making" && mkdir -p -- "$making" || fail ${`cannot make ${store}`}
take() { mkdir -p -- "$(dirname "$making/$1")" && cp -a -- ${release}/"$1" "$making/$1" || fail ${`version ${version} of ${name} has not what its dependencies are made from: `}"$1"; }
for file in ${files}; do take "$file"; done
for file in ${filesIfAny}; do if [ -e ${release}/"$file" ]; then take "$file"; fi; done`,
    beside !== undefined && renderBeside(release, links),
    sh`
chown -R ${user} -- "$making" || fail ${`cannot make ${store}`}`,
    renderRun({
      ...{ unit, text, environmentFiles, deadlineSeconds },
      setting: "runtime.dependencies.deadlineSeconds",
      ...{ words: words(command), of: name },
      failed: ` for version ${version}; nothing was switched to it:`,
    }),
    sh`
for link in ${links}; do
  [ -e "$making/$link" ] || fail ${`${words(command)} did not make `}"$link"
done
chown -R 0:0 -- "$making" && : >"$making/.made" || fail ${`cannot finish ${store}`}
making=`,
  );
}

/** What the version has linked to those that it had before is made anew. */
function renderBeside(version: string, links: readonly string[]): Shell {
  const tops = [...new Set(links.map((link) => link.split("/")[0] ?? link))];
  return sh`
for path in ${version}/* ${version}/.[!.]*; do
  beside=$making/\${path##*/}
  { [ ! -e "$path" ] && [ ! -L "$path" ]; } || [ -e "$beside" ] || ln -s -- "$path" "$beside" || fail "cannot link $beside"
done
for top in ${tops}; do [ ! -L "$making/$top" ] || rm -f -- "$making/$top"; done`;
}

/** Links them to a version, which is the one in use if it stays the same. */
export function renderDependencyLinks(
  { key, version }: { readonly key: string; readonly version: string },
  { root = "", dependencies }: Service,
): Shell | false {
  if (dependencies === undefined) return false;
  const folder = `${root}/releases/${version}`;
  return sh`
for link in ${dependencies.links}; do
  path=${folder}/$link
  [ -L "$path" ] || [ ! -e "$path" ] || fail ${`${folder} has in it what is made on the host (exclude it, or make it in a build): `}"$link"
  mkdir -p -- "$(dirname "$path")" && { [ ! -L "$path" ] || [ -n "$sent" ] || printf '%s %s\n' "$path" "$(readlink -- "$path")" >>"$undo/links"; } && point "$path" ${folderOf(root)}/${key}/"$link" || fail "cannot link $path"
done
listing ${folder} >${`${root}/.listings/${version}`} || fail ${`cannot list ${folder}`}`;
}

/** What is not finished is nothing, and a version that stays has again what it had. */
export function renderDependencyLinksBack({ root = "", version = "" }: Service): Shell {
  return sh`
  if [ -n "$making" ]; then rm -rf -- "$making"; fi
  if [ -e "$undo/links" ]; then
    while read -r path to; do point "$path" "$to"; done <"$undo/links"
    listing ${`${root}/releases/${version}`} >${`${root}/.listings/${version}`}
  fi
  rmdir -- ${folderOf(root)} 2>/dev/null || true`;
}

/** Those that no version has any more. */
export function renderDependenciesEnd(root: string): Shell {
  return sh`
for made in ${folderOf(root)}/*/; do
  made=\${made%/}
  [ -n "$(find ${`${root}/releases`} -maxdepth 4 -type l -lname "$made/*" -print -quit)" ] || rm -rf -- "$made"
done
rmdir -- ${folderOf(root)} 2>/dev/null || true`;
}
