/**
 * What is told as done is there after a power failure, too. A file that was renamed into place before its contents were on the disk may be
 * empty afterwards: file systems write names first.
 */
import { dirname } from "node:path";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import type { ServiceStep } from "./plan";
import { unitsOf } from "./units";

/** Before a version gets its name. Of its thousands of files each by itself would take minutes. */
export function renderLastingFolder(folder: Shell): Shell {
  return sh`sync -f -- ${folder}`;
}

/** The names of all that was written, and the records of it: the last that a change does to the disk. */
export function renderLastingRecords(
  steps: readonly ServiceStep[],
  desired: Pick<Service, "name" | "unit" | "moreUnits" | "root">,
): Shell {
  const folders = steps.flatMap((step) => ("path" in step ? [dirname(step.path)] : []));
  const records = [
    ...["owners", `rollback/${desired.name}`],
    ...unitsOf(desired).flatMap((unit) => [`loaded/${unit}`, `units/${unit}`, `foreign/${unit}`]),
  ];
  const isMade = steps.some(({ do: what }) => what === "make");
  return lines(
    isMade && desired.root !== undefined && renderLastingFolder(sh`${desired.root}`),
    sh`
(
  cd "$own" && set --
  for written in ${[...new Set(folders)]} ${records}; do [ ! -e "$written" ] || set -- "$@" "$written"; done
  sync -- "$@"
) || progress 'warning: the disk does not confirm what was written: if the power fails now it may be as it was before'`,
  );
}
