/** Asks MySQL on a host, as its root user over the local socket. */
import * as v from "valibot";
import { sh } from "../../provider/ssh/shell";
import type { Site } from "./check";
import { databaseHosts, type EndpointHost } from "./endpoints";

/** Runs SQL whose answer is one JSON value in one row. */
export async function askMysql<const T extends v.GenericSchema>(
  site: Site,
  host: EndpointHost,
  question: { readonly sql: string; readonly answer: T; readonly deadlineSeconds?: number },
): Promise<v.InferOutput<T>> {
  const { sql, answer, deadlineSeconds = 10 } = question;
  const script = sh`printf %s ${sql} | LC_ALL=C mysql --batch --skip-column-names --raw`;
  const text = await site.run(host, script.text, deadlineSeconds);
  const line = text.trim().split("\n").at(-1) ?? "";
  return v.parse(answer, line === "" ? null : JSON.parse(line));
}

/** What a member says of itself. */
export interface MemberState {
  readonly host: EndpointHost;
  /** It takes writes, and would be heard by the others. */
  readonly isPrimary: boolean;
  /** It is `super_read_only`: it takes no write, of whatever account. */
  readonly isClosed: boolean;
  /** It receives and applies what the primary writes. */
  readonly isFollowing: boolean;
  /** Of its socket. */
  readonly socket: string;
  /** How old the transaction is that it applies; 0 where none waits. `undefined` where nothing is applied, as on a primary. */
  readonly lagSeconds?: number | undefined;
  /** Of the certificate that it shows, as OpenSSL says it; `undefined` without one. */
  readonly certificateEnds?: string | undefined;
}

/** Of each member its state, or why it is not known. */
export function askMembers(site: Site): Promise<readonly (MemberState | Error)[]> {
  return Promise.all(
    databaseHosts(site.endpoints).map(async (host) => {
      try {
        const state = await askMysql(site, host, { sql: memberSql, answer: member });
        const isPrimary = state.isOpen === 1 && state.sources === 0 && state.hasQuorum === 1;
        const { isClosed, isFollowing, socket, lag, certificateEnds } = state;
        return {
          ...{ host, isPrimary, socket },
          ...{ isClosed: isClosed === 1, isFollowing: isFollowing === 1 },
          lagSeconds: isPrimary || isFollowing !== 1 ? undefined : Math.max(0, lag),
          certificateEnds: certificateEnds || undefined,
        };
      } catch (error) {
        return error instanceof Error ? error : new Error(String(error));
      }
    }),
  );
}

/** The member that takes writes, as the members say; `undefined` where none does, or several do. */
export async function findPrimary(site: Site): Promise<EndpointHost | undefined> {
  const [primary, ...others] = (await askMembers(site)).flatMap((one) =>
    one instanceof Error || !one.isPrimary ? [] : [one],
  );
  return others.length === 0 ? primary?.host : undefined;
}

const member = v.object({
  isOpen: v.number(),
  sources: v.number(),
  hasQuorum: v.number(),
  isClosed: v.number(),
  isFollowing: v.number(),
  socket: v.string(),
  lag: v.number(),
  certificateEnds: v.nullable(v.string()),
});

// Of a member of no group there is nobody to have a majority of. A replica of a pair has the channel ''.
const memberSql = `SELECT JSON_OBJECT(
  'isOpen', IF(@@GLOBAL.super_read_only = 0 AND @@GLOBAL.read_only = 0 AND @@GLOBAL.offline_mode = 0, 1, 0),
  'sources', (SELECT COUNT(*) FROM performance_schema.replication_connection_configuration WHERE CHANNEL_NAME = '' AND HOST <> ''),
  'hasQuorum', (SELECT IF(COUNT(*) = 0 OR 2 * SUM(MEMBER_STATE <> 'UNREACHABLE') > COUNT(*), 1, 0) FROM performance_schema.replication_group_members),
  'isClosed', IF(@@GLOBAL.super_read_only = 1, 1, 0),
  'isFollowing', IF(
    EXISTS (SELECT * FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid AND MEMBER_STATE = 'ONLINE') OR
    EXISTS (SELECT * FROM performance_schema.replication_connection_status r JOIN performance_schema.replication_applier_status a USING (CHANNEL_NAME)
      WHERE CHANNEL_NAME = '' AND r.SERVICE_STATE = 'ON' AND a.SERVICE_STATE = 'ON'), 1, 0),
  'lag', (SELECT COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, NOW(6))), 0) / 1000000
    FROM performance_schema.replication_applier_status_by_worker WHERE APPLYING_TRANSACTION <> ''),
  'certificateEnds', (SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Ssl_server_not_after'),
  'socket', @@GLOBAL.socket);`;

/** A set of GTIDs inside quotes: nothing but hexadecimal digits, tags and punctuation may stand in it. */
export function quoteGtidSet(set: string): string {
  const text = set.replaceAll(/\s/g, "");
  if (!/^[0-9a-z_:,-]*$/i.test(text)) throw new Error(`expected a set of GTIDs, got "${text}"`);
  return `'${text}'`;
}
