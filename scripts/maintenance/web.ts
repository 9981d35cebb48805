/** A web server leaves the load balancers with no request lost, and comes back. */
import { sh } from "../../provider/ssh/shell";
import type { Site } from "../verify/check";
import { askHost } from "../verify/checks/host-http";
import { type EndpointHost, hostsWith, serviceOf, webDrainFilesOf } from "../verify/endpoints";
import { readStatistics } from "../verify/statistics";
import { until } from "./until";

type Say = (message: string) => void;

/** HAProxy believes the second of two answers, and asks every second, over TLS every two. */
const noticeSeconds = 30;
const returnSeconds = 120;

/** Why it must not be drained: no other server would be left. */
export async function lastWebServer(site: Site, host: EndpointHost): Promise<string | undefined> {
  const all = await statesOf(site);
  const alone = all.find(
    ({ application: { service }, servers }) =>
      host.services.some(({ unit }) => unit === service.unit) &&
      !servers.some((one) => isTaking(one) && one.name !== host.name),
  );
  if (alone === undefined) return undefined;
  const others = alone.servers.filter(({ name }) => name !== host.name);
  const seen = others.map(({ name, state }) => `${name} is ${state}`).join(", ");
  const isFirst = alone.application === site.endpoints.applications[0];
  const forWhom = isFirst ? "" : ` for ${alone.application.name}`;
  return `no other web server would be left${forWhom}: ${alone.loadBalancer} sees ${seen || "none"}`;
}

/** Answers once nothing is under way. */
export async function drainWeb(
  site: Site,
  host: EndpointHost,
  { finishSeconds, say }: { readonly finishSeconds: number; readonly say: Say },
): Promise<void> {
  await site.run(host, sh`touch -- ${webDrainFilesOf(site.endpoints, host)}`.text, 10);
  say(`${host.name}: no new requests`);
  const left = `${host.name}: every load balancer has taken it out`;
  await until({ what: left, deadlineSeconds: noticeSeconds }, async () => {
    const taking = (await stateEverywhere(site, host)).filter(isTaking);
    return taking.length === 0 ? undefined : describe(taking);
  });
  const what = `${host.name}: no request is under way`;
  await until({ what, deadlineSeconds: finishSeconds, onChange: say }, async () => {
    const count = await requestsUnderWay(site, host);
    return count === 0 ? undefined : `${host.name}: ${count} under way`;
  });
}

/** What drains a host is gone with a boot. This has it drained again before Nginx starts, at the next boot alone. */
const drainedAtBoot = "/etc/tmpfiles.d/trilithon-drained.conf";

/** Else it had requests while its database and its proxies still start. */
export async function staysDrained(site: Site, host: EndpointHost): Promise<void> {
  const files = webDrainFilesOf(site.endpoints, host);
  const lines = [...files.map((file) => `f ${file}`), `r! ${drainedAtBoot}`];
  const script = sh`printf '%s\n' ${lines} >${drainedAtBoot} && sync -- ${drainedAtBoot}`;
  await site.run(host, script.text, 30);
}

/** Answers once every load balancer sends it requests. */
export async function undrainWeb(site: Site, host: EndpointHost, say: Say): Promise<void> {
  const files = [drainedAtBoot, ...webDrainFilesOf(site.endpoints, host)];
  await site.run(host, sh`rm -f -- ${files}`.text, 10);
  const what = `${host.name}: every load balancer sends it requests`;
  await until({ what, deadlineSeconds: returnSeconds, onChange: say }, async () => {
    const lacking = (await stateEverywhere(site, host)).filter((one) => !isTaking(one));
    return lacking.length === 0 ? undefined : describe(lacking);
  });
}

interface ServerState {
  /** The web server, and the load balancer that sees it so. */
  readonly name: string;
  readonly loadBalancer: string;
  /** `UP`, `NOLB` (drained), `DOWN`, `MAINT`, as HAProxy has it. */
  readonly state: string;
}

function isTaking({ state }: ServerState): boolean {
  return state.startsWith("UP");
}

function describe(states: readonly ServerState[]): string {
  return states
    .map(({ name, loadBalancer, state }) => `${name} is ${state} at ${loadBalancer}`)
    .join(", ");
}

async function stateEverywhere(site: Site, host: EndpointHost): Promise<readonly ServerState[]> {
  const all = await statesOf(site);
  return all.flatMap(({ servers }) => servers.filter(({ name }) => name === host.name));
}

/** What each load balancer knows of the servers of each application. */
async function statesOf(site: Site) {
  const all = await Promise.all(
    hostsWith(site.endpoints, "load-balancer").map((host) => serversSeenBy(site, host)),
  );
  return all.flat();
}

/** What one load balancer knows of them. */
export async function serversSeenBy(site: Site, host: EndpointHost) {
  const rows = await readStatistics(site, host);
  return site.endpoints.applications.map((application, index) => {
    const backend = index === 0 ? "web_servers" : `${application.name}_web_servers`;
    const servers = rows
      .filter(({ proxy, name }) => proxy === backend && name !== "BACKEND")
      .map(({ name, state }) => ({ name, state, loadBalancer: host.name }));
    return { loadBalancer: host.name, application, servers };
  });
}

/** Nginx counts the one that asks as well. */
async function requestsUnderWay(site: Site, host: EndpointHost): Promise<number> {
  const { statusPath: path, domain, scheme } = site.endpoints;
  const port = serviceOf(host, "web-server")?.port ?? 80;
  const [answer] = await askHost(site, host, { port, path, domain, scheme, times: 1 });
  const writing = /Writing: (\d+)/.exec(answer?.body ?? "")?.[1];
  if (writing === undefined)
    throw new Error(`${host.name}: Nginx's counters: ${answer?.fault ?? "none"}`);
  return Math.max(0, Number(writing) - 1);
}
