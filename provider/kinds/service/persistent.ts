/**
 * Folders of an application that outlive its versions: in each version a link stands in place of the folder. A version gets
 * its links while it is unpacked, so a difference in them means that it is sent again.
 */

import { lines, type Shell, sh } from "../../ssh/shell";
import type { PersistentFolder, Service } from "./args";
import type { ServiceStep } from "./plan";

type Folders = Readonly<Record<string, PersistentFolder>>;

/** Those of the version in use; `linked` says of any version whether it has all of them. */
export function renderPersistentObservation({ root, persistent = {} }: Service): Shell | false {
  if (root === undefined) return false;
  return lines(
    sh`linked() { true; }`,
    Object.keys(persistent).length > 0 &&
      sh`
linked() {
${lines(...Object.entries(persistent).map(([path, { folder }]) => sh`  [ "$(readlink -- "$1/"${path})" = ${folder} ] && [ -d ${folder} ] || return 1`))}
}
kept() {
  if [ -L "$1" ] && [ -d "$1" ]; then printf '%s %s\n' "$(stat -L -c '%U %a' -- "$1")" "$(readlink -- "$1")"
  else echo none; fi
}`,
    ...Object.keys(persistent).map((path) => sh`kept ${`${root}/current/${path}`}`),
  );
}

/** What `renderPersistentObservation` printed, a line for each folder. */
export function parsePersistent({ persistent = {} }: Service, line: () => string): Folders {
  const found = Object.keys(persistent).flatMap((path): [string, PersistentFolder][] => {
    const [, owner = "", digits = "", folder] = /^(\S+) ([0-7]+) (.+)$/.exec(line()) ?? [];
    if (folder === undefined) return [];
    const { isClosed, isOpen } = accessOf(digits);
    const mode = isClosed || isOpen ? { mode: digits.padStart(4, "0") } : {};
    return [[path, { folder, owner, ...mode }]];
  });
  return Object.fromEntries(found);
}

/** Any other mode is for the application to choose. */
function accessOf(mode: string) {
  const bits = Number.parseInt(mode, 8);
  return { isClosed: (bits & 0o700) !== 0o700, isOpen: (bits & 0o002) !== 0 };
}

/** Whether the version in use has other links than it is to have. */
export function isLinkedOtherwise(observed: Service, desired: Service): boolean {
  return planPersistent(observed, desired).some((step) => step.do !== "give");
}

export function planPersistent(
  { persistent: now = {} }: Service,
  { persistent: wanted = {} }: Service,
): ServiceStep[] {
  const kept = Object.entries(wanted).flatMap(([path, { folder, owner }]): ServiceStep[] => {
    const { folder: former, owner: formerOwner, mode } = now[path] ?? {};
    if (former !== folder) {
      const was = former === undefined ? "" : ` (now ${former}, which is left as it is)`;
      const sentence = `keep ${path} of all versions in ${folder}${was}`;
      return [{ do: "keep", name: path, folder, owner, sentence }];
    }
    const given = formerOwner === owner ? [] : [`give ${folder} to ${owner} (now ${formerOwner})`];
    const sentence = [...given, ...announceAccess({ folder, owner, mode })].join(", ");
    return sentence === "" ? [] : [{ do: "give", name: path, folder, owner, sentence }];
  });
  const dropped = Object.entries(now)
    .filter(([path]) => wanted[path] === undefined)
    .map(([path, { folder }]): ServiceStep => {
      const sentence = `keep ${path} in the version only (${folder} is left as it is)`;
      return { do: "let go", name: path, folder, sentence };
    });
  return [...kept, ...dropped];
}

function announceAccess({ folder, owner, mode }: Access): string[] {
  if (mode === undefined) return [];
  const { isClosed, isOpen } = accessOf(mode);
  return [
    ...(isClosed ? [`let ${owner} use ${folder} (its mode is ${mode})`] : []),
    ...(isOpen ? [`let not everybody write to ${folder} (its mode is ${mode})`] : []),
  ];
}

type Access = Pick<PersistentFolder, "folder" | "owner"> & { readonly mode: string | undefined };

/** Functions of the transaction, which use its `fail`. */
export const persistentFunctions = sh`
make_own() { [ -d "$1" ] || { make_own "$(dirname "$1")" "$2" && mkdir -- "$1" && chown -h "$2:$2" -- "$1"; }; }
filled=
# The first version fills the folder. It gets its owner where nobody else can write, and is then moved.
keep_folder() {
  if [ -L "$1/$2" ] || { [ -e "$1/$2" ] && [ ! -d "$1/$2" ]; }; then
    fail "version \${version##*/} has a file or link at $2, which is to be a folder that outlives versions (persistent)"
  fi
  if [ ! -d "$3" ]; then
    make_own "$(dirname "$3")" "$4" &&
      if [ -d "$1/$2" ]; then chown -hR "$4:$4" -- "$1/$2" && mv -T -- "$1/$2" "$3"; else make_own "$3" "$4"; fi || return 1
    filled="$filled$3
"
  elif [ "$(stat -L -c '%U' -- "$3")" != "$4" ]; then chown -hR "$4:$4" -- "$3" || return 1
  fi
  rm -rf -- "$1/$2" && mkdir -p -- "$(dirname "$1/$2")" && ln -s -- "$3" "$1/$2"
}
empty_again() {
  printf '%s' "$filled" | while IFS= read -r folder; do rm -rf -- "$folder"; rmdir -p -- "$(dirname "$folder")" 2>/dev/null; done
}`;

/** Defines `add_links`, for a version that was just unpacked into `$version.partial`. */
export function renderLinks({ persistent = {} }: Service): Shell {
  return lines(
    sh`add_links() {
  :`,
    ...Object.entries(persistent).map(
      ([path, { folder, owner }]) =>
        sh`  keep_folder "$version.partial" ${path} ${folder} ${owner} || fail ${`cannot keep ${path} in ${folder}`}`,
    ),
    sh`}`,
  );
}

/** Only what is beneath a folder that is the application's own: no link in it is followed. */
export function renderGive({ folder, owner }: PersistentFolder): Shell {
  return sh`{ chown -hR ${`${owner}:${owner}`} -- ${folder} && chmod u+rwx,o-w -- ${folder}; } || fail ${`cannot give ${folder} to ${owner}`}`;
}
