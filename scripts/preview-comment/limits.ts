/** How much of a preview is shown. */

export interface Limits {
  readonly bytes: number;
  readonly tableBytes: number;
  readonly sectionBytes: number;
  readonly lineCharacters: number;
  readonly valueCharacters: number;
  readonly messageCharacters: number;
  readonly errorCharacters: number;
  readonly warnings: number;
  readonly steps: number;
}

/** GitHub takes 65,536 characters; it counts some of them twice. */
export const commentLimits: Limits = {
  bytes: 59_000,
  tableBytes: 20_000,
  sectionBytes: 12_000,
  lineCharacters: 1_000,
  valueCharacters: 160,
  messageCharacters: 400,
  errorCharacters: 6_000,
  warnings: 12,
  steps: 4,
};

/** A job's summary takes 1 MiB. */
export const summaryLimits: Limits = {
  ...commentLimits,
  bytes: 1_000_000,
  tableBytes: 300_000,
  sectionBytes: 200_000,
  errorCharacters: 50_000,
  warnings: 200,
  steps: 100,
};

export const noLimits: Limits = {
  bytes: Number.POSITIVE_INFINITY,
  tableBytes: Number.POSITIVE_INFINITY,
  sectionBytes: Number.POSITIVE_INFINITY,
  lineCharacters: Number.POSITIVE_INFINITY,
  valueCharacters: Number.POSITIVE_INFINITY,
  messageCharacters: Number.POSITIVE_INFINITY,
  errorCharacters: Number.POSITIVE_INFINITY,
  warnings: Number.POSITIVE_INFINITY,
  steps: Number.POSITIVE_INFINITY,
};

/** The start of a text, and how much is missing. */
export function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return `${text.slice(0, characters)}\u2026 (${text.length - characters} more characters)`;
}

export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

/** As many items from the start as fit, a line break after each. */
export function takeFitting(items: readonly string[], bytes: number): string[] {
  let left = bytes;
  const end = items.findIndex((item) => {
    left -= byteLength(item) + 1;
    return left < 0;
  });
  return items.slice(0, end === -1 ? items.length : end);
}
