/**
 * Backups of a pair on a host of its own: restored to a second in the middle of writes, to a transaction and to the newest, compared with
 * what was acknowledged; a member that dies; a member that was taken over; and what is broken is told, never a shorter result.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { restoreCluster } from "../../scripts/restore/into-cluster";
import { readKeysFile } from "../../scripts/restore/keys-file";
import { parseReport } from "../../scripts/restore/report";
import { restoreIntoScratch } from "../../scripts/restore/scratch";
import { parseTarget } from "../../scripts/restore/target";
import { must } from "../../scripts/setup/run";
import type { Site } from "../../scripts/verify/check";
import { parseEndpoints } from "../../scripts/verify/endpoints";
import { type BackupKeys, parseBackupKeys } from "../../scripts/verify/outputs";
import { withSite } from "../../scripts/verify/site";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";

const stackName = "backup";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 127);
const net = `172.31.${number}`;
const url = `http://127.0.0.1:${8000 + number}`;
const socket = "/var/lib/mysql-files/trilithon-scratch/mysqld.sock";

const settings: Settings = {
  ...threeHosts(number),
  "trilithon:hosts": [
    { name: "lb-01", address: `${net}.11`, roles: ["load-balancer", "backup"] },
    { name: "web-01", address: `${net}.21`, roles: ["web", "database-primary"] },
    { name: "web-02", address: `${net}.22`, roles: ["web", "database-replica"] },
  ],
  "trilithon:containers": {
    ...{ subnet: `${net}.0/24`, publish: 8000 + number, sshPortBase: 17_400 },
    memoryMegabytes: 2048,
  },
  // It goes on when the replica dies.
  "trilithon:database": { durability: { carryOnAfterSeconds: 2 } },
};

let stack: TestStack;

test.before(async () => {
  stack = await TestStack.make(stackName, settings);
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

interface Write {
  readonly message: string;
  readonly sentAt: number;
  /** `undefined`: it was not. */
  acknowledgedAt?: number;
}

const writes: Write[] = [];

async function write(): Promise<void> {
  const one: Write = { message: `entry ${writes.length + 1}`, sentAt: Date.now() };
  writes.push(one);
  const answer = await fetch(`${url}/api/entries`, {
    method: "POST",
    headers: { "content-type": "application/json", host: "www.foobar.com" },
    body: JSON.stringify({ name: "backup", message: one.message }),
    signal: AbortSignal.timeout(20_000),
  });
  await answer.arrayBuffer();
  if (answer.status === 201) one.acknowledgedAt = Date.now();
}

/** Twenty a second, whether or not the ones before have ended. */
async function writeDuring<T>(work: () => Promise<T>): Promise<T> {
  const open: Promise<void>[] = [];
  const timer = setInterval(() => open.push(write().catch(() => undefined)), 50);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await Promise.all(open);
  }
}

const acknowledged = (until = Number.POSITIVE_INFINITY) =>
  writes.filter(({ acknowledgedAt = Number.POSITIVE_INFINITY }) => acknowledgedAt < until);

async function keysOf(): Promise<BackupKeys> {
  return parseBackupKeys(await stack.output("backupKeys", "--show-secrets"));
}

async function onSite<T>(work: (site: Site) => Promise<T>): Promise<T> {
  const endpoints = parseEndpoints(await stack.output("endpoints"));
  const sshKeys = await stack.output("sshKeys", "--show-secrets");
  const privateKeys = sshKeys as Readonly<Record<string, string>>;
  return withSite({ endpoints, privateKeys }, "restoring", work);
}

async function restore(host: string, to: string, keys?: BackupKeys) {
  const known = keys ?? (await keysOf());
  return onSite(async (site) => {
    const found = site.endpoints.hosts.find(({ name }) => name === host);
    if (found === undefined) throw new Error(host);
    const args = { target: parseTarget(to), keys: known };
    return parseReport(await restoreIntoScratch(site, found, args));
  });
}

/** Answers what was said. */
async function intoCluster(
  to: string,
  more: { readonly only?: string; readonly keys?: BackupKeys; readonly before?: string } = {},
): Promise<string> {
  const lines: string[] = [];
  const add = (line: string) => void lines.push(line);
  const keys = more.keys ?? (await keysOf());
  const { only, before } = more;
  const wish = { target: parseTarget(to), keys, before, only, say: add, tell: add };
  await onSite((site) => restoreCluster(site, { ...wish, ask: undefined }));
  return lines.join("\n");
}

async function liveOn(host: string): Promise<ReadonlySet<string>> {
  const rows = await stack.on(host, 'mysql -NBe "SELECT message FROM guestbook.entries"');
  return new Set(rows.split("\n").filter((row) => row.startsWith("entry ")));
}

async function restoredOn(host: string): Promise<ReadonlySet<string>> {
  const statement = "SELECT message FROM guestbook.entries";
  const rows = await stack.on(host, `mysql --no-defaults --socket=${socket} -NBe "${statement}"`);
  return new Set(rows.split("\n").filter((row) => row.startsWith("entry ")));
}

/** Until a copy of the logs is there that was made after now, and whole some seconds after it. */
const untilCopied = () => sleep(100_000);

async function untilFirstCopy(host: string): Promise<void> {
  for (let left = 60; left > 0; left -= 1) {
    const said = await stack.try(host, "trilithon-backup list");
    if (/"full"/.test(said.stdout) && /"logs"/.test(said.stdout)) return;
    await sleep(5000);
  }
  throw new Error(await stack.on(host, "journalctl -u 'trilithon-backup*' -n 30 --no-pager"));
}

test.serial("one `up` makes it, and the replica makes a copy by itself", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  await untilFirstCopy("web-02");
  t.notRegex(await stack.on("web-01", "trilithon-backup list"), /"full"/);
});

test.serial("a second in the middle of writes: all before it, and nothing after it", async (t) => {
  let second = 0;
  await writeDuring(async () => {
    await sleep(10_000);
    second = Math.ceil(Date.now() / 1000) * 1000;
    await sleep(10_000);
  });
  t.true(acknowledged().length > 200, String(acknowledged().length));
  await untilCopied();
  const report = await restore("web-02", new Date(second).toISOString());
  t.log(report);
  const restored = await restoredOn("web-02");
  const lost = acknowledged(second).filter(({ message }) => !restored.has(message));
  const early = writes.filter(({ sentAt, message }) => sentAt >= second && restored.has(message));
  t.deepEqual(lost, []);
  t.deepEqual(early, []);
  t.true(acknowledged(second).length > 50 && restored.size < acknowledged().length);
});

async function liveChecksum(host: string): Promise<string> {
  const said = await stack.on(host, 'mysql -NBe "CHECKSUM TABLE guestbook.entries"');
  return said.trim().split("\t")[1] ?? "";
}

test.serial("the newest is what the members have, to the checksum", async (t) => {
  const { tables, gtidSet } = await restore("web-02", "latest");
  const table = tables.find(({ name }) => name === "guestbook.entries");
  t.is(table?.checksum, await liveChecksum("web-01"));
  const restored = await restoredOn("web-02");
  t.deepEqual(
    acknowledged().filter(({ message }) => !restored.has(message)),
    [],
  );
  const executed = await stack.on(
    "web-02",
    `mysql -NBe "SELECT REPLACE(@@GLOBAL.gtid_executed, CHAR(10), '')"`,
  );
  t.is(gtidSet.toLowerCase(), executed.trim().replaceAll("\\n", "").toLowerCase());
});

test.serial("a transaction is restored with all before it, and none after it", async (t) => {
  const { gtidSet } = await restore("web-02", "latest");
  const [, uuid = "", last = ""] = /([0-9a-f-]{36}):1-(\d+)/i.exec(gtidSet) ?? [];
  const middle = Number(last) - 50;
  const report = await restore("web-02", `${uuid}:${middle}`);
  t.true(
    report.gtidSet.toLowerCase().includes(`${uuid}:1-${middle}`.toLowerCase()),
    report.gtidSet,
  );
  t.false(new RegExp(`:1-${last}\\b`).test(report.gtidSet), report.gtidSet);
});

let middle = "";
let closedAt = "";

test.serial(
  "into the cluster: as it was at a second, on all members, and it goes on",
  async (t) => {
    middle = new Date(writes[Math.floor(writes.length / 2)]?.sentAt ?? 0).toISOString();
    const said = await intoCluster(middle);
    t.log(said);
    const wanted = acknowledged(Date.parse(middle)).map(({ message }) => message);
    for (const host of ["web-01", "web-02"]) {
      const live = await liveOn(host);
      t.deepEqual(
        wanted.filter((message) => !live.has(message)),
        [],
      );
      t.false(live.has(writes.at(-1)?.message ?? ""), host);
    }
    closedAt = /what was before: --to (\S+)/.exec(said)?.[1] ?? "";
    await write();
    t.not(writes.pop()?.acknowledgedAt, undefined, "it takes writes again");
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

test.serial("one table, as it was before that", async (t) => {
  await untilCopied();
  t.log(await intoCluster(closedAt, { only: "guestbook.entries" }));
  const live = await liveOn("web-01");
  t.deepEqual(
    acknowledged().filter(({ message }) => !live.has(message)),
    [],
  );
  await untilCopied();
});

test.serial("each night the newest is tried, beside a MySQL that serves", async (t) => {
  await stack.on("web-02", "trilithon-restore stop; systemctl start trilithon-restore-test");
  const metrics = "/var/lib/prometheus/node-exporter/trilithon-restore-test.prom";
  t.regex(
    await stack.on("web-02", `cat ${metrics}`),
    /^trilithon_restore_test_last_success_seconds \d+$/m,
  );
  t.is(
    (await stack.try("web-02", "systemctl is-active trilithon-scratch")).stdout.trim(),
    "inactive",
  );
  t.is((await stack.try("web-02", "test -e /var/lib/mysql-files/trilithon-scratch")).status, 1);
});

test.serial(
  "binary logs of this MySQL are read whole, and one that is missing is told",
  async (t) => {
    for (let rest = 3; rest > 0; rest -= 1) {
      await write();
      await sleep(1000);
      await stack.on("web-02", 'mysql -e "FLUSH NO_WRITE_TO_BINLOG BINARY LOGS"');
    }
    const names = (await stack.on("web-02", 'mysql -NBe "SHOW BINARY LOGS"')).trim().split("\n");
    const files = names.map((line) => `/var/lib/mysql/${line.split("\t")[0]}`);
    const purged = `$(mysql -NBe "SELECT REPLACE(@@GLOBAL.gtid_purged, CHAR(10), '')")`;
    const plan = (these: readonly string[]) =>
      stack.try("web-02", `trilithon-binlog plan "${purged}" latest ${these.join(" ")}`);
    const whole = await plan(files);
    t.is(whole.status, 0, whole.stderr);
    const [, reaches = ""] = /^reaches (.*)$/m.exec(whole.stdout) ?? [];
    const same = `SELECT GTID_SUBSET('${reaches}', @@GLOBAL.gtid_executed) AND GTID_SUBSET(@@GLOBAL.gtid_executed, '${reaches}')`;
    t.is((await stack.on("web-02", `mysql -NBe "${same}"`)).trim(), "1", reaches);
    const gap = await plan(files.filter((_, index) => index !== files.length - 3));
    t.is(gap.status, 1);
    t.regex(gap.stderr, /what was before it is not there: .* is missing/);
  },
);

/** As who has taken web-02 over: with its own keys. */
const asMachine = (command: string) =>
  stack.try(
    "web-02",
    `cd /etc/trilithon/backup/places/lb-01 && export RESTIC_REPOSITORY_FILE=$PWD/repository RESTIC_PASSWORD_FILE=$PWD/password RESTIC_CACERT=$PWD/ca.pem && ${command}`,
  );

/** What the server answers to web-02, past restic. */
async function asked(method: string, path: string, body = ""): Promise<string> {
  const { stdout } = await asMachine(`url=$(sed 's|^rest:https://||' repository)
login=$(printf %s "\${url%%@*}" | base64 -w 0)
at=\${url#*@}
{
  printf '${method} /${path} HTTP/1.0\\r\\nAuthorization: Basic %s\\r\\nContent-Length: ${body.length}\\r\\n\\r\\n${body}' "$login"
  sleep 3
} | openssl s_client -quiet -connect "\${at%%/*}" -CAfile ca.pem -verify_return_error 2>&1 | sed -n 's|^HTTP/1.. \\([0-9]*\\).*|\\1|p'`);
  return stdout.trim();
}

const repository = "/var/lib/trilithon-backup/web-02";
const listing = () =>
  stack.on(
    "lb-01",
    `cd ${repository} && find . -type f -not -path './locks/*' | sort | xargs sha256sum`,
  );

test.serial(
  "a machine that was taken over deletes and overwrites nothing, and reads no other one's",
  async (t) => {
    await stack.on("web-02", "systemctl stop trilithon-backup-logs.timer");
    const before = await listing();
    t.not((await asMachine("restic forget --keep-last 1 --group-by '' --prune")).status, 0);
    t.not(
      (
        await asMachine(
          'restic key remove $(restic key list --json | perl -ne \'print $1 if /"id":"([0-9a-f]+)"/\')',
        )
      ).status,
      0,
    );
    const { stdout: snapshot } = await stack.try("lb-01", `ls ${repository}/snapshots | head -1`);
    const one = `web-02/snapshots/${snapshot.trim()}`;
    t.is(await asked("GET", "web-02/config"), "200");
    t.is(await asked("DELETE", one), "403");
    t.is(await asked("DELETE", "web-02/config"), "403");
    t.is(await asked("DELETE", "web-02/"), "403");
    t.regex(await asked("POST", one, "nothing"), /^4\d\d$/);
    t.regex(await asked("POST", "web-02/config", "nothing"), /^4\d\d$/);
    t.is(await asked("GET", "web-01/config"), "401");
    t.is(await listing(), before);
    await stack.on("web-02", "systemctl start trilithon-backup-logs.timer");
  },
);

test.serial("a wrong password is told", async (t) => {
  const keys = structuredClone(await keysOf()) as Record<
    string,
    Record<string, { password: string }>
  >;
  const own = keys["web-02"]?.["lb-01"];
  if (own === undefined) return t.fail();
  own.password = "x".repeat(32);
  await t.throwsAsync(restore("web-02", "latest", keys as unknown as BackupKeys), {
    message: /web-02@lb-01: its copies cannot be read/s,
  });
});

test.serial("a corrupted pack is told, by a restore and by a check", async (t) => {
  await stack.on(
    "lb-01",
    `pack=$(find ${repository}/data -type f -size +64k -printf '%s %p\\n' | sort -n | tail -1 | cut -d ' ' -f 2) && echo $pack >/root/pack && cp -p $pack /root/saved && chmod u+w $pack && printf broken | dd of=$pack bs=1 seek=1000 conv=notrunc`,
  );
  await t.throwsAsync(restore("web-02", "latest"), { message: /cannot be read whole/s });
  const check = await stack.try("lb-01", "trilithon-backup-keep check");
  t.is(check.status, 1);
  t.regex(check.stderr, /backups are not sound: web-02/);
  await stack.on("lb-01", "cp -p /root/saved $(cat /root/pack)");
  t.is((await stack.try("lb-01", "trilithon-backup-keep check")).status, 0);
});

test.serial("what is old is forgotten and pruned by the keeper, and all goes on", async (t) => {
  await stack.on("lb-01", "systemctl start trilithon-backup-keep");
  t.regex(
    await stack.on("lb-01", "cat /var/lib/prometheus/node-exporter/trilithon-backup-server.prom"),
    /trilithon_backup_repository_good\{machine="web-02"\} 1/,
  );
  await stack.on("web-02", "systemctl start trilithon-backup-logs");
  await has(t, "web-02");
});

async function has(t: ExecutionContext, host: string): Promise<void> {
  await restore(host, "latest");
  const restored = await restoredOn(host);
  t.deepEqual(
    acknowledged().filter(({ message }) => !restored.has(message)),
    [],
  );
}

test.serial(
  "the member that makes the copies dies: the other one goes on, without a gap",
  async (t) => {
    await writeDuring(async () => {
      await sleep(3000);
      await must("kill", "docker", ["kill", `trilithon-${stackName}-web-02`]);
      await sleep(10_000);
    });
    await untilFirstCopy("web-01");
    await untilCopied();
    await has(t, "web-01");
  },
);

test.serial(
  "with both members lost: all that was acknowledged a minute before comes back",
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "trilithon-keys-"));
    t.teardown(() => rm(folder, { recursive: true }));
    const file = join(folder, "keys.json");
    await writeFile(file, JSON.stringify(await keysOf()), { mode: 0o600 });
    await writeDuring(async () => {
      await sleep(150_000);
      for (const host of ["web-01", "web-02"]) {
        await must("lose", "docker", [
          "rm",
          "--force",
          "--volumes",
          `trilithon-${stackName}-${host}`,
        ]);
      }
    });
    const lostAt = Date.now();
    await stack.up();
    t.deepEqual(await liveOn("web-01"), new Set());
    const before = String(lostAt * 1000);
    t.log(await intoCluster("latest", { keys: await readKeysFile(file), before }));
    for (const host of ["web-01", "web-02"]) {
      const live = await liveOn(host);
      t.deepEqual(
        acknowledged(lostAt - 60_000).filter(({ message }) => !live.has(message)),
        [],
      );
    }
    await write();
    t.not(writes.at(-1)?.acknowledgedAt, undefined);
  },
);
