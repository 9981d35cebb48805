/**
 * The way back of a release, for `npm run rollback`: the transaction that takes a host to another version that is on it. Each release
 * leaves it in `/var/lib/trilithon/rollback/NAME`, so that it has the probes, the units and the drain of that host, and needs neither
 * settings nor state.
 */

import type { Owner } from "../../kind";
import { lines, Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import { transactionSeconds } from "./deadline";
import type { ServiceStep } from "./plan";
import { renderTransaction } from "./transaction";
import { unitsOf } from "./units";

/** What whoever runs it puts in: words of letters, digits and `. _ @ -`. */
const blanks = { version: "@VERSION@", who: "@WHO@", commit: "@COMMIT@" };

/** Keeps it on the host. Uses `$own`. Of static files alone there is none: those of both versions are served anyway. */
export function renderWayBack(desired: Service, owner: Owner): Shell | false {
  const { name, root, unit, state } = desired;
  if (root === undefined || unit === undefined || state === "stopped") return false;
  const script = renderScript(desired, owner).text;
  return sh`
mkdir -p "$own/rollback" && (umask 077; printf '%s\n' ${script} >"$own/rollback/."${name}) && mv -fT -- "$own/rollback/."${name} "$own/rollback/"${name} || progress ${`warning: the way back of ${name} could not be kept`}`;
}

/** Runs it on its host, to the version in `$former`. */
export function renderRunOfWayBack(name: string, who: string): Shell {
  const word = who.replace(/[^A-Za-z0-9@._-]/g, "_");
  return sh`
script=$(mktemp) && sed -e "s/${new Shell(blanks.version)}/$former/g" -e ${`s/${blanks.who}/${word}/g; s/${blanks.commit}/-/g`} ${`/var/lib/trilithon/rollback/${name}`} >"$script" || exit 1
sh "$script"
status=$?
rm -f -- "$script"
exit "$status"`;
}

function renderScript(desired: Service, owner: Owner): Shell {
  const { version } = blanks;
  const releases = `${desired.root}/releases`;
  const target = { ...desired, version };
  return lines(
    sh`
# Written by trilithon at each release. deadlineSeconds=${transactionSeconds(desired)}
if [ ! -d ${`${releases}/${version}`} ]; then
  echo ${`version ${version} is not on this host; there are: `}"$(ls ${releases} | tr '\n' ' ')" >&2
  exit 1
fi`,
    ...Object.entries(desired.persistent ?? {}).map(
      ([path, { folder }]) => sh`
if [ "$(readlink -- ${`${releases}/${version}/${path}`})" != ${folder} ]; then
  echo ${`version ${version} came before ${path} was persistent, and would not see what is in ${folder}: release it with up instead`} >&2
  exit 1
fi`,
    ),
    renderTransaction(wayBackSteps(target), target, target, {
      owner: { ...owner, isNew: false },
      answer: sh`:`,
      author: blanks,
      result: "rolled back",
    }),
  );
}

/** Unit files and environment stay as they are, and so do timers: what they start has the version of that moment. */
function wayBackSteps({ root, version = "", unit: own, ...desired }: Service): ServiceStep[] {
  const units = unitsOf({ ...desired, ...(own !== undefined && { unit: own }) });
  const restarted = units.filter((unit) => !unit.endsWith(".timer"));
  const named = (unit: string) => (unit === own ? {} : { unit });
  const wait = (unit: string): ServiceStep => ({ do: "wait", ...named(unit), sentence: "wait" });
  return [
    { do: "switch", version, path: `${root}/current`, sentence: "switch" },
    ...restarted.map(
      (unit): ServiceStep => ({
        ...{ do: "unit", action: "restart", sentence: "restart", ...named(unit) },
        drains: unit === own && desired.drain !== undefined,
      }),
    ),
    // The host is drained until the service's own unit is ready.
    ...restarted.filter((unit) => unit !== own).map(wait),
    ...restarted.filter((unit) => unit === own).map(wait),
  ];
}
