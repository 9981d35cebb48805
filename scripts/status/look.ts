/** Looks at a stack once, by the questions of verify, releases and maintain. What does not answer leaves the rest of the picture as it is. */
import { readCharge } from "../maintenance/load-balancer";
import { serversSeenBy } from "../maintenance/web";
import { readReleases } from "../operate/releases";
import { type Check, runCheck, type Site } from "../verify/check";
import { listChecks } from "../verify/checks/all";
import { certificatesOf, daysUntil, readCertificate } from "../verify/checks/certificate";
import { holdsAddress } from "../verify/checks/virtual-address";
import {
  type ApplicationOfStack,
  applicationHosts,
  asApplication,
  databaseHosts,
  type EndpointHost,
  type Endpoints,
  hostsWith,
} from "../verify/endpoints";
import { askMembers } from "../verify/mysql";
import { type Reach, type Reached, reachedOnly } from "./reach";
import type { Status } from "./schema";

/** Also of a check that would wait for longer, such as for a replica to catch up. */
const checkSeconds = 20;

export async function look(site: Site & Reach, now = new Date()): Promise<Status> {
  const { endpoints } = site;
  const reached = reachedOnly(site);
  const [hosts, shared, loadBalancers, releases, members, shown, checks] = await Promise.all([
    Promise.all(endpoints.hosts.map((host) => describeHost(reached, host))),
    readShared(reached),
    readBalancers(reached),
    readVersions(reached),
    askMembers(reached),
    readCertificates(endpoints, now),
    Promise.all(
      listChecks(endpoints, { changes: "none" }).together.map((check) => judge(reached, check)),
    ),
  ]);
  const { database, certificates } = describeMembers(endpoints, members, now);
  const away = endpoints.away.map((name) => ({
    ...{ name, roles: [...(endpoints.rolesOfAway[name] ?? [])], state: "away" as const },
    reason: null,
  }));
  const picture = {
    ...{ stack: endpoints.stack, url: endpoints.url, at: now.toISOString() },
    ...{ hosts: [...hosts, ...away], shared, loadBalancers, releases, database },
    certificates: [...shown, ...certificates],
    checks,
  };
  return { ...picture, state: stateOf(picture) };
}

/** Without any host that answers it may as well be this machine that is cut off. */
function stateOf(picture: Omit<Status, "state">): Status["state"] {
  const { hosts, shared, loadBalancers, database, checks } = picture;
  if (!hosts.some(({ state }) => state === "reached")) return "unknown";
  const isFault =
    hosts.some(({ state }) => state === "not reached") ||
    checks.some(({ state }) => state === "fault") ||
    loadBalancers.some(({ reason, servers }) => reason !== null || servers.some(isLeftOut)) ||
    (shared !== null && shared.holders.length !== 1) ||
    (database !== null && database.primary === null);
  return isFault ? "fault" : "well";
}

/** Whether a load balancer sends it nothing, though it is not away. */
export function isLeftOut({ state }: Status["loadBalancers"][number]["servers"][number]): boolean {
  return state !== "up" && state !== "away";
}

async function describeHost(site: Reached, host: EndpointHost): Promise<Status["hosts"][number]> {
  const reason = await site.reasonOf(host);
  const { name, roles } = host;
  const state = reason === undefined ? "reached" : "not reached";
  return { name, roles: [...roles], state, reason: reason ?? null };
}

async function judge(site: Reached, check: Check): Promise<Status["checks"][number]> {
  let unreached: string | undefined;
  const noting: Site = {
    ...site,
    run: (host, script, deadlineSeconds) =>
      site.run(host, script, deadlineSeconds).catch(async (error: Error) => {
        if ((await site.reasonOf(host)) !== undefined) unreached = error.message;
        throw error;
      }),
  };
  const deadlineSeconds = Math.min(check.deadlineSeconds, checkSeconds);
  const verdict = await runCheck({ ...check, deadlineSeconds }, noting);
  const { name, passed, seen, lines = [], expected, remedy } = verdict;
  // One that judges by those who answer has something of its own to say.
  const unjudged = seen === unreached ? "unknown" : "fault";
  const host = site.endpoints.hosts.find((one) => name.startsWith(`${one.name}:`))?.name ?? null;
  const state = passed ? "well" : unjudged;
  return { host, name, state, seen, lines: [...lines], expected, remedy };
}

async function readShared(site: Site): Promise<Status["shared"]> {
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

async function readBalancers(site: Site): Promise<Status["loadBalancers"]> {
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

async function readVersions(site: Site): Promise<Status["releases"]> {
  const asked = site.endpoints.applications.flatMap(({ name }) =>
    applicationHosts(asApplication(site.endpoints, name)).map((host) => ({ name, host })),
  );
  return Promise.all(
    asked.map(async ({ name, host }) => {
      const found = await readReleases(site, host);
      const place = { application: name, host: host.name };
      return "fault" in found
        ? { ...place, version: null, since: null, reason: found.fault }
        : { ...place, version: found.current, since: found.since ?? null, reason: null };
    }),
  );
}

async function readCertificates(endpoints: Endpoints, now: Date): Promise<Status["certificates"]> {
  return Promise.all(
    certificatesOf(endpoints).map(async ({ at, trust }) => {
      const place = { name: trust.name, at };
      try {
        const { validTo } = await readCertificate(at, trust);
        return { ...place, ...describeEnd(validTo, now), reason: null };
      } catch (error) {
        return { ...place, ends: null, days: null, reason: wordsOf(error) };
      }
    }),
  );
}

/** `Nov 29 20:00:00 2027 GMT` */
function describeEnd(validTo: string, now: Date) {
  const ends = new Date(validTo);
  return { ends: ends.toISOString(), days: daysUntil(ends, now) };
}

function describeMembers(
  endpoints: Endpoints,
  states: Awaited<ReturnType<typeof askMembers>>,
  now: Date,
): Pick<Status, "database" | "certificates"> {
  const hosts = databaseHosts(endpoints).map(({ name }) => name);
  const primaries = states.flatMap((one) =>
    one instanceof Error || !one.isPrimary ? [] : [one.host.name],
  );
  const certificates = states.flatMap((one) =>
    one instanceof Error || one.certificateEnds === undefined
      ? []
      : [
          {
            ...{ name: one.host.name, at: "mysql", reason: null },
            ...describeEnd(one.certificateEnds, now),
          },
        ],
  );
  if (hosts.length === 0) return { database: null, certificates };
  const members = states.map((one, index) => describeMember(hosts[index] ?? "", one));
  const primary = primaries.length === 1 ? (primaries[0] ?? null) : null;
  return { database: { name: endpoints.database ?? "", primary, members }, certificates };
}

type Member = NonNullable<Status["database"]>["members"][number];

function describeMember(host: string, one: Awaited<ReturnType<typeof askMembers>>[number]): Member {
  const nothing = { lagSeconds: null, reason: null };
  if (one instanceof Error) {
    return { host, role: "unknown", state: "unknown", lagSeconds: null, reason: wordsOf(one) };
  }
  if (one.isPrimary) return { host, role: "primary", state: "open", ...nothing };
  const state = one.isFollowing ? "follows" : "does not follow";
  return { host, role: "replica", state, lagSeconds: one.lagSeconds ?? null, reason: null };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
