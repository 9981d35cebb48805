/** What an application is besides its web process: the command of a release, workers, jobs. On real hosts, each with what goes wrong. */
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHostsWithoutDatabase } from "../end-to-end/support/test-stack";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 91);
const url = "http://127.0.0.1:8191";
let stack: TestStack;
let source: string;

const standard = threeHostsWithoutDatabase(number, { publish: 8191, sshPortBase: 27_100 });

let more: Record<string, unknown> = {};

function settings() {
  return {
    ...standard,
    "trilithon:application": {
      name: "probe",
      source,
      start: ["node", "server.mjs"],
      packages: { nodejs: "present" },
      environment: { ASKED: "/var/lib/probe/asked" },
      healthPath: "/alive",
      ...more,
    },
  };
}

async function configure(change: Record<string, unknown>): Promise<void> {
  more = { ...more, ...change };
  await stack.configure(settings());
  await stack.setSecretAt("trilithon:application.environment.TOKEN", "hushhush");
}

async function script(path: string, lines: string): Promise<void> {
  await mkdir(join(source, "bin"), { recursive: true });
  await writeFile(join(source, path), `#!/bin/sh\n${lines}\n`);
  await chmod(join(source, path), 0o755);
}

/** Another content is another version. */
const migration = (end: string) =>
  script(
    "bin/migrate",
    `echo "$(id -un) $TOKEN $(basename "$PWD")" >>$STATE_DIRECTORY/migrated; echo "altering a table"; ${end}`,
  );

const migrated = async (host: string) =>
  (await stack.on(host, "cat /var/lib/probe/migrated 2>/dev/null || true"))
    .split("\n")
    .slice(0, -1);

const currentOn = (host: string) => stack.on(host, "basename $(readlink /srv/probe/current)");

test.before(async () => {
  source = await mkdtemp(join(tmpdir(), "trilithon-processes-"));
  await copyFile(
    join(__dirname, "../end-to-end/support/probe/server.mjs"),
    join(source, "server.mjs"),
  );
  await migration("sleep 2");
  more = { release: { command: ["bin/migrate"], deadlineSeconds: 20 } };
  stack = await TestStack.make("proc", settings());
  await stack.setSecretAt("trilithon:application.environment.TOKEN", "hushhush");
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(source, { recursive: true, force: true });
});

test.serial("a migration runs once, on the first host, as the application", async (t) => {
  const version = (await currentOn("web-01")).trim();
  t.deepEqual(await migrated("web-01"), [`probe hushhush ${version}`]);
  t.deepEqual(await migrated("web-02"), []);
  t.is((await stack.on("web-01", "ls /run/systemd/system | grep release || true")).trim(), "");
  t.false(stack.said.join("").includes("hushhush"));
  const { sentences } = await readPreview(stack);
  t.deepEqual(sentences, {});
});

test.serial("one that fails or hangs switches nothing, and says so", async (t) => {
  const before = await currentOn("web-01");
  const started = await stack.on("web-01", "systemctl show -P InvocationID probe");
  await migration("echo 'no such column: price' >&2; exit 7");
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["application-web-01"] ?? "",
    /run `bin\/migrate` once for version [0-9a-f]{16}, at most 20 seconds/,
  );
  t.notRegex(sentences["application-web-02"] ?? "", /migrate/);
  const said = await stack.mustFail();
  t.regex(
    said,
    /`bin\/migrate` of probe ended with status 7 for version [0-9a-f]{16}; nothing was switched to it, but the database may have been changed already:[\s\S]*no such column: price/,
  );
  await migration("echo 'waiting for a lock' >&2; sleep 100");
  await configure({ release: { command: ["bin/migrate"], deadlineSeconds: 3 } });
  t.regex(
    await stack.mustFail(),
    /was not done within 3 seconds \(release\.deadlineSeconds\)[\s\S]*waiting for a lock/,
  );
  t.is(await currentOn("web-01"), before);
  t.is(await currentOn("web-02"), before);
  t.is(await stack.on("web-01", "systemctl show -P InvocationID probe"), started);
  t.is((await stack.on("web-01", "pgrep -c -u probe -x sleep || true")).trim(), "0");
  t.is((await fetch(`${url}/page`)).status, 200);
});

test.serial("a way back to a version that had it runs nothing", async (t) => {
  await migration("sleep 2");
  const count = (await migrated("web-01")).length;
  await stack.up();
  t.is((await migrated("web-01")).length, count);
  await migration("sleep 1");
  await stack.up();
  t.is((await migrated("web-01")).length, count + 1);
  await migration("sleep 2");
  const { sentences } = await readPreview(stack);
  t.notRegex(sentences["application-web-01"] ?? "", /migrate/);
  await stack.up();
  t.is((await migrated("web-01")).length, count + 1);
});

/** Asks for the page on connections of their own until it is stopped. */
function visit() {
  const failures: string[] = [];
  let isOver = false;
  let count = 0;
  const running = (async () => {
    for (; !isOver; count += 1) {
      await fetch(`${url}/page`, { headers: { connection: "close" } }).then(
        ({ status }) => status === 200 || failures.push(String(status)),
        (error) => failures.push(String(error)),
      );
      await seconds(0.05);
    }
  })();
  return async () => {
    isOver = true;
    await running;
    return { count, failures };
  };
}

const worker = (lines: string) => script("bin/work", lines);
const working = 'echo "$(id -un) $TOKEN $PWD" >>$STATE_DIRECTORY/worked; exec sleep 1000';
const hosts = ["web-01", "web-02"];
const units = ["probe-mail.service", "probe-queue@1.service", "probe-queue@2.service"];
const startsOf = async (unit: string) =>
  Promise.all(hosts.map((host) => stack.on(host, `systemctl show -P InvocationID ${unit}`)));

test.serial("workers run as the application does, on each host", async (t) => {
  await worker(working);
  await script(
    "bin/ping",
    'test -e $HOME/worked && test $(id -un) = probe && test "$TOKEN" = hushhush',
  );
  const web = await startsOf("probe");
  await configure({
    processes: {
      mail: { command: ["bin/work"], memoryMegabytes: 64, cpuPercent: 20 },
      queue: { command: ["bin/work"], count: 2, ready: { command: ["bin/ping"] } },
    },
  });
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["application-web-02"] ?? "",
    /start probe-mail, start probe-queue@1, start probe-queue@2, wait until probe-mail is ready, /,
  );
  await stack.up();
  for (const host of hosts) {
    const version = (await currentOn(host)).trim();
    t.is(
      await stack.on(host, "sort -u /var/lib/probe/worked"),
      `probe hushhush /srv/probe/releases/${version}\n`,
    );
    t.is(
      await stack.on(
        host,
        `systemctl is-active ${units.join(" ")}; systemctl is-enabled ${units.join(" ")}`,
      ),
      "active\nactive\nactive\nenabled\nenabled\nenabled\n",
    );
    t.is(await stack.on(host, "systemctl show -P MemoryMax probe-mail"), `${64 * 1024 * 1024}\n`);
  }
  // The version is another one: a script was added.
  t.notDeepEqual(await startsOf("probe"), web);
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial(
  "what somebody did to a worker is drift, and is mended without the web process",
  async (t) => {
    const web = await startsOf("probe");
    const [first, second] = await startsOf(units[0] ?? "");
    await stack.on("web-01", "systemctl stop probe-mail; systemctl disable probe-queue@1");
    await stack.on(
      "web-02",
      "systemctl mask --now probe-queue@2 2>&1 || systemctl stop probe-queue@2",
    );
    await stack.on(
      "web-02",
      "echo '# by hand' >>/etc/systemd/system/probe-mail.service; systemctl daemon-reload; systemctl restart probe-mail",
    );
    const { sentences } = await readPreview(stack);
    t.regex(
      sentences["application-web-01"] ?? "",
      /^web-01: start probe-mail, .*enable probe-queue@1 at boot \[drift\]$/,
    );
    t.regex(sentences["application-web-02"] ?? "", /restart probe-mail, start probe-queue@2, /);
    await stack.up();
    t.deepEqual(await startsOf("probe"), web);
    const now = await startsOf(units[0] ?? "");
    t.notDeepEqual([now[0] === first, now[1] === second], [true, true]);
    t.deepEqual((await readPreview(stack)).sentences, {});
  },
);

test.serial("a worker that runs an older version is drift", async (t) => {
  // As after a link that was moved by hand and put back.
  await stack.on(
    "web-01",
    "cd /srv/probe && was=$(readlink current) && cp -a $was releases/former && ln -sfn releases/former current && systemctl restart probe-mail; sleep 1; ln -sfn $was current",
  );
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["application-web-01"] ?? "",
    /^web-01: restart probe-mail, wait until probe-mail is ready \[drift\]$/,
  );
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("a worker that crashes takes the whole release back", async (t) => {
  const before = await currentOn("web-01");
  await worker("sleep 1; echo 'no such queue' >&2; exit 1");
  const stop = visit();
  const said = await stack.mustFail();
  const { count, failures } = await stop();
  t.log({ visits: count });
  t.deepEqual(failures, []);
  t.regex(
    said,
    /probe-mail ended 5 times by itself; all is put back as it was\. What it said first:[\s\S]*no such queue/,
  );
  t.is(await currentOn("web-01"), before);
  t.is((await stack.on("web-01", "tail -n 1 /var/lib/probe/worked")).split("/").at(-1), before);
  t.is(
    await stack.on("web-01", `systemctl is-active probe ${units.join(" ")}`),
    "active\nactive\nactive\nactive\n",
  );
  t.is((await fetch(`${url}/page`)).status, 200);
  await worker(working);
  // Static files of the version that failed are on all hosts by then.
  await stack.up();
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("a process that is taken out is gone", async (t) => {
  const web = await startsOf("probe");
  await configure({
    processes: { queue: { command: ["bin/work"], count: 1, ready: { command: ["bin/ping"] } } },
  });
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["application-web-01"] ?? "",
    /^web-01: stop probe-mail, disable probe-mail at boot, stop probe-queue@2, disable probe-queue@2 at boot, remove \/etc\/systemd\/system\/probe-mail\.service \[change\]$/,
  );
  await stack.up();
  t.deepEqual(await startsOf("probe"), web);
  t.is(
    await stack.on(
      "web-01",
      "systemctl list-units --all --plain --no-legend 'probe*' | cut -d' ' -f1 | sort",
    ),
    "probe-queue@1.service\nprobe.service\n",
  );
  t.deepEqual((await readPreview(stack)).sentences, {});
});

const runsOf = async (host: string, job: string) =>
  (await stack.on(host, `cat /var/lib/probe/${job} 2>/dev/null || true`)).split("\n").slice(0, -1);
const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000));

test.serial("jobs run in time, one after the other, where they are to", async (t) => {
  await script(
    "bin/tick",
    "echo begin >>$STATE_DIRECTORY/tick; sleep 4; echo end >>$STATE_DIRECTORY/tick",
  );
  await script("bin/each", 'echo "$(id -un) $TOKEN" >>$STATE_DIRECTORY/each; sleep 100');
  await configure({
    jobs: {
      tick: { command: ["bin/tick"], schedule: "*:*:0/2" },
      each: { command: ["bin/each"], schedule: "*:*:0/3", perHost: true, deadlineSeconds: 2 },
    },
  });
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["application-web-01"] ?? "",
    /start probe-each\.timer, (restart probe-queue@1, )?start probe-tick\.timer, /,
  );
  t.notRegex(sentences["application-web-02"] ?? "", /tick/);
  await stack.up();
  await seconds(15);
  const ticks = await runsOf("web-01", "tick");
  t.true(ticks.length > 2, String(ticks));
  // Never a second one before the first has ended.
  t.deepEqual(
    ticks.filter((word, at) => word !== (at % 2 === 0 ? "begin" : "end")),
    [],
  );
  t.deepEqual(await runsOf("web-02", "tick"), []);
  for (const host of hosts) {
    t.is((await runsOf(host, "each"))[0], "probe hushhush");
    t.regex(await stack.on(host, "journalctl -u probe-each | grep -c 'timeout' || true"), /[1-9]/);
  }
  // That a run failed is no drift.
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial(
  "a timer that was stopped is drift, and a release leaves the others alone",
  async (t) => {
    const [each] = await startsOf("probe-each.timer");
    await stack.on("web-01", "systemctl stop probe-tick.timer");
    const { sentences } = await readPreview(stack);
    t.regex(
      sentences["application-web-01"] ?? "",
      /^web-01: start probe-tick\.timer, wait until probe-tick\.timer is ready \[drift\]$/,
    );
    await script("bin/tick", "echo new >>$STATE_DIRECTORY/tick");
    await stack.up();
    await seconds(5);
    t.is((await runsOf("web-01", "tick")).at(-1), "new");
    t.is((await startsOf("probe-each.timer"))[0], each);
  },
);

test.serial("jobs that are taken out are gone", async (t) => {
  await configure({ jobs: {} });
  await stack.up();
  await seconds(3);
  const count = (await runsOf("web-01", "tick")).length;
  await seconds(5);
  t.is((await runsOf("web-01", "tick")).length, count);
  t.is(await stack.on("web-01", "ls /etc/systemd/system | grep -c 'probe-[te]' || true"), "0\n");
  t.deepEqual((await readPreview(stack)).sentences, {});
});
