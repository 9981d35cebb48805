/** Whose data a member holds: told in words, and read back from them. */

import type { Facts } from "./facts";
import { countTransactions, parseGtidSet, renderGtidSet, subtract } from "./gtid";
import { runningFacts, type Seen } from "./roles";

export const noData = "no data";

export function dataOf(facts: Facts, { name, roles, answers, expected }: Seen): string {
  const { cluster } = expected;
  if (facts.isCloning > 0) return "half a CLONE, under way";
  if (roles.lost === name) return `lost, while ${roles.primary} has that of ${cluster}`;
  if (facts.cluster !== null && facts.cluster !== cluster) {
    return `of another cluster: ${facts.cluster}`;
  }
  if (facts.cluster === null) {
    return facts.schemas.length === 0 ? noData : `of unknown origin: ${facts.schemas.join(", ")}`;
  }
  const rival = roles.rivals.includes(name) ? roles.rivals.find((one) => one !== name) : undefined;
  const other = rival ?? roles.primary;
  const otherFacts = runningFacts(answers).get(other);
  if (other === name || otherFacts === undefined) return cluster;
  const own = subtract(parseGtidSet(facts.gtidExecuted), parseGtidSet(otherFacts.gtidExecuted));
  if (own.size === 0) return cluster;
  const count = countTransactions(own);
  const transactions = `${count} transaction${count === 1 ? "" : "s"} that ${other} lacks: ${renderGtidSet(own)}`;
  return `${cluster}, ${rival === undefined ? "and" : "with"} ${transactions}`;
}

export type DataState = "right" | "none" | "filling" | "lost" | "own" | "rival" | "foreign";

/** Reads `dataOf`'s words back. */
export function dataState(data: string, cluster: string): DataState {
  if (data === cluster) return "right";
  if (data === noData) return "none";
  if (data.startsWith("half a CLONE")) return "filling";
  if (data.startsWith("lost,")) return "lost";
  if (data.startsWith(`${cluster}, and `)) return "own";
  return data.startsWith(`${cluster}, with `) ? "rival" : "foreign";
}
