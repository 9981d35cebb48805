/**
 * Who has what on a machine. Each resource has a record there, `/var/lib/trilithon/owners/CLAIM`, of the unit, the
 * files and the folder that it has; no two records name the same.
 */

import type { Owner } from "../../kind";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { Service } from "./args";
import { unitsOf } from "./units";

/** Something that a service has or wants, and that another resource has on the machine. */
export interface OwnedThing {
  /** `unit nginx.service`, `file /etc/nginx/nginx.conf`, `root /srv/shop` */
  readonly thing: string;
  /** `shop/prod lb-01-service` */
  readonly owner: string;
  readonly claim: string;
}

const owners = "/var/lib/trilithon/owners";

export function nameOwner({ project, stack, resource }: Owner): string {
  return `${project}/${stack} ${resource}`;
}

/** What only one resource may have. */
export function thingsOf({ unit, moreUnits, files, root }: Service): string[] {
  return [
    ...unitsOf({ ...(unit !== undefined && { unit }), ...(moreUnits && { moreUnits }) }).map(
      (name) => `unit ${name}`,
    ),
    ...Object.keys(files).map((path) => `file ${path}`),
    ...(root === undefined ? [] : [`root ${root}`]),
  ];
}

/** Prints the records of all that the service has, wants, or wants away. */
export function renderOwnerObservation(service: Service): Shell {
  const things = [...thingsOf(service), ...service.absent.map((path) => `file ${path}`)];
  if (things.length === 0) return sh`echo end`;
  const patterns = things.flatMap((thing) => ["-e", thing]);
  return sh`
if cd ${owners} 2>/dev/null; then grep -sxF ${patterns} -- /dev/null *; grep -s '^owner ' -- /dev/null *; cd /; fi; echo end`;
}

/** What others have. Lines are as grep prints them: `CLAIM:unit nginx.service`. */
export function parseOwners(answer: readonly string[], { claim: own }: Owner): OwnedThing[] {
  const entries = answer.map((line) => {
    const [, claim = "", kind = "", what = ""] = /^([^:]*):(\S+) (.*)$/s.exec(line) ?? [];
    return { claim, kind, what };
  });
  const names = new Map(
    entries.filter(({ kind }) => kind === "owner").map(({ claim, what }) => [claim, what]),
  );
  return entries
    .filter(({ claim, kind }) => kind !== "owner" && claim !== own)
    .map(({ claim, kind, what }) => ({
      thing: `${kind} ${what}`,
      owner: names.get(claim) ?? "an unknown resource",
      claim,
    }));
}

/** Whether both are of one stack, whatever its resources are called now. */
export function isSameStack(
  { owner }: OwnedThing,
  { project, stack }: Pick<Owner, "project" | "stack">,
): boolean {
  return owner.startsWith(`${project}/${stack} `);
}

/** Writes down what the service has, while all can still be put back: a full disk must not lose it. Uses `$own` and `fail`. */
export function renderRecord(service: Service, owner: Owner): Shell | false {
  const things = thingsOf(service);
  const away = service.absent.map((path) => `away ${path}`);
  if (things.length + away.length === 0) return false;
  return sh`
record=$own/owners/.new
{
  printf '%s\n' ${`owner ${nameOwner(owner)}`} ${things} ${away} && printf '%s' "$made" &&
    if [ -e "$own/owners/"${owner.claim} ]; then sed -n '/^folder /p' "$own/owners/"${owner.claim}; fi
} >"$record" && sync -- "$record" || fail ${`cannot record what ${service.name} has`}`;
}

/** Makes that the record of the service; what others had of it leaves theirs. */
export function renderClaim(service: Service, owner: Owner): Shell | false {
  const things = thingsOf(service);
  if (things.length + service.absent.length === 0) return false;
  const patterns = things.flatMap((thing) => ["-e", thing]);
  return lines(
    things.length > 0 &&
      sh`
for other in "$own/owners"/*; do
  [ "\${other##*/}" != ${owner.claim} ] && grep -qsxF ${patterns} -- "$other" || continue
  grep -vxF ${patterns} -- "$other" >"$own/owners/.other"
  # Not all of it could be written.
  if [ "$?" -gt 1 ]; then continue; fi
  if grep -qE '^(unit|file|root) ' "$own/owners/.other"; then mv -f -- "$own/owners/.other" "$other"
  else grep '^folder ' "$own/owners/.other" >>"$record"; rm -f -- "$own/owners/.other" "$other"; fi
done`,
    sh`mv -f -- "$record" "$own/owners/"${owner.claim}`,
  );
}

/** `unit nginx.service` as people call it. */
export function nameThing(thing: string): string {
  return thing.replace(/^\S+ /, "");
}
