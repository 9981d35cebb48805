/** Carries the steps out, looks again, and is content only with what it then sees. */

import { randomUUID } from "node:crypto";
import type { Context } from "../../kind";
import { lines, type Shell } from "../../ssh/shell";
import type { Member, Members } from "../mysql/members";
import { accountStatements, renderAccount, retireStatements } from "../mysql/replication-account";
import { knownMember, type Round, refuse, runMember } from "../mysql/round";
import { renderAwait, renderFill, renderPromote } from "../mysql/scripts";
import { mysql } from "../mysql/sql";
import type { Group } from "./args";
import { isRunning } from "./cluster";
import { diff } from "./diff";
import { plan } from "./plan";
import { groupPrivileges, readGroup } from "./read";
import {
  renderBootstrap,
  renderExpelled,
  renderJoin,
  renderMargin,
  renderOpened,
  renderStop,
  renderSwitch,
} from "./scripts";
import * as sql from "./statements";
import type { GroupStep, Task } from "./steps";

/** Only a mysqld that has started, or a group that has a primary, shows what else there is to do. */
const roundsAtMost = 6;
const looksAtMost = 10;
const answerSeconds = 60;
const longSeconds = 24 * 3600;

export async function applyGroup(
  steps: readonly GroupStep[],
  live: Group | undefined,
  desired: Group,
  context: Context,
): Promise<Group> {
  if (live === undefined) {
    const names = Object.keys(desired.members).join(", ");
    throw new Error(`cluster ${desired.cluster}: there is no MySQL on ${names}: install it before`);
  }
  let left = steps;
  let before: Group | undefined = live;
  let known = live.members;
  for (let round = 0; round < roundsAtMost; round++) {
    refuse(left);
    for (const { sentence, task } of left) {
      context.signal.throwIfAborted();
      context.progress(sentence);
      await carryOut(task, { live: before, desired, context });
    }
    await retireFormerPassword(left, { live: before, desired, context });
    known = withoutLeft(known, left, desired);
    before = await settled(known, desired, context);
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

/** The members that are to be there, and those that are yet to leave: the group may be theirs. */
export function withoutLeft(
  known: Members,
  steps: readonly GroupStep[],
  { members }: Group,
): Members {
  const left = steps.flatMap(({ task }) =>
    task.do === "leave" || task.do === "forget" ? [task.member] : [],
  );
  const staying = Object.entries(known).filter(
    ([name]) => members[name] === undefined && !left.includes(name),
  );
  return { ...Object.fromEntries(staying), ...members };
}

/** Members need a moment to hear of each other. */
async function settled(
  members: Members,
  desired: Group,
  context: Context,
): Promise<Group | undefined> {
  for (let look = 1; ; look++) {
    const live = await readGroup({ ...desired, members }, context, desired);
    const isMoving = diff(live ?? desired, desired).some(({ path }) => path[0] === "status");
    if (look === looksAtMost || !isMoving) return live;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function carryOut(task: Task, round: Round<Group>): Promise<void> {
  const { desired, context } = round;
  if (task.do === "refuse" || task.do === "note" || (task.do === "await" && task.member === ""))
    return;
  const run = (script: Shell, deadlineSeconds?: number) =>
    runMember(task.member, script, round, deadlineSeconds);
  switch (task.do) {
    case "await":
      await run(renderAwait(answerSeconds), longSeconds);
      return;
    case "await expulsion":
      await run(renderExpelled(membersOf(round)));
      return;
    case "close":
      await run(mysql("SET GLOBAL super_read_only = ON"));
      return;
    case "stop":
      await run(renderStop(), longSeconds);
      return;
    case "stop following":
      await run(renderPromote(), longSeconds);
      return;
    case "found":
      await run(renderOpened(...sql.foundStatements(desired)));
      return;
    case "set replication account": {
      const account = {
        live: round.live?.replicationAccount,
        desired: desired.replicationAccount,
      };
      await run(
        task.on === "primary"
          ? renderAccount([], account, groupPrivileges)
          : renderOpened(...accountStatements(account.desired, groupPrivileges)),
      );
      return;
    }
    case "bootstrap": {
      // Another name for each beginning: a member of a former group cannot come into this one by itself, and what it has
      // of its own cannot be taken for what this one has.
      const groupName = randomUUID();
      const configure = sql.configureStatements(desired, { groupName, isIn: false });
      await run(renderBootstrap(configure), longSeconds);
      return;
    }
    case "configure": {
      const groupName = await groupNameOn(task.member, round);
      await run(mysql(...sql.configureStatements(desired, { groupName, isIn: true })));
      return;
    }
    case "fill": {
      const groupName = await groupNameOn(task.from, round);
      const configure = sql.configureStatements(desired, { groupName, isIn: false });
      await run(lines(renderStop(), mysql(...configure)), longSeconds);
      await run(renderFill(knownMember(task.from, round), desired, task.discards), longSeconds);
      return;
    }
    case "join": {
      const groupName = await groupNameOn(task.through, round);
      const configure = sql.configureStatements(desired, { groupName, isIn: false });
      const { replicationAccount } = desired;
      const account = accountStatements(replicationAccount, groupPrivileges);
      await run(renderJoin({ account, configure }, task.after), longSeconds);
      return;
    }
    case "let clients in":
      await run(mysql("SET GLOBAL offline_mode = OFF"));
      return;
    case "open":
      await run(mysql("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF"));
      return;
    case "switch": {
      const uuid = await runMember(task.member, mysql("SELECT @@server_uuid"), round);
      // Any member may ask for it; the primary knows which transactions run.
      const teller = isRunning(round.live?.status?.[task.from]) ? task.from : task.member;
      await runMember(teller, renderSwitch(uuid.trim()), round, longSeconds);
      return;
    }
    case "leave":
      await run(lines(renderMargin(), mysql(...sql.leaveStatements)), longSeconds);
      return;
    case "forget":
      context.tell("warning", `${task.member}: taken out without being told: it does not answer`);
      return;
    default:
      task satisfies never;
  }
}

/** All members have the present password by then, and all their addresses an account. */
async function retireFormerPassword(
  steps: readonly GroupStep[],
  round: Round<Group>,
): Promise<void> {
  const account = {
    live: round.live?.replicationAccount,
    desired: round.desired.replicationAccount,
  };
  const statements = retireStatements(account);
  if (statements.length === 0) return;
  const tasks = steps.map(({ task }) => task);
  const set = tasks.find((task) => task.do === "set replication account");
  if (set?.do !== "set replication account" || set.on !== "primary") return;
  const switched = tasks.find((task) => task.do === "switch");
  const primary = switched?.do === "switch" ? switched.member : set.member;
  await runMember(primary, mysql(...statements), round);
}

/** All that are known, also who is yet to leave. */
function membersOf({ live, desired }: Round<Group>): readonly Member[] {
  return Object.values({ ...desired.members, ...live?.members });
}

async function groupNameOn(name: string, round: Round<Group>): Promise<string> {
  return (await runMember(name, mysql("SELECT @@group_replication_group_name"), round)).trim();
}
