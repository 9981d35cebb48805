/** Names of transactions, by which a replica can be asked whether it has them already. */

const server = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
// A tag may stand among the numbers since MySQL 8.3.
const part = "(?::[a-z_][a-z0-9_]{0,31}|:[1-9][0-9]{0,18}(?:-[1-9][0-9]{0,18})?)";
const gtidSet = new RegExp(`^${server}${part}+(?:,${server}${part}+)*$`, "i");

/** Longer than any set that our own servers name; it has to fit into a cookie. */
const maxLength = 1000;

export function isGtidSet(text: string): boolean {
  return text.length <= maxLength && gtidSet.test(text);
}

/** The transaction that a statement's answer names; `undefined` where the server tracks none. */
export function parseTrackedGtid(header: object): string | undefined {
  if (!("stateChanges" in header)) return undefined;
  const changes = header.stateChanges;
  if (typeof changes !== "object" || changes === null || !("gtids" in changes)) return undefined;
  const tracked: readonly unknown[] = Array.isArray(changes.gtids) ? changes.gtids : [];
  const text = tracked.join(",");
  return isGtidSet(text) ? text : undefined;
}
