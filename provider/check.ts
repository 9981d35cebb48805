/** Faults of inputs in one voice: what was expected, what was given. Values that a preview does not know yet are none. */

import * as v from "valibot";
import type { Failure, Properties } from "./kind";
import { renderPath } from "./protocol/path";
import { isUnknown } from "./protocol/values";
import type { Range, TextForm } from "./schema/values";
import * as values from "./schema/values";

/** All faults of the inputs at once. */
export function failures(schema: v.GenericSchema, inputs: Properties): Failure[] {
  const result = v.safeParse(schema, inputs);
  return (result.issues ?? [])
    .filter((issue) => !isUnknown(issue.input))
    .map((issue) => ({ property: renderPath(pathOf(issue)), reason: reasonOf(issue) }));
}

/** A number in a range. */
export function integer(from: number, to: number) {
  const message = `expected an integer from ${from} to ${to}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(from, message),
    v.maxValue(to, message),
  );
}

/** A text of a certain form. */
export function text(form: RegExp, expected: string) {
  return v.pipe(v.string(`expected ${expected}`), v.regex(form, `expected ${expected}`));
}

export const absolutePath = text(/^\/[^\0\n]*[^\0\n/]$/, "an absolute path");

/** A value as `schema/values.ts` describes it. */
export function textOf({ pattern, expected }: TextForm) {
  return text(pattern, expected);
}

export function integerIn({ from, to }: Range) {
  return integer(from, to);
}

export const hostSchema = v.object({
  name: textOf(values.hostName),
  address: textOf(values.sshAddress),
  port: integerIn(values.port),
  user: textOf(values.loginName),
  hostKey: textOf(values.hostKey),
  privateKey: textOf(values.privateKey),
  formerPrivateKeys: v.optional(v.array(textOf(values.privateKey))),
  instance: v.optional(v.string()),
});

function pathOf(issue: v.BaseIssue<unknown>): string[] {
  return (issue.path ?? []).map((item) => String(item.key));
}

function reasonOf(issue: v.BaseIssue<unknown>): string {
  const key = pathOf(issue).at(-1);
  if (issue.type === "strict_object" && issue.expected === "never") return "no such property";
  // A key that is not there at all has none of its schema's words.
  if (issue.message.startsWith("Invalid key")) return "expected a value, got nothing";
  if (issue.input === undefined) return `${issue.message}, got nothing`;
  const isSecret =
    ["privateKey", "content", "password"].includes(key ?? "") ||
    pathOf(issue).includes("formerPrivateKeys");
  const given = isSecret ? `a ${typeof issue.input}` : shown(issue.input);
  return issue.message.includes("expected ")
    ? `${issue.message}, got ${given}`
    : `expected ${issue.expected ?? "another value"}, got ${given}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
