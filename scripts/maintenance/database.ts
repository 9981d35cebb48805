/** What a member of the database is to the others: whether it may be taken away, and what has to be done before. */
import * as v from "valibot";
import type { Site } from "../verify/check";
import { databaseHosts, type EndpointHost, type Endpoints, serviceOf } from "../verify/endpoints";
import { askMysql } from "../verify/mysql";
import { until } from "./until";

const switchSeconds = 60;

export function isMember(host: EndpointHost): boolean {
  return serviceOf(host, "database") !== undefined;
}

/** Why it must not be taken away, with the remedy. Asked of MySQL itself, since the settings may not be true at the moment. */
export async function neededMember(site: Site, host: EndpointHost): Promise<string | undefined> {
  const others = databaseHosts(site.endpoints).filter(({ name }) => name !== host.name);
  if (others.length === 0) return "it is the only member of the database";
  const { group, isOpen } = await askMember(site, host);
  if (group.length > 0) {
    const online = group.filter(
      ({ state, address }) => state === "ONLINE" && address !== host.address,
    );
    const needed = Math.floor(group.length / 2) + 1;
    if (online.length >= needed) return undefined;
    const seen = group.map(({ address, state }) => `${nameOf(site, address)} ${state}`).join(", ");
    return `without it the group has no majority (${seen}): bring the others back first`;
  }
  if (!isOpen) return undefined;
  const { stack } = site.endpoints;
  const [other] = others;
  return `it is MySQL's primary: make ${other?.name} the primary first (database.primary: ${other?.name} in Pulumi.${stack}.yaml, or swapped roles), and run npm run pulumi -- up --stack ${stack}`;
}

/** In a group another member becomes the primary. Answers once it is. */
export async function drainDatabase(
  site: Site,
  host: EndpointHost,
  say: (message: string) => void,
): Promise<void> {
  const { group } = await askMember(site, host);
  const isPrimary = group.some(
    ({ role, address }) => role === "PRIMARY" && address === host.address,
  );
  const successor = group.find(
    ({ role, state, address }) =>
      role === "SECONDARY" && state === "ONLINE" && address !== host.address,
  );
  if (!isPrimary || successor === undefined) return;
  say(`${host.name}: handing the role of the primary over to ${nameOf(site, successor.address)}`);
  await askMysql(site, host, {
    // It waits for transactions that run, and ends those that take longer.
    sql: `SELECT JSON_QUOTE(group_replication_set_as_primary('${successor.id}', 10));`,
    answer: v.string(),
    deadlineSeconds: switchSeconds,
  });
  const what = `${host.name}: is no longer MySQL's primary`;
  await until({ what, deadlineSeconds: switchSeconds }, async () => {
    const { group: now } = await askMember(site, host);
    const primary = now.find(({ role }) => role === "PRIMARY");
    return primary?.address === host.address ? "it still is" : undefined;
  });
}

/** What its absence means to the others, for whoever is about to take it away. */
export function meaningOfAbsence(endpoints: Endpoints, host: EndpointHost): string | undefined {
  const others = databaseHosts(endpoints).filter(({ name }) => name !== host.name);
  if (!isMember(host) || others.length !== 1) return undefined;
  return `${host.name}: while its MySQL does not run, writes wait unless database.durability lets the primary carry on alone`;
}

const member = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f-]*$/i)),
  address: v.string(),
  state: v.string(),
  role: v.string(),
});
const answer = v.object({ isOpen: v.number(), group: v.nullable(v.array(member)) });

/** Of a pair there is no group. */
async function askMember(site: Site, host: EndpointHost) {
  const sql = `SELECT JSON_OBJECT('isOpen', IF(@@super_read_only = 0, 1, 0), 'group',
    (SELECT JSON_ARRAYAGG(JSON_OBJECT('id', MEMBER_ID, 'address', MEMBER_HOST, 'state', MEMBER_STATE, 'role', MEMBER_ROLE))
      FROM performance_schema.replication_group_members));`;
  const { isOpen, group } = await askMysql(site, host, { sql, answer });
  return { isOpen: isOpen === 1, group: (group ?? []).filter(({ id }) => id !== "") };
}

function nameOf({ endpoints }: Site, address: string): string {
  return endpoints.hosts.find((host) => host.address === address)?.name ?? address;
}
