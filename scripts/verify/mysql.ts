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

const openness = v.object({ isOpen: v.number(), sources: v.number(), hasQuorum: v.number() });

/** The member that takes writes, as the members say; `undefined` where none does, or several do. */
export async function findPrimary(site: Site): Promise<EndpointHost | undefined> {
  const members = databaseHosts(site.endpoints);
  const found = await Promise.all(
    members.map(async (host) => {
      const state = await askMysql(site, host, { sql: opennessSql, answer: openness }).catch(
        () => undefined,
      );
      return state?.isOpen === 1 && state.sources === 0 && state.hasQuorum === 1 ? [host] : [];
    }),
  );
  const [primary, ...others] = found.flat();
  return others.length === 0 ? primary : undefined;
}

// Of a member of no group there is nobody to have a majority of.
const opennessSql = `SELECT JSON_OBJECT(
  'isOpen', IF(@@GLOBAL.super_read_only = 0 AND @@GLOBAL.read_only = 0 AND @@GLOBAL.offline_mode = 0, 1, 0),
  'sources', (SELECT COUNT(*) FROM performance_schema.replication_connection_configuration WHERE CHANNEL_NAME = '' AND HOST <> ''),
  'hasQuorum', (SELECT IF(COUNT(*) = 0 OR 2 * SUM(MEMBER_STATE <> 'UNREACHABLE') > COUNT(*), 1, 0) FROM performance_schema.replication_group_members));`;

/** A set of GTIDs inside quotes: nothing but hexadecimal digits, tags and punctuation may stand in it. */
export function quoteGtidSet(set: string): string {
  const text = set.replaceAll(/\s/g, "");
  if (!/^[0-9a-z_:,-]*$/i.test(text)) throw new Error(`expected a set of GTIDs, got "${text}"`);
  return `'${text}'`;
}
