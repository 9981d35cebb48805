/** How a rule for a value is made: what it must be, in words and in code. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { Range, TextForm } from "../provider/schema/values";
import { unexpected, unknownKey } from "./expectation";

/** What a schema expects, for the message about one that is missing. */
const tellings = new WeakMap<
  object,
  { readonly expected: string; readonly remedy: string | undefined }
>();

/** A rule for one value. */
export function rule<T>(
  expected: string,
  isGood: (value: unknown) => value is T,
  remedy?: string,
): v.GenericSchema<unknown, T> {
  const schema = v.custom<T>(isGood, ({ input }) => unexpected(expected, input, remedy));
  return telling(schema, expected, remedy);
}

/** A rule for a text that no message may show. */
export function hiddenText(expected: string, isGood: (text: string) => boolean, remedy?: string) {
  const schema = v.custom<string>(
    (value) => typeof value === "string" && isGood(value),
    `expected ${expected}, got something else (not shown)`,
  );
  return telling(schema, expected, remedy);
}

export function text(expected: string, isGood: (text: string) => boolean, remedy?: string) {
  const isGoodText = (value: unknown): value is string =>
    typeof value === "string" && isGood(value);
  return rule(expected, isGoodText, remedy);
}

/** A text as the plugin takes it. */
export function textOf({ expected, pattern, remedy }: TextForm) {
  return text(expected, (value) => pattern.test(value), remedy);
}

export function integerIn({ from, to }: Range) {
  return integer(from, to);
}

export function integer(from: number, to: number) {
  const isGood = (value: unknown): value is number =>
    typeof value === "number" && Number.isInteger(value) && value >= from && value <= to;
  return rule(`an integer from ${from} to ${to}`, isGood);
}

export function oneOf<const T extends readonly string[]>(...words: T) {
  const isGood = (value: unknown): value is T[number] => words.some((word) => word === value);
  return rule(words.length === 1 ? `${words[0]}` : `one of ${words.join(", ")}`, isGood);
}

export function list<T>(expected: string, item: v.GenericSchema<unknown, T>, atLeast = 0) {
  const schema = v.pipe(
    v.array(item, ({ input }) => unexpected(expected, input)),
    v.minLength(atLeast, ({ input: { length } }) =>
      length === 0 ? unexpected(expected, []) : `expected ${expected}, got a list of ${length}`,
    ),
    v.readonly(),
  );
  return telling(schema, expected);
}

/** Names to values. */
export function mapping<T>(
  expected: string,
  key: v.GenericSchema<unknown, string>,
  value: v.GenericSchema<unknown, T>,
): v.GenericSchema<unknown, Readonly<Record<string, T>>> {
  const schema = v.record(v.string(), value, ({ input }) => unexpected(expected, input));
  const goodKeys = v.rawCheck<Record<string, T>>(({ dataset, addIssue }) => {
    for (const [path, wrong] of entriesOf(dataset.value)) {
      const [issue] = v.safeParse(key, wrong.key).issues ?? [];
      if (issue) addIssue({ message: issue.message, path });
    }
  });
  return telling(v.pipe(schema, goodKeys), expected);
}

/** An object with just these keys. All unknown ones are told. */
export function record<const E extends v.ObjectEntries>(
  expected: string,
  entries: E,
): v.GenericSchema<unknown, v.InferOutput<v.ObjectSchema<E, undefined>>> {
  const schema = v.looseObject(entries, ({ path, input }) => {
    const missing = path && tellings.get(entries[String(path.at(-1)?.key)] ?? {});
    return missing
      ? unexpected(missing.expected, undefined, missing.remedy)
      : unexpected(expected, input);
  });
  const onlyKnown = v.rawCheck<v.InferOutput<typeof schema>>(({ dataset, addIssue }) => {
    for (const [path, { key }] of entriesOf(dataset.value)) {
      if (Object.hasOwn(entries, key)) continue;
      addIssue({ message: unknownKey(key, Object.keys(entries)), path });
    }
  });
  return telling(v.pipe(schema, onlyKnown), expected);
}

/** An object with these keys among others: what another program made, or a component. */
export function shape<const E extends v.ObjectEntries>(
  expected: string,
  entries: E,
): v.GenericSchema<unknown, v.InferOutput<v.ObjectSchema<E, undefined>>> {
  const schema = v.object(entries, ({ path, input }) => {
    const missing = path && tellings.get(entries[String(path.at(-1)?.key)] ?? {});
    return unexpected(missing?.expected ?? expected, path ? undefined : input);
  });
  return telling(schema, expected);
}

/** A value that becomes known only while the program runs. */
export function isLater(value: unknown): value is pulumi.Output<unknown> | Promise<unknown> {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

function telling<S extends object>(schema: S, expected: string, remedy?: string): S {
  tellings.set(schema, { expected, remedy });
  return schema;
}

function entriesOf(input: unknown): readonly (readonly [[v.ObjectPathItem], v.ObjectPathItem])[] {
  if (!isRecord(input)) return [];
  return Object.entries(input).map(([key, value]) => {
    const item: v.ObjectPathItem = {
      type: "object",
      origin: "key",
      input: { ...input },
      key,
      value,
    };
    return [[item], item];
  });
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
