/** What a change does to processes that run. */

import type { Change } from "./change";
import type { PlannedStep } from "./plan";

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
  return [...fromRemoval(change), ...change.plan.flatMap((step) => fromStep(step, change))];
}

/** The steps that touch no process. */
export function quietSteps({ plan }: Change): string[] {
  return plan.filter((step) => kindOf(step) === undefined).map(({ sentence }) => sentence);
}

function fromRemoval({ action, unit, hosts, formerHosts }: Change): Interruption[] {
  if (unit === undefined) return [];
  const name = shortUnit(unit);
  if (action === "delete") return [{ kind: "stop", step: `stop ${name}`, unit: name, hosts }];
  return formerHosts.length > 0
    ? [{ kind: "stop", step: `stop ${name} on ${formerHosts}`, unit: name, hosts: formerHosts }]
    : [];
}

function fromStep(step: PlannedStep, { hosts }: Change): Interruption[] {
  const { host, unit = "", sentence } = step;
  const kind = kindOf(step);
  const where = host === undefined ? hosts : [host];
  return kind ? [{ kind, step: sentence, unit: shortUnit(unit), hosts: where }] : [];
}

/** What starts and stops without a unit, replication say, touches no process. */
function kindOf({ action, unit }: PlannedStep): Interruption["kind"] | undefined {
  return unit === undefined ? undefined : kinds.find((kind) => kind === action);
}

function shortUnit(unit: string): string {
  return unit.replace(/\.service$/, "");
}

export function isDatabase(unit: string): boolean {
  return /^(mysql|mysqld|mariadb|mariadbd|postgres|postgresql|redis)(@.*)?$/.test(unit);
}
