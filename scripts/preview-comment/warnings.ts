/** What a reviewer must not overlook, the worst first. */

import { type Change, parseUrn } from "./change";
import { code, prose } from "./escape";
import { findInterruptions, isDatabase } from "./interruptions";
import { cut, type Limits } from "./limits";
import type { PreviewDiagnostic } from "./parse";

export interface Warning {
  /** `caution`: something is lost or taken away. */
  readonly weight: "caution" | "warning";
  /** Markdown, one line. */
  readonly text: string;
}

/** Words by which the plugins' own warnings speak of a loss. */
const loss =
  /\b(data|lost|loses?|losing|destroy(s|ed)?|discard(s|ed)?|drop(s|ped)?|errant|nothing will be changed)\b/i;

export function findWarnings(
  changes: readonly Change[],
  diagnostics: readonly PreviewDiagnostic[],
  limits: Limits,
): Warning[] {
  const told = fromDiagnostics(diagnostics, limits);
  const isTold = (urn: string, word: RegExp) =>
    diagnostics.some(
      (line) => line.severity === "warning" && line.urn === urn && word.test(line.message),
    );
  const removals = changes.flatMap(fromRemoval);
  const restarts = changes
    .filter(({ urn }) => !isTold(urn, /restart/i))
    .flatMap(fromDatabaseRestart);
  // The engine's order varies.
  const sorted = told.sort((one, other) => (one.text < other.text ? -1 : 1));
  const all = [...sorted, ...removals, ...restarts];
  return [
    ...all.filter(({ weight }) => weight === "caution"),
    ...all.filter(({ weight }) => weight === "warning"),
  ];
}

/** As GitHub's alerts: what is lost or taken away in one, the rest in another. */
export function renderWarnings(warnings: readonly Warning[], limits: Limits): string[] {
  return (["caution", "warning"] as const).flatMap((weight) => {
    const some = warnings.filter((warning) => warning.weight === weight);
    const shown = some.slice(0, limits.warnings).map(({ text }) => `> - ${text}`);
    const missing = some.length - shown.length;
    const more = missing > 0 ? [`> - and ${missing} more, in the table below`] : [];
    return some.length > 0 ? [[`> [!${weight.toUpperCase()}]`, ...shown, ...more].join("\n")] : [];
  });
}

/** Many resources of one host say the same: it is told once, with how many. */
function fromDiagnostics(
  diagnostics: readonly PreviewDiagnostic[],
  { messageCharacters }: Limits,
): Warning[] {
  const names = new Map<string, string[]>();
  for (const { message, severity, urn } of diagnostics) {
    if (severity !== "warning") continue;
    const text = message.replace(/^warning:\s*/, "").trim();
    names.set(text, [...(names.get(text) ?? []), ...(urn ? [parseUrn(urn).name] : [])]);
  }
  return [...names].map(([message, resources]) => ({
    weight: loss.test(message) ? "caution" : "warning",
    text: `${prose(cut(message, messageCharacters))}${renderResources([...new Set(resources)].sort())}`,
  }));
}

function renderResources(names: readonly string[]): string {
  if (names.length === 0) return "";
  const shown = names.slice(0, 3).map(prose).join(", ");
  return names.length > 3 ? ` (${shown} and ${names.length - 3} more)` : ` (${shown})`;
}

function fromRemoval(change: Change): Warning[] {
  if (change.action !== "delete" && change.action !== "replace") return [];
  const places = [change.formerHosts, change.hosts].filter((hosts) => hosts.length > 0);
  const [first, second] = places.map((hosts) => hosts.map(prose).join(", "));
  const where = second ? ` from ${first} to ${second}` : first ? ` on ${first}` : "";
  const what = `${prose(change.type)} ${prose(change.name)}${where}`;
  const isMachine = change.type === "Container" || change.type === "Volume";
  const lost = isMachine ? "; whatever is kept in it is lost" : "";
  if (change.action === "delete") {
    return [{ weight: "caution", text: `**Deleted:** ${what}${lost}.` }];
  }
  const reasons = change.replaceReasons.map(code).join(", ");
  const because = reasons === "" ? "" : `, since ${reasons} changes`;
  return [{ weight: "caution", text: `**Replaced:** ${what}${because}${lost}.` }];
}

const effects = {
  restart: "is away for a moment",
  stop: "answers no more; its data stays there",
  reload: "",
  start: "",
};

function fromDatabaseRestart(change: Change): Warning[] {
  return findInterruptions(change)
    .filter(({ kind, unit }) => (kind === "restart" || kind === "stop") && isDatabase(unit))
    .map(({ kind, unit, hosts }) => ({
      weight: kind === "stop" ? "caution" : "warning",
      text: `**Database ${kind}:** ${prose(unit)} on ${hosts.map(prose).join(", ")} ${effects[kind]}.`,
    }));
}
