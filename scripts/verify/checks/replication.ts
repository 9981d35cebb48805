/** The database's members are what they are meant to be. */
import * as v from "valibot";
import { type Check, type Finding, failed, passed, type Site } from "../check";
import { type EndpointHost, type Endpoints, hostsWith, startCommand } from "../endpoints";
import { askMysql, quoteGtidSet } from "../mysql";

const waitSeconds = 10;

export function replicationChecks(endpoints: Endpoints): readonly Check[] {
  const replicas = hostsWith(endpoints, "database-replica");
  const [primary] = hostsWith(endpoints, "database-primary");
  const mended = `${startCommand(endpoints.stack)} sets it right`;
  return replicas.flatMap((replica) => [
    threadsCheck(replica, mended),
    readOnlyCheck(replica, mended),
    ...(primary === undefined
      ? []
      : [semiSyncCheck(primary, replica, mended), gtidCheck(primary, replica)]),
  ]);
}

/** Whether replicas follow: each is asked alone. */
export function threadsChecks(endpoints: Endpoints): readonly Check[] {
  const mended = `${startCommand(endpoints.stack)} sets it right`;
  return hostsWith(endpoints, "database-replica").map((replica) => threadsCheck(replica, mended));
}

const threads = v.object({
  receiver: v.nullable(v.string()),
  receiverError: v.nullable(v.string()),
  applier: v.nullable(v.string()),
  applierError: v.nullable(v.string()),
  source: v.nullable(v.string()),
});

// Of several channels the one that is off comes first.
const threadsSql = `SELECT JSON_OBJECT(
  'receiver', (SELECT MIN(SERVICE_STATE) FROM performance_schema.replication_connection_status),
  'receiverError', (SELECT MAX(LAST_ERROR_MESSAGE) FROM performance_schema.replication_connection_status),
  'applier', (SELECT MIN(SERVICE_STATE) FROM performance_schema.replication_applier_status),
  'applierError', (SELECT MAX(LAST_ERROR_MESSAGE) FROM performance_schema.replication_applier_status_by_worker),
  'source', (SELECT MAX(HOST) FROM performance_schema.replication_connection_configuration));`;

function threadsCheck(replica: EndpointHost, mended: string): Check {
  return {
    name: `${replica.name}: replication is running`,
    expected: "both threads on: the receiver and the applier",
    remedy: `${mended}; an error of the applier has to be looked at first: SHOW REPLICA STATUS`,
    deadlineSeconds: 25,
    run: async (site) =>
      judgeThreads(await askMysql(site, replica, { sql: threadsSql, answer: threads })),
  };
}

export function judgeThreads(status: v.InferOutput<typeof threads>): Finding {
  if (status.source === null) return failed("it follows no source");
  const thread = (name: string, state: string | null, error: string | null) =>
    state === "ON" ? undefined : `the ${name} is ${state ?? "OFF"}${error ? `: ${error}` : ""}`;
  const faults = [
    thread("receiver", status.receiver, status.receiverError),
    thread("applier", status.applier, status.applierError),
  ].filter((fault) => fault !== undefined);
  return faults.length > 0 ? failed(faults.join("; ")) : passed(`follows ${status.source}`);
}

const readOnly = v.object({ readOnly: v.number(), superReadOnly: v.number() });

function readOnlyCheck(replica: EndpointHost, mended: string): Check {
  return {
    name: `${replica.name}: the replica refuses writes`,
    expected: "super_read_only is ON, and a write of root's is refused",
    remedy: `${mended}, unless it was written to meanwhile: see the check of transactions`,
    deadlineSeconds: 25,
    run: async (site) => {
      const sql = `SELECT JSON_OBJECT('readOnly', @@GLOBAL.read_only, 'superReadOnly', @@GLOBAL.super_read_only);`;
      const finding = judgeReadOnly(await askMysql(site, replica, { sql, answer: readOnly }));
      // Tried only where it is meant to fail: a write that succeeds would part the replica from its source.
      return finding.passed ? tryWrite(site, replica) : finding;
    },
  };
}

export function judgeReadOnly(status: v.InferOutput<typeof readOnly>): Finding {
  if (status.readOnly !== 1) return failed("it is writable: read_only is OFF");
  if (status.superReadOnly !== 1) return failed("it is writable for root: super_read_only is OFF");
  return passed("super_read_only is ON");
}

async function tryWrite(site: Site, replica: EndpointHost): Promise<Finding> {
  const script = `LC_ALL=C mysql -e 'SET sql_log_bin = 0; DROP DATABASE IF EXISTS trilithon_verify' 2>&1 || true`;
  const said = await site.run(replica, script, 10);
  return said.includes("ERROR 1290")
    ? passed("super_read_only is ON, a write was refused")
    : failed(`a write was not refused: ${said.trim() || "it succeeded"}`);
}

const semiSync = v.object({ status: v.nullable(v.string()), clients: v.nullable(v.string()) });

function semiSyncCheck(primary: EndpointHost, replica: EndpointHost, mended: string): Check {
  return {
    name: `${primary.name}: a commit waits for ${replica.name}`,
    expected: "semi-synchronous replication on at both ends",
    remedy: mended,
    deadlineSeconds: 25,
    run: async (site) => {
      const [source, target] = await Promise.all([
        askMysql(site, primary, { sql: semiSyncSql("source"), answer: semiSync }),
        askMysql(site, replica, { sql: semiSyncSql("replica"), answer: semiSync }),
      ]);
      return judgeSemiSync({
        [primary.name]: source.status,
        [replica.name]: target.status,
        replicas: Number(source.clients ?? 0),
      });
    },
  };
}

function semiSyncSql(side: "source" | "replica"): string {
  const value = (name: string) =>
    `(SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = '${name}')`;
  return `SELECT JSON_OBJECT('status', ${value(`Rpl_semi_sync_${side}_status`)},
    'clients', ${value("Rpl_semi_sync_source_clients")});`;
}

export function judgeSemiSync({
  replicas,
  ...members
}: Readonly<Record<string, string | number | null>>): Finding {
  const off = Object.entries(members).filter(([, status]) => status !== "ON");
  if (off.length > 0) {
    return failed(off.map(([name, status]) => `${status ?? "not loaded"} on ${name}`).join(", "));
  }
  if (Number(replicas) < 1) return failed("on, but no replica is connected");
  return passed(`on, ${replicas} replica${replicas === 1 ? "" : "s"} connected`);
}

function gtidCheck(primary: EndpointHost, replica: EndpointHost): Check {
  return {
    name: `${replica.name}: has the transactions of ${primary.name}, and no others`,
    expected: `the same GTIDs within ${waitSeconds} s`,
    remedy:
      "missing ones: see that replication runs; others: somebody wrote to the replica, which has to be filled anew",
    deadlineSeconds: waitSeconds + 30,
    run: async (site) => {
      const executed = "SELECT JSON_QUOTE(@@GLOBAL.gtid_executed);";
      const before = await askMysql(site, primary, { sql: executed, answer: v.string() });
      const lack = await askMysql(site, replica, {
        sql: `DO WAIT_FOR_EXECUTED_GTID_SET(${quoteGtidSet(before)}, ${waitSeconds});
          SELECT JSON_OBJECT('missing', GTID_SUBTRACT(${quoteGtidSet(before)}, @@GLOBAL.gtid_executed),
            'executed', @@GLOBAL.gtid_executed);`,
        answer: v.object({ missing: v.string(), executed: v.string() }),
        deadlineSeconds: waitSeconds + 10,
      });
      // Asked last: what the replica has got meanwhile, the primary has by now.
      const errant = await askMysql(site, primary, {
        sql: `SELECT JSON_QUOTE(GTID_SUBTRACT(${quoteGtidSet(lack.executed)}, @@GLOBAL.gtid_executed));`,
        answer: v.string(),
      });
      return judgeGtids({ missing: lack.missing, errant });
    },
  };
}

export function judgeGtids({
  missing,
  errant,
}: {
  readonly missing: string;
  readonly errant: string;
}): Finding {
  const faults = [
    ...(missing === "" ? [] : [`lacks ${countGtids(missing)} after ${waitSeconds} s: ${missing}`]),
    ...(errant === "" ? [] : [`has ${countGtids(errant)} of its own: ${errant}`]),
  ];
  return faults.length > 0 ? failed(faults.join("; ")) : passed("the same");
}

/** `1-5:7` of one server are six. */
function countGtids(set: string): string {
  const intervals = set.matchAll(/:(\d+)(?:-(\d+))?/g);
  const count = [...intervals].reduce(
    (sum, [, first, last = first]) => sum + Number(last) - Number(first) + 1,
    0,
  );
  return `${count} transaction${count === 1 ? "" : "s"}`;
}
