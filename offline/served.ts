/**
 * This room's rule: a stand-in serves only what this project uses of an official plugin, behaves there as the
 * official one does, and refuses everything else by name.
 */

import type * as v from "valibot";
import { failures } from "../provider/check";
import type { Failure, Properties } from "../provider/kind";

export interface StandIn {
  /** Of the official plugin: `docker`. */
  readonly name: string;
  readonly version: string;
}

/** Inputs as they came, and as a fault each property that only the official plugin knows. */
export function checkServed(
  { name, version }: StandIn,
  schema: v.GenericSchema,
  inputs: Properties,
): { args: Properties; failures: Failure[] } {
  const remedy = `install the official plugin: pulumi plugin install resource ${name} ${version}`;
  return {
    args: inputs,
    failures: failures(schema, inputs).map(({ property, reason }) => ({
      property,
      reason:
        reason === "no such property"
          ? `not served by the offline stand-in for the ${name} plugin: ${remedy}`
          : reason,
    })),
  };
}
