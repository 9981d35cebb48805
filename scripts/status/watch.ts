/** Draws the picture anew after each look, until the process is told to end. */
import { setTimeout } from "node:timers/promises";
import { fitScreen, renderStatus } from "./render";
import type { Status } from "./schema";

/** From the end of a look to the next one: each costs a host some processes. */
const pauseSeconds = 5;

/** Answers the last picture, if there was one. On a terminal it stays where it is, elsewhere one follows the other. */
export async function watch(
  look: () => Promise<Status>,
  { isJson }: { readonly isJson: boolean },
): Promise<Status | undefined> {
  const { stdout } = process;
  const isScreen = stdout.isTTY && !isJson;
  const { signal } = endOfProcess();
  const ended = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined));
  });
  let last: Status | undefined;
  if (isScreen) stdout.write(clearScreen);
  while (!signal.aborted) {
    const status = await Promise.race([look(), ended]);
    if (status === undefined) break;
    last = status;
    if (isJson) stdout.write(`${JSON.stringify(status)}\n`);
    else if (isScreen) stdout.write(drawAgain(renderStatus(status), stdout));
    else stdout.write(`${renderStatus(status)}\n`);
    await setTimeout(pauseSeconds * 1000, undefined, { signal }).catch(() => undefined);
  }
  return last;
}

/** The second signal ends this process as it is. */
function endOfProcess(): AbortController {
  const ending = new AbortController();
  const end = () => ending.abort();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, end);
  // Nobody reads on: as with any other command in a pipe.
  process.stdout.once("error", end);
  return ending;
}

const clearScreen = "\u001b[2J";

/** From the top, each line over the one before, so that nothing flickers; the rest of the screen is cleared. */
export function drawAgain(
  text: string,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): string {
  const lines = fitScreen(text, { rows: (rows || 24) - 1, columns: columns || 80 });
  return `\u001b[H${lines.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J`;
}
