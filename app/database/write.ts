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

export interface Attempt {
  readonly send: Send;
  /** How long it may take. */
  readonly seconds: number;
}

export interface Patience {
  /** From the first attempt to the end of the last one. */
  readonly seconds: number;
  /** Between two attempts. */
  readonly pauseSeconds: number;
}

/**
 * Runs `write`, and again while its connection is lost or nobody takes writes: another member is about to become the
 * primary. So it has to be one that does no harm when it is done twice. Fails with a `WriteError`. A statement that was
 * sent and not answered in time cannot be taken back: one that waits for a replica is already in the primary's log, and
 * is done once the replica is back. Nothing more is sent after it.
 */
export async function writeOnce<T>(
  write: (attempt: Attempt) => Promise<T>,
  { seconds, pauseSeconds }: Patience,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  const left = () => (end - performance.now()) / 1000;
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
  for (;;) {
    try {
      return await write({ send, seconds: left() });
    } catch (error) {
      const isPassing = ["lost", "read-only", "nobody"].includes(classifyFault(error));
      if (!isPassing || left() <= pauseSeconds) {
        isTold = true;
        throw new WriteError(unanswered > 0 ? "unknown" : "not written", error);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pauseSeconds * 1000));
  }
}
