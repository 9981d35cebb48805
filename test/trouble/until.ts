/** Waits for what comes by itself. */
import { wait } from "../../scripts/verify/check";

/** Tries again until it gives something, which `false` is not. The error is the last one. */
export async function until<T>(
  what: string,
  give: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 90,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    let last = new Error(`${what}: not after ${seconds} s`);
    try {
      const found = await give();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      if (error instanceof Error) last = new Error(`${what}: ${error.message}`);
    }
    if (Date.now() > end) throw last;
    await wait(0.5);
  }
}
