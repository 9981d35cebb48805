/**
 * What is run once for a version. The release command: after its files were sent and before anything is switched to it. The command
 * afterwards: when the last host has it; where that one fails, nothing is taken back, and the next `up` runs it again.
 */

import type { Context } from "../../kind";
import { isUnknown, unknown } from "../../protocol/values";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { RanOnce, ReleaseCommand, Service } from "./args";
import type { ServiceStep } from "./plan";
import { renderRun, renderRunEnd } from "./run-unit";

/** How many versions a host remembers: those that had the command, also after their files are gone. */
const remembered = 200;
/** Beside the command's own time: to write its unit and to read what it said. */
const workSeconds = 120;

/** In the folder of the versions. */
export const commandFiles = {
  commanded: ".commanded",
  afterwards: ".afterwards",
  owed: ".owed",
} as const;

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

/** What follows once the version is switched to, or was owed by an earlier `up`. */
export function planAfterwards(
  { version: now, afterwards, had, owed }: Service,
  { version, afterCommand }: Service,
  isSwitched: boolean,
): ServiceStep[] {
  if (afterCommand === undefined || version === undefined) return [];
  const hasRun = afterwards?.includes(version) || had?.includes("afterwards");
  const isDue = isSwitched ? !hasRun : isOwed(now, owed, version);
  if (!isDue) return [];
  const what = isUnknown(afterCommand)
    ? `run the command after the release once for version ${version}`
    : announceCommand(afterCommand, version);
  const sentence = `${what}, now that all hosts have it`;
  return [{ do: "run afterwards", version, sentence }];
}

function isOwed(now: string | undefined, owed: string | undefined, version: string): boolean {
  return now === version && owed === version;
}

/** Whether there is something to do although nothing else differs. */
export function owes({ version: now, owed }: Service, { version, afterCommand }: Service): boolean {
  return afterCommand !== undefined && version !== undefined && isOwed(now, owed, version);
}

export function renderCommandedObservation({
  root,
  releaseCommand,
  afterCommand,
}: Service): Shell | false {
  if (root === undefined) return false;
  const { commanded, afterwards, owed } = commandFiles;
  return lines(
    releaseCommand !== undefined && sh`cat ${`${root}/${commanded}`} 2>/dev/null; echo end`,
    afterCommand !== undefined &&
      sh`cat ${`${root}/${afterwards}`} 2>/dev/null; echo end; cat ${`${root}/${owed}`} 2>/dev/null || echo`,
  );
}

/** Which command the version that is wanted had on another host: the one that ran it may be away, or be another machine by now. */
export async function readElsewhere(
  found: Service | undefined,
  { root, version, releaseCommand, afterCommand }: Service,
  context: Context,
): Promise<readonly RanOnce[]> {
  if (root === undefined || version === undefined || found?.version === version) return [];
  const commands = { commanded: releaseCommand, afterwards: afterCommand };
  const had = (["commanded", "afterwards"] as const).map(
    async (record): Promise<readonly RanOnce[]> => {
      const command = commands[record];
      if (command === undefined || found?.[record]?.includes(version) === true) return [];
      const file = `${root}/${commandFiles[record]}`;
      // What serves somewhere had its release command.
      const live = record === "commanded" && sh`readlink -- ${`${root}/current`} 2>/dev/null`;
      const question = sh`
{
${lines(sh`cat -- ${file} 2>/dev/null`, live)}
} | grep -qxF -e ${version} -e ${`releases/${version}`} && echo had
:`;
      const doing = `asking whether version ${version} had ${nameCommand(command)}`;
      const answers = await Promise.all(
        elsewhereOf(command).map((host) => context.ask(host, question.text, doing)),
      );
      return answers.some((answer) => answer.trim() === "had") ? [record] : [];
    },
  );
  return (await Promise.all(had)).flat();
}

/** In a preview some of them may not be there yet. */
function elsewhereOf(command: ReleaseCommand) {
  if (isUnknown(command) || isUnknown(command.elsewhere)) return [];
  return (command.elsewhere ?? []).filter((host) => !isUnknown(host) && !isUnknown(host.address));
}

export function renderCommand(
  { version, unit }: { readonly version: string; readonly unit: string },
  { name, root, releaseCommand }: Service,
): Shell | false {
  if (root === undefined || releaseCommand === undefined) return false;
  return renderOnce(releaseCommand, {
    ...{ version, unit, name, setting: "release.deadlineSeconds" },
    record: `${root}/${commandFiles.commanded}`,
    failed: ` for version ${version}; nothing was switched to it, but the database may have been changed already:`,
  });
}

/** A part of the transaction: from then on the version is to have it, whatever becomes of this `up`. */
export function renderOwed(
  { version, root }: Service,
  steps: readonly ServiceStep[],
): Shell | false {
  if (!steps.some((step) => step.do === "run afterwards")) return false;
  const owed = `${root}/${commandFiles.owed}`;
  return sh`printf '%s\n' ${version ?? ""} >${owed}.new && mv -f -- ${owed}.new ${owed} || fail ${`cannot write ${owed}`}`;
}

/** After the transaction, and by itself. */
export async function runAfterwards(
  service: Service,
  context: Context,
  onProgress: (message: string) => void,
): Promise<Service> {
  const { host, name, root, version, afterCommand } = service;
  if (root === undefined || version === undefined || afterCommand === undefined) return service;
  const script = lines(
    sh`
set -u
export LC_ALL=C
progress() { printf '@progress %s\n' "$1" 2>/dev/null || true; }
beside() { printf '%s' "$undo/none"; }
undo=$(mktemp -d) || exit 1
fail() { printf '%s\n' "$1" >&2; exit 1; }
at_end() {${renderRunEnd()}
rm -rf -- "$undo"; }
trap at_end EXIT
trap 'fail interrupted' TERM INT`,
    renderOnce(afterCommand, {
      ...{ version, unit: commandUnit(name), name, setting: "release.after.deadlineSeconds" },
      record: `${root}/${commandFiles.afterwards}`,
      failed: ` for version ${version}, which is live on all hosts all the same; the next \`up\` runs it again:`,
    }),
    sh`rm -f -- ${`${root}/${commandFiles.owed}`}`,
  );
  await context.run(host, {
    script: script.text,
    doing: `finishing the release of ${name}`,
    deadlineSeconds: afterCommand.deadlineSeconds + workSeconds,
    deadlineSetting: "release.after.deadlineSeconds",
    onProgress,
  });
  return { ...service, afterwards: [...(service.afterwards ?? []), version], owed: undefined };
}

interface Once {
  readonly version: string;
  readonly unit: string;
  readonly name: string;
  readonly setting: string;
  readonly record: string;
  readonly failed: string;
}

function renderOnce(command: ReleaseCommand, once: Once): Shell {
  const { version, unit, name, setting, record, failed } = once;
  const { unit: text, environmentFiles, deadlineSeconds } = command;
  const words = nameCommand(command);
  return lines(
    sh`progress ${`running ${words} for version ${version}`}`,
    renderRun({
      ...{ unit, text, environmentFiles, deadlineSeconds, setting, words, failed },
      of: name,
    }),
    sh`
{ cat ${record} 2>/dev/null; echo ${version}; } | tail -n ${remembered} >${`${record}.new`} && mv -f -- ${`${record}.new`} ${record} || fail ${`cannot record that ${words} ran for version ${version}`}`,
  );
}
