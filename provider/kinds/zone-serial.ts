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
  // A preview of another content shows the very file that `up` writes.
  foresee: (live) => (live?.serial === undefined ? {} : { serial: nextSerial(live) }),
  computedOutputs: ["serial"],
};

/** The first is the seconds since 1970, which fit until 2106: who lost the state has a greater one than before all the same. */
function nextSerial(live: ZoneSerial | undefined): number {
  return live?.serial === undefined ? Math.floor(Date.now() / 1000) : live.serial + 1;
}
