/**
 * Backups of a pair on a host of its own: restored to a second in the middle of writes, to a transaction and to the newest, compared with
 * what was acknowledged; a member that dies; a member that was taken over; and what is broken is told, never a shorter result.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { readKeysFile } from "../../scripts/restore/keys-file";
import { must } from "../../scripts/setup/run";
import type { BackupKeys } from "../../scripts/verify/outputs";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, type TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { BackedUp, untilCopied } from "./backup/backed-up";

const stackName = "backup";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 127);
const net = `172.31.${number}`;
const url = `http://127.0.0.1:${8000 + number}`;

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

let backedUp: BackedUp;
let stack: TestStack;

test.before(async () => {
  backedUp = await BackedUp.make(stackName, settings, url);
  stack = backedUp.stack;
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

test.serial("one `up` makes it, and the replica makes a copy by itself", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  await backedUp.untilFirstCopy("web-02");
  t.notRegex(await stack.on("web-01", "trilithon-backup list"), /"full"/);
});

test.serial("a second in the middle of writes: all before it, and nothing after it", async (t) => {
  let second = 0;
  await backedUp.writeDuring(async () => {
    await sleep(10_000);
    second = Math.ceil(Date.now() / 1000) * 1000;
    await sleep(10_000);
  });
  t.true(backedUp.acknowledged().length > 200, String(backedUp.acknowledged().length));
  await untilCopied();
  const report = await backedUp.restore("web-02", new Date(second).toISOString());
  t.log(report);
  const restored = await backedUp.restoredOn("web-02");
  t.deepEqual(backedUp.compare(restored, second), { lost: [], early: [] });
  t.true(
    backedUp.acknowledged(second).length > 50 && restored.size < backedUp.acknowledged().length,
  );
});

async function liveChecksum(host: string): Promise<string> {
  const said = await stack.on(host, 'mysql -NBe "CHECKSUM TABLE guestbook.entries"');
  return said.trim().split("\t")[1] ?? "";
}

test.serial("the newest is what the members have, to the checksum", async (t) => {
  const { tables, gtidSet } = await backedUp.restore("web-02", "latest");
  const table = tables.find(({ name }) => name === "guestbook.entries");
  t.is(table?.checksum, await liveChecksum("web-01"));
  const restored = await backedUp.restoredOn("web-02");
  t.deepEqual(backedUp.compare(restored).lost, []);
  const executed = await stack.on(
    "web-02",
    `mysql -NBe "SELECT REPLACE(@@GLOBAL.gtid_executed, CHAR(10), '')"`,
  );
  t.is(gtidSet.toLowerCase(), executed.trim().replaceAll("\\n", "").toLowerCase());
});

test.serial("a transaction is restored with all before it, and none after it", async (t) => {
  const { gtidSet } = await backedUp.restore("web-02", "latest");
  const [, uuid = "", last = ""] = /([0-9a-f-]{36}):1-(\d+)/i.exec(gtidSet) ?? [];
  const middle = Number(last) - 50;
  const report = await backedUp.restore("web-02", `${uuid}:${middle}`);
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
    middle = new Date(
      backedUp.writes[Math.floor(backedUp.writes.length / 2)]?.sentAt ?? 0,
    ).toISOString();
    const said = await backedUp.intoCluster(middle);
    t.log(said);
    for (const host of ["web-01", "web-02"]) {
      const live = await backedUp.liveOn(host);
      t.deepEqual(backedUp.compare(live, Date.parse(middle)), { lost: [], early: [] }, host);
    }
    closedAt = /what was before: --to (\S+)/.exec(said)?.[1] ?? "";
    await backedUp.write();
    t.not(backedUp.writes.pop()?.acknowledgedAt, undefined, "it takes writes again");
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

test.serial("one table, as it was before that", async (t) => {
  await untilCopied();
  t.log(await backedUp.intoCluster(closedAt, { only: "guestbook.entries" }));
  const live = await backedUp.liveOn("web-01");
  t.deepEqual(backedUp.compare(live).lost, []);
  await untilCopied();
});

test.serial("each night the newest is tried, beside a MySQL that serves", async (t) => {
  await stack.on("web-02", "trilithon-restore stop; systemctl start trilithon-restore-test");
  const metrics = "/var/lib/trilithon-metrics/trilithon-restore-test.prom";
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
      await backedUp.write();
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
    t.is(await asked("DELETE", "web-02/"), "405");
    t.regex(await asked("POST", one, "nothing"), /^4\d\d$/);
    t.regex(await asked("POST", "web-02/config", "nothing"), /^4\d\d$/);
    t.is(await asked("GET", "web-01/config"), "401");
    t.is(await listing(), before);
    await stack.on("web-02", "systemctl start trilithon-backup-logs.timer");
  },
);

test.serial("a wrong password is told", async (t) => {
  const keys = structuredClone(await backedUp.keys()) as Record<
    string,
    Record<string, { password: string }>
  >;
  const own = keys["web-02"]?.["lb-01"];
  if (own === undefined) return t.fail();
  own.password = "x".repeat(32);
  await t.throwsAsync(backedUp.restore("web-02", "latest", keys as unknown as BackupKeys), {
    message: /web-02@lb-01: its copies cannot be read/s,
  });
});

test.serial("a corrupted pack is told, by a restore and by a check", async (t) => {
  await stack.on(
    "lb-01",
    `pack=$(find ${repository}/data -type f -size +64k -printf '%s %p\\n' | sort -n | tail -1 | cut -d ' ' -f 2) && echo $pack >/root/pack && cp -p $pack /root/saved && chmod u+w $pack && printf broken | dd of=$pack bs=1 seek=1000 conv=notrunc`,
  );
  await t.throwsAsync(backedUp.restore("web-02", "latest"), { message: /cannot be read whole/s });
  const check = await stack.try("lb-01", "trilithon-backup-keep check");
  t.is(check.status, 1);
  t.regex(check.stderr, /backups are not sound: web-02/);
  await stack.on("lb-01", "cp -p /root/saved $(cat /root/pack)");
  t.is((await stack.try("lb-01", "trilithon-backup-keep check")).status, 0);
});

test.serial("what is old is forgotten and pruned by the keeper, and all goes on", async (t) => {
  await stack.on("lb-01", "systemctl start trilithon-backup-keep");
  t.regex(
    await stack.on("lb-01", "cat /var/lib/trilithon-metrics/trilithon-backup-server.prom"),
    /trilithon_backup_repository_good\{machine="web-02"\} 1/,
  );
  await stack.on("web-02", "systemctl start trilithon-backup-logs");
  await has(t, "web-02");
});

async function has(t: ExecutionContext, host: string): Promise<void> {
  await backedUp.restore(host, "latest");
  const restored = await backedUp.restoredOn(host);
  t.deepEqual(backedUp.compare(restored).lost, []);
}

test.serial(
  "the member that makes the copies dies: the other one goes on, without a gap",
  async (t) => {
    await backedUp.writeDuring(async () => {
      await sleep(3000);
      await must("kill", "docker", ["kill", `trilithon-${stackName}-web-02`]);
      await sleep(10_000);
    });
    await backedUp.untilFirstCopy("web-01");
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
    await writeFile(file, JSON.stringify(await backedUp.keys()), { mode: 0o600 });
    await backedUp.writeDuring(async () => {
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
    t.deepEqual(await backedUp.liveOn("web-01"), new Set());
    const before = String(lostAt * 1000);
    t.log(await backedUp.intoCluster("latest", { keys: await readKeysFile(file), before }));
    for (const host of ["web-01", "web-02"]) {
      const live = await backedUp.liveOn(host);
      t.deepEqual(backedUp.compare(live, lostAt - 60_000).lost, []);
    }
    await backedUp.write();
    t.not(backedUp.writes.at(-1)?.acknowledgedAt, undefined);
  },
);
