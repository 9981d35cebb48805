/** The lists of mutations, `test/mutations/<area>.json`: small faults that a test must notice. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";

const mutationSchema = v.strictObject({
  /** Below the checkout. */
  file: v.string(),
  /** Stands in the file exactly once. */
  find: v.pipe(v.string(), v.minLength(1)),
  replace: v.string(),
  /** Those of the area's test files that are enough for this one. Default: all of them. */
  tests: v.optional(v.array(v.string())),
  /** The test of them that has to notice it, `*` for any text: others are not run. Default: all of them. */
  title: v.optional(v.string()),
});

const areaSchema = v.strictObject({
  /** The test files that have to notice each mutation; fast ones, without container hosts. */
  tests: v.pipe(v.array(v.string()), v.minLength(1)),
  mutations: v.array(mutationSchema),
});

export type Mutation = v.InferOutput<typeof mutationSchema>;
export interface Area extends v.InferOutput<typeof areaSchema> {
  readonly name: string;
}

export function readAreas(root: string): Area[] {
  const folder = join(root, "test", "mutations");
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return files.sort().map((file) => {
    const name = file.slice(0, -".json".length);
    const text = readFileSync(join(folder, file), "utf8");
    return { name, ...v.parse(areaSchema, JSON.parse(text)) };
  });
}

/** The text of the mutated file; an error where the mutation no longer fits what it was written for. */
export function mutate({ file, find, replace }: Mutation, text: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) {
    const count = parts.length - 1;
    throw new Error(`${file}: expected ${JSON.stringify(find)} once, found it ${count} times`);
  }
  if (find === replace) throw new Error(`${file}: ${JSON.stringify(find)} is replaced by itself`);
  return parts.join(replace);
}

/** One line for people. */
export function describe({ file, find, replace }: Mutation): string {
  return `${file}: ${shorten(find)} -> ${shorten(replace)}`;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 60 ? `${line.slice(0, 57)}...` : line || "(nothing)";
}
