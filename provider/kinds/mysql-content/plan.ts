/** Where what a cluster holds differs from what it is to hold, and what is done about it, all on the primary. */

import { compare, differences, isMap } from "../../difference";
import type { Difference, Step, StepText } from "../../kind";
import { hasUnknown, isUnknown } from "../../protocol/values";
import { planGrants } from "../mysql/grants";
import { systemSchemas } from "../mysql/probe";
import type { Account, Content } from "./args";

export type Task =
  | { readonly do: "await" }
  | { readonly do: "note" }
  | { readonly do: "create database"; readonly name: string }
  | { readonly do: "set account"; readonly name: string }
  | { readonly do: "drop account"; readonly name: string };

type PlainStep = StepText & { readonly task: Task };

export interface ContentStep extends Step {
  readonly task: Task;
}

/** Databases that nobody wants any more are no difference: they are never dropped. */
export function diff(live: Content, desired: Content): Difference[] {
  const known = { ...live, accounts: accountsOf(live, desired) };
  return [
    ...differencesOfDatabases(live, desired),
    ...compare(known, desired, ["accounts"]),
    ...(isNoted(live, desired) ? [] : [{ path: ["accountsOnRemoval"], kind: "update" as const }]),
  ];
}

/** It is nothing on a member, but has to stand in the state when the resource is removed. */
function isNoted(live: Content, desired: Content): boolean {
  return (live.accountsOnRemoval ?? "leave") === (desired.accountsOnRemoval ?? "leave");
}

/** Those that are this resource's matter. Who still runs with a former one goes on. */
function accountsOf(live: Content, { accounts, formerAccounts }: Content): Content["accounts"] {
  if (formerAccounts !== "leave" || !isMap(accounts)) return live.accounts;
  return Object.fromEntries(Object.entries(live.accounts).filter(([name]) => name in accounts));
}

function differencesOfDatabases(live: Content, desired: Content): Difference[] {
  const path = ["databases"];
  if (!Array.isArray(desired.databases)) return [{ path, kind: "update" }];
  const isThere = (name: string) => live.databases.includes(name);
  return desired.databases.every(isThere) ? [] : [{ path, kind: "update" }];
}

export function plan(found: Content | undefined, desired: Content): ContentStep[] {
  const live = found ?? { ...desired, primary: desired.primary, databases: [], accounts: {} };
  const on = isUnknown(live.primary) || live.primary === "" ? "" : `${live.primary}: `;
  const steps = [
    ...planDatabases(on, live, desired),
    ...planAccounts(on, live, desired),
    ...planRemoval(live, desired),
  ];
  return steps.map((step) => ({
    ...(on !== "" && { host: live.primary }),
    action: step.task.do,
    ...step,
  }));
}

function planDatabases(on: string, live: Content, desired: Content): PlainStep[] {
  if (!Array.isArray(desired.databases)) {
    return [{ sentence: `${on}create the databases once they are known`, task: { do: "await" } }];
  }
  const former = knownDatabases(live)
    .filter((name) => !desired.databases.includes(name))
    .join(", ");
  return desired.databases
    .filter((name) => !live.databases.includes(name))
    .map((name) => ({
      sentence: `${on}create database ${name}`,
      task: { do: "create database", name },
      ...(former !== "" && {
        warning: `database ${name} is empty: what is in ${former} stays there, and nothing is copied`,
      }),
    }));
}

/** A read asks for what is wanted alone; what an account of before may use tells of the others. */
function knownDatabases({ databases, accounts }: Content): readonly string[] {
  const granted = Object.values(accounts)
    .flatMap(({ grants }) => Object.keys(grants))
    .map((level) => level.replace(/\..*/, "").replaceAll("\\", ""))
    .filter((name) => ![...systemSchemas, "*", ""].includes(name));
  return [...new Set([...databases, ...granted])];
}

function planAccounts(on: string, live: Content, desired: Content): PlainStep[] {
  if (!isMap(desired.accounts)) {
    return [{ sentence: `${on}set the accounts once they are known`, task: { do: "await" } }];
  }
  const own = accountsOf(live, desired);
  const names = new Set([...Object.keys(desired.accounts), ...Object.keys(own)]);
  return [...names].flatMap((name): PlainStep[] => {
    const [old, now] = [live.accounts[name], desired.accounts[name]];
    if (now === undefined) {
      return [{ sentence: `${on}drop account ${name}`, task: { do: "drop account", name } }];
    }
    if (differences([], old, now).length === 0) return [];
    const sentence = `${on}${accountSentence(name, old, now)}`;
    return [{ sentence, task: { do: "set account", name } }];
  });
}

function planRemoval(live: Content, desired: Content): PlainStep[] {
  if (isNoted(live, desired)) return [];
  const sentence = `take note to ${desired.accountsOnRemoval ?? "leave"} its accounts when it is removed`;
  return [{ sentence, task: { do: "note" } }];
}

function accountSentence(name: string, old: Account | undefined, now: Account): string {
  if (isUnknown(now) || !isMap(now.grants)) return `set account ${name}`;
  if (hasUnknown(now.from)) return `set account ${name} once its hosts are known`;
  const limit = now.maxConnections === 0 ? "any number of" : `at most ${now.maxConnections}`;
  if (old === undefined) {
    // Each has its own: with several of a name another limit than before is news.
    const limited = now.maxConnections === 0 ? "" : `; ${limit} connections`;
    return `create account ${name} (${grantsSentence(now)}${limited})`;
  }
  const isOther = (key: keyof Account) => differences([], old[key], now[key]).length > 0;
  const changes = [
    ...(isOther("from") ? [`its host to ${now.from}`] : []),
    ...(isOther("password") ? ["its password"] : []),
    ...(isOther("maxConnections") ? [`${limit} connections`] : []),
    ...planGrants(old.grants, now.grants).flatMap(({ level, grant, revoke }) => [
      ...(grant.length > 0 ? [`grant ${grant.join(", ")} on ${level}`] : []),
      ...(revoke.length > 0 ? [`revoke ${revoke.join(", ")} on ${level}`] : []),
    ]),
  ];
  return `change account ${name} (${changes.join("; ")})`;
}

function grantsSentence({ grants }: Account): string {
  const levels = Object.entries(grants).filter(([, privileges]) => privileges.length > 0);
  if (levels.length === 0) return "no privileges";
  return levels.map(([level, privileges]) => `${privileges.join(", ")} on ${level}`).join("; ");
}
