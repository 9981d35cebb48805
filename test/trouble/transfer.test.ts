/** A large version on its way to two hosts: killed, resumed, changed a little, edited in place and given up, with the bytes that each host received. */
import { randomBytes } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { killUpAt } from "../end-to-end/support/killed-up";
import { readPreview, summary } from "../end-to-end/support/preview";
import { TestStack } from "../end-to-end/support/test-stack";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 105);
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}transfer`;
const net = `172.31.${number}`;
const image = process.env.TRILITHON_HOST_IMAGE;
const hosts = ["web-01", "web-02"];
const count = 3000;
/** Which no compression makes smaller. */
const fileBytes = 40_000;
const allBytes = count * fileBytes;
/** The lists of files, what is read and asked, and SSH itself. */
const besidesBytes = 6_000_000;

let stack: TestStack;
let source: string;

async function writeFiles(numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    const folder = join(source, number % 5 === 0 ? "public/static" : "lib", `${number % 50}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `file ${number}`), randomBytes(fileBytes));
  }
}

test.before(async () => {
  source = await mkdtemp(join(tmpdir(), "trilithon-transfer-"));
  const probe = join(__dirname, "../end-to-end/support/probe/server.mjs");
  await copyFile(probe, join(source, "server.mjs"));
  await writeFile(join(source, "run"), "#!/bin/sh\nexec node server.mjs\n");
  await chmod(join(source, "run"), 0o755);
  stack = await TestStack.make(stackName, {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": [
      { name: "lb-01", address: `${net}.11`, roles: ["load-balancer"] },
      { name: "web-01", address: `${net}.21`, roles: ["web"] },
      { name: "web-02", address: `${net}.22`, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, publish: 8750, sshPortBase: 12_900 },
      ...(image && { image }),
    },
    "trilithon:application": {
      ...{ name: "probe", source, start: ["./run"], packages: { nodejs: "present" } },
      environment: { ASKED: "/var/lib/probe/asked" },
    },
  });
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(source, { recursive: true, force: true });
});

async function numberOf(host: string, script: string): Promise<number> {
  return Number((await stack.on(host, script)).trim());
}

/** What each host receives meanwhile. */
async function received(work: () => Promise<unknown>): Promise<number[]> {
  const count = () =>
    Promise.all(hosts.map((host) => numberOf(host, "cat /sys/class/net/eth0/statistics/rx_bytes")));
  const before = await count();
  await work();
  return (await count()).map((bytes, index) => bytes - (before[index] ?? 0));
}

const came = (host: string) =>
  numberOf(
    host,
    // A file has its time, of whole seconds and long ago, once it is whole.
    `find /srv/probe/.incoming -path '*/files/*' -type f ! -newermt 2022-01-01 -printf '%s\\n' 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'`,
  );

test.serial(
  "what was killed while it was sent goes on with what came, on both hosts",
  async (t) => {
    await writeFiles(Array.from({ length: count }, (_, number) => number));
    const { end } = await killUpAt(stack, async (isOver) => {
      while (!isOver() && (await came("web-01")) < allBytes / 3) await sleep(50);
    });
    t.is(end, "killed");
    const there = await Promise.all(hosts.map(came));
    const got = await received(() => stack.up());
    for (const [index, host] of hosts.entries()) {
      const [before = 0, now = 0] = [there[index], got[index]];
      t.log(`${host}: ${before} bytes had come, ${now} came then, of ${allBytes}`);
      t.true(now > allBytes - before, "less than was missing");
      t.true(now < allBytes - before + allBytes / 20 + besidesBytes, "more than was missing");
    }
    t.true((there[0] ?? 0) > allBytes / 4);
    t.deepEqual((await readPreview(stack)).updates, []);
    for (const host of hosts) {
      t.is((await stack.on(host, "ls -d /srv/*/.incoming 2>/dev/null || true")).trim(), "");
      const files = await numberOf(host, "find /srv/probe/current/ -type f | wc -l");
      t.is(files, count + 2);
    }
  },
);

test.serial("a preview sends nothing", async (t) => {
  const got = await received(() => readPreview(stack));
  t.log(got.join(", "));
  for (const bytes of got) t.true(bytes < 1_000_000);
});

test.serial("of a version with some other files only those are sent, and once", async (t) => {
  const changed = [0, 5, 1, 2];
  await writeFiles(changed);
  const got = await received(() => stack.up());
  t.log(got.join(", "));
  for (const bytes of got) t.true(bytes < changed.length * fileBytes + besidesBytes);
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("an edit in place is drift, and is mended by the file alone", async (t) => {
  await stack.on("web-01", "echo edited >>/srv/probe/current/lib/1/'file 1'");
  const preview = await readPreview(stack);
  t.deepEqual(
    preview.updates.map(({ resource }) => resource),
    ["application-web-01"],
  );
  t.regex(summary(preview, "application-web-01"), /edited in place.*\[drift\]/);
  const [bytes = 0] = await received(() => stack.up());
  t.log(bytes);
  t.true(bytes < besidesBytes);
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("a version that is given up leaves nothing, once another one is there", async (t) => {
  await writeFile(join(source, "run"), "#!/bin/sh\nexit 1\n");
  await stack.mustFail();
  t.is((await stack.on("web-01", "ls -A /srv/probe/.incoming 2>/dev/null || true")).trim(), "");
  t.not((await stack.on("web-02", "ls -A /srv/probe/.incoming")).trim(), "", "it came ahead");
  await writeFile(join(source, "run"), "#!/bin/sh\nexec node server.mjs\n");
  const got = await received(() => stack.up());
  t.log(got.join(", "));
  for (const bytes of got) t.true(bytes < besidesBytes);
  for (const host of hosts) {
    t.is((await stack.on(host, "ls -d /srv/*/.incoming 2>/dev/null || true")).trim(), "");
  }
  t.deepEqual((await readPreview(stack)).updates, []);
});
