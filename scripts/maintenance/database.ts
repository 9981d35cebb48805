/** What a member of the database is to the others: whether it may be taken away, and what has to be done before. */
import * as v from "valibot";
import { sh } from "../../provider/ssh/shell";
import type { Site } from "../verify/check";
import { databaseHosts, type EndpointHost, type Endpoints, serviceOf } from "../verify/endpoints";
import { askMysql } from "../verify/mysql";
import { until } from "./until";

const switchSeconds = 60;
const transactionSeconds = 30;

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
  await handOver(site, host, successor, say);
}

/** The settings' primary of a group that was maintained gets the role back, as the next `up` would do it. */
export async function giveRoleBack(
  site: Site,
  maintained: readonly string[],
  say: (message: string) => void,
): Promise<void> {
  const { wantedPrimary } = site.endpoints;
  const wanted = databaseHosts(site.endpoints).find(({ name }) => name === wantedPrimary);
  if (wanted === undefined || !maintained.includes(wanted.name)) return;
  const { group } = await askMember(site, wanted);
  const own = group.find(({ address }) => address === wanted.address);
  const primary = group.find(({ role }) => role === "PRIMARY");
  const holder = site.endpoints.hosts.find(({ address }) => address === primary?.address);
  if (own?.state !== "ONLINE" || holder === undefined || holder.name === wanted.name) return;
  await handOver(site, holder, own, say);
}

async function handOver(
  site: Site,
  host: EndpointHost,
  successor: v.InferOutput<typeof member>,
  say: (message: string) => void,
): Promise<void> {
  say(`${host.name}: handing the role of the primary over to ${nameOf(site, successor.address)}`);
  await site.run(host, renderHandOver(successor.id), switchSeconds);
  const what = `${host.name}: is no longer MySQL's primary`;
  await until({ what, deadlineSeconds: switchSeconds }, async () => {
    const { group: now } = await askMember(site, host);
    const primary = now.find(({ role }) => role === "PRIMARY");
    return primary?.address === host.address ? "it still is" : undefined;
  });
}

/**
 * Waits for transactions that run. Told a time, MySQL would refuse all queries until then, also those that only read, and cut the
 * transactions off: here nothing is changed where they do not end.
 */
export function renderHandOver(id: string): string {
  const client = sh`mysql --batch --skip-column-names`;
  const asking = "SELECT group_replication_set_as_primary";
  const asked = `SELECT ID FROM performance_schema.processlist WHERE INFO LIKE '${asking}(%' LIMIT 1`;
  const running = `SELECT CONCAT('thread ', PROCESSLIST_ID, ' of ', PROCESSLIST_USER)
    FROM performance_schema.events_transactions_current JOIN performance_schema.threads USING (THREAD_ID)
    WHERE STATE = 'ACTIVE' AND PROCESSLIST_ID <> CONNECTION_ID() AND COALESCE(PROCESSLIST_INFO, '') NOT LIKE '${asking}(%'
    ORDER BY TIMER_START LIMIT 1`;
  return sh`export LC_ALL=C
said=$(mktemp)
trap 'rm -f "$said"' EXIT
${client} --execute=${`${asking}('${id}')`} >"$said" 2>&1 &
client=$!
left=${transactionSeconds}
while kill -0 "$client" 2>/dev/null; do
  [ "$left" -gt 0 ] || {
    running=$(${client} --execute=${running} 2>/dev/null)
    ${client} --execute="KILL QUERY $(${client} --execute=${asked})"
    wait "$client" && exit 0
    cat "$said" >&2
    echo "the role was not handed over within ${transactionSeconds} seconds, as a transaction runs on (\${running:-unknown}); nothing was changed" >&2
    exit 1
  }
  left=$((left - 1))
  sleep 1
done
wait "$client" || { cat "$said" >&2; exit 1; }`.text;
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
