/**
 * Whose the package sources and holds of a host are: each resource has a record, `/var/lib/trilithon/packages/CLAIM`. The one that
 * wanted a thing last has it, so that the removal of a resource that was called otherwise takes away nothing of it.
 */

import type { Context, Owner } from "../../kind";
import { type Shell, sh } from "../../ssh/shell";
import { lockSeconds } from "./apt";
import type { Packages } from "./args";

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
  return sh`
set -u
umask 022
mkdir -p /run/lock ${folder} && chmod 0700 "$(dirname ${folder})" && cd ${folder} || exit 1
exec 9>/run/lock/trilithon-packages
flock -w ${lockSeconds} 9 || { echo ${`another installation is not done after ${lockSeconds} seconds`} >&2; exit 1; }
for other in *; do
  [ "$other" != ${owner.claim} ] && grep -qsxF ${patterns} -- "$other" || continue
  grep -vxF ${patterns} -- "$other" >.other
  if [ -s .other ]; then mv -f -- .other "$other"; else rm -f -- .other "$other"; fi
done
printf '%s\n' ${things} >.new && mv -f -- .new ${owner.claim}`;
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
