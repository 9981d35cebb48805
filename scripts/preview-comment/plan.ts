/** The plan of a resource, as the plugin lists it in the output `plan`. */

import * as v from "valibot";
import type { PreviewDiagnostic } from "./parse";

const whys = ["new", "change", "drift", "drift and change"] as const;

const stepSchema = v.object({
  host: v.optional(v.string()),
  unit: v.optional(v.string()),
  action: v.string(),
  why: v.picklist(whys),
  sentence: v.string(),
  warning: v.optional(v.string()),
});

export type PlannedStep = v.InferOutput<typeof stepSchema>;
export type Why = PlannedStep["why"];

/** Empty where the outputs hold none. */
export function readPlan(outputs: Readonly<Record<string, unknown>> | undefined): PlannedStep[] {
  const { success, output } = v.safeParse(v.array(stepSchema), outputs?.plan);
  return success ? output : [];
}

/** Whether a message is the plugin's announcement of the plan, which the comment shows from the data. */
export function isAnnouncement(plan: readonly PlannedStep[], { message }: PreviewDiagnostic) {
  const [first] = plan;
  if (first === undefined) return false;
  const announced = `${plan.map(({ sentence }) => sentence).join(", ")} [${first.why}]`;
  const text = message.trim();
  return text === announced || text === `${first.host}: ${announced}`;
}
