/** What is done on the primary to what the cluster holds: the replication account, databases, accounts. */

import { differences, isMap } from "../../difference";
import { isUnknown } from "../../protocol/values";
import type { ReplicationStep } from "./action";
import type { Account, Replication } from "./args";
import { type Cluster, isRunning } from "./cluster";
import { replicationPrivileges } from "./content";
import { planGrants } from "./grants";

export function planContent({ live, wanted, primary, standings }: Cluster): ReplicationStep[] {
  if (!isRunning(standings[primary])) return [];
  return [
    ...planReplicationAccount(primary, live, wanted),
    ...planDatabases(primary, live, wanted),
    ...planAccounts(primary, live, wanted),
  ];
}

function planReplicationAccount(
  member: string,
  live: Replication,
  wanted: Replication,
): ReplicationStep[] {
  const [old, now] = [live.replicationAccount, wanted.replicationAccount];
  if (differences([], old, now).length === 0) return [];
  const what = old.name === "" ? "create" : "mend";
  return [
    {
      sentence: `${member}: ${what} the replication account ${now.name} (${replicationPrivileges.join(", ")})`,
      action: { do: "set replication account", member },
    },
  ];
}

function planDatabases(member: string, live: Replication, wanted: Replication): ReplicationStep[] {
  if (!Array.isArray(wanted.databases)) return [];
  return wanted.databases
    .filter((name) => !live.databases.includes(name))
    .map((name) => ({
      sentence: `${member}: create database ${name}`,
      action: { do: "create database", member, name },
    }));
}

function planAccounts(member: string, live: Replication, wanted: Replication): ReplicationStep[] {
  if (!isMap(wanted.accounts)) {
    const sentence = `${member}: see to the accounts once they are known`;
    return [{ sentence, action: { do: "await", member } }];
  }
  const names = new Set([...Object.keys(wanted.accounts), ...Object.keys(live.accounts)]);
  return [...names].flatMap((name): ReplicationStep[] => {
    const [old, now] = [live.accounts[name], wanted.accounts[name]];
    if (now === undefined) {
      return [
        {
          sentence: `${member}: drop account ${name}`,
          action: { do: "drop account", member, name },
        },
      ];
    }
    if (differences([], old, now).length === 0) return [];
    const sentence = `${member}: ${accountSentence(name, old, now)}`;
    return [{ sentence, action: { do: "set account", member, name } }];
  });
}

function accountSentence(name: string, old: Account | undefined, now: Account): string {
  if (isUnknown(now) || !isMap(now.grants)) return `set account ${name}`;
  if (old === undefined) return `create account ${name} (${grantsSentence(now)})`;
  const changes = [
    ...(differences([], old.from, now.from).length > 0 ? [`its host to ${now.from}`] : []),
    ...(differences([], old.password, now.password).length > 0 ? ["its password"] : []),
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
