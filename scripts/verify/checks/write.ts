/** A write goes to the primary, and is there on every replica. */
import * as v from "valibot";
import { type Check, type Finding, failed, passed, type Site } from "../check";
import { databaseHosts, type Endpoints } from "../endpoints";
import { askMysql, findPrimary, quoteGtidSet } from "../mysql";

const place = v.object({ role: v.picklist(["primary", "replica"]), host: v.string() });
const writtenAnswer = v.object({
  id: v.number(),
  gtid: v.string(),
  servedBy: v.string(),
  writtenTo: place,
});
const readAnswer = v.object({
  entries: v.array(v.object({ id: v.number() })),
  readFrom: place,
  servedBy: v.string(),
});
type Written = v.InferOutput<typeof writtenAnswer>;

const waitSeconds = 10;

export function writeCheck(endpoints: Endpoints): Check {
  return {
    name: "a new entry goes to the primary and appears on the replica",
    expected:
      "written to the primary, read back by the application from a replica, on all replicas",
    remedy: "see the checks of replication; the application's log: journalctl on the web servers",
    deadlineSeconds: 45,
    run: async (site) => {
      const { written, cookie } = await writeEntry(site, endpoints.url);
      try {
        return await followEntry(site, endpoints, { written, cookie });
      } finally {
        await removeEntry(site, endpoints, written.id);
      }
    },
  };
}

async function writeEntry(
  { request }: Site,
  url: string,
): Promise<{ readonly written: Written; readonly cookie: string }> {
  const answer = await request({
    url: `${url}/api/entries`,
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "verify", message: "A check that removes itself." }),
    deadlineSeconds: 20,
  });
  if (answer.status !== 201) {
    throw new Error(`the entry was refused with status ${answer.status}: ${answer.body}`);
  }
  const written = v.parse(writtenAnswer, JSON.parse(answer.body));
  return { written, cookie: answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? "" };
}

async function followEntry(
  site: Site,
  endpoints: Endpoints,
  { written, cookie }: { readonly written: Written; readonly cookie: string },
): Promise<Finding> {
  const primary = await findPrimary(site);
  const { role, host } = written.writtenTo;
  if (role !== "primary" || primary?.name !== host) {
    const present =
      primary === undefined ? "nobody is the primary" : `the primary is ${primary.name}`;
    return failed(`written to the ${role} on ${host}, but ${present}`);
  }
  const replicas = databaseHosts(endpoints).filter((member) => member !== primary);
  const lacking = await Promise.all(
    replicas.map(async (replica) => {
      const has = await askMysql(site, replica, {
        sql: `DO WAIT_FOR_EXECUTED_GTID_SET(${quoteGtidSet(written.gtid)}, ${waitSeconds});
          SELECT COUNT(*) FROM ${endpoints.database}.entries WHERE id = ${written.id};`,
        answer: v.number(),
        deadlineSeconds: waitSeconds + 5,
      });
      return has === 1 ? undefined : replica.name;
    }),
  );
  const behind = lacking.filter((name) => name !== undefined);
  if (behind.length > 0) {
    return failed(`written to ${host}, not on ${behind.join(", ")} after ${waitSeconds} s`);
  }
  const answer = await site.request({
    url: `${endpoints.url}/api/entries`,
    headers: { Cookie: cookie },
  });
  const read = v.parse(readAnswer, JSON.parse(answer.body));
  const source = `the ${read.readFrom.role} on ${read.readFrom.host}`;
  if (!read.entries.some(({ id }) => id === written.id)) {
    return failed(`the application does not find it on ${source}`);
  }
  if (replicas.length > 0 && read.readFrom.role !== "replica") {
    return failed(`the application reads from ${source}, though the replica has it`);
  }
  return passed(
    `taken by ${written.servedBy}, written to ${host}, read by ${read.servedBy} from ${source}`,
  );
}

async function removeEntry(site: Site, endpoints: Endpoints, id: number): Promise<void> {
  const primary = await findPrimary(site);
  if (primary === undefined) return;
  const sql = `DELETE FROM ${endpoints.database}.entries WHERE id = ${id}; SELECT ROW_COUNT();`;
  await askMysql(site, primary, { sql, answer: v.number() });
}
