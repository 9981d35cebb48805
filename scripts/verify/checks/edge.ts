/** Visitors see the site, and not the page of maintenance. */
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed } from "../check";
import { type EndpointHost, type Endpoints, hostsWith } from "../endpoints";

export function edgeChecks(endpoints: Endpoints): readonly Check[] {
  const { edgeCommand, stack } = endpoints;
  if (edgeCommand === undefined) return [];
  return hostsWith(endpoints, "load-balancer").map((host) => openCheck(host, edgeCommand, stack));
}

/** A host that is maintained meanwhile is not less healthy by it: the name does not begin with the host's. */
function openCheck(host: EndpointHost, command: string, stack: string): Check {
  return {
    name: `the site is open at ${host.name}`,
    expected: "no page of maintenance",
    remedy: `npm run maintenance -- off --stack ${stack}`,
    deadlineSeconds: 25,
    run: async (site) =>
      judgeMaintenance(await site.run(host, sh`${command} maintenance`.text, 10)),
  };
}

/** `off`, or `on since 2026-11-30T03:00:00Z by ada@laptop`. */
export function judgeMaintenance(answer: string): Finding {
  const state = answer.trim();
  return state === "off" ? passed("open") : failed(`the page of maintenance is ${state}`);
}
