/**
 * A pair under strain, while the site is written to and read: the replica restarts, is away, does not acknowledge, hangs;
 * the former primary comes back with transactions of its own. All goes on by itself, and each answer says what is known.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { must } from "../../scripts/setup/run";
import { startMachines } from "../end-to-end/support/machines";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { SiteClient } from "../support/site-client";

const stackName = "strain";
const net = "172.31.151";
const machines = [
  { name: "lb-01", address: `${net}.11`, roles: ["load-balancer"] },
  { name: "web-01", address: `${net}.21`, roles: ["web"] },
  { name: "web-02", address: `${net}.22`, roles: ["web"] },
];
const replication = "database-replication";
const content = "database-content";

let stack: TestStack;
let hosts: readonly Record<string, unknown>[];
let privateKey: string;
const site = new SiteClient(`http://${net}.11`);

test.before(async () => {
  stack = await TestStack.make(stackName, {});
  const started = await startMachines(stackName, `${net}.0/24`, machines);
  privateKey = started.privateKey;
  // A machine that is started again gets another published port: it is reached at its own address.
  hosts = started.hosts.map((host) => ({ ...host, sshAddress: host.address, port: 22 }));
  await configure({ primary: "web-01", replica: "web-02" });
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_KEEP === undefined) await stack?.remove();
});

test.serial("a replica that restarts acknowledges again by itself (T12)", async (t) => {
  await site.during({ writesEach: 50, readsEach: 500 }, async () => {
    for (let restart = 0; restart < 8; restart += 1) {
      await stack.on("web-02", "systemctl restart mysql");
      await untilSql("web-02", replicaStatus, "ON");
      await untilSql("web-01", waitingCommits, "0");
      await sleep(500);
    }
  });
  await isWhole(t, "web-01");
});

test.serial(
  "a receiver that connected without acknowledging is seen and mended (T12)",
  async (t) => {
    await sql(
      "web-02",
      "SET GLOBAL rpl_semi_sync_replica_enabled = OFF; STOP REPLICA IO_THREAD; START REPLICA IO_THREAD",
    );
    await untilSql("web-02", receiver, "ON");
    await sql("web-02", "SET GLOBAL rpl_semi_sync_replica_enabled = ON");
    t.is(await sql("web-02", replicaStatus), "OFF");
    const { result: preview } = await site.during({ writesEach: 1000 }, async () => {
      await untilSql("web-01", waitingCommits, "1");
      const found = await readPreview(stack);
      await stack.up();
      return found;
    });
    t.log(preview.sentences[replication]);
    t.regex(preview.sentences[replication] ?? "", /web-02: tell the primary what it has received/);
    t.false(JSON.stringify(preview).includes("discard"), JSON.stringify(preview));
    await isWhole(t, "web-01");
  },
);

test.serial(
  "while a replica is away reads go on, an administrator gets in, and then all goes on by itself (T13, T14, T15)",
  async (t) => {
    await stack.on("web-02", abandonWrites.start);
    const { result, reads } = await site.during({ writesEach: 200, readsEach: 200 }, async () => {
      await stack.on("web-02", "systemctl stop mysql");
      const seen: string[] = [];
      for (let second = 0; second < 50; second += 5) {
        await sleep(5000);
        seen.push(await sql("web-01", connections));
      }
      const preview = await readPreview(stack);
      await stack.on("web-02", "systemctl start mysql");
      await untilSql("web-01", waitingCommits, "0");
      return { seen, preview };
    });
    await stack.on("web-02", abandonWrites.stop);
    t.log(`connections: ${result.seen.join(" ")}; reads: ${JSON.stringify(reads)}`);
    t.log(result.preview.sentences[replication], ...result.preview.warnings);
    // On a machine that is busy with all this, a connection may take longer than a page may wait for it.
    const { "200": shown = 0, ...others } = reads;
    const failed = Object.values(others).reduce((sum, count) => sum + count, 0);
    t.true(failed <= shown / 50, JSON.stringify(reads));
    t.true(Number(result.seen.at(-1)) < 200, "room is left");
    await isWhole(t, "web-01");
  },
);

test.serial(
  "a primary that was left in offline mode lets its replica and applications in again",
  async (t) => {
    await sql("web-01", "SET GLOBAL offline_mode = ON");
    await untilSql("web-02", receiver, "CONNECTING");
    const { sentences } = await readPreview(stack);
    t.log(sentences[replication]);
    t.regex(sentences[replication] ?? "", /web-01: let clients connect again \(offline_mode off\)/);
    await stack.up();
    await isWhole(t, "web-01");
  },
);

test.serial("a replica's mysqld that hangs costs its own questions only (T31)", async (t) => {
  await stack.on("web-02", "kill -STOP $(pidof mysqld)");
  const hung = await readPreview(stack);
  await stack.on("web-02", "kill -CONT $(pidof mysqld)");
  t.log(hung);
  t.regex(
    hung.sentences[replication] ?? "",
    /web-02: look again .* \(ERROR: mysqld took the question and did not answer in time\)/,
  );
  await isWhole(t, "web-01");
});

test.serial("the application may do what the settings say, and no more (T47)", async (t) => {
  const asApplication = (statements: string) =>
    stack.try(
      "web-01",
      `${loginAsApplication}\nmysql --defaults-extra-file=/run/app.cnf <<'SQL'\n${statements}\nSQL`,
    );
  for (const [privilege, statements] of Object.entries(uses)) {
    const { status, stderr } = await asApplication(`USE guestbook;\n${statements}`);
    t.is(status, 0, `${privilege}: ${stderr}`);
  }
  const refused = await asApplication("CREATE USER other;");
  t.not(refused.status, 0);

  await sql(
    "web-01",
    "GRANT GRANT OPTION ON guestbook.* TO guestbook@localhost; CREATE USER someone IDENTIFIED BY 'of someone'; GRANT SELECT ON guestbook.* TO someone",
  );
  const preview = await readPreview(stack);
  t.log(preview.sentences[content]);
  t.regex(preview.sentences[content] ?? "", /revoke GRANT OPTION on guestbook\.\*/);
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  t.is(await sql("web-01", "SELECT COUNT(*) FROM mysql.user WHERE User = 'someone'"), "1");
});

test.serial(
  "a former primary with a transaction of its own, and a commit that waits, is filled anew (T10)",
  async (t) => {
    await stack.on("web-02", "systemctl stop mysql");
    await site.during({ writesEach: 500 }, async () => {
      await untilSql("web-01", waitingCommits, "1");
      await must("kill", "docker", ["kill", `trilithon-${stackName}-web-01`]);
      await stack.on("web-02", "systemctl start mysql");
    });
    await configure({ primary: "web-02" });
    await stack.up();
    t.deepEqual((await readPreview(stack)).updates, []);
    await site.write();

    await must("start", "docker", ["start", `trilithon-${stackName}-web-01`]);
    await untilSql("web-01", "SELECT @@super_read_only", "1");
    await sql("web-01", "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF");
    await stack.on(
      "web-01",
      `nohup mysql -e "INSERT INTO guestbook.entries (submission, name, message, taken_by) VALUES (UUID(), 'x', 'of its own', 'x')" >/dev/null 2>&1 &`,
    );
    await untilSql("web-01", waitingCommits, "1");
    await configure({ primary: "web-02", replica: "web-01" });
    t.regex(await stack.mustFail(), /discardDataOn: \["web-01"\]/);
    await configure({ primary: "web-02", replica: "web-01", discardDataOn: ["web-01"] });
    await stack.up();
    await configure({ primary: "web-02", replica: "web-01" });
    await stack.up();
    await isWhole(t, "web-02");
  },
);

const replicaStatus =
  "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Rpl_semi_sync_replica_status'";
const waitingCommits =
  "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Rpl_semi_sync_source_wait_sessions'";
const receiver = "SELECT SERVICE_STATE FROM performance_schema.replication_connection_status";
const connections = "SELECT COUNT(*) FROM performance_schema.processlist";

/** The account's own words, for a client that reads them from a file. */
const loginAsApplication = `. /etc/guestbook/environment; . /etc/guestbook/secrets
umask 077
printf '[client]\\nuser=%s\\npassword="%s"\\nhost=%s\\n' "$DATABASE_USER" "$DATABASE_PASSWORD" "$DATABASE_PRIMARY_HOST" >/run/app.cnf`;

/** Another application that gives up each write after a second, and leaves its connection alone. */
const abandonWrites = {
  start: `${loginAsApplication}
cat >/run/abandon <<'EOS'
while [ -e /run/abandon ]; do
  timeout 1 mysql --defaults-extra-file=/run/app.cnf -e "INSERT INTO guestbook.entries (submission, name, message, taken_by) VALUES (UUID(), 'x', 'given up', 'x')" 2>>/run/abandoned &
  sleep 0.2
done
EOS
nohup sh /run/abandon >/dev/null 2>&1 &`,
  stop: "rm -f /run/abandon; sort /run/abandoned | uniq -c >&2",
};

/** What each privilege of the settings is for. */
const uses: Readonly<Record<string, string>> = {
  "temporary tables":
    "CREATE TEMPORARY TABLE t47 (id INT PRIMARY KEY); INSERT INTO t47 VALUES (1); DROP TEMPORARY TABLE t47;",
  "lock tables": "LOCK TABLES entries READ; UNLOCK TABLES;",
  views:
    "CREATE VIEW v47 AS SELECT id FROM entries; SELECT COUNT(*) FROM v47; SHOW CREATE VIEW v47; DROP VIEW v47;",
  routines:
    "CREATE PROCEDURE p47() SELECT 1; CALL p47(); DROP PROCEDURE p47; CREATE FUNCTION f47() RETURNS INT RETURN 1; SELECT f47(); DROP FUNCTION f47;",
  triggers:
    "CREATE TRIGGER t47 BEFORE INSERT ON entries FOR EACH ROW SET NEW.name = NEW.name; DROP TRIGGER t47;",
  events:
    "CREATE EVENT e47 ON SCHEDULE EVERY 1 DAY DO DELETE FROM entries WHERE id < 0; DROP EVENT e47;",
};

interface Roles {
  readonly primary: string;
  readonly replica?: string;
  readonly discardDataOn?: readonly string[];
}

async function configure({ primary, replica, discardDataOn = [] }: Roles): Promise<void> {
  const settings: Settings = {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": hosts
      .filter(({ name }) => name === "lb-01" || name === primary || name === replica)
      .map((host) => ({
        ...host,
        roles: host.name === "lb-01" ? ["load-balancer"] : ["web", roleOf(host.name === primary)],
      })),
    "trilithon:application": {
      source: "./app",
      build: { command: "node app/build.mjs", output: "./app/dist" },
      start: ["node", "server.js"],
    },
    "trilithon:database": { discardDataOn, privileges: Object.keys(uses) },
  };
  await stack.configure(settings);
  await stack.setSecret("trilithon:privateKey", privateKey);
}

function roleOf(isPrimary: boolean): string {
  return isPrimary ? "database-primary" : "database-replica";
}

async function sql(host: string, statements: string): Promise<string> {
  return (await stack.on(host, `mysql -NBe "${statements}"`)).trim();
}

async function untilSql(host: string, query: string, answer: string): Promise<void> {
  let seen = "";
  for (let tries = 0; tries < 240; tries += 1) {
    const found = await stack.try(host, `mysql -NBe "${query}"`);
    seen = found.stdout.trim();
    if (seen === answer) return;
    await sleep(500);
  }
  throw new Error(`${host}: "${query}" answers ${JSON.stringify(seen)}, not ${answer}`);
}

/** Nothing is left to do, the site takes a write, and every answer of it was true. */
async function isWhole(t: ExecutionContext, primary: string): Promise<void> {
  t.deepEqual((await readPreview(stack)).updates, []);
  await site.write();
  const stored = await sql(primary, "SELECT message FROM guestbook.entries");
  const { counts, untrue } = site.judge(new Set(stored.split("\n")));
  t.log(counts);
  t.deepEqual(untrue, []);
}
