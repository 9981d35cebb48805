/** Turns what `pulumi preview --json` printed into one Markdown comment: a function from text to text. */

import type { JobResult } from "./arguments";
import { parseUrn } from "./change";
import { stripColours } from "./clean";
import { code, fence } from "./escape";
import { findLeaked } from "./leaked";
import { byteLength, commentLimits, cut, type Limits, takeFitting } from "./limits";
import { maskKnown } from "./mask";
import { type Preview, parsePreview } from "./parse";
import { type Review, readReview } from "./review";
import { renderBlock, renderSections } from "./sections";
import { renderRow, tableHead } from "./table";
import { renderVerdict } from "./verdict";
import { findWarnings, renderWarnings } from "./warnings";

export interface CommentOptions {
  /** `trilithon/dev`: the name where the preview ended before it told one. */
  readonly stack: string;
  /** The commit that the preview is of. Default: it is not named. */
  readonly commit?: string;
  /** Where the whole report stands; Markdown. */
  readonly whole?: string;
  /** Texts never to be shown, wherever they stand. */
  readonly secrets?: readonly string[];
  /** Default `commentLimits`. */
  readonly limits?: Limits;
}

export interface Comment {
  readonly markdown: string;
  /** `unchecked`: no changes were found, but not every machine answered. */
  readonly verdict: "none" | "unchecked" | "changes" | "failed";
  /** Not there where the preview failed: then it is not known. */
  readonly found?: Found;
}

/** How many resources are not as the program says, and how many could not be looked at. */
export interface Found {
  readonly changes: number;
  readonly unchecked: number;
}

/** Finds the comment again, so that it is edited and not repeated. */
export function renderMarker(stack: string): string {
  return `<!-- trilithon-preview: ${stack.replace(/[^\w./-]/g, "_").replaceAll("--", "-_")} -->`;
}

export function renderComment(text: string, options: CommentOptions): Comment {
  const leaked = findLeaked(parsePreview(text, stripColours).digest?.steps ?? []);
  const secrets = [...new Set([...(options.secrets ?? []), ...leaked])];
  const preview = parsePreview(text, (found) => maskKnown(stripColours(found), secrets));
  const review = readReview(preview);
  const stack = nameStack(preview) ?? options.stack;
  const { changes, unchecked, errors } = review;
  return {
    ...{ markdown: assemble(review, stack, options), verdict: verdictOf(review) },
    ...(errors === "" && { found: { changes: changes.length, unchecked: unchecked.length } }),
  };
}

/** What stands in place of a comment on a commit whose preview did not run, or not to its end. */
export function renderNotRun(result: JobResult, options: CommentOptions): Comment {
  const { stack, whole } = options;
  const lines = [
    `**${nameSubject(stack, options)}: not previewed.** ${reasons[result]}`,
    "What it would change on the machines is not known, and nothing was changed. Run the job again.",
    ...(whole === undefined ? [] : [`Whole report: ${whole}.`]),
  ];
  return { markdown: `${renderMarker(stack)}\n${lines.join(" ")}\n`, verdict: "failed" };
}

const reasons: Readonly<Record<JobResult, string>> = {
  cancelled: "The job that makes the preview was cancelled, ran out of its time, or got no runner.",
  failure: "The job that makes the preview ended before it could start it.",
  skipped: "The job that makes the preview was skipped.",
  success: "The job that makes the preview left no result behind.",
};

/** The stack, and where it is known the commit: `trilithon/dev` at `0a1b2c3`. */
function nameSubject(stack: string, { commit }: CommentOptions): string {
  return commit === undefined ? code(stack) : `${code(stack)} at ${code(commit.slice(0, 7))}`;
}

function verdictOf({ errors, changes, unchecked }: Review): Comment["verdict"] {
  if (errors !== "") return "failed";
  if (changes.length > 0) return "changes";
  return unchecked.length > 0 ? "unchecked" : "none";
}

function nameStack({ digest }: Preview): string | undefined {
  const { project = "", stack = "" } = digest?.steps[0] ? parseUrn(digest.steps[0].urn) : {};
  return project === "" ? undefined : `${project}/${stack}`;
}

/** The parts in order of weight: what comes first is never cut away for what comes later. */
function assemble(review: Review, stack: string, options: CommentOptions): string {
  const limits = options.limits ?? commentLimits;
  const { changes, errors, diagnostics, messages } = review;
  const head = [
    `${renderMarker(stack)}\n${renderVerdict(review, nameSubject(stack, options))}`,
    ...(errors === "" ? [] : [fence("text", cut(errors, limits.errorCharacters))]),
    ...renderWarnings(findWarnings(changes, diagnostics, limits), limits),
  ];
  const rows = changes.map((change) => renderRow(change, limits));
  const shownRows = takeFitting(rows, limits.tableBytes);
  const caption = errors === "" ? [] : ["What it had found until then:"];
  const table = rows.length === 0 ? [] : [...caption, [...tableHead, ...shownRows].join("\n")];
  const sections = [
    ...renderSections(changes, limits),
    ...(messages === "" ? [] : [renderBlock("messages", messages, limits)]),
  ];
  // Room for what is said of that which is left out.
  const room = limits.bytes - byteLength([...head, ...table].join("\n\n")) - 1_000;
  const shownSections = takeFitting(sections, room);
  const missing = [
    ...leftOut(rows.length - shownRows.length, "row", "rows"),
    ...leftOut(sections.length - shownSections.length, "part", "parts"),
  ];
  const foot = renderFoot(missing, options.whole);
  return `${[...head, ...table, ...shownSections, ...foot].join("\n\n")}\n`;
}

function leftOut(count: number, one: string, many: string): string[] {
  return count > 0 ? [`${count} ${count === 1 ? one : many}`] : [];
}

function renderFoot(missing: readonly string[], whole: string | undefined): string[] {
  if (missing.length === 0) return whole === undefined ? [] : [`Whole report: ${whole}.`];
  const where = whole ?? "the report that `--report` writes";
  return [
    `**Left out here, to keep to GitHub's limit: ${missing.join(" and ")}.** Whole report: ${where}.`,
  ];
}
