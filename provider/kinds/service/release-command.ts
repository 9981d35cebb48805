/** The release command: what is run once for a version, after its files were sent and before anything is switched to it. */

import { isUnknown, unknown } from "../../protocol/values";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { ReleaseCommand, Service } from "./args";
import { renderRun } from "./run-unit";

/** How many versions a host remembers: those that had the command, also after their files are gone. */
const remembered = 200;

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

export function renderCommand(
  { version, unit }: { readonly version: string; readonly unit: string },
  { name, root, releaseCommand }: Service,
): Shell | false {
  if (root === undefined || releaseCommand === undefined) return false;
  const { unit: text, environmentFiles, deadlineSeconds } = releaseCommand;
  const words = nameCommand(releaseCommand);
  const record = `${root}/.commanded`;
  return lines(
    sh`progress ${`running ${words} for version ${version}`}`,
    renderRun({
      ...{ unit, text, environmentFiles, deadlineSeconds, setting: "release.deadlineSeconds" },
      ...{ words, of: name },
      failed: ` for version ${version}; nothing was switched to it, but the database may have been changed already:`,
    }),
    sh`
{ cat ${record} 2>/dev/null; echo ${version}; } | tail -n ${remembered} >${`${record}.new`} && mv -f -- ${`${record}.new`} ${record} || fail ${`cannot record that ${words} ran for version ${version}`}`,
  );
}
