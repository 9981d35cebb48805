/**
 * Whose the package sources and holds of a host are: each resource has a record, `/var/lib/trilithon/packages/CLAIM`. The one that
 * wanted a thing last has it, so that the removal of a resource that was called otherwise takes away nothing of it.
 */

import type { Context, Owner } from "../../kind";
import { type Shell, sh } from "../../ssh/shell";
import { lockSeconds } from "./apt";
import type { Packages } from "./args";
import type { PackagesStep } from "./plan";

type Owned = Pick<Packages, "sources" | "hold">;

const folder = "/var/lib/trilithon/packages";

function thingsOf({ sources, hold }: Owned): readonly string[] {
  return [
    ...Object.keys(sources).map((name) => `source ${name}`),
    ...Object.keys(hold).map((name) => `hold ${name}`),
  ];
}

/** Notes that the resource has them, and nobody else. */
export async function claim(packages: Packages, context: Context): Promise<void> {
  const things = thingsOf(packages);
  if (things.length === 0) return;
  await context.run(packages.host, {
    script: renderClaim(things, context.owner).text,
    doing: `recording ${packages.name}`,
    deadlineSeconds: lockSeconds + 60,
  });
}

function renderClaim(things: readonly string[], owner: Owner): Shell {
  const patterns = things.flatMap((thing) => ["-e", thing]);
  const { project, stack, resource } = owner;
  return sh`
set -u
umask 022
mkdir -p /run/lock ${folder} && chmod 0700 "$(dirname ${folder})" && cd ${folder} || exit 1
exec 9>/run/lock/trilithon-packages
flock -w ${lockSeconds} 9 || { echo ${`another installation is not done after ${lockSeconds} seconds`} >&2; exit 1; }
for other in *; do
  [ "$other" != ${owner.claim} ] && grep -qsxF ${patterns} -- "$other" || continue
  grep -vxF ${patterns} -- "$other" >.other
  if grep -qv '^owner ' .other; then mv -f -- .other "$other"; else rm -f -- .other "$other"; fi
done
printf '%s\n' ${`owner ${project}/${stack} ${resource}`} ${things} >.new && mv -f -- .new ${owner.claim}`;
}

/** Prints for each source that another resource has a line as `owned backports shop/prod web-01-packages`. */
export function renderOwnerObservation(names: readonly string[], own: string): Shell | false {
  if (names.length === 0) return false;
  return sh`
for record in ${folder}/*; do
  if [ "\${record##*/}" = ${own} ]; then continue; fi
  owner=$(sed -n 's/^owner //p' "$record" 2>/dev/null)
  for name in ${names}; do
    if [ -n "$owner" ] && grep -qsxF "source $name" "$record"; then echo "owned $name $owner"; fi
  done
done`;
}

/** Sources that are another stack's by now: each `up` would write them otherwise than that of the other one. */
export function refuseOthers(
  steps: readonly PackagesStep[],
  observed: Packages | undefined,
  { project, stack }: Pick<Owner, "project" | "stack">,
): PackagesStep[] {
  return steps.flatMap((step): PackagesStep[] => {
    if (step.do !== "write source" || observed?.sources[step.name] === undefined) return [];
    const { host, owners } = observed;
    const [other, resource] = owners?.[step.name]?.split(" ") ?? [];
    if (other === undefined || other === `${project}/${stack}`) return [];
    return [
      {
        do: "refuse",
        sentence: `refuse, since the package source ${step.name} belongs to the stack ${other}`,
        warning:
          `${host.name}: the package source ${step.name} belongs to ${resource} of the stack ${other}, which has it otherwise; ` +
          "nothing will be changed. To go on, give it another name here, or write it the same in both; " +
          `if that stack is gone for good, remove its record in ${folder} on ${host.name}`,
      },
    ];
  });
}

/** What of it no other resource has by now. Its own record ends. */
export async function release(packages: Packages, context: Context): Promise<Owned> {
  const things = thingsOf(packages);
  const answer = await context.run(packages.host, {
    script: sh`
cd ${folder} 2>/dev/null || exit 0
rm -f -- ${context.owner.claim}
grep -hsxF ${things.flatMap((thing) => ["-e", thing])} -- *
cd / && rmdir -- ${folder} "$(dirname ${folder})" 2>/dev/null
exit 0`.text,
    doing: `removing ${packages.name}`,
  });
  const left = new Set(answer.split("\n"));
  const own = <Value>(kind: string, of: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(of).filter(([name]) => !left.has(`${kind} ${name}`)));
  return { sources: own("source", packages.sources), hold: own("hold", packages.hold) };
}
