/** The databases, accounts and grants of a MySQL cluster: read and written on whoever is its primary. */

import { createHash } from "node:crypto";
import type { Context, Kind } from "../../kind";
import { lines } from "../../ssh/shell";
import { askMembers, hostsOf, type MemberProbe, memberOf, runOn } from "../mysql/members";
import { type Answer, renderProbe } from "../mysql/probe";
import { rolesOf } from "../mysql/roles";
import { mysql } from "../mysql/sql";
import { type Account, type Content, check } from "./args";
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
  remove: async () => {},
  secretOutputs: ["lastSet"],
  leaves: ({ cluster, databases, accounts }) => [
    `the databases (${databases.join(", ")}) and accounts (${Object.keys(accounts).join(", ")}) of cluster ${cluster}`,
  ],
};

async function readContent(expected: Content, context: Context): Promise<Content | undefined> {
  const accounts = Object.entries(expected.accounts).flatMap(([name, account]) =>
    account === undefined ? [] : [{ ...account, name }],
  );
  const probe: MemberProbe = {
    doing: `reading the databases and accounts of cluster ${expected.cluster}`,
    script: (member) => renderProbe({ member, accounts }),
    accounts,
  };
  const answers = await askMembers(expected.members, probe, context);
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
        const password = isOther ? "(another)" : account.password;
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
  return { ...found, lastSet: Object.fromEntries(lastSet) };
}

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
      return [];
    case "create database":
      return [databaseStatement(task.name)];
    case "set account": {
      const account = desired.accounts[task.name];
      return account === undefined
        ? []
        : accountStatements(task.name, live?.accounts[task.name], {
            ...account,
            // A password that the program did not change was changed by hand: that one is not kept good.
            isRotated:
              account.password !== undefined &&
              live?.lastSet?.[task.name] !== digest(account.password),
          });
    }
    case "drop account": {
      const old = live?.accounts[task.name];
      return old === undefined ? [] : [dropStatement(task.name, old)];
    }
    default:
      return task satisfies never;
  }
}
