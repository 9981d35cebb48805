/** The forms of passwords, levels and privileges, as the schemas of all MySQL kinds take them. */

import * as v from "valibot";
import { text } from "../../check";
import type { Property } from "../../kind";
import { hasUnknown } from "../../protocol/values";

export const password = v.pipe(
  v.string("expected a password"),
  // Control characters cannot stand in a client's option file, by which the password is checked.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  v.regex(/^[^\x00-\x1f\x7f]{1,256}$/, "expected 1 to 256 characters without control characters"),
);

export const level = text(
  /^(\*\.\*|[A-Za-z0-9_]{1,64}\.(\*|[A-Za-z0-9_]{1,64}))$/,
  '"*.*", "database.*" or "database.table"',
);

export const privilege = text(/^[A-Za-z][A-Za-z_ ]*$/, "a privilege such as SELECT");

/** MySQL keeps it in lower case, and would not find it again otherwise. */
export const accountHost = text(
  /^[a-z0-9_.:%/-]{1,255}$/,
  'a host in lower case, or a pattern such as "10.0.%"',
);

/** Host parts in one order, so that lists can be compared. `undefined` for what is no list, or not all known in a preview. */
export function sortedHosts(hosts: Property | undefined): string[] | undefined {
  if (!Array.isArray(hosts) || hasUnknown(hosts)) return undefined;
  return [...new Set(hosts.map(String))].sort();
}
