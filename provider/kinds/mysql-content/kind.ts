/** The databases, accounts and grants of a MySQL cluster: read and written on whoever is its primary. */

import { createHash } from "node:crypto";
import type { Context, Kind } from "../../kind";
import { lines } from "../../ssh/shell";
import { hostKey } from "../mysql/accounts";
import { askMembers, hostsOf, type MemberProbe, memberOf, runOn } from "../mysql/members";
import { type Answer, renderProbe } from "../mysql/probe";
import { rolesOf } from "../mysql/roles";
import { mysql } from "../mysql/sql";
import { type Account, type Content, check, partsOf } from "./args";
import { type ContentStep, diff, plan } from "./plan";
import { accountStatements, databaseStatement, dropStatement } from "./statements";

export const mysqlContent: Kind<Content, ContentStep> = {
  type: "trilithon:index:MysqlContent",
  check,
  id: ({ cluster }) => cluster,
  hosts: ({ members }) => hostsOf(members),
  read: readContent,
  diff,
  plan,
  apply,
  remove: removeAccounts,
  secretOutputs: ["lastSet"],
  leaves: ({ cluster, databases, accounts, accountsOnRemoval }) => [
    accountsOnRemoval === "drop"
      ? `the databases (${databases.join(", ")}) of cluster ${cluster}, with all that is in them`
      : `the databases (${databases.join(", ")}) and accounts (${Object.keys(accounts).join(", ")}) of cluster ${cluster}`,
  ],
};

/**
 * What holds data stays. An account whose password is another one by now is somebody else's, as one whose former password is still good
 * may be: another resource set it after this one.
 */
async function removeAccounts(removed: Content, context: Context): Promise<void> {
  if (removed.accountsOnRemoval !== "drop") return;
  const { cluster, members } = removed;
  const answers = await askContent(removed, context);
  const { primary } = rolesOf(answers, removed);
  const answer = answers[primary];
  const keys = Object.keys(removed.accounts);
  if (answer?.mysqld !== "running") {
    const reason = "no member that takes writes answers";
    context.tell(
      "warning",
      `left behind in cluster ${cluster}: account ${keys.join(", ")}: ${reason}`,
    );
    return;
  }
  const found = Object.entries(answer.hosts).flatMap(([name, hosts]) =>
    hosts.map((host) => ({ ...host, name, key: keyOf(name, host.from, removed) })),
  );
  // Without a password it is known by how its system user logs in.
  const isOwn = ({ key, login, hasFormerPassword }: (typeof found)[number]) =>
    removed.accounts[key] !== undefined && removed.accounts[key].password === undefined
      ? answer.accounts[key]?.plugin === "auth_socket"
      : login === "yes" && !hasFormerPassword;
  for (const { key } of found.filter((one) => !isOwn(one) && keys.includes(one.key))) {
    const reason = "its password is not the one that was given to it";
    context.tell("warning", `left behind in cluster ${cluster}: account ${key}: ${reason}`);
  }
  const own = found.filter(isOwn);
  if (own.length === 0) return;
  const dropped = own.map(({ key }) => key).join(", ");
  context.progress(`${primary}: drop account ${dropped}`);
  await runOn(
    {
      member: memberOf(primary, members),
      name: primary,
      script: mysql(...own.map(({ name, from }) => dropStatement(name, from))),
      doing: `dropping account ${dropped} of cluster ${cluster}`,
      secrets: Object.values(removed.accounts).flatMap(({ password }) => password ?? []),
    },
    context,
  );
  context.tell("info", `dropped account ${dropped} of cluster ${cluster}`);
}

/** As the program's list has it, or one that is not in it: of an address that was given up, say. */
function keyOf(name: string, from: string, { accounts }: Content): string {
  return accounts[name]?.from === from ? name : hostKey(name, from);
}

function askContent(expected: Content, context: Context) {
  const accounts = Object.entries(expected.accounts).flatMap(([key, account]) =>
    account === undefined ? [] : [{ ...account, key, name: partsOf(key).name }],
  );
  const probe: MemberProbe = {
    doing: `reading the databases and accounts of cluster ${expected.cluster}`,
    script: renderProbe({ accounts }),
    accounts,
  };
  return askMembers(expected.members, probe, context);
}

async function readContent(expected: Content, context: Context): Promise<Content | undefined> {
  const answers = await askContent(expected, context);
  if (Object.values(answers).every(({ mysqld }) => mysqld === "absent")) return undefined;
  const { primary } = rolesOf(answers, expected);
  return contentOf(answers[primary], { ...expected, primary: primary || expected.primary });
}

/** Where the primary is silent its topology says so, and what it holds stands as last known. */
export function contentOf(answer: Answer | undefined, expected: Content): Content {
  if (answer?.mysqld !== "running") return expected;
  const { facts, accounts } = answer;
  return {
    ...expected,
    databases: expected.databases.filter((database) => facts.schemas.includes(database)),
    accounts: Object.fromEntries(
      Object.entries(expected.accounts).flatMap(([name, account]): [string, Account][] => {
        const live = accounts[name];
        if (live === undefined) return [];
        const { from, grants, maxConnections } = live;
        const isOther =
          account.password === undefined ? live.plugin !== "auth_socket" : live.login === "denied";
        const password = isOther ? another : account.password;
        return [
          [name, { ...(password !== undefined && { password }), from, grants, maxConnections }],
        ];
      }),
    ),
  };
}

async function apply(
  steps: readonly ContentStep[],
  live: Content | undefined,
  desired: Content,
  context: Context,
): Promise<Content> {
  const name = live?.primary || desired.primary;
  const statements = steps.flatMap(({ task }) => statementsOf(task, live, desired));
  if (statements.length > 0) {
    context.progress(steps.map(({ sentence }) => sentence).join(", "));
    const passwords = Object.values({ ...live?.accounts, ...desired.accounts });
    await runOn(
      {
        member: memberOf(name, { ...live?.members, ...desired.members }),
        name,
        script: lines(mysql(...statements)),
        doing: `setting the databases and accounts of cluster ${desired.cluster}`,
        secrets: passwords.flatMap(({ password }) => password ?? []),
      },
      context,
    );
  }
  const found = await readContent(desired, context);
  if (found === undefined) throw new Error(`cluster ${desired.cluster}: there is no MySQL`);
  const lastSet = Object.entries(desired.accounts).flatMap(([account, { password }]) =>
    password === undefined ? [] : [[account, digest(password)]],
  );
  const { accountsOnRemoval } = desired;
  return {
    ...found,
    ...(accountsOnRemoval !== undefined && { accountsOnRemoval }),
    lastSet: Object.fromEntries(lastSet),
  };
}

/** What applications log in with so far, where the program lists it no more. */
function accountBeside(
  name: string,
  live: Content | undefined,
  { accounts }: Content,
): { readonly password?: string | undefined } {
  const former = Object.entries(live?.accounts ?? {}).find(
    ([key, { password }]) =>
      partsOf(key).name === name && !(key in accounts) && password !== another,
  );
  return { password: former?.[1].password };
}

/** In a read, in the place of a password that is not known. */
const another = "(another)";

function digest(password: string): string {
  return createHash("sha256").update(password).digest("hex").slice(0, 16);
}

function statementsOf(
  task: ContentStep["task"],
  live: Content | undefined,
  desired: Content,
): string[] {
  switch (task.do) {
    case "await":
    case "note":
      return [];
    case "create database":
      return [databaseStatement(task.name)];
    case "set account": {
      const account = desired.accounts[task.name];
      const { name } = partsOf(task.name);
      return account === undefined
        ? []
        : accountStatements(name, live?.accounts[task.name], {
            ...account,
            // A password that the program did not change was changed by hand: that one is not kept good.
            isRotated:
              account.password !== undefined &&
              live?.lastSet?.[task.name] !== digest(account.password),
            // One of several is in use as soon as it is there.
            ...(task.name !== name && { beside: accountBeside(name, live, desired) }),
          });
    }
    case "drop account": {
      const old = live?.accounts[task.name];
      return old === undefined ? [] : [dropStatement(partsOf(task.name).name, old.from)];
    }
    default:
      return task satisfies never;
  }
}
