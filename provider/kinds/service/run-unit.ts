/** A command that a transaction runs once, as a unit of its own, with its output as progress. */

import { type Shell, sh } from "../../ssh/shell";
import { causes } from "./stack-frames";

/** How many lines an error shows, and among how many of the last those of a stack are left out. */
const [shownLines, searchedLines] = [20, 500];

export interface UnitRun {
  /** There only while it runs. */
  readonly unit: string;
  /** Of a oneshot unit; where its environment is, and its time limit, are added. */
  readonly text: string;
  readonly environmentFiles: readonly string[];
  readonly deadlineSeconds: number;
  /** Which says that limit. */
  readonly setting: string;
  /** What runs: `` `bin/migrate` ``. */
  readonly words: string;
  /** Whose it is, and what that means for what: begin and end of the sentence that says how it failed. */
  readonly of: string;
  readonly failed: string;
}

/**
 * Runs it as a unit of its own, so that it has the user, the environment and the limits that the application has, and so
 * that its output is in the journal. The files of its environment may be among those that stand beside their places yet.
 */
export function renderRun(run: UnitRun): Shell {
  const { unit, text, environmentFiles, deadlineSeconds, setting, words, of, failed } = run;
  return sh`
commanding=${unit}
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
tell_words() { words_of_command --cursor-file="$undo/cursor-"${unit} | while IFS= read -r line; do progress ${`${words}: `}"$line"; done; }
systemctl start -- ${unit} >/dev/null 2>&1 </dev/null &
starting=$!
while kill -0 "$starting" 2>/dev/null; do tell_words; sleep 0.5; done
if wait "$starting"; then :
else
  journalctl --sync 2>/dev/null
  result=$(systemctl show -P Result -- ${unit}) status=$(systemctl show -P ExecMainStatus -- ${unit})
  case $result in
    timeout) why=${`was not done within ${deadlineSeconds} seconds (${setting})`} ;;
    exit-code) why="ended with status $status" ;;
    *) why="failed ($result)" ;;
  esac
  said=$(words_of_command -n ${searchedLines} | ${causes(shownLines)})
  [ -n "$said" ] || said=$(journalctl --no-pager -q -o cat -n 5 --since "@$began" _PID=1 -u ${unit} 2>/dev/null)
  fail ${`${words} of ${of} `}"$why"${failed}"
$said"
fi
journalctl --sync 2>/dev/null
tell_words
${renderRunEnd()}`;
}

/** It is not left running, and the unit is there only while it runs. */
export function renderRunEnd(): Shell {
  return sh`
if [ -n "\${commanding-}" ]; then
  systemctl stop -- "$commanding" 2>/dev/null </dev/null
  systemctl reset-failed -- "$commanding" 2>/dev/null
  rm -f -- ${pathOf("")}"$commanding"
  commanding=
fi`;
}

function pathOf(unit: string): string {
  return `/run/systemd/system/${unit}`;
}
