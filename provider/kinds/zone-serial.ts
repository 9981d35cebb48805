/** The number of a zone's content in the DNS, which grows whenever that is another one; it lives in the state only. */

import * as v from "valibot";
import { failures } from "../check";
import type { Kind } from "../kind";
import { generated } from "./generated";

interface ZoneSerial {
  readonly keeper?: string;
  readonly serial?: number;
}

const schema = v.strictObject({ keeper: v.optional(v.string("expected a text")) });

export const zoneSerial: Kind<ZoneSerial> = {
  ...generated<ZoneSerial>("take the next serial", ["keeper"], "serial"),
  type: "trilithon:index:ZoneSerial",
  check: (inputs) => ({ args: inputs, failures: failures(schema, inputs) }),
  apply: async (_, live, wanted) => ({ ...wanted, serial: nextSerial(live) }),
  // So that a preview shows the very file that `up` writes.
  foresee: (live) => ({ serial: nextSerial(live) }),
};

/**
 * The first one is of the day, as RFC 1912 has it (2026113001): who lost the state has a greater one again on another day. A time would
 * be another one in each preview.
 */
function nextSerial(live: ZoneSerial | undefined): number {
  if (live?.serial !== undefined) return live.serial + 1;
  return Number(`${new Date().toISOString().slice(0, 10).replaceAll("-", "")}01`);
}
