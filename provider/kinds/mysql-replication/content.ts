/** What the primary tells of the whole cluster: its durability, the replication account, databases, accounts. */

import type { Account, Durability, Replication } from "./args";
import type { Facts } from "./facts";
import type { Answer } from "./question";

/** The greatest timeout there is: 49 days. MySQL has no "for ever". */
export const foreverMilliseconds = 4294967295;

/** What the account needs: to follow, and to be cloned from. */
export const replicationPrivileges = ["BACKUP_ADMIN", "REPLICATION SLAVE"];

type Content = Pick<Replication, "durability" | "replicationAccount" | "databases" | "accounts">;

/** What only the primary, or who is to be it, can say. Where it is silent, `topology` says so, and the rest stands as last known. */
export function contentOf(answer: Answer | undefined, expected: Replication): Partial<Content> {
  if (answer?.mysqld !== "running") return {};
  const { facts, accounts } = answer;
  const { name, password } = expected.replicationAccount;
  const found = accounts[name];
  const lacking = replicationPrivileges.filter((one) => !found?.grants["*.*"]?.includes(one));
  return {
    durability: durabilityOf(facts),
    replicationAccount:
      found === undefined
        ? { name: "", password: "" }
        : {
            name: lacking.length === 0 ? name : `${name} (without ${lacking.join(", ")})`,
            password: found.login === "denied" ? another : password,
          },
    databases: expected.databases.filter((database) => facts.schemas.includes(database)),
    accounts: Object.fromEntries(
      Object.entries(expected.accounts).flatMap(([name, account]): [string, Account][] => {
        const live = accounts[name];
        if (live === undefined) return [];
        const password = live.login === "denied" ? another : account.password;
        return [[name, { password, from: live.from, grants: live.grants }]];
      }),
    ),
  };
}

/** Stands for a password that is not the expected one. */
const another = "(another)";

/** Without the plugin nothing is waited for. */
function durabilityOf({ variables }: Facts): Durability {
  const milliseconds = Number(variables.rpl_semi_sync_source_timeout ?? 0);
  if (milliseconds === foreverMilliseconds) return "wait-for-replica";
  return { carryOnAfterSeconds: milliseconds / 1000 };
}
