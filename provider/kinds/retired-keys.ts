/** Keys by which nobody is let in over SSH any more: taken out of a host's files once the key in use was tried. */

import * as v from "valibot";
import { failures, hostSchema, textOf } from "../check";
import { compare } from "../difference";
import type { Context, Difference, Host, Kind, Step } from "../kind";
import { isUnknown } from "../protocol/values";
import * as values from "../schema/values";
import { blobOf, fingerprintOf } from "../ssh/public-key";
import { renderFind, renderRetire } from "./authorized-keys";

interface RetiredKeys {
  readonly host: Host;
  /** Public keys. */
  readonly keys: readonly string[];
  /** In a read: those of them that are let in. */
  readonly authorized: readonly string[];
}

const schema = v.strictObject({
  host: hostSchema,
  keys: v.array(textOf(values.publicKey)),
  authorized: v.optional(v.array(v.string())),
});

export const retiredKeys: Kind<RetiredKeys> = {
  type: "trilithon:index:RetiredKeys",
  check: (inputs) => ({
    args: { ...inputs, authorized: [] },
    failures: failures(schema, inputs),
  }),
  id: ({ host }) => host.name,
  hosts: ({ host }) => [host],
  read,
  diff,
  plan: planRetirement,
  apply: async (_, live, wanted, context) => {
    const { host } = wanted;
    const left = live?.authorized ?? [];
    const { publicKeyOf } = await import("../ssh/key-pair");
    const inUse = blobOf(publicKeyOf(host.privateKey));
    if (wanted.keys.some((key) => blobOf(key) === inUse)) {
      throw new Error(`${host.name}: the key by which it is reached is one of the retired ones`);
    }
    if (left.length > 0) {
      // A new connection gets in by the key in use alone.
      const script = renderRetire(host.user, left).text;
      await context.runAnew(host, { script, doing: "taking out retired keys" });
    }
    return read(wanted, context);
  },
  remove: async () => undefined,
};

function diff(live: RetiredKeys, wanted: RetiredKeys): Difference[] {
  return compare(live, wanted, ["keys", "authorized"]);
}

/** Where it is not known which are let in, each of them may be. */
function planRetirement(live: RetiredKeys | undefined, wanted: RetiredKeys): Step[] {
  if (!Array.isArray(wanted.keys)) return [];
  const { name: host, user } = wanted.host;
  const isLeft = (key: string) =>
    live?.authorized.includes(key) === true || live?.keys.includes(key) !== true;
  return wanted.keys.filter(isLeft).map((key) => ({
    host,
    action: "retire",
    sentence: `let nobody in as ${user} by the key ${fingerprintOf(key)} any more, once a new connection got in by the key in use`,
  }));
}

async function read(expected: RetiredKeys, context: Context): Promise<RetiredKeys> {
  const keys = (Array.isArray(expected.keys) ? expected.keys : []).filter((key) => !isUnknown(key));
  const { host } = expected;
  if (keys.length === 0) return { ...expected, authorized: [] };
  const script = renderFind(host.user, keys).text;
  const said = await context.ask(host, script, "looking for retired keys");
  const found = new Set(said.split("\n").map((line) => line.split(" ")[0]));
  return { ...expected, authorized: keys.filter((key) => found.has(blobOf(key))) };
}
