/** How a new version comes to the web servers. */
import * as v from "valibot";
import * as values from "../provider/schema/values";
import { integerIn, rule } from "./rule";

/**
 * `one-by-one`: each once the one before is healthy. `canary`: the same, but the first serves its share of requests for a while, and
 * the others follow only if few of those fail.
 */
export type Strategy = "one-by-one" | { readonly canary: Canary };

export interface Canary {
  /** How long the first one is watched, 1 to 600. Default 300. */
  readonly seconds?: number;
  /** More of its requests that fail than this ratio, 0 to 1, take it back. Default 0.01. */
  readonly maxErrorRatio?: number;
}

const { from, to } = values.watchSeconds;
const words = `one-by-one or { canary: { seconds: ${from} to ${to}, maxErrorRatio: 0 to 1 } }`;
const isRatio = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= 1;

const forms = v.union([
  v.literal("one-by-one"),
  v.strictObject({
    canary: v.strictObject({
      seconds: v.exactOptional(integerIn(values.watchSeconds)),
      maxErrorRatio: v.exactOptional(rule("a number from 0 to 1", isRatio)),
    }),
  }),
]);

export const strategy = rule(words, (value): value is Strategy => v.is(forms, value));

/** Nginx's own log of the host, as `renderNginx` has it. */
export function describeWatch(chosen: Strategy | undefined, accessLog: string) {
  if (chosen === undefined || chosen === "one-by-one") return {};
  return { watch: { ...chosen.canary, accessLog } };
}
