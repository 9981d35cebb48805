/** The steps that a member of any cluster may need. */

import type { StepText } from "../../kind";
import type { MysqldStatus } from "./mysqld-status";

type MemberTask =
  | { readonly do: "refuse" }
  | { readonly do: "await"; readonly member: string }
  | { readonly do: "let clients in"; readonly member: string };

type MemberStep = StepText & { readonly task: MemberTask };

export function isRefusal({ task }: { readonly task: { readonly do: string } }): boolean {
  return task.do === "refuse";
}

export function refusal(name: string, reason: string, remedy: string): MemberStep {
  return {
    sentence: `${name}: refuse, since ${reason}`,
    warning: `${name}: ${reason}; nothing will be changed. To go on, ${remedy}`,
    task: { do: "refuse" },
  };
}

export function awaiting(name: string, mysqld: MysqldStatus): MemberStep {
  const fault = faultOf(mysqld);
  const sentence =
    fault === undefined
      ? `${name}: look again once mysqld answers${silence(mysqld)}`
      : `${name}: go on once mysqld no longer runs ${fault}`;
  return { sentence, task: { do: "await", member: name } };
}

/** Why it is silent; that a machine cannot be reached is told for all that is on it. */
function silence(mysqld: MysqldStatus): string {
  return mysqld.state === "silent" && mysqld.isUnreachable !== true ? ` (${mysqld.reason})` : "";
}

function faultOf(mysqld: MysqldStatus): string | undefined {
  switch (mysqld.state) {
    case "duplicate":
      return `with the same ${mysqld.by} as ${mysqld.of}`;
    case "misconfigured":
      return `with ${mysqld.variable} ${mysqld.value}`;
    case "without plugins":
      return `without the plugins ${mysqld.plugins}`;
    default:
      return undefined;
  }
}

export function awaitingClone(name: string): MemberStep {
  const sentence = `${name}: wait until the CLONE that is under way has ended`;
  return { sentence, task: { do: "await", member: name } };
}

export function lettingClientsIn(name: string): MemberStep {
  const sentence = `${name}: let clients connect again (offline_mode off)`;
  return { sentence, task: { do: "let clients in", member: name } };
}
