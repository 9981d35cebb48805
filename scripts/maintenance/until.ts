/** Waits with a deadline: what was last seen is shown as it changes, and stands in the error. */
import { wait } from "../verify/check";

/** Answers what is still lacking, in a few words; `undefined` when all is as it has to be. */
export type Look = () => Promise<string | undefined>;

export interface Waiting {
  /** What is waited for: `web-01: no request is under way`. */
  readonly what: string;
  readonly deadlineSeconds: number;
  /** Called with what is lacking whenever that changes. */
  readonly onChange?: (seen: string) => void;
}

/** Throws at the deadline. What fails in a look is what was seen. */
export async function until({ what, deadlineSeconds, onChange }: Waiting, look: Look) {
  const deadline = performance.now() + deadlineSeconds * 1000;
  for (let before = ""; ; ) {
    const seen = await look().catch(firstLine);
    if (seen === undefined) return;
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${deadlineSeconds} s; last seen: ${seen}`);
    }
    if (seen !== before) onChange?.(seen);
    before = seen;
    await wait(0.5);
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] ?? text;
}
