import { lines, type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";

/** Stops and disables the unit, removes its files and versions. What came from packages stays installed. */
export function renderRemoval({ unit, files, root }: Service): Shell {
  return lines(
    sh`set -u
export LC_ALL=C
trap '' HUP PIPE
exec 9>/run/lock/trilithon
flock -w 900 9 || { echo 'another change on this host is not done after 900 seconds' >&2; exit 1; }`,
    unit !== undefined &&
      sh`if [ "$(systemctl show -P LoadState -- ${unit})" != not-found ]; then systemctl --quiet disable --now -- ${unit} >&2 </dev/null || exit 1; fi`,
    ...Object.keys(files).map((path) => sh`rm -f -- ${path}`),
    root !== undefined && sh`rm -rf -- ${root}`,
    unit !== undefined &&
      sh`systemctl daemon-reload; systemctl reset-failed -- ${unit} 2>/dev/null || true`,
  );
}
