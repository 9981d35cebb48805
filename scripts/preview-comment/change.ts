/** One resource's part of a preview, in the words of the comment. */

import type { Difference } from "./difference";
import type { PreviewStep } from "./parse";
import { type PlannedStep, readPlan, type Why } from "./plan";
import { valueAt } from "./property-path";
import { readDifferences } from "./step-differences";

export type Action = "create" | "update" | "replace" | "delete" | "import";

export interface Change {
  readonly urn: string;
  readonly name: string;
  /** `Service`, `Container` */
  readonly type: string;
  readonly action: Action;
  /** The machines that it lives on. */
  readonly hosts: readonly string[];
  /** Where a replacement moves it away from; else empty. */
  readonly formerHosts: readonly string[];
  /** The unit that it runs: `nginx.service`. */
  readonly unit: string | undefined;
  /** What will be done. Empty for the resources of other plugins. */
  readonly plan: readonly PlannedStep[];
  readonly why: Why | "missing on the machine" | undefined;
  /** The properties that make it a replacement. */
  readonly replaceReasons: readonly string[];
  readonly differences: readonly Difference[];
  /** Set where the machine did not answer. */
  readonly unreachable: string | undefined;
}

const actions: Readonly<Record<string, Action>> = {
  create: "create",
  update: "update",
  replace: "replace",
  "create-replacement": "replace",
  "delete-replaced": "replace",
  delete: "delete",
  "remove-pending-replace": "delete",
  import: "import",
  "import-replacement": "replace",
};

/** The steps of one resource as one change; undefined where it stays as it is. */
export function readChange(steps: readonly PreviewStep[]): Change | undefined {
  const relevant = steps.filter(({ op }) => actions[op] !== undefined);
  // Of a replacement's three steps, the one called `replace` knows both sides.
  const step = relevant.find(({ op }) => op === "replace") ?? relevant.at(-1);
  const action = step && actions[step.op];
  if (!step || !action || step.urn.includes("::pulumi:providers:")) return undefined;
  if ((step.newState ?? step.oldState)?.custom === false) return undefined;
  const { name, type } = parseUrn(step.urn);
  const state = step.newState?.inputs ?? step.oldState?.inputs ?? step.oldState?.outputs;
  const hosts = findHosts(type, state);
  const former = findHosts(type, step.oldState?.inputs).filter((host) => !hosts.includes(host));
  const plan = relevant.flatMap(({ newState }) => readPlan(newState?.outputs)).filter(isFirst);
  return {
    urn: step.urn,
    name,
    type,
    action,
    hosts,
    formerHosts: action === "replace" ? former : [],
    unit: textAt(state, "unit"),
    plan,
    why: readWhy(action, steps, plan.at(-1)?.why),
    replaceReasons: step.replaceReasons ?? [],
    differences: readDifferences(step),
    unreachable: textAt(step.oldState?.outputs, "unreachable"),
  };
}

/** A replacement's steps have the same plan. */
function isFirst(step: PlannedStep, at: number, all: readonly PlannedStep[]): boolean {
  return all.findIndex(({ sentence }) => sentence === step.sentence) === at;
}

function readWhy(
  action: Action,
  steps: readonly PreviewStep[],
  why: Why | undefined,
): Change["why"] {
  // The plugin calls new what it makes, but the program moved.
  if (action === "replace") return "change";
  const wasRefreshed = steps.some(({ op }) => op === "refresh");
  return action === "create" && wasRefreshed ? "missing on the machine" : why;
}

/** Whether a step only says that a machine did not answer. */
export function isUnchecked(change: Change): boolean {
  return (
    change.unreachable !== undefined &&
    change.action === "update" &&
    change.differences.length === 0 &&
    change.plan.length === 0
  );
}

/** `urn:pulumi:dev::trilithon::parentType$trilithon:index:Service::lb-01` */
export function parseUrn(urn: string) {
  const [stackPart = "", project = "", types = "", ...name] = urn.split("::");
  return {
    stack: stackPart.replace("urn:pulumi:", ""),
    project,
    type: types.split("$").at(-1)?.split(":").at(-1) ?? types,
    name: name.join("::"),
  };
}

function findHosts(type: string, inputs: unknown): string[] {
  const host = valueAt(inputs, ["host", "name"]);
  if (typeof host === "string") return [host];
  const members = valueAt(inputs, ["members"]);
  if (typeof members === "object" && members !== null) return Object.keys(members);
  const container = textAt(inputs, "hostname") ?? textAt(inputs, "name");
  return type === "Container" && container !== undefined ? [container] : [];
}

function textAt(properties: unknown, name: string): string | undefined {
  const value = valueAt(properties, [name]);
  return typeof value === "string" ? value : undefined;
}
