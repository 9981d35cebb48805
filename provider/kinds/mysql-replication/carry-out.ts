/** What each action is: the scripts and statements that run on the member it concerns, and on others because of it. */

import { HostUnreachable } from "../../errors";
import type { Context } from "../../kind";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { Action, ReplicationStep } from "./action";
import { type Replication, right } from "./args";
import { memberOf, runOn, type Setting } from "./run-on";
import { renderAwait, renderFill, renderFollow, renderPromote } from "./scripts";
import { mysql, mysqlGoingOn } from "./sql";
import * as sql from "./statements";

const answerSeconds = 60;
const longSeconds = 24 * 3600;

export async function carryOut(action: Action, setting: Setting): Promise<void> {
  const { live, wanted, context } = setting;
  if (action.do === "refuse" || (action.do === "await" && action.member === "")) return;
  const member = wanted.members[action.member] ?? live?.members[action.member];
  if (member === undefined) throw new Error(`${action.member} is no member of the cluster`);
  const run = (script: Shell, deadlineSeconds?: number) =>
    runOn({ member, name: action.member, script, deadlineSeconds }, setting);
  switch (action.do) {
    case "await":
      await run(renderAwait(answerSeconds), longSeconds);
      return;
    case "close":
      await run(mysql(...sql.closeStatements));
      return;
    case "found":
      await run(mysql(...sql.foundStatements(wanted)));
      return;
    case "promote":
      await run(renderPromote(), longSeconds);
      return;
    case "open":
      await run(mysql(...sql.openStatements));
      return;
    case "pause":
      await run(mysqlGoingOn(...sql.pauseStatements));
      return;
    case "acknowledge":
      await run(mysql(...sql.acknowledgeStatements));
      if (isFollowing(action.member, live)) await run(mysql(...sql.reconnectStatements));
      return;
    case "wait for replicas":
      await waitForReplicas(action.member, setting);
      return;
    case "set replication account":
      // Not into the binary log: replicas that cannot connect could not acknowledge it.
      await run(
        mysql(
          "SET sql_log_bin = 0",
          "SET GLOBAL super_read_only = OFF",
          ...sql.replicationAccountStatements(wanted),
        ),
      );
      return;
    case "leave":
      await leave(action.member, run, context);
      return;
    case "fill":
      await run(renderFill(memberOf(action.from, wanted), wanted, action.discards), longSeconds);
      return;
    case "follow": {
      const source = memberOf(action.source, wanted);
      const executed = await runOn(
        { member: source, name: action.source, script: mysql("SELECT @@gtid_executed") },
        setting,
      );
      await run(renderFollow(sql.followStatements(source, wanted), executed.trim()), longSeconds);
      return;
    }
    case "create database":
      await run(mysql(sql.databaseStatement(action.name)));
      return;
    case "set account": {
      const account = wanted.accounts[action.name];
      if (account === undefined) return;
      const old = live?.accounts[action.name];
      await run(mysql(...sql.accountStatements(action.name, old, account)));
      return;
    }
    case "drop account": {
      const old = live?.accounts[action.name];
      if (old !== undefined) await run(mysql(sql.dropStatement(action.name, old)));
      return;
    }
    default:
      action satisfies never;
  }
}

/** Once replicas follow, they get the account from the primary too. */
export async function logReplicationAccount(
  steps: readonly ReplicationStep[],
  wanted: Replication,
  context: Context,
): Promise<void> {
  const step = steps.find(({ action }) => action.do === "set replication account");
  if (step?.action.do !== "set replication account") return;
  const { member: name } = step.action;
  const script = mysql(...sql.replicationAccountStatements(wanted));
  await runOn(
    { member: memberOf(name, wanted), name, script },
    { live: undefined, wanted, context },
  );
}

function isFollowing(name: string, live: Replication | undefined): boolean {
  return live?.primary !== name && live?.topology[name]?.replication === right.replication;
}

/** Replicas agree to acknowledge when they connect. Where one cannot connect, its own steps say so. */
async function waitForReplicas(name: string, setting: Setting): Promise<void> {
  const { wanted } = setting;
  const script = mysql(...sql.sourceStatements(wanted));
  await runOn({ member: memberOf(name, wanted), name, script }, setting);
  for (const [other, member] of Object.entries(wanted.members)) {
    if (other === name) continue;
    const reconnect = lines(mysqlGoingOn(...sql.reconnectStatements), sh`true`);
    await runOn({ member, name: other, script: reconnect }, setting);
  }
}

/** A machine that is gone follows nobody. */
async function leave(
  name: string,
  run: (script: Shell) => Promise<string>,
  context: Context,
): Promise<void> {
  try {
    await run(mysql(...sql.leaveStatements));
  } catch (error) {
    if (!(error instanceof HostUnreachable)) throw error;
    context.tell("warning", `${name}: taken out without being told: ${error.message}`);
  }
}
