/** Load balancers with an IPv6 address answer there as well. */
import { type Check, failed, passed, type Site } from "../check";
import {
  type EndpointHost,
  type Endpoints,
  hostsWith,
  serviceOf,
  startCommand,
} from "../endpoints";
import { askHost } from "./host-http";
import { isAnswered } from "./serving";

export function ipv6Checks(endpoints: Endpoints): readonly Check[] {
  return hostsWith(endpoints, "load-balancer").flatMap((host) =>
    host.address6 === undefined ? [] : [ipv6Check(endpoints, host, host.address6)],
  );
}

function ipv6Check({ stack, hosts }: Endpoints, host: EndpointHost, address: string): Check {
  // This machine may have no IPv6: another host that has asks, unless there is none.
  const others = hosts.filter((other) => other !== host && other.address6 !== undefined);
  const from = others.at(-1) ?? host;
  return {
    name: `${host.name}: the page is at ${address}`,
    expected: `HAProxy answers there, asked from ${from.name}`,
    remedy: `${startCommand(stack)}; why: journalctl -u haproxy on ${host.name}, and whether its network leads IPv6 to it`,
    deadlineSeconds: 25,
    run: async (site: Site) => {
      const { healthPath: path, domain, scheme } = site.endpoints;
      const port = serviceOf(host, "load-balancer")?.port ?? 80;
      const question = { address, port, path, domain, scheme, times: 1 } as const;
      const [answer] = await askHost(site, from, question);
      const { status, fault = "no answer" } = answer ?? {};
      if (status === undefined) return failed(fault);
      const seen = `status ${status}`;
      return isAnswered(status) ? passed(seen) : failed(seen);
    },
  };
}
