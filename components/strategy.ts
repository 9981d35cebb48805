/** How a new version comes to the web servers. */
import * as v from "valibot";
import type { HostArgs } from "../provider/resources/host";
import * as values from "../provider/schema/values";
import { type Fault, unexpected } from "./expectation";
import { type Host, isHere } from "./host";
import { shareOf } from "./render/haproxy-running";
import { integerIn, rule } from "./rule";

/**
 * `one-by-one`: each once the one before is healthy. `canary`: the same, but the first serves for a while with a share of the requests, and
 * the others follow only if few of those fail. `all-at-once`: the site is closed meanwhile, for versions that cannot serve beside one
 * another.
 */
export type Strategy = "one-by-one" | "all-at-once" | { readonly canary: Canary };

export interface Canary {
  /** How long the first one is watched, 1 to 600. Default 300. */
  readonly seconds?: number;
  /** More of its requests that fail than this ratio, 0 to 1, take it back. Default 0.01. */
  readonly maxErrorRatio?: number;
  /**
   * About which share of the requests comes to it meanwhile, 1 to 99, of those of the servers that are in service as it begins. All load
   * balancers set it by weights: so it gets at most 256 times what each other server gets. Needs two hosts. Default: each server gets
   * the same.
   */
  readonly percent?: number;
}

const span = ({ from, to }: values.Range) => `${from} to ${to}`;
const words = `one-by-one, all-at-once or { canary: { seconds: ${span(values.watchSeconds)}, maxErrorRatio: 0 to 1, percent: ${span(values.sharePercent)} } }`;
const isRatio = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= 1;

const forms = v.union([
  v.picklist(["one-by-one", "all-at-once"]),
  v.strictObject({
    canary: v.strictObject({
      seconds: v.exactOptional(integerIn(values.watchSeconds)),
      maxErrorRatio: v.exactOptional(rule("a number from 0 to 1", isRatio)),
      percent: v.exactOptional(integerIn(values.sharePercent)),
    }),
  }),
]);

const isStrategy = (value: unknown): value is Strategy => v.is(forms, value);

export const strategy = rule(words, isStrategy);

/** What is known of the load balancers of an application. */
interface Balanced {
  readonly hosts: readonly Host[];
  readonly loadBalancers?: readonly { readonly host?: HostArgs }[];
  readonly strategy?: Strategy;
}

/** Where there is one host, it has all requests. */
export function checkStrategy({ hosts, loadBalancers = [], strategy }: Balanced): readonly Fault[] {
  const percent = percentOf(strategy);
  if (percent === undefined) return [];
  const path = "strategy.canary.percent";
  if (hosts.length < 2) {
    const message = unexpected(
      "no percent on one host",
      percent,
      "it has all requests; leave it out",
    );
    return [{ path, message }];
  }
  if (loadBalancers.length > 0 && loadBalancers.every(({ host }) => host !== undefined)) return [];
  const message = unexpected(
    "no percent without load balancers",
    percent,
    "give loadBalancers, each with its host",
  );
  return [{ path, message }];
}

/** A strategy that is wrong itself is told of elsewhere. */
function percentOf(chosen: unknown): number | undefined {
  return isStrategy(chosen) && typeof chosen === "object" ? chosen.canary.percent : undefined;
}

interface Watched extends Balanced {
  readonly host: Host;
  /** HAProxy's, that leads to the application. */
  readonly backend: string;
  /** Nginx's own log of the host, as `renderNginx` has it. */
  readonly accessLog: string;
}

export function describeWatch({ strategy, accessLog, ...rest }: Watched) {
  if (typeof strategy !== "object") return {};
  const { percent, ...watch } = strategy.canary;
  return { watch: { ...watch, accessLog, ...describeShare(percent, rest) } };
}

/** Nor is there another server while all others are away. */
function describeShare(
  percent: number | undefined,
  { hosts, host, backend, loadBalancers = [] }: Omit<Watched, "accessLog">,
) {
  if (percent === undefined || hosts.filter(isHere).length < 2) return {};
  const on = loadBalancers.flatMap((one) => (one.host === undefined ? [] : [one.host]));
  return { share: { hosts: on, ...shareOf({ server: host.name, backend, percent }) } };
}

/** One host has nobody to wait for. */
export function describeTogether(chosen: Strategy | undefined, hosts: readonly Host[]) {
  const here = hosts.filter(isHere);
  if (chosen !== "all-at-once" || here.length < 2) return {};
  return { together: { hosts: here.map(({ host }) => host) } };
}
