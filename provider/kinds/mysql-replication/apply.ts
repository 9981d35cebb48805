/** Carries the steps out, looks again, and is content only with what it then sees. */

import type { Context } from "../../kind";
import type { Shell } from "../../ssh/shell";
import { accountStatements, renderAccount, retireStatements } from "../mysql/replication-account";
import { knownMember, type Round, refuse, runMember } from "../mysql/round";
import { renderAwait, renderFill, renderPromote } from "../mysql/scripts";
import { mysql, mysqlGoingOn } from "../mysql/sql";
import type { Replication } from "./args";
import { diff } from "./diff";
import { plan } from "./plan";
import { readReplication, replicationPrivileges } from "./read";
import {
  renderAcknowledge,
  renderCatchUp,
  renderClose,
  renderDemote,
  renderFollow,
  renderReconnect,
  renderSucceed,
} from "./scripts";
import * as sql from "./statements";
import type { ReplicationStep, Task } from "./steps";

/** Only a mysqld that has started, or a CLONE that has ended, shows what else there is to do. */
const roundsAtMost = 4;
const looksAtMost = 4;
const answerSeconds = 60;
const longSeconds = 24 * 3600;

export async function applyReplication(
  steps: readonly ReplicationStep[],
  live: Replication | undefined,
  desired: Replication,
  context: Context,
): Promise<Replication> {
  if (live === undefined) {
    const names = Object.keys(desired.members).join(", ");
    throw new Error(`cluster ${desired.cluster}: there is no MySQL on ${names}: install it before`);
  }
  let left = steps;
  let before: Replication | undefined = live;
  for (let round = 0; round < roundsAtMost; round++) {
    refuse(left);
    await carryOutAll(left, { live: before, desired, context });
    before = await settled(desired, context);
    left = plan(before, desired);
    if (before !== undefined && left.length === 0) return before;
  }
  refuse(left);
  const undone = left.map(({ sentence }) => sentence).join(", ");
  throw new Error(
    `cluster ${desired.cluster}: not as wanted after ${roundsAtMost} attempts; still to do: ${undone}; ` +
      `last seen: ${JSON.stringify(before?.status)}`,
  );
}

async function carryOutAll(
  steps: readonly ReplicationStep[],
  round: Round<Replication>,
): Promise<void> {
  let paused: string | undefined;
  try {
    for (const { sentence, task } of steps) {
      round.context.signal.throwIfAborted();
      round.context.progress(sentence);
      if (task.do === "pause") paused = task.member;
      await carryOut(task, round);
      if (task.do === "open" && task.member === paused) paused = undefined;
    }
    const account = steps.find(({ task }) => task.do === "set replication account")?.task;
    if (account?.do === "set replication account") await logReplicationAccount(account, round);
  } catch (error) {
    // A primary that was closed for the time of a CLONE is opened again also when that fails. The first failure is the
    // one to tell; where this fails too, the next read shows a closed primary.
    if (paused !== undefined) {
      await carryOut({ do: "open", member: paused }, round).catch(() => undefined);
    }
    throw error;
  }
}

/** Threads that have just been started need a moment to say so. */
async function settled(desired: Replication, context: Context): Promise<Replication | undefined> {
  for (let look = 1; ; look++) {
    const live = await readReplication(desired, context);
    const isMoving = diff(live ?? desired, desired).some(({ path }) => path[0] === "status");
    if (look === looksAtMost || !isMoving) return live;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function carryOut(task: Task, round: Round<Replication>): Promise<void> {
  const { desired, context } = round;
  if (task.do === "refuse" || (task.do === "await" && task.member === "")) return;
  const run = (script: Shell, deadlineSeconds?: number) =>
    runMember(task.member, script, round, deadlineSeconds);
  switch (task.do) {
    case "await":
      await run(renderAwait(answerSeconds), longSeconds);
      return;
    case "close":
      await run(renderClose());
      return;
    case "let clients in":
      await run(mysql(sql.letClientsInStatement));
      return;
    case "found":
      await run(mysql(...sql.foundStatements(desired)));
      return;
    case "promote":
      await run(renderPromote(), longSeconds);
      return;
    case "open":
      await run(mysql(...sql.openStatements(desired)));
      return;
    case "pause":
      await run(mysqlGoingOn(...sql.pauseStatements));
      return;
    case "acknowledge":
      await run(renderAcknowledge());
      return;
    case "wait for replicas":
      await waitForReplicas(task.member, round);
      return;
    case "set replication account": {
      const account = {
        live: round.live?.replicationAccount,
        desired: desired.replicationAccount,
      };
      // Not into the binary log: replicas that cannot connect could not acknowledge it.
      const first = ["SET sql_log_bin = 0", "SET GLOBAL super_read_only = OFF"];
      await run(renderAccount(first, account, replicationPrivileges));
      return;
    }
    case "leave":
      await run(renderClose());
      await run(mysql(...sql.leaveStatements));
      return;
    case "forget":
      context.tell("warning", `${task.member}: taken out without being told: ${task.why}`);
      return;
    case "fill":
      await run(renderFill(knownMember(task.from, round), desired, task.discards), longSeconds);
      return;
    case "follow": {
      const executed = await executedOn(task.source, round);
      const source = knownMember(task.source, round);
      const statements = lacksPassword(task.member, round)
        ? sql.passwordStatements(desired)
        : sql.followStatements(source, desired);
      await run(renderFollow(statements, executed), longSeconds);
      return;
    }
    case "hand over":
      await handOver(task.member, task.to, round);
      return;
    default:
      task satisfies never;
  }
}

/** It follows whom it is to follow, and has another password. */
function lacksPassword(name: string, { live, desired }: Round<Replication>): boolean {
  const replication = live?.status?.[name]?.replication;
  return (
    live?.primary === desired.primary &&
    replication?.state === "other settings" &&
    replication.of === "password"
  );
}

/**
 * Writes are refused from the moment in which the old primary is closed until the new one is opened. Before it, the new
 * one has to be close behind; if it then does not get the rest in time, all is as it was.
 */
async function handOver(from: string, to: string, round: Round<Replication>): Promise<void> {
  await runMember(to, renderCatchUp(await executedOn(from, round)), round, longSeconds);
  try {
    const executed = (await runMember(from, renderDemote(), round)).trim();
    await runMember(to, renderSucceed(executed, from), round);
  } catch (error) {
    // The first failure is the one to tell; where this fails too, the next read shows a closed primary.
    const reopen = mysql(...sql.reopenStatements);
    await runMember(from, reopen, round).catch(() => undefined);
    throw error;
  }
}

/** Once replicas follow, all of them by the present password, they get the account from the primary too; what is former ends. */
async function logReplicationAccount(
  { member }: { readonly member: string },
  round: Round<Replication>,
): Promise<void> {
  const desired = round.desired.replicationAccount;
  const script = mysql(
    ...accountStatements(desired, replicationPrivileges),
    ...retireStatements({ live: round.live?.replicationAccount, desired }),
  );
  // Where the role was handed over meanwhile, the former primary refuses it; the new one got it by then.
  if (member === round.desired.primary) await runMember(member, script, round);
}

/** Replicas agree to acknowledge when they connect. Where one cannot connect, its own steps say so. */
async function waitForReplicas(name: string, round: Round<Replication>): Promise<void> {
  await runMember(name, mysql(...sql.sourceStatements(round.desired)), round);
  for (const other of Object.keys(round.desired.members)) {
    if (other === name) continue;
    await runMember(other, renderReconnect(), round);
  }
}

async function executedOn(name: string, round: Round<Replication>): Promise<string> {
  return (await runMember(name, mysql("SELECT @@gtid_executed"), round)).trim();
}
