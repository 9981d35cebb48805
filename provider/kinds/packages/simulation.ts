/** Asks apt what it would do; what several resources of a host want at the same time is asked together, as it is done together. */

import type { Context, Host } from "../../kind";
import { renderSimulation } from "./apt";
import { type Changes, ownPart, parseChanges } from "./changes";
import { gatherer } from "./gather";
import type { Source } from "./source";

interface Request {
  readonly host: Host;
  readonly targets: readonly string[];
  readonly pending: Readonly<Record<string, Source>>;
  readonly context: Context;
}

/** The engine asks of all resources of a host within about this time. */
const gatherMilliseconds = 300;
/** The wait for a lock, the lists, and apt's own thinking. */
const deadlineSeconds = 1800;

/** What apt would do for the request. */
export async function simulate(request: Request): Promise<Changes> {
  const { changes, together } = await simulateTogether(request);
  const [first] = [...together].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  return ownPart(changes, request.targets, first === request);
}

/** The same in a preview and in `up`, in whatever order the requests come. */
function keyOf({ targets }: Request): string {
  return targets.join(" ");
}

const simulateTogether = gatherer(gatherMilliseconds, async (together: readonly Request[]) => {
  const targets = [...new Set(together.flatMap((one) => one.targets))].sort();
  const pending: Record<string, Source> = Object.assign({}, ...together.map((one) => one.pending));
  const [{ context, host }] = together as readonly [Request, ...Request[]];
  const answer = await context.run(host, {
    script: renderSimulation(targets, pending).text,
    doing: `asking apt about ${targets.join(", ")}`,
    deadlineSeconds,
    onProgress: (message) => {
      for (const one of together) one.context.progress(`${host.name}: ${message}`);
    },
  });
  return { together, changes: parseChanges(answer, targets) };
});
