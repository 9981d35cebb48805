/** What a preview means to a reviewer, before any of it is Markdown. */

import { type Change, isUnchecked, parseUrn, readChange } from "./change";
import { findInterruptions } from "./interruptions";
import { maskSecrets } from "./mask";
import type { Preview, PreviewDiagnostic, PreviewStep } from "./parse";
import { isAnnouncement } from "./plan";

export interface Review {
  /** The most weighty first. */
  readonly changes: readonly Change[];
  /** Those whose machine did not answer. */
  readonly unchecked: readonly Change[];
  /** How many entries of the state change that stand for nothing on a machine. */
  readonly bookkeeping: number;
  /** Empty where the preview came to its end. */
  readonly errors: string;
  readonly diagnostics: readonly PreviewDiagnostic[];
  /** What the program and the plugins said besides. */
  readonly messages: string;
}

/** What npm prints around a command, and a complaint that is no failure of the preview. */
const noise = /^(> .*|npm (notice|warn) .*|error: no changes were expected.*)$/gm;

export function readReview(preview: Preview): Review {
  const steps = preview.digest?.steps ?? [];
  const diagnostics = (preview.digest?.diagnostics ?? []).map((line) => ({
    ...line,
    message: maskSecrets(line.message),
  }));
  const beside = maskSecrets(preview.stray.replace(noise, "")).trim();
  const groups = groupByUrn(steps);
  const changes = groups.flatMap((some) => readChange(some) ?? []);
  const errors = findErrors(preview, diagnostics, beside);
  return {
    changes: inOrder(changes.filter((change) => !isUnchecked(change))),
    unchecked: changes.filter(isUnchecked),
    bookkeeping: groups.filter(isBookkeeping).length,
    errors,
    diagnostics,
    messages: findMessages(changes, diagnostics, errors === "" ? beside : ""),
  };
}

/** In the order of their first steps. */
function groupByUrn(steps: readonly PreviewStep[]): PreviewStep[][] {
  const groups = new Map<string, PreviewStep[]>();
  for (const step of steps) groups.set(step.urn, [...(groups.get(step.urn) ?? []), step]);
  return [...groups.values()];
}

/** Components and the like: they group resources. */
function isBookkeeping(steps: readonly PreviewStep[]): boolean {
  return steps.some(
    ({ op, newState, oldState }) =>
      !["same", "refresh", "read"].includes(op) && (newState ?? oldState)?.custom === false,
  );
}

function findErrors(
  { digest }: Preview,
  diagnostics: readonly PreviewDiagnostic[],
  beside: string,
): string {
  if (!digest) return beside || "the preview said nothing";
  const told = diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message, urn }) => {
      const text = message.trim().replace(/^error:\s*(?:Preview failed:\s*)?/, "");
      const name = urn ? parseUrn(urn).name : "";
      return name === "" || text.includes(name) ? text : `${name}: ${text}`;
    });
  if (told.length === 0 && !/^error:/m.test(beside)) return "";
  // By itself `preview failed` says nothing that the verdict does not.
  const useful = told.filter((line) => line !== "preview failed");
  return [...(useful.length > 0 ? useful : told), beside]
    .filter((part) => part !== "")
    .join("\n\n");
}

function findMessages(
  changes: readonly Change[],
  diagnostics: readonly PreviewDiagnostic[],
  beside: string,
): string {
  const plans = new Map(changes.map(({ urn, plan }) => [urn, plan]));
  const said = diagnostics
    .filter(({ severity }) => severity === "info")
    .filter((line) => !isAnnouncement(plans.get(line.urn ?? "") ?? [], line))
    .map(({ message }) => message.trim());
  return [...said, beside].filter((part) => part !== "").join("\n");
}

/** What is taken away first, then what is interrupted, then the rest; new resources last. The engine's order varies. */
function inOrder(changes: readonly Change[]): Change[] {
  return changes
    .map((change) => ({ change, rank: rank(change), place: `${change.hosts} ${change.name}` }))
    .sort((one, other) => one.rank - other.rank || (one.place < other.place ? -1 : 1))
    .map(({ change }) => change);
}

function rank(change: Change): number {
  if (change.action === "delete" || change.action === "replace") return 0;
  if (change.action === "create") return 4;
  const kinds = new Set(findInterruptions(change).map(({ kind }) => kind));
  if (kinds.has("restart") || kinds.has("stop")) return 1;
  return kinds.has("reload") ? 2 : 3;
}
