/** The members of a group are in it, and agree on one primary. */
import * as v from "valibot";
import { type Check, type Finding, failed, passed, type Site } from "../check";
import { type EndpointHost, type Endpoints, hostsWith, startCommand } from "../endpoints";
import { askMysql, quoteGtidSet } from "../mysql";

const waitSeconds = 10;

export function groupChecks(endpoints: Endpoints): readonly Check[] {
  const members = hostsWith(endpoints, "database");
  if (members.length === 0) return [];
  const mended = `${startCommand(endpoints.stack)} sets it right`;
  return [
    primaryCheck(members, mended),
    ...members.flatMap((member) => [
      memberCheck(member, endpoints, mended),
      transactionsCheck(member, members, mended),
    ]),
  ];
}

/** Whether a member is in the group: it is asked alone, and judged by nothing but itself. */
export function memberChecks(endpoints: Endpoints, member: EndpointHost): readonly Check[] {
  if (!member.roles.includes("database")) return [];
  const check = memberCheck(member, endpoints, `${startCommand(endpoints.stack)} sets it right`);
  const run = async (site: Site) => {
    const found = await askMysql(site, member, { sql: viewSql, answer: view });
    return judgeMember(found, found.reached);
  };
  return [{ ...check, name: `${member.name}: is in the group`, run }];
}

const view = v.object({
  address: v.string(),
  state: v.string(),
  role: v.string(),
  members: v.number(),
  reached: v.number(),
  superReadOnly: v.number(),
  offline: v.number(),
});
export type View = v.InferOutput<typeof view>;

const viewSql = `SELECT JSON_OBJECT('address', @@report_host, 'superReadOnly', @@GLOBAL.super_read_only, 'offline', @@GLOBAL.offline_mode,
  'state', COALESCE(MAX(IF(MEMBER_ID = @@server_uuid, MEMBER_STATE, NULL)), 'OFFLINE'),
  'role', COALESCE(MAX(IF(MEMBER_ID = @@server_uuid, MEMBER_ROLE, NULL)), ''),
  'members', COUNT(*), 'reached', COALESCE(SUM(MEMBER_STATE = 'ONLINE'), 0))
  FROM performance_schema.replication_group_members;`;

function primaryCheck(members: readonly EndpointHost[], mended: string): Check {
  return {
    name: "one member of the group is the primary, and takes writes",
    expected: "one primary, open for writes, and no other member that is",
    remedy: mended,
    deadlineSeconds: 25,
    run: async (site) => {
      const views = await Promise.all(
        members.map(async (member) => {
          const found = await askMysql(site, member, { sql: viewSql, answer: view }).catch(
            () => undefined,
          );
          return [member.name, found] as const;
        }),
      );
      return judgePrimary(Object.fromEntries(views));
    },
  };
}

/** A member that does not answer fails its own check. */
export function judgePrimary(views: Readonly<Record<string, View | undefined>>): Finding {
  const found = Object.entries(views).flatMap(([name, one]) => (one ? [{ name, ...one }] : []));
  const open = found.filter(({ superReadOnly }) => superReadOnly === 0).map(({ name }) => name);
  const primaries = found
    .filter(({ role, state }) => role === "PRIMARY" && state === "ONLINE")
    .map(({ name }) => name);
  if (primaries.length !== 1) {
    const who = primaries.length === 0 ? "nobody is" : `${primaries.join(" and ")} are`;
    return failed(`${who} the primary`);
  }
  if (open.join() !== primaries.join()) {
    const who = open.length === 0 ? "nobody takes" : `${open.join(" and ")} take`;
    return failed(`the primary is ${primaries.join()}, but ${who} writes`);
  }
  return passed(`the primary is ${primaries.join()}`);
}

function memberCheck(member: EndpointHost, { hosts, away }: Endpoints, mended: string): Check {
  const count = hosts.filter(({ roles }) => roles.includes("database")).length;
  return {
    name: `${member.name}: is in the group, with all other members`,
    expected: `ONLINE, and ${count} members that are${away.length > 0 ? " (others are away)" : ""}`,
    remedy: mended,
    deadlineSeconds: 25,
    run: async (site) =>
      judgeMember(await askMysql(site, member, { sql: viewSql, answer: view }), count),
  };
}

export function judgeMember({ state, reached, offline, role }: View, count: number): Finding {
  if (state !== "ONLINE") return failed(`it is ${state}`);
  if (offline === 1) return failed("it lets no client in: offline_mode is ON");
  if (reached !== count) return failed(`it is ONLINE, but only ${reached} members are`);
  return passed(`ONLINE, ${role.toLowerCase()}`);
}

const executedSql = "SELECT JSON_QUOTE(@@GLOBAL.gtid_executed);";

/** Each has what any other had when it was asked. */
function transactionsCheck(
  member: EndpointHost,
  members: readonly EndpointHost[],
  mended: string,
): Check {
  return {
    name: `${member.name}: has the transactions of the others`,
    expected: `all of them within ${waitSeconds} s`,
    remedy: mended,
    deadlineSeconds: waitSeconds + 30,
    run: async (site) => {
      const sets = await Promise.all(
        members
          .filter((other) => other !== member)
          .map((other) => askMysql(site, other, { sql: executedSql, answer: v.string() })),
      );
      const all = quoteGtidSet(sets.join(","));
      const missing = await askMysql(site, member, {
        sql: `DO WAIT_FOR_EXECUTED_GTID_SET(${all}, ${waitSeconds});
          SELECT JSON_QUOTE(GTID_SUBTRACT(${all}, @@GLOBAL.gtid_executed));`,
        answer: v.string(),
        deadlineSeconds: waitSeconds + 10,
      });
      return missing === "" ? passed("all") : failed(`lacks ${missing} after ${waitSeconds} s`);
    },
  };
}
