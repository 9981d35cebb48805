/** What a change does to processes that run. */

import type { Change } from "./change";

const kinds = ["restart", "reload", "start", "stop"] as const;

export interface Interruption {
  readonly kind: (typeof kinds)[number];
  /** The whole step: `reload haproxy (no connection dropped)`. */
  readonly step: string;
  /** `haproxy` */
  readonly unit: string;
}

/** The steps that touch a process, and what a removal means for one. */
export function findInterruptions({ action, steps, unit }: Change): Interruption[] {
  const found = steps.flatMap(fromStep);
  if (action !== "delete" || unit === undefined || found.length > 0) return found;
  const name = shortUnit(unit);
  return [{ kind: "stop", step: `stop ${name}`, unit: name }];
}

function fromStep(step: string): Interruption[] {
  // A path or a remark may hold the same words.
  const outside = step.replace(/\([^)]*\)/g, " ").replace(/(^|\s)\/\S+/g, " ");
  const [, verb, unit = ""] = /\b(restart|reload|start|stop)\s+(\S+)/.exec(outside) ?? [];
  const kind = kinds.find((known) => known === verb);
  return kind ? [{ kind, step, unit: shortUnit(unit) }] : [];
}

function shortUnit(unit: string): string {
  return unit.replace(/\.service$/, "");
}

export function isDatabase(unit: string): boolean {
  return /^(mysql|mysqld|mariadb|mariadbd|postgres|postgresql|redis)(@.*)?$/.test(unit);
}
