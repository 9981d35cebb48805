/** What a change does to processes that run. */

import type { Change } from "./change";

const kinds = ["restart", "reload", "start", "stop"] as const;

export interface Interruption {
  readonly kind: (typeof kinds)[number];
  /** The whole step: `reload haproxy (no connection dropped)`. */
  readonly step: string;
  /** `haproxy` */
  readonly unit: string;
  readonly hosts: readonly string[];
}

/** The steps that touch a process, and what a removal means for one. */
export function findInterruptions(change: Change): Interruption[] {
  const { steps, hosts } = change;
  return [...fromRemoval(change), ...steps.flatMap((step) => fromStep(step, hosts))].filter(
    // Replication, say, is started and stopped with no process touched.
    (found) => change.unit !== undefined || isDatabase(found.unit),
  );
}

/** The steps that touch no process. */
export function quietSteps(change: Change): string[] {
  const touching = new Set(findInterruptions(change).map(({ step }) => step));
  return change.steps.filter((step) => !touching.has(step));
}

function fromRemoval({ action, unit, hosts, formerHosts }: Change): Interruption[] {
  if (unit === undefined) return [];
  const name = shortUnit(unit);
  if (action === "delete") return [{ kind: "stop", step: `stop ${name}`, unit: name, hosts }];
  return formerHosts.length > 0
    ? [{ kind: "stop", step: `stop ${name} on ${formerHosts}`, unit: name, hosts: formerHosts }]
    : [];
}

function fromStep(step: string, hosts: readonly string[]): Interruption[] {
  // A path or a remark may hold the same words.
  const outside = step.replace(/\([^)]*\)/g, " ").replace(/(^|\s)\/\S+/g, " ");
  const [, verb, unit = ""] = /\b(restart|reload|start|stop)\s+(\S+)/.exec(outside) ?? [];
  const kind = kinds.find((known) => known === verb);
  return kind ? [{ kind, step, unit: shortUnit(unit), hosts }] : [];
}

function shortUnit(unit: string): string {
  return unit.replace(/\.service$/, "");
}

export function isDatabase(unit: string): boolean {
  return /^(mysql|mysqld|mariadb|mariadbd|postgres|postgresql|redis)(@.*)?$/.test(unit);
}
