/** The collapsed parts: a line diff for each file, and what else changes. */

import type { Change } from "./change";
import { describe, type TextChange, type ValueChange } from "./describe";
import { code, fence, htmlCode, prose } from "./escape";
import { quietSteps } from "./interruptions";
import { cut, type Limits, takeFitting } from "./limits";

/** One for each changed file, the same change on several hosts once; one for other properties where there are any. */
export function renderSections(changes: readonly Change[], limits: Limits): string[] {
  const parts: (() => string)[] = [];
  const hostsOf = new Map<string, Set<string>>();
  for (const change of changes) {
    const { texts, values } = describe(change);
    for (const text of texts) {
      const key = JSON.stringify([text.title, text.diff.lines]);
      const known = hostsOf.get(key);
      const hosts = known ?? new Set<string>();
      for (const host of change.hosts) hosts.add(host);
      hostsOf.set(key, hosts);
      if (!known) parts.push(() => renderText(text, [...hosts], limits));
    }
    parts.push(...renderRest(change, values, limits).map((part) => () => part));
  }
  return parts.map((render) => render());
}

function renderRest(change: Change, values: readonly ValueChange[], limits: Limits): string[] {
  const isPlanCut = quietSteps(change).length > limits.steps;
  const plan = isPlanCut ? change.plan.map(({ sentence }) => `1. ${prose(sentence)}`) : [];
  const lines = values.map((value) => renderValue(value, limits));
  return [
    ...(plan.length > 0 ? [section(`the plan of ${subject(change)}`, plan, limits)] : []),
    ...(lines.length > 0 ? [section(`properties of ${subject(change)}`, lines, limits)] : []),
  ];
}

/** A collapsed part with plain text, such as a program's messages. */
export function renderBlock(title: string, text: string, limits: Limits): string {
  return collapse(title, fence("text", cut(text, limits.errorCharacters)));
}

function renderText({ title, diff }: TextChange, hosts: readonly string[], limits: Limits) {
  const counts = [
    ...(diff.added > 0 ? [`+${diff.added}`] : []),
    ...(diff.removed > 0 ? [`\u2212${diff.removed}`] : []),
  ].join(" ");
  const lines = diff.lines.map((line) => cut(line, limits.lineCharacters));
  const shown = takeFitting(lines, limits.sectionBytes);
  const missing = lines.length - shown.length;
  const body = lines.length > 0 ? [fence("diff", shown.join("\n"))] : ["The file is empty."];
  const heading = `${htmlCode(title)}${place(hosts)}${counts === "" ? "" : ` (${counts})`}`;
  return collapse(heading, [...body, ...leftOut(missing, "lines")].join("\n\n"));
}

function section(title: string, items: readonly string[], limits: Limits): string {
  const shown = takeFitting(items, limits.sectionBytes);
  const rest = leftOut(items.length - shown.length, "lines").map((line) => `\n\n${line}`);
  return collapse(title, `${shown.join("\n")}${rest.join("")}`);
}

function leftOut(count: number, what: string): string[] {
  return count > 0 ? [`\u2026 and ${count} more ${what}, left out here.`] : [];
}

function renderValue(value: ValueChange, { valueCharacters }: Limits): string {
  const side = (text: string) => code(cut(text, valueCharacters));
  const title = code(cut(value.title, valueCharacters));
  if (value.note !== undefined) return `- ${title}: ${value.note}`;
  if (value.old === undefined) return `- ${title}: ${side(value.new ?? "")} (added)`;
  if (value.new === undefined) return `- ${title}: ${side(value.old)} (removed)`;
  return `- ${title}: ${side(value.old)} \u2192 ${side(value.new)}`;
}

/** HTML, as it stands in `<summary>`. */
function subject(change: Change): string {
  return `${htmlCode(change.name)}${place(change.hosts)}`;
}

function place(hosts: readonly string[]): string {
  return hosts.length > 0 ? ` on ${hosts.map(htmlCode).join(", ")}` : "";
}

function collapse(summary: string, body: string): string {
  return `<details>\n<summary>${summary}</summary>\n\n${body}\n\n</details>`;
}
