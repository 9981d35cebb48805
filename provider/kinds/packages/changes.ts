/** What apt would do on a host: its own simulation, parsed. */

import { compareVersions } from "./version";

export interface Changes {
  /** What apt was asked for, `nginx` or `nginx=1.30.*`: also what other resources of the host want at the same time. */
  readonly asked: readonly string[];
  /** Every package that would come, go, or change its version, in apt's order. */
  readonly list: readonly Change[];
  /** Why apt cannot do it, in its own words. Then the list is empty. */
  readonly refusal?: string;
}

export interface Change {
  /** `libc6:i386` for an architecture that is not the host's. */
  readonly name: string;
  /** What is installed. Not set for a new package. */
  readonly from?: string;
  /** What will be. Not set for a package that goes. */
  readonly to?: string;
  /** Somebody has put it on hold (apt-mark hold). */
  readonly isHeld?: boolean;
}

/** From `simulate`'s answer: lines of `apt-get -s`, names on hold, or `refused` before apt's words. */
export function parseChanges(answer: string, asked: readonly string[]): Changes {
  const refused = /^refused\n(.*)$/ms.exec(answer);
  if (refused) return { asked, list: [], refusal: (refused[1] ?? "").trim() };
  const lines = answer.split("\n");
  const held = new Set(lines.flatMap((line) => /^held (\S+)$/.exec(line)?.[1] ?? []));
  const changes = new Map<string, Change>();
  for (const line of lines) {
    const change = parseChange(line);
    if (change === undefined) continue;
    changes.set(change.name, { ...change, ...(held.has(change.name) && { isHeld: true }) });
  }
  return { asked, list: [...changes.values()] };
}

/** `Inst libc6 [2.41-1] (2.41-2 Debian:13 [amd64])`, `Remv mysql-server [9.7.4-2]` */
function parseChange(line: string): Change | undefined {
  const [, name, from, to] = /^Inst (\S+)(?: \[([^\]]+)\])? \((\S+) /.exec(line) ?? [];
  if (name !== undefined && to !== undefined) return { name, to, ...(from && { from }) };
  const [, removed, version] = /^(?:Remv|Purg) (\S+) \[([^\]]+)\]/.exec(line) ?? [];
  return removed === undefined || version === undefined
    ? undefined
    : { name: removed, from: version };
}

/** What happens to a package that the program names, whether or not it names the host's own architecture. */
export function changeOf(name: string, changes: Changes | undefined): Change | undefined {
  const { list = [] } = changes ?? {};
  return (
    list.find((one) => one.name === name) ??
    list.find((one) => one.name === name.replace(/:.*/, ""))
  );
}

/**
 * The part of one of several who have asked together: what it names itself, what must not happen, and for the first
 * of them what else comes along.
 */
export function ownPart(changes: Changes, own: readonly string[], isFirst: boolean): Changes {
  const named = (targets: readonly string[], { name }: Change) =>
    targets.some(
      (target) => target.replace(/=.*/, "").replace(/:.*/, "") === name.replace(/:.*/, ""),
    );
  const list = changes.list.filter((one) => {
    if (named(own, one)) return true;
    return (
      !named(changes.asked, one) && (isFirst || isRemoval(one) || isDowngrade(one) || one.isHeld)
    );
  });
  return { ...changes, list };
}

export function isRemoval({ to }: Change): boolean {
  return to === undefined;
}

export function isDowngrade({ from, to }: Change): boolean {
  return from !== undefined && to !== undefined && compareVersions(to, from) < 0;
}
