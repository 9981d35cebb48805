/**
 * The configuration that a unit loads besides the files of its service: Debian's own `nginx.conf`, a file that somebody
 * put into `conf.d`, a drop-in of the unit. It is nobody's to change here: a difference from the last `up` is told, with
 * its lines, and `up` takes it for granted from then on.
 */

import { diffLines } from "diff";
import { lines, Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";

export interface ForeignChange {
  readonly path: string;
  readonly change: "new" | "gone" | "changed";
  /** As in a patch: `+ gzip on;` */
  readonly lines: readonly string[];
}

/** A line that names the file whose text follows, as `nginx -T` prints it. */
const header = /^# configuration file (\/.*):$/;

/** Needs `unit_status`. Prints each foreign file after a line that names it. */
export function renderForeignFunction(service: Service): Shell | false {
  const { unit, configurationCommand, configurationFiles = [], files, absent } = service;
  if (unit === undefined) return false;
  // Their form is checked: only `*` means something to the shell.
  const patterns = new Shell(configurationFiles.join(" "));
  const [forGood, untilBoot] = [`/etc/systemd/system/${unit}.d`, `/run/systemd/system/${unit}.d`];
  return lines(
    sh`
own_files=${[...Object.keys(files), ...absent].map((path) => `${path}\n`).join("")}
# Passwords are nobody's to read in a preview.
show() {
  case "$nl$own_files" in *"$nl$1$nl"*) return ;; esac
  printf '# configuration file %s:\n' "$1"; sed -e 's/^\([^#]*[Pp][Aa][Ss][Ss][A-Za-z_]*[ =:]\).*/\1 (hidden)/' -e '$a\' -- "$1"
}
foreign() {
  units_own=$nl\${shown-$(unit_status ${unit})}
  fragment=\${units_own##*"$nl"FragmentPath=}; fragment=\${fragment%%"$nl"*}
  drop_ins=\${units_own##*"$nl"DropInPaths=}; drop_ins=\${drop_ins%%"$nl"*}
  seen=
  # A drop-in that systemd has not read yet is one all the same.
  for path in $fragment $drop_ins ${forGood}/*.conf ${untilBoot}/*.conf; do
    case $path in /etc/* | /run/*) ;; *) continue ;; esac
    case $seen in *"$nl$path$nl"*) continue ;; esac
    seen=$seen$nl$path$nl
    if [ -f "$path" ]; then show "$path"; fi
  done
  for path in ${patterns}; do if [ -f "$path" ]; then show "$path"; fi; done
  ${configurationCommand ? sh`printed=$(prints_configuration 2>/dev/null) || return; printf '%s\n' "$printed" | without_own` : sh`:`}
}`,
    configurationCommand !== undefined &&
      sh`
prints_configuration() { ${configurationCommand} </dev/null; }
without_own() {
  own=$own_files awk '
    BEGIN { count = split(ENVIRON["own"], paths, "\n"); for (i = 1; i <= count; i++) is_own["# configuration file " paths[i] ":"] = 1 }
    /^# configuration file \/.*:$/ { skip = ($0 in is_own) }
    !skip'
}`,
  );
}

/** Status of a configuration command whose daemon does not answer: nothing is known, and nothing wrong. */
const cannotBeAsked = 75;

export function renderForeignObservation({ unit }: Service): Shell | false {
  if (unit === undefined) return false;
  const record = `/var/lib/trilithon/foreign/${unit}`;
  return sh`
now=$([ ! -e ${record} ] || foreign)
status=$?
if [ ! -e ${record} ] || [ "$status" -eq ${cannotBeAsked} ]; then echo none
elif [ "$status" -ne 0 ]; then echo "failed $(prints_configuration 2>&1 >/dev/null | head -n 3 | tr '\n' ' ')"
elif [ "$now" = "$(cat ${record})" ]; then echo same
else echo differs; base64 -w 0 ${record}; echo; printf '%s\n' "$now" | base64 -w 0; echo; fi`;
}

/** What is loaded now is what differences are told from. Uses `$own`. */
export function renderForeignRecord({ unit }: Service): Shell | false {
  if (unit === undefined) return false;
  return sh`
mkdir -p "$own/foreign"
if now=$(foreign); then printf '%s\n' "$now" >"$own/foreign/.new" && mv -f -- "$own/foreign/.new" "$own/foreign/"${unit}; fi`;
}

export function foreignChanges(then: string, now: string): ForeignChange[] {
  const [before, after] = [sections(then), sections(now)];
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path) => {
    const [old, text] = [before.get(path), after.get(path)];
    if (old === text) return [];
    const lines = diffLines(old ?? "", text ?? "").flatMap(({ added, removed, value }) =>
      added || removed
        ? value
            .trimEnd()
            .split("\n")
            .map((line) => `${added ? "+" : "-"} ${line}`)
        : [],
    );
    const change = old === undefined ? "new" : text === undefined ? "gone" : "changed";
    return [{ path, change, lines }];
  });
}

function sections(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let path = "";
  for (const line of text.split("\n")) {
    const named = header.exec(line)?.[1];
    if (named === undefined) {
      found.set(path, `${found.get(path) ?? ""}${line}\n`);
    } else {
      path = named;
      found.set(path, "");
    }
  }
  const texts = [...found].map(([name, text]): [string, string] => [name, `${text.trimEnd()}\n`]);
  return new Map(texts.filter(([name, text]) => name !== "" || text.trim() !== ""));
}
