/** How a new version comes to the web servers. */
import * as v from "valibot";
import * as values from "../provider/schema/values";
import { type Host, isHere } from "./host";
import { integerIn, rule } from "./rule";

/**
 * `one-by-one`: each once the one before is healthy. `canary`: the same, but the first serves its share of requests for a while, and
 * the others follow only if few of those fail. `all-at-once`: the site is closed meanwhile, for versions that cannot serve beside one
 * another.
 */
export type Strategy = "one-by-one" | "all-at-once" | { readonly canary: Canary };

export interface Canary {
  /** How long the first one is watched, 1 to 600. Default 300. */
  readonly seconds?: number;
  /** More of its requests that fail than this ratio, 0 to 1, take it back. Default 0.01. */
  readonly maxErrorRatio?: number;
}

const { from, to } = values.watchSeconds;
const words = `one-by-one, all-at-once or { canary: { seconds: ${from} to ${to}, maxErrorRatio: 0 to 1 } }`;
const isRatio = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= 1;

const forms = v.union([
  v.picklist(["one-by-one", "all-at-once"]),
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
  return typeof chosen === "object" ? { watch: { ...chosen.canary, accessLog } } : {};
}

/** One host has nobody to wait for. */
export function describeTogether(chosen: Strategy | undefined, hosts: readonly Host[]) {
  const here = hosts.filter(isHere);
  if (chosen !== "all-at-once" || here.length < 2) return {};
  return { together: { hosts: here.map(({ host }) => host) } };
}
