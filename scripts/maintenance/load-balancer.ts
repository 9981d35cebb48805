/** A load balancer gives the shared address to another one, and may have it again. */
import { sh } from "../../provider/ssh/shell";
import type { Site } from "../verify/check";
import { askHost } from "../verify/checks/host-http";
import { isAnswered } from "../verify/checks/serving";
import { hasAddress } from "../verify/checks/virtual-address";
import { type EndpointHost, hostsWith, serviceOf } from "../verify/endpoints";
import { readStatistics } from "../verify/statistics";
import type { DrainOptions } from "./drain";
import { until } from "./until";

/** keepalived looks for the file once a second, and tells the others twice. */
const longestMoveSeconds = 30;

/** Why it must not be drained: nobody would answer, or nobody would be asked. */
export async function neededLoadBalancer(
  site: Site,
  host: EndpointHost,
): Promise<string | undefined> {
  const others = othersOf(site, host);
  if (others.length === 0) return "it is the only load balancer";
  if (site.endpoints.virtualAddress === undefined) {
    return "visitors reach this load balancer by its own address: lead them to the others first (DNS)";
  }
  const faults = await Promise.all(others.map((other) => faultOf(site, other)));
  if (faults.some((fault) => fault === undefined)) return undefined;
  return `no other load balancer serves: ${faults.join(", ")}`;
}

/** Answers once another one has the address, and nothing is under way here. */
export async function drainLoadBalancer(
  site: Site,
  host: EndpointHost,
  {
    finishSeconds,
    say,
    moveSeconds = longestMoveSeconds,
  }: DrainOptions & { readonly moveSeconds?: number },
): Promise<void> {
  const { virtualAddress, leaveAddressFile } = site.endpoints;
  if (virtualAddress === undefined) return;
  const folder = leaveAddressFile.replace(/\/[^/]*$/, "");
  await site.run(host, sh`mkdir -p ${folder} && : >${leaveAddressFile}`.text, 10);
  const isLast = othersOf(site, host).length === 0;
  const moved = `${virtualAddress}: another load balancer than ${host.name} has it`;
  await until({ what: moved, deadlineSeconds: moveSeconds }, async () => {
    const holders = await holdersOf(site, virtualAddress);
    if (holders.includes(host.name)) return `${host.name} has it`;
    // Of the only one that was to be so.
    return holders.length === 0 && !isLast ? "nobody has it" : undefined;
  }).catch(async (error: Error) => {
    // Nobody else takes it: it is better here than nowhere.
    await undrainLoadBalancer(site, host);
    throw new Error(`${error.message}; ${host.name} takes it again`);
  });
  say(`${virtualAddress} is not at ${host.name}`);
  const what = `${host.name}: its load balancer passes no request on`;
  await until({ what, deadlineSeconds: finishSeconds, onChange: say }, async () => {
    const rows = await readStatistics(site, host);
    const backends = rows.filter(
      ({ proxy, name }) => /(^|_)web_servers(_once|_shared)?$/.test(proxy) && name === "BACKEND",
    );
    const count = backends.reduce((sum, { sessions }) => sum + sessions, 0);
    return count === 0 ? undefined : `${host.name}: ${count} under way`;
  });
}

/** The address stays where it is. */
export async function undrainLoadBalancer(site: Site, host: EndpointHost): Promise<void> {
  const { virtualAddress, leaveAddressFile } = site.endpoints;
  if (virtualAddress === undefined) return;
  await site.run(host, sh`rm -f -- ${leaveAddressFile}`.text, 10);
}

function othersOf({ endpoints }: Site, host: EndpointHost): readonly EndpointHost[] {
  return hostsWith(endpoints, "load-balancer").filter(({ name }) => name !== host.name);
}

/** Asked from its own host: what it passes on is answered. */
async function faultOf(site: Site, host: EndpointHost): Promise<string | undefined> {
  const { healthPath: path, domain, scheme, leaveAddressFile } = site.endpoints;
  const port = serviceOf(host, "load-balancer")?.port ?? 80;
  try {
    const left = await site.run(host, sh`test ! -e ${leaveAddressFile} || echo drained`.text, 10);
    if (left.trim() !== "") return `${host.name} is drained`;
    // HAProxy may well serve there, and nobody would take the address.
    const keepalived = await site.run(host, "systemctl is-active keepalived || true", 10);
    if (keepalived.trim() !== "active") return `${host.name}'s keepalived is ${keepalived.trim()}`;
    const [answer] = await askHost(site, host, { port, path, domain, scheme, times: 1 });
    if (answer?.status !== undefined && isAnswered(answer.status)) return undefined;
    return `${host.name} ${answer?.fault ?? `answers with status ${answer?.status}`}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function holdersOf(site: Site, address: string): Promise<readonly string[]> {
  const found = await Promise.all(
    hostsWith(site.endpoints, "load-balancer").map(async (host) => {
      // One that is down has nothing.
      const answer = await site.run(host, "ip -j -4 addr show", 10).catch(() => "[]");
      return hasAddress(answer, address) ? [host.name] : [];
    }),
  );
  return found.flat();
}
