/** The release command: what is run once for a version, after its files were sent and before anything is switched to it. */

import { isUnknown, unknown } from "../../protocol/values";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { ReleaseCommand, Service } from "./args";

/** How many versions a host remembers: those that had the command, also after their files are gone. */
const remembered = 200;
/** How many of its last lines an error shows. */
const shownLines = 20;

export function commandUnit(name: string): string {
  return `${name}-release.service`;
}

/** What a preview says of it, which may not know it yet. */
export function announceCommand(releaseCommand: ReleaseCommand, version: string): string {
  if (isUnknown(releaseCommand)) return `run the release command once for version ${version}`;
  const { deadlineSeconds } = releaseCommand;
  return `run ${nameCommand(releaseCommand)} once for version ${version}, at most ${deadlineSeconds} seconds`;
}

/** `` `bin/migrate` `` */
function nameCommand({ command }: ReleaseCommand): string {
  return `\`${isUnknown(command) ? unknown : command.join(" ")}\``;
}

export function renderCommandedObservation({ root, releaseCommand }: Service): Shell | false {
  if (root === undefined || releaseCommand === undefined) return false;
  return sh`cat ${`${root}/.commanded`} 2>/dev/null; echo end`;
}

/**
 * Runs it as a unit of its own, so that it has the user, the environment and the limits that the application has, and so
 * that its output is in the journal. The files of its environment may be among those that stand beside their places yet.
 */
export function renderCommand(
  { version, unit }: { readonly version: string; readonly unit: string },
  { name, root, releaseCommand }: Service,
): Shell | false {
  if (root === undefined || releaseCommand === undefined) return false;
  const { unit: text, environmentFiles, deadlineSeconds } = releaseCommand;
  const words = nameCommand(releaseCommand);
  const record = `${root}/.commanded`;
  return lines(
    sh`
progress ${`running ${words} for version ${version}`}
commanding=yes
mkdir -p /run/systemd/system
(
  umask 077
  {
    printf '%s\n' ${text} '[Service]' ${`TimeoutStartSec=${deadlineSeconds}`}
    for path in ${environmentFiles}; do
      if [ -e "$(beside "$path")" ]; then path=$(beside "$path"); fi
      printf 'EnvironmentFile=%s\n' "$path"
    done
  } >${pathOf(unit)}
) && systemctl daemon-reload || fail ${`cannot write the unit of ${words}`}
began=$(date +%s)
words_of_command() { journalctl --no-pager -q -o cat "$@" --since "@$began" -u ${unit} _TRANSPORT=stdout 2>/dev/null; }
tell_words() { words_of_command --cursor-file="$undo/cursor" | while IFS= read -r line; do progress ${`${words}: `}"$line"; done; }
systemctl start -- ${unit} >/dev/null 2>&1 </dev/null &
starting=$!
while kill -0 "$starting" 2>/dev/null; do tell_words; sleep 0.5; done
if wait "$starting"; then :
else
  journalctl --sync 2>/dev/null
  result=$(systemctl show -P Result -- ${unit}) status=$(systemctl show -P ExecMainStatus -- ${unit})
  case $result in
    timeout) why=${`was not done within ${deadlineSeconds} seconds (release.deadlineSeconds)`} ;;
    exit-code) why="ended with status $status" ;;
    *) why="failed ($result)" ;;
  esac
  said=$(words_of_command -n ${shownLines})
  [ -n "$said" ] || said=$(journalctl --no-pager -q -o cat -n 5 --since "@$began" _PID=1 -u ${unit} 2>/dev/null)
  fail ${`${words} of ${name} `}"$why"${` for version ${version}; nothing was switched to it, but the database may have been changed already:`}"
$said"
fi
journalctl --sync 2>/dev/null
tell_words`,
    renderCommandEnd({ name }),
    sh`
{ cat ${record} 2>/dev/null; echo ${version}; } | tail -n ${remembered} >${`${record}.new`} && mv -f -- ${`${record}.new`} ${record} || fail ${`cannot record that ${words} ran for version ${version}`}`,
  );
}

/** It is not left running, and the unit is there only while it runs. */
export function renderCommandEnd({ name }: Pick<Service, "name">): Shell {
  const unit = commandUnit(name);
  return sh`
if [ -n "\${commanding-}" ]; then
  systemctl stop -- ${unit} 2>/dev/null </dev/null
  systemctl reset-failed -- ${unit} 2>/dev/null
  rm -f -- ${pathOf(unit)}
  commanding=
fi`;
}

function pathOf(unit: string): string {
  return `/run/systemd/system/${unit}`;
}
