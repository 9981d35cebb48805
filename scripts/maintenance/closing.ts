/** Closes the site for maintenance, and opens it: each load balancer shows a page of its own, or passes on again. No connection is dropped. */
import { sh } from "../../provider/ssh/shell";
import type { Site } from "../verify/check";
import { hostsWith, startCommand } from "../verify/endpoints";
import { until } from "./until";

const settleSeconds = 15;

export interface ClosingOptions {
  readonly state: "on" | "off";
  /** `ada@laptop` */
  readonly who: string;
  readonly say: (message: string) => void;
  /** For what is not as wanted. */
  readonly tell: (message: string) => void;
}

/** Answers whether it is so on all load balancers. One that does not answer keeps no other one from it. */
export async function setMaintenance(
  site: Site,
  { state, who, say, tell }: ClosingOptions,
): Promise<boolean> {
  const { edgeCommand, stack, away } = site.endpoints;
  if (edgeCommand === undefined) {
    throw new Error(`stack ${stack}: no page of maintenance yet: ${startCommand(stack)} brings it`);
  }
  for (const name of away) tell(`${name}: it is away, and left as it is`);
  const command =
    state === "on" ? sh`${edgeCommand} maintenance on ${who}` : sh`${edgeCommand} maintenance off`;
  const done = await Promise.all(
    hostsWith(site.endpoints, "load-balancer").map(async (host) => {
      try {
        const what = `${host.name}: the page of maintenance is ${state}`;
        let seen = "";
        // A reload in the same moment may have read what was before.
        await until({ what, deadlineSeconds: settleSeconds }, async () => {
          seen = (await site.run(host, command.text, 10)).trim();
          return isSettled(seen, state) ? undefined : seen;
        });
        say(`${host.name}: ${seen}`);
        return true;
      } catch (error) {
        tell(error instanceof Error ? error.message : String(error));
        return false;
      }
    }),
  );
  return done.every(Boolean);
}

/** `on since ..., but HAProxy serves` is not. */
export function isSettled(seen: string, state: "on" | "off"): boolean {
  return state === "on" ? /^on since \S+ by \S+$/.test(seen) : seen === "off";
}
