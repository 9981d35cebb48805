/** Finds what `pulumi preview --json` printed in a text that may hold other things as well, or nothing of the kind. */

import * as v from "valibot";

const stateSchema = v.looseObject({
  type: v.optional(v.string()),
  id: v.optional(v.string()),
  custom: v.optional(v.boolean()),
  inputs: v.optional(v.record(v.string(), v.unknown())),
  outputs: v.optional(v.record(v.string(), v.unknown())),
});

const stepSchema = v.looseObject({
  op: v.string(),
  urn: v.string(),
  oldState: v.nullish(stateSchema),
  newState: v.nullish(stateSchema),
  replaceReasons: v.nullish(v.array(v.string())),
  detailedDiff: v.nullish(
    v.record(
      v.string(),
      v.looseObject({ kind: v.string(), inputDiff: v.optional(v.boolean(), false) }),
    ),
  ),
});

const diagnosticSchema = v.looseObject({
  urn: v.optional(v.string()),
  message: v.optional(v.string(), ""),
  severity: v.optional(v.string(), "info"),
});

const digestSchema = v.looseObject({
  steps: v.nullish(v.array(stepSchema)),
  diagnostics: v.nullish(v.array(diagnosticSchema)),
  changeSummary: v.nullish(v.record(v.string(), v.number())),
});

export type ResourceState = v.InferOutput<typeof stateSchema>;
export type PreviewStep = v.InferOutput<typeof stepSchema>;
export type PreviewDiagnostic = v.InferOutput<typeof diagnosticSchema>;

/** Pulumi's PreviewDigest, and what else stood in the text. */
export interface Preview {
  /** Undefined where the preview ended before it could say anything. */
  readonly digest:
    | { readonly steps: readonly PreviewStep[]; readonly diagnostics: readonly PreviewDiagnostic[] }
    | undefined;
  readonly stray: string;
}

/**
 * The digest stands on lines of its own, from `{` to `}`: what is beside it comes from wrappers and from stderr.
 * `mask` is applied to each text that is found.
 */
export function parsePreview(text: string, mask: (text: string) => string): Preview {
  const lines = text.split("\n");
  const starts = indexesOf(lines, (line) => /^\s*\{/.test(line)).slice(0, 50);
  const ends = indexesOf(lines, (line) => /\}\s*$/.test(line)).reverse();
  for (const start of starts) {
    for (const end of ends.filter((at) => at >= start).slice(0, 50)) {
      const digest = parseDigest(lines.slice(start, end + 1).join("\n"), mask);
      if (!digest) continue;
      const stray = [...lines.slice(0, start), ...lines.slice(end + 1)].join("\n").trim();
      return { digest, stray: mask(stray) };
    }
  }
  return { digest: undefined, stray: mask(text.trim()) };
}

function indexesOf(lines: readonly string[], isWanted: (line: string) => boolean): number[] {
  return lines.flatMap((line, index) => (isWanted(line) ? [index] : []));
}

function parseDigest(text: string, mask: (text: string) => string): Preview["digest"] {
  const value = parseJson(text, mask);
  if (value === undefined) return undefined;
  const { success, output } = v.safeParse(digestSchema, value);
  if (!success) return undefined;
  const isDigest =
    Object.keys(output).length === 0 ||
    ["steps", "diagnostics", "changeSummary"].some((name) => name in output);
  if (!isDigest) return undefined;
  return { steps: output.steps ?? [], diagnostics: output.diagnostics ?? [] };
}

function parseJson(text: string, mask: (text: string) => string): unknown {
  try {
    return JSON.parse(text, (_, value) => (typeof value === "string" ? mask(value) : value));
  } catch {
    return undefined;
  }
}
