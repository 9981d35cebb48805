/** Carries the steps out, looks again, and is content only with what it then sees. */

import { Refused } from "../../errors";
import type { Context } from "../../kind";
import type { ReplicationStep } from "./action";
import type { Replication } from "./args";
import { carryOut, logReplicationAccount } from "./carry-out";
import { diff } from "./difference";
import { plan } from "./plan";
import { readReplication } from "./read";
import type { Setting } from "./run-on";

/** Only a mysqld that has started, or a CLONE that has ended, shows what else there is to do. */
const roundsAtMost = 4;
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

function refuse(steps: readonly ReplicationStep[]): void {
  const refusals = steps.filter(({ action }) => action.do === "refuse");
  if (refusals.length > 0) throw new Refused(refusals);
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
