/** Carries the steps out, looks again, and is content only with what it then sees. */

import { HostUnreachable, Refused } from "../../errors";
import type { Context } from "../../kind";
import { lines, type Shell, sh } from "../../ssh/shell";
import type { Action, ReplicationStep } from "./action";
import { type Member, type Replication, right } from "./args";
import { diff } from "./difference";
import { plan } from "./plan";
import { readReplication } from "./read";
import { renderAwait, renderFill, renderFollow, renderPromote } from "./scripts";
import { mysql, mysqlGoingOn } from "./sql";
import * as sql from "./statements";

/** Only a mysqld that has started, or a CLONE that has ended, shows what else there is to do. */
const roundsAtMost = 4;
const answerSeconds = 60;
/** A statement waits for locks and for the acknowledgement of a replica. */
const statementSeconds = 120;
const longSeconds = 24 * 3600;
const looksAtMost = 4;

export async function applyReplication(
  steps: readonly ReplicationStep[],
  live: Replication | undefined,
  wanted: Replication,
  context: Context,
): Promise<Replication> {
  if (live === undefined) {
    const names = Object.keys(wanted.members).join(", ");
    throw new Error(`cluster ${wanted.cluster}: there is no MySQL on ${names}: install it before`);
  }
  let left = steps;
  let before: Replication | undefined = live;
  for (let round = 0; round < roundsAtMost; round++) {
    refuse(left);
    await carryOutAll(left, { live: before, wanted, context });
    if (left.some(({ action }) => action.do === "set replication account")) {
      await logReplicationAccount(left, wanted, context);
    }
    before = await settled(wanted, context);
    left = plan(before, wanted);
    if (before !== undefined && left.length === 0) return before;
  }
  refuse(left);
  const undone = left.map(({ sentence }) => sentence).join(", ");
  throw new Error(
    `cluster ${wanted.cluster}: not as wanted after ${roundsAtMost} attempts; still to do: ${undone}; ` +
      `last seen: ${JSON.stringify(before?.topology)}`,
  );
}

interface Setting {
  readonly live: Replication | undefined;
  readonly wanted: Replication;
  readonly context: Context;
}

function refuse(steps: readonly ReplicationStep[]): void {
  const refusals = steps.filter(({ action }) => action.do === "refuse");
  if (refusals.length === 0) return;
  throw new Refused(refusals.map(({ warning, sentence }) => warning ?? sentence).join("\n"));
}

/** A primary that was closed for the time of a CLONE is opened again also when that fails. */
async function carryOutAll(steps: readonly ReplicationStep[], setting: Setting): Promise<void> {
  let paused: string | undefined;
  try {
    for (const { sentence, action } of steps) {
      setting.context.signal.throwIfAborted();
      setting.context.progress(sentence);
      if (action.do === "pause") paused = action.member;
      await carryOut(action, setting);
    }
  } catch (error) {
    // The first failure is the one to tell; where this fails too, the next read shows a closed primary.
    if (paused !== undefined) {
      await carryOut({ do: "open", member: paused }, setting).catch(() => undefined);
    }
    throw error;
  }
}

/** Threads that have just been started need a moment to say so. */
async function settled(wanted: Replication, context: Context): Promise<Replication | undefined> {
  for (let look = 1; ; look++) {
    const live = await readReplication(wanted, context);
    const isMoving = diff(live ?? wanted, wanted).some(({ path }) => path[0] === "topology");
    if (look === looksAtMost || !isMoving) return live;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function carryOut(action: Action, setting: Setting): Promise<void> {
  const { live, wanted, context } = setting;
  if (action.do === "refuse" || (action.do === "await" && action.member === "")) return;
  const member = wanted.members[action.member] ?? live?.members[action.member];
  if (member === undefined) throw new Error(`${action.member} is no member of the cluster`);
  const run = (script: Shell, deadlineSeconds = statementSeconds) =>
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

/** Once replicas follow, they get the account from the primary too. */
async function logReplicationAccount(
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

function memberOf(name: string, { members }: Replication): Member {
  const member = members[name];
  if (member === undefined) throw new Error(`${name} is no member of the cluster`);
  return member;
}

interface Run {
  readonly member: Member;
  readonly name: string;
  readonly script: Shell;
  readonly deadlineSeconds?: number;
}

function runOn(
  { member, name, script, deadlineSeconds = statementSeconds }: Run,
  { wanted, context }: Setting,
): Promise<string> {
  const { replicationAccount, accounts, cluster } = wanted;
  const passwords = Object.values(accounts).map(({ password }) => password);
  return context.run(member.host, {
    script: script.text,
    doing: `setting up MySQL of cluster ${cluster}`,
    deadlineSeconds,
    onProgress: (message) => context.progress(`${name}: ${message}`),
    secrets: [replicationAccount.password, ...passwords],
  });
}
