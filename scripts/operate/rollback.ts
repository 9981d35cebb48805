/** Takes web servers, one after the other, to a version that is on them. */
import { Session } from "../../provider/ssh/session";
import { sh } from "../../provider/ssh/shell";
import { type EndpointHost, serviceOf } from "../verify/endpoints";
import type { StackOutputs } from "../verify/outputs";
import { reached, withSite } from "../verify/site";
import { hostsServing } from "./hosts";
import { readReleases } from "./releases";
import {
  fillWayBack,
  planRollback,
  type RollbackPlan,
  type WayBack,
  wayBackPath,
  whoIsIt,
} from "./rollback-plan";

export interface RollbackOptions {
  /** Default: the one before. */
  readonly version: string | undefined;
  /** Default: all. */
  readonly host: string | undefined;
  /** Asked once it is known what is going to happen. */
  readonly isAgreed: (plan: RollbackPlan) => Promise<boolean>;
  readonly say: (message: string) => void;
}

const readSeconds = 20;

/** Stops at the first host that does not become healthy. Answers whether the version is live on all. */
export async function rollBack(outputs: StackOutputs, options: RollbackOptions): Promise<boolean> {
  const hosts = hostsServing(outputs.endpoints, "application", options.host);
  const { plan, texts } = await withSite(outputs, "reading releases", async (site) => ({
    plan: planRollback(
      await Promise.all(hosts.map((host) => readReleases(site, host))),
      options.version,
    ),
    texts: await Promise.all(hosts.map((host) => site.run(host, readScript(host), readSeconds))),
  }));
  const who = whoIsIt();
  const turns = hosts.flatMap((host, at) =>
    plan.turns.some((turn) => turn.host === host.name)
      ? [{ host, wayBack: fillWayBack(texts[at] ?? "", plan, who) }]
      : [],
  );
  if (!(await options.isAgreed(plan))) return false;
  for (const [at, turn] of turns.entries()) {
    try {
      await runWayBack(outputs, turn, options.say);
    } catch (error) {
      const before = [...plan.done, ...turns.slice(0, at).map(({ host }) => host.name)].join(", ");
      const after = turns.slice(at).map(({ host }) => host.name);
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(
        `${reason}\nstopped: ${plan.version} is live on ${before || "no host"}; as before: ${after.join(", ")}`,
      );
    }
    options.say(`${turn.host.name}: ${plan.version} is live`);
  }
  return true;
}

function readScript(host: EndpointHost): string {
  const path = wayBackPath(serviceOf(host, "application")?.unit ?? "");
  return sh`cat -- ${path} 2>/dev/null || { echo ${`there is no ${path} yet: the next release makes it`} >&2; exit 1; }`
    .text;
}

interface HostTurn {
  readonly host: EndpointHost;
  readonly wayBack: WayBack;
}

async function runWayBack(
  { privateKeys }: StackOutputs,
  { host, wayBack }: HostTurn,
  say: RollbackOptions["say"],
): Promise<void> {
  const session = new Session(reached(host, privateKeys));
  // What was begun is taken back first.
  const stop = () => void session.close();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    await session.run({
      ...wayBack,
      doing: "rolling back",
      onProgress: (message) => say(`${host.name}: ${message}`),
    });
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    await session.close();
  }
}
