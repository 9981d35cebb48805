/** One write whose answer says what is known: written, not written, or unknown. */

import { classifyFault, describeError, isAnswered } from "./fault";

/** `unknown`: a statement was sent and not answered. It may have been done, or be done later. */
export type Outcome = "not written" | "unknown";

export class WriteError extends Error {
  constructor(
    readonly outcome: Outcome,
    override readonly cause: unknown,
  ) {
    super(describeError(cause));
  }
}

/** Runs a statement that changes something, and remembers when it stays without an answer. */
export type Send = <T>(statement: () => Promise<T>) => Promise<T>;

/**
 * Runs `write` and, when its connection was lost, once more: it has to be one that does no harm when it is done twice.
 * Fails with a `WriteError`. A statement that was sent and not answered in time cannot be taken back: one that waits for
 * a replica is already in the primary's log, and is done once the replica is back. Nothing more is sent after it.
 */
export async function writeOnce<T>(write: (send: Send) => Promise<T>): Promise<T> {
  let unanswered = 0;
  let isTold = false;
  const send: Send = async (statement) => {
    if (isTold) throw new Error("its sender was told that the write failed");
    unanswered += 1;
    try {
      const answer = await statement();
      unanswered -= 1;
      return answer;
    } catch (error) {
      if (isAnswered(error)) unanswered -= 1;
      throw error;
    }
  };
  const fail = (error: unknown) => {
    isTold = true;
    return new WriteError(unanswered > 0 ? "unknown" : "not written", error);
  };
  try {
    return await write(send);
  } catch (error) {
    // The pool's connections die with a restart of the primary.
    if (classifyFault(error) !== "lost") throw fail(error);
  }
  try {
    return await write(send);
  } catch (error) {
    throw fail(error);
  }
}
