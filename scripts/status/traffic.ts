/** Where requests go: who has the shared address, and what each load balancer thinks of each web server. */
import { readCharge } from "../maintenance/load-balancer";
import { serversSeenBy } from "../maintenance/web";
import type { Site } from "../verify/check";
import { holdsAddress } from "../verify/checks/virtual-address";
import { type ApplicationOfStack, type Endpoints, hostsWith } from "../verify/endpoints";
import { wordsOf } from "./reach";
import type { Status } from "./schema";

export async function readShared(site: Site): Promise<Status["shared"]> {
  const { hasOneInCharge, virtualAddress } = site.endpoints;
  if (!hasOneInCharge) return null;
  const found = await Promise.all(
    hostsWith(site.endpoints, "load-balancer").map(async (host) => {
      const holds =
        virtualAddress === undefined
          ? readCharge(site, host).then((charge) => charge !== "none")
          : holdsAddress(site, host, virtualAddress);
      return (await holds.catch(() => false)) ? [host.name] : [];
    }),
  );
  return { address: virtualAddress ?? null, holders: found.flat() };
}

export async function readBalancers(site: Site): Promise<Status["loadBalancers"]> {
  const { endpoints } = site;
  const found = await Promise.all(
    hostsWith(endpoints, "load-balancer").map(async (host) => {
      try {
        const seen = await serversSeenBy(site, host);
        return seen.map(({ application, servers }) => ({
          ...{ host: host.name, application: application.name, reason: null },
          servers: [
            ...servers.map(({ name, state }) => ({
              ...{ host: name, state: serverState(state), haproxy: state },
            })),
            ...awayFrom(endpoints, application).map((name) => ({
              ...{ host: name, state: "away" as const, haproxy: "" },
            })),
          ],
        }));
      } catch (error) {
        const reason = wordsOf(error);
        return endpoints.applications.map(({ name }) => ({
          ...{ host: host.name, application: name, reason, servers: [] },
        }));
      }
    }),
  );
  return found.flat();
}

/** Load balancers are not told of them. */
function awayFrom(
  { away, rolesOfAway }: Endpoints,
  { hosts }: ApplicationOfStack,
): readonly string[] {
  return away.filter(
    (name) => rolesOfAway[name]?.includes("web") && (hosts?.includes(name) ?? true),
  );
}

function serverState(haproxy: string): Status["loadBalancers"][number]["servers"][number]["state"] {
  if (/^(UP|no check)\b/.test(haproxy)) return "up";
  if (/^(NOLB|DRAIN)\b/.test(haproxy)) return "drained";
  return haproxy.startsWith("MAINT") ? "maintenance" : "down";
}
