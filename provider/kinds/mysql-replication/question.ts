/** Asks a member for all that is of interest in one script, and reads the answer. */

import { lines, type Shell, sh } from "../../ssh/shell";
import {
  type AccountFacts,
  askedAccounts,
  loginOf,
  parseAccount,
  renderGrantsQuestion,
  renderLogin,
} from "./account-question";
import type { Member, Replication } from "./args";
import { type Facts, factsQuery } from "./facts";
import { mysql, mysqlGoingOn } from "./sql";

/** A member's whole answer. */
export type Answer =
  | { readonly mysqld: "absent" }
  | { readonly mysqld: "silent"; readonly reason: string }
  | {
      readonly mysqld: "running";
      readonly facts: Facts;
      /** By name; without those that do not exist. */
      readonly accounts: Readonly<Record<string, AccountFacts>>;
    };

export function renderQuestion(expected: Replication, member: Member): Shell {
  const accounts = askedAccounts(expected);
  return lines(
    sh`command -v mysql >/dev/null && command -v mysqld >/dev/null || { echo absent; exit 0; }`,
    sh`export LC_ALL=C`,
    sh`facts=$( {
${mysql(factsQuery(expected))}
} 2>&1 ) || { echo silent; printf '%s\n' "$facts"; exit 0; }`,
    sh`echo running; printf '%s\n' "$facts"`,
    sh`{
${mysqlGoingOn(...accounts.map(renderGrantsQuestion))}
} 2>/dev/null`,
    sh`echo logins`,
    ...accounts.map((account) => renderLogin(account, member)),
  );
}

export function parseAnswer(answer: string, expected: Replication): Answer {
  const [state = "", ...rest] = answer.split("\n");
  if (state === "absent") return { mysqld: "absent" };
  if (state !== "running") return { mysqld: "silent", reason: lastError(rest) };
  const facts: Facts = JSON.parse(rest.find((line) => line.startsWith("{")) ?? "");
  const shown = rest.slice(0, rest.indexOf("logins"));
  const logins = rest.slice(rest.indexOf("logins") + 1);
  const accounts = askedAccounts(expected).flatMap(({ name, from }, index) => {
    const found = parseAccount(index, from, shown);
    if (found === undefined) return [];
    return [[name, { ...found, login: loginOf(logins[index]) }] as const];
  });
  return { mysqld: "running", facts, accounts: Object.fromEntries(accounts) };
}

function lastError(said: readonly string[]): string {
  const text = said.filter((line) => line.trim() !== "").join(" ");
  return /ERROR .*/.exec(text)?.[0] ?? (text === "" ? "no answer" : text);
}
