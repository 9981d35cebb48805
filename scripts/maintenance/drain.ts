/** Takes a host out of service with nothing lost, and back in. */
import { UsageError } from "../command-line";
import { runCheck, type Site } from "../verify/check";
import { listChecks } from "../verify/checks/all";
import type { EndpointHost } from "../verify/endpoints";
import { drainDatabase, isMember, neededMember } from "./database";
import { drainLoadBalancer, neededLoadBalancer, undrainLoadBalancer } from "./load-balancer";
import { until } from "./until";
import { drainWeb, lastWebServer, undrainWeb } from "./web";

export interface DrainOptions {
  /** How long requests under way may take. */
  readonly finishSeconds: number;
  /** Shows what is being done, a line each. */
  readonly say: (message: string) => void;
}

/** A host of the stack that is not away. */
export function findHost({ endpoints }: Pick<Site, "endpoints">, name: string): EndpointHost {
  const { hosts, away } = endpoints;
  const found = hosts.find((host) => host.name === name);
  if (found !== undefined) return found;
  if (away.includes(name)) throw new UsageError(`${name}: it is away, as the settings say`);
  const names = hosts.map((host) => host.name).join(", ");
  throw new UsageError(`${name}: no host of this stack: expected one of ${names}`);
}

/** Why a host must not be drained, a sentence each with the remedy: the last of its kind. */
export async function obstaclesOf(site: Site, host: EndpointHost): Promise<readonly string[]> {
  const isWeb = host.roles.includes("web");
  const found = [
    isBalancer(host) ? await neededLoadBalancer(site, host) : undefined,
    isWeb ? await lastWebServer(site, host) : undefined,
    isMember(host) ? await neededMember(site, host) : undefined,
  ];
  return found.filter((one) => one !== undefined).map((one) => `${host.name}: ${one}`);
}

export async function drainHost(
  site: Site,
  host: EndpointHost,
  options: DrainOptions,
): Promise<void> {
  // What it passed on to its own web server has ended by then.
  if (isBalancer(host)) await drainLoadBalancer(site, host, options);
  if (host.roles.includes("web")) await drainWeb(site, host, options);
  if (isMember(host)) await drainDatabase(site, host, options.say);
}

export interface UndrainOptions extends Pick<DrainOptions, "say"> {
  /** How long a host may take until all on it is healthy and in step. Default 300. */
  readonly healthySeconds?: number;
}

/** Answers once the host serves, is healthy and has what the others have. */
export async function undrainHost(
  site: Site,
  host: EndpointHost,
  options: UndrainOptions,
): Promise<void> {
  await untilHealthy(site, host, { ...options, isDrained: true });
  if (host.roles.includes("web")) await undrainWeb(site, host, options.say);
  if (isBalancer(host)) await undrainLoadBalancer(site, host);
  await untilHealthy(site, host, { ...options, isDrained: false });
}

/** The checks of `npm run verify` that look at this host alone. */
async function untilHealthy(
  site: Site,
  host: EndpointHost,
  { say, healthySeconds = 300, isDrained }: UndrainOptions & { readonly isDrained: boolean },
): Promise<void> {
  const { together } = listChecks(site.endpoints, { changes: "none" });
  const checks = together
    .filter(({ name }) => name.startsWith(`${host.name}:`))
    .filter(({ failsWhileDrained = false }) => !(isDrained && failsWhileDrained));
  const what = `${host.name}: healthy and in step`;
  await until({ what, deadlineSeconds: healthySeconds, onChange: say }, async () => {
    const verdicts = await Promise.all(checks.map((check) => runCheck(check, site)));
    const failed = verdicts.find(({ passed }) => !passed);
    return failed && `${failed.name}: ${failed.seen}`;
  });
}

function isBalancer({ roles }: EndpointHost): boolean {
  return roles.includes("load-balancer");
}
