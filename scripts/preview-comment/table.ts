/** The table: what is done on which host, what it interrupts, and why. */

import type { Change } from "./change";
import { code, prose } from "./escape";
import { findInterruptions, quietSteps } from "./interruptions";
import type { Limits } from "./limits";
import { cut } from "./limits";

export const tableHead = [
  "| Host | Resource | Action | Reload or restart | Drift or change |",
  "| --- | --- | --- | --- | --- |",
];

export function renderRow(change: Change, limits: Limits): string {
  const { hosts, formerHosts, name } = change;
  const places = [formerHosts, hosts].filter((some) => some.length > 0);
  const cells = [
    places.map((some) => some.map(prose).join(", ")).join(" \u2192 ") || "\u2013",
    prose(cut(name, limits.valueCharacters)),
    renderAction(change, limits),
    renderInterruptions(change),
    renderWhy(change),
  ];
  return `| ${cells.join(" | ")} |`;
}

function renderAction(change: Change, limits: Limits): string {
  const { action, replaceReasons } = change;
  const verb = action === "delete" || action === "replace" ? `**${action}**` : action;
  const because = replaceReasons.length > 0 ? ` (${replaceReasons.map(code).join(", ")})` : "";
  const done = renderSteps(change, limits);
  return done === "" ? `${verb}${because}` : `${verb}${because}: ${done}`;
}

/** The plan without what stands in the next column, or, for other plugins' resources, which properties change. */
function renderSteps(change: Change, limits: Limits): string {
  if (change.plan.length > 0) {
    return listSome(quietSteps(change), limits.steps, (step) =>
      prose(cut(step, limits.valueCharacters)),
    );
  }
  if (change.action !== "update") return "";
  const names = [...new Set(change.differences.map(({ path }) => path[0] ?? ""))];
  return listSome(names, limits.steps, (name) => code(cut(name, limits.valueCharacters)));
}

function listSome(items: readonly string[], most: number, render: (item: string) => string) {
  const shown = items.slice(0, most).map(render).join(", ");
  return items.length > most ? `${shown}, and ${items.length - most} more` : shown;
}

function renderInterruptions(change: Change): string {
  const steps = findInterruptions(change).map(({ kind, step }) =>
    kind === "restart" || kind === "stop" ? `**${prose(step)}**` : prose(step),
  );
  if (steps.length > 0) return steps.join(", ");
  return change.type === "Container" && change.action === "replace"
    ? "**new container**"
    : "\u2013";
}

function renderWhy({ action, why }: Change): string {
  if (why === "missing on the machine") return "drift: missing on the machine";
  return why ?? (action === "create" ? "new" : "change");
}
