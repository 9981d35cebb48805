/** A load balancer leaves the shared address, or being in charge, to another one, and may have it again. */
import { sh } from "../../provider/ssh/shell";
import type { Site } from "../verify/check";
import { askBalancer } from "../verify/checks/host-http";
import { isAnswered } from "../verify/checks/serving";
import { holdsAddress } from "../verify/checks/virtual-address";
import { type EndpointHost, hostsWith, serviceOf } from "../verify/endpoints";
import { readStatistics } from "../verify/statistics";
import type { DrainOptions } from "./drain";
import { until } from "./until";

/** keepalived looks for the file once a second, and tells the others twice. */
const longestMoveSeconds = 30;
/** A command that leads visitors is run up to five times, for 30 seconds each. */
const longestCommandSeconds = 180;

/** Why it must not be drained: nobody would answer, or nobody would be asked. */
export async function neededLoadBalancer(
  site: Site,
  host: EndpointHost,
): Promise<string | undefined> {
  const others = othersOf(site, host);
  if (others.length === 0) return "it is the only load balancer";
  if (!site.endpoints.hasOneInCharge) {
    return "visitors reach this load balancer by its own address: lead them to the others first (DNS)";
  }
  const faults = await Promise.all(others.map((other) => faultOf(site, other)));
  if (faults.some((fault) => fault === undefined)) return undefined;
  return `no other load balancer serves: ${faults.join(", ")}`;
}

/** Answers once another one has the address or is in charge, and nothing is under way here. */
export async function drainLoadBalancer(
  site: Site,
  host: EndpointHost,
  {
    finishSeconds,
    say,
    moveSeconds = longestMoveSeconds + (site.endpoints.virtualAddress ? 0 : longestCommandSeconds),
  }: DrainOptions & { readonly moveSeconds?: number },
): Promise<void> {
  const { virtualAddress, hasOneInCharge, leaveAddressFile } = site.endpoints;
  if (!hasOneInCharge) return;
  const folder = leaveAddressFile.replace(/\/[^/]*$/, "");
  await site.run(host, sh`mkdir -p ${folder} && : >${leaveAddressFile}`.text, 10);
  const isLast = othersOf(site, host).length === 0;
  const moved =
    virtualAddress === undefined
      ? `another load balancer than ${host.name} is in charge`
      : `${virtualAddress}: another load balancer than ${host.name} has it`;
  await until({ what: moved, deadlineSeconds: moveSeconds }, async () => {
    const lacking =
      virtualAddress === undefined
        ? await lackingCharge(site, host)
        : await lackingHolder(site, host, virtualAddress);
    // Of the only one that was to be so.
    return isLast && lacking?.startsWith("nobody ") ? undefined : lacking;
  }).catch(async (error: Error) => {
    // Nobody else takes it: it is better here than nowhere.
    await undrainLoadBalancer(site, host);
    const again = virtualAddress === undefined ? "is drained no longer" : "takes it again";
    throw new Error(`${error.message}; ${host.name} ${again}`);
  });
  say(
    virtualAddress === undefined
      ? `${host.name} is not in charge any more`
      : `${virtualAddress} is not at ${host.name}`,
  );
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

/** The address stays where it is, and who is in charge stays so. */
export async function undrainLoadBalancer(site: Site, host: EndpointHost): Promise<void> {
  const { hasOneInCharge, leaveAddressFile } = site.endpoints;
  if (!hasOneInCharge) return;
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
    const [answer] = await askBalancer(site, host, { port, path, domain, scheme, times: 1 });
    if (answer?.status !== undefined && isAnswered(answer.status)) return undefined;
    return `${host.name} ${answer?.fault ?? `answers with status ${answer?.status}`}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What is lacking until another one has the address. */
async function lackingHolder(
  site: Site,
  host: EndpointHost,
  address: string,
): Promise<string | undefined> {
  const holders = await holdersOf(site, address);
  if (holders.includes(host.name)) return `${host.name} has it`;
  return holders.length === 0 ? "nobody has it" : undefined;
}

/** As keepalived and the command that leads visitors have it on each of them. */
async function lackingCharge(site: Site, host: EndpointHost): Promise<string | undefined> {
  const balancers = hostsWith(site.endpoints, "load-balancer");
  const states = await Promise.all(
    balancers.map((one) => readCharge(site, one).catch(() => "none")),
  );
  const seen = balancers.map(({ name }, index) => ({ name, state: states[index] }));
  if (seen.some(({ name, state }) => name === host.name && state !== "none")) {
    return `${host.name} is`;
  }
  const other = seen.find(({ state }) => state !== "none");
  switch (other?.state) {
    case undefined:
      return "nobody is";
    case "moving":
      return `the command onMove runs on ${other.name}`;
    case "failed":
      return `the command onMove failed on ${other.name} (journalctl -t trilithon-on-move)`;
    default:
      return undefined;
  }
}

/** `held`, `none`, or `moving` or `failed` where the command that leads visitors has not ended well. */
export async function readCharge(site: Site, host: EndpointHost): Promise<string> {
  return (await site.run(host, "/etc/keepalived/trilithon-address charge", 10)).trim();
}

async function holdersOf(site: Site, address: string): Promise<readonly string[]> {
  const found = await Promise.all(
    hostsWith(site.endpoints, "load-balancer").map(async (host) => {
      // One that is down has nothing.
      const has = await holdsAddress(site, host, address).catch(() => false);
      return has ? [host.name] : [];
    }),
  );
  return found.flat();
}
