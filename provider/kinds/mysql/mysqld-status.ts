/** Whether a mysqld runs as a member of a cluster has to, and what a member has that others lack. */

import type { Answers } from "./members";
import type { Answer, Facts } from "./probe";
import { runningFacts } from "./roles";

export type MysqldStatus =
  | { readonly state: "running" }
  /** `isEmpty`: no data of a former mysqld is left either. */
  | { readonly state: "not installed"; readonly isEmpty?: true }
  | {
      readonly state: "silent";
      readonly reason: string;
      readonly isUnreachable?: boolean;
      /** Its host is away, and was not asked. */
      readonly isAway?: boolean;
    }
  /** Two members that cannot be told apart, as copies of one disk. */
  | { readonly state: "duplicate"; readonly of: string; readonly by: "server_uuid" | "server_id" }
  | { readonly state: "misconfigured"; readonly variable: string; readonly value: string }
  | { readonly state: "without plugins"; readonly plugins: string };

export interface Lacking {
  readonly lackedBy: string;
  readonly count: number;
  readonly transactions: string;
}

/** Of one that does not answer. */
export function awayStatus(
  answer: Exclude<Answer, { readonly mysqld: "running" }> | undefined,
): MysqldStatus {
  if (answer === undefined) return { state: "not installed" };
  if (answer.mysqld === "absent") {
    return { state: "not installed", ...(answer.isEmpty && { isEmpty: true }) };
  }
  const { mysqld: state, ...silence } = answer;
  return { state, ...silence };
}

interface Seen {
  readonly name: string;
  readonly answers: Answers;
  readonly neededPlugins: readonly string[];
}

/** Of one that answers. */
export function mysqldStatus(facts: Facts, { name, answers, neededPlugins }: Seen): MysqldStatus {
  const others = [...runningFacts(answers)].filter(([other]) => other !== name);
  const twin = others.find(([, other]) => other.serverUuid === facts.serverUuid)?.[0];
  if (twin !== undefined) return { state: "duplicate", of: twin, by: "server_uuid" };
  const namesake = others.find(([, other]) => other.serverId === facts.serverId)?.[0];
  if (namesake !== undefined) return { state: "duplicate", of: namesake, by: "server_id" };
  if (facts.gtidMode !== "ON") {
    return { state: "misconfigured", variable: "gtid_mode", value: facts.gtidMode };
  }
  if (facts.logBin !== 1) return { state: "misconfigured", variable: "log_bin", value: "OFF" };
  const missing = neededPlugins.filter((plugin) => !facts.plugins.includes(plugin));
  return missing.length > 0
    ? { state: "without plugins", plugins: missing.join(", ") }
    : { state: "running" };
}
