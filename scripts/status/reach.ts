/** Each host answers within its own deadline or is left out, over one connection that is kept from look to look. */
import { NotReached } from "../../provider/ssh/live-command";
import type { Site } from "../verify/check";
import type { EndpointHost } from "../verify/endpoints";
import type { StackOutputs } from "../verify/outputs";
import { type OpenSite, openSite } from "../verify/site";

const reachSeconds = 8;
/** Over the deadline of a question itself: a host that dies meanwhile says nothing more. */
const graceSeconds = 2;

export interface Reach {
  /** Fails with the reason. */
  reach(host: EndpointHost): Promise<void>;
}

export interface Reached extends Site {
  /** Why a host is not asked; `undefined` for one that answers. */
  reasonOf(host: EndpointHost): Promise<string | undefined>;
}

export function openReachable({ endpoints, privateKeys }: StackOutputs): OpenSite & Reach {
  const site = openSite(endpoints, privateKeys, "looking", {
    connectSeconds: reachSeconds,
    farewellSeconds: 1,
  });
  return {
    ...site,
    reach: async (host) => {
      try {
        await within(reachSeconds, site.run(host, "true", reachSeconds));
      } catch (error) {
        site.drop(host);
        throw error;
      }
    },
  };
}

/** For one look: hosts that do not answer fail each question at once, and a question that is under way is not asked twice. */
export function reachedOnly(site: Site & Reach): Reached {
  const reasons = new Map(
    site.endpoints.hosts.map((host) => [host.name, reasonFor(host, site.reach(host))]),
  );
  const asked = new Map<string, Promise<string>>();
  const reasonOf = async ({ name }: EndpointHost) => reasons.get(name);
  return {
    endpoints: site.endpoints,
    request: site.request,
    reasonOf,
    run: async (host, script, deadlineSeconds) => {
      if ((await reasonOf(host)) !== undefined) throw new Error(`${host.name} was not reached`);
      const key = `${host.name} ${script}`;
      const underWay = asked.get(key);
      if (underWay !== undefined) return underWay;
      const seconds = deadlineSeconds + graceSeconds;
      const answer = within(seconds, site.run(host, script, deadlineSeconds));
      asked.set(key, answer);
      return answer.finally(() => asked.delete(key));
    },
  };
}

async function reasonFor(host: EndpointHost, reach: Promise<void>): Promise<string | undefined> {
  try {
    await reach;
    return undefined;
  } catch (error) {
    return withoutPlace(host.name, error);
  }
}

/** The host's name and the remedy stand elsewhere. */
export function withoutPlace(name: string, error: unknown): string {
  const remedy = error instanceof NotReached && error.remedy ? `; ${error.remedy}` : "";
  const [line = ""] = wordsOf(error).replace(remedy, "").trim().split("\n");
  return line.startsWith(name) ? line.slice(name.length).replace(/^( \([^)]*\))?: /, "") : line;
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export async function within<Result>(seconds: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`no answer over SSH within ${seconds} seconds`);
    timer = setTimeout(() => reject(error), seconds * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
