/** One of the load balancers has the address that they share, and the page is there. */
import { isIPv6 } from "node:net";
import * as v from "valibot";
import { type Check, type Finding, failed, passed, type Site } from "../check";
import {
  type EndpointHost,
  type Endpoints,
  hostsWith,
  serviceOf,
  startCommand,
} from "../endpoints";
import { askBalancer } from "./host-http";
import { isAnswered } from "./serving";

export function virtualAddressChecks(endpoints: Endpoints): readonly Check[] {
  const { virtualAddress, virtualAddress6 } = endpoints;
  return [virtualAddress, virtualAddress6].flatMap((address) =>
    address === undefined ? [] : [virtualAddressCheck(endpoints, address)],
  );
}

function virtualAddressCheck(endpoints: Endpoints, address: string): Check {
  const { stack } = endpoints;
  const balancers = hostsWith(endpoints, "load-balancer");
  const names = balancers.map(({ name }) => name);
  return {
    name: `${address}: one load balancer has it, and the page is there`,
    expected: `one of ${names.join(", ")} has the address, and answers there`,
    remedy: `${startCommand(stack)}; why: journalctl -u keepalived on these hosts`,
    deadlineSeconds: 40,
    run: async (site) => {
      const has = await Promise.all(balancers.map((host) => holdsAddress(site, host, address)));
      const holders = names.filter((_, index) => has[index]);
      const finding = judgeHolders(holders);
      return finding.passed ? askPage(site, address, finding) : finding;
    },
  };
}

export async function holdsAddress(
  site: Site,
  host: EndpointHost,
  address: string,
): Promise<boolean> {
  const family = isIPv6(address) ? "-6" : "-4";
  return hasAddress(await site.run(host, `ip -j ${family} addr show`, 10), address);
}

/** From the last host of the stack: whoever has the address is reached over the network, unless there is no other. */
async function askPage(site: Site, address: string, holder: Finding): Promise<Finding> {
  const { hosts, healthPath: path, domain, scheme } = site.endpoints;
  const able = hosts.filter(({ address6 }) => !isIPv6(address) || address6 !== undefined);
  const from = able.findLast(({ name }) => !holder.seen.startsWith(`${name} `)) ?? able[0];
  const [balancer] = hostsWith(site.endpoints, "load-balancer");
  if (from === undefined || balancer === undefined) return failed("there are no hosts");
  const port = serviceOf(balancer, "load-balancer")?.port ?? 80;
  const [answer] = await askBalancer(site, from, { address, port, path, domain, scheme, times: 1 });
  const { status, fault = "no answer" } = answer ?? {};
  const isGood = status !== undefined && isAnswered(status);
  const seen = `${holder.seen}; ${from.name} asked there: ${status === undefined ? fault : `status ${status}`}`;
  return isGood ? passed(seen) : failed(seen);
}

const interfaces = v.array(
  v.object({
    ifname: v.optional(v.string()),
    addr_info: v.array(v.object({ local: v.optional(v.string()) })),
  }),
);

/** Whether a host has an address, as `ip -j addr` says. On `lo` one that just left has it for what is still under way. */
export function hasAddress(answer: string, address: string): boolean {
  const found = v.parse(interfaces, JSON.parse(answer));
  return found.some(
    ({ ifname, addr_info }) => ifname !== "lo" && addr_info.some(({ local }) => local === address),
  );
}

export function judgeHolders(names: readonly string[]): Finding {
  if (names.length === 0) return failed("no host has it");
  const text = names.join(" and ");
  return names.length === 1 ? passed(`${text} has it`) : failed(`${text} have it`);
}
