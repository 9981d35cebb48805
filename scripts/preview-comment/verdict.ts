/** The comment's first line: what happens, and what is interrupted. */

import type { Change } from "./change";
import { prose } from "./escape";
import { findInterruptions, type Interruption } from "./interruptions";
import type { Review } from "./review";

const actions = ["replace", "delete", "update", "import", "create"] as const;

/** `subject` is Markdown: what the preview is of. */
export function renderVerdict(review: Review, subject: string): string {
  const { changes, errors } = review;
  const title = (text: string) => `**${subject}: ${text}.**`;
  if (errors !== "") return [title("the preview failed"), "Nothing was changed."].join(" ");
  if (changes.length === 0) {
    const found = review.unchecked.length > 0 ? "no changes found" : "no changes";
    return [title(found), ...renderQuiet(review)].join(" ");
  }
  return [
    title(`${renderCounts(changes)}${renderHosts(changes)}`),
    ...renderInterrupted(changes),
    ...renderDrift(changes),
    ...renderUnchecked(review),
  ].join(" ");
}

function renderQuiet(review: Review): string[] {
  if (review.unchecked.length > 0) return renderUnchecked(review);
  if (review.bookkeeping === 0) return ["The machines are as the program says."];
  return [
    `Only the state is brought up to date (${plural(review.bookkeeping, "entry", "entries")}).`,
  ];
}

/** `1 to replace, 2 to update` */
function renderCounts(changes: readonly Change[]): string {
  return actions
    .map((wanted) => ({ wanted, some: changes.filter(({ action }) => action === wanted) }))
    .filter(({ some }) => some.length > 0)
    .map(({ wanted, some }) => `${some.length} to ${wanted}`)
    .join(", ");
}

function renderHosts(changes: readonly Change[]): string {
  const hosts = new Set(changes.flatMap((change) => [...change.hosts, ...change.formerHosts]));
  return hosts.size === 0 ? "" : ` on ${plural(hosts.size, "host", "hosts")}`;
}

/** `Restarts **mysql** on web-01; reloads haproxy on lb-01.` */
function renderInterrupted(changes: readonly Change[]): string[] {
  const all = changes.flatMap(findInterruptions);
  // That a new thing starts goes without saying.
  const started = changes
    .filter(({ action, why }) => action === "update" || why === "missing on the machine")
    .flatMap(findInterruptions)
    .filter(({ kind }) => kind === "start");
  const of = (wanted: string) => all.filter(({ kind }) => kind === wanted);
  const parts = [
    ...renderMachines(changes),
    ...renderUnits(of("stop"), "stops", "**"),
    ...renderUnits(of("restart"), "restarts", "**"),
    ...renderUnits(of("reload"), "reloads", ""),
    ...renderUnits(started, "starts", ""),
  ];
  if (parts.length > 0) {
    const text = parts.join("; ");
    return [`${text[0]?.toUpperCase()}${text.slice(1)}.`];
  }
  // Only of services is it known that the plan names every process that it touches.
  const isService = ({ type }: Change) => type === "Service" || type === "Release";
  const isKnown = changes.every(
    (change) => change.action === "create" || (isService(change) && change.plan.length > 0),
  );
  return isKnown ? ["Nothing that runs is reloaded or restarted."] : [];
}

/** A machine that is made anew or taken away: all that runs on it stops. */
function renderMachines(changes: readonly Change[]): string[] {
  const some = (wanted: string) =>
    changes
      .filter(({ type, action }) => type === "Container" && action === wanted)
      .flatMap(({ hosts }) => hosts.map((host) => `**${prose(host)}**`))
      .join(", ");
  const [anew, away] = [some("replace"), some("delete")];
  return [
    ...(anew === "" ? [] : [`makes ${anew} anew`]),
    ...(away === "" ? [] : [`takes away ${away}`]),
  ];
}

function renderUnits(some: readonly Interruption[], verb: string, mark: string): string[] {
  const units = [...new Set(some.map(({ unit }) => unit))].map((unit) => {
    const hosts = new Set(some.filter((one) => one.unit === unit).flatMap((one) => one.hosts));
    const shown = hosts.size > 4 ? `${hosts.size} hosts` : [...hosts].map(prose).join(", ");
    return `${mark}${prose(unit)}${mark}${shown === "" ? "" : ` on ${shown}`}`;
  });
  const shown = units.length > 6 ? [...units.slice(0, 6), `${units.length - 6} more`] : units;
  return units.length > 0 ? [`${verb} ${shown.join(" and ")}`] : [];
}

/** `Drift: 2; change: 1.` Nothing where the program alone moved. */
function renderDrift(changes: readonly Change[]): string[] {
  const counts = new Map<string, number>();
  for (const { why = "change" } of changes) {
    const label = why === "missing on the machine" ? "drift" : why;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const labels = [...counts].map(([label, count]) => ({ label, count }));
  if (!labels.some(({ label }) => label.startsWith("drift"))) return [];
  const [only, ...more] = labels;
  if (only && more.length === 0)
    return [`${changes.length === 1 ? "It" : "All"} is ${only.label}.`];
  const text = labels.map(({ label, count }) => `${label}: ${count}`).join("; ");
  return [`${text[0]?.toUpperCase()}${text.slice(1)}.`];
}

function renderUnchecked({ unchecked }: Review): string[] {
  if (unchecked.length === 0) return [];
  const hosts = [...new Set(unchecked.flatMap((change) => change.hosts))];
  const which = hosts.length > 4 ? `${hosts.length} hosts` : hosts.map(prose).join(", ");
  return [`Not checked, since unreachable: ${which}.`];
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
