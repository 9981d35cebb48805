/** Looks at a stack once, by the questions of verify, releases and maintain. What does not answer leaves the rest of the picture as it is. */
import { readReleases } from "../operate/releases";
import { type Check, runCheck, type Site } from "../verify/check";
import { listChecks } from "../verify/checks/all";
import { applicationHosts, asApplication, type EndpointHost } from "../verify/endpoints";
import { askMembers } from "../verify/mysql";
import { readCertificates } from "./certificates";
import { describeMembers } from "./database";
import { type Reach, type Reached, reachedOnly } from "./reach";
import { isLeftOut, type Status } from "./schema";
import { readBalancers, readShared } from "./traffic";

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
  const { hosts, shared, loadBalancers, database, certificates, checks } = picture;
  if (!hosts.some(({ state }) => state === "reached")) return "unknown";
  const isFault =
    hosts.some(({ state }) => state === "not reached") ||
    checks.some(({ state }) => state === "fault") ||
    loadBalancers.some(({ reason, servers }) => reason !== null || servers.some(isLeftOut)) ||
    (shared !== null && shared.holders.length !== 1) ||
    (database !== null && database.primary === null) ||
    certificates.some(({ days }) => days !== null && days < 0);
  return isFault ? "fault" : "well";
}

async function describeHost(site: Reached, host: EndpointHost): Promise<Status["hosts"][number]> {
  const reason = await site.reasonOf(host);
  const { name, roles } = host;
  const state = reason === undefined ? "reached" : "not reached";
  return { name, roles: [...roles], state, reason: reason ?? null };
}

async function judge(site: Reached, check: Check): Promise<Status["checks"][number]> {
  const unreached = new Set<string>();
  const noting: Site = {
    ...site,
    run: (host, script, deadlineSeconds) =>
      site.run(host, script, deadlineSeconds).catch(async (error: Error) => {
        if ((await site.reasonOf(host)) !== undefined) unreached.add(error.message);
        throw error;
      }),
  };
  const deadlineSeconds = Math.min(check.deadlineSeconds, checkSeconds);
  const verdict = await runCheck({ ...check, deadlineSeconds }, noting);
  const { name, passed, seen, lines = [], expected, remedy } = verdict;
  // One that judges by those who answer has something of its own to say.
  const unjudged = unreached.has(seen) ? "unknown" : "fault";
  const host = site.endpoints.hosts.find((one) => name.startsWith(`${one.name}:`))?.name ?? null;
  const state = passed ? "well" : unjudged;
  return { host, name, state, seen, lines: [...lines], expected, remedy };
}

export async function readVersions(site: Site): Promise<Status["releases"]> {
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
