/** Releases that go back: by `npm run rollback`, by themselves, and by a canary. On real hosts, under load. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { startLiveCommand } from "../../provider/ssh/live-command";
import { inApplication } from "../../scripts/operate/in-application";
import { reached } from "../../scripts/verify/site";
import { killUpAt } from "../end-to-end/support/killed-up";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHostsWithoutDatabase } from "../end-to-end/support/test-stack";
import { goBack as goBackTo } from "./go-back";
import { seconds, type Version, visit as visitAt, writeVersion } from "./versions/shop";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 104);
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}rollback`;
const url = "http://127.0.0.1:8640";
const hosts = ["web-01", "web-02"];
const standard = threeHostsWithoutDatabase(number, { publish: 8640, sshPortBase: 12_700 });
let stack: TestStack;
let source: string;
let more: Record<string, unknown> = {};

function settings() {
  return {
    ...standard,
    "trilithon:application": {
      name: "shop",
      source,
      start: ["node", "server.mjs"],
      packages: { nodejs: "present" },
      release: { command: ["bin/migrate"] },
      processes: { mail: { command: ["bin/mail"] } },
      ...more,
    },
  };
}

const write = (version: Version) => writeVersion(source, version);
const visit = () => visitAt(url);

const currentOn = async (host: string) =>
  (await stack.on(host, "basename $(readlink /srv/shop/current)")).trim();
const currents = () => Promise.all(hosts.map(currentOn));
const migrated = async () => (await stack.on("web-01", "cat /var/lib/shop/migrated")).split("\n");
const lastRelease = async (host: string) =>
  (await stack.on(host, "tail -n 1 /var/lib/trilithon/releases/shop")).trim().split("\t");

async function goBack(version?: string) {
  const said: string[] = [];
  const isDone = await goBackTo(stack, (message) => said.push(message), version);
  return { isDone, said };
}

test.before(async () => {
  source = await mkdtemp(join(tmpdir(), "trilithon-rollback-"));
  await write({ name: "V1" });
  stack = await TestStack.make(stackName, settings());
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(source, { recursive: true, force: true });
});

test.serial("forward and back under load: no page and no file fails", async (t) => {
  const [first] = await currents();
  await write({ name: "V2" });
  const stop = visit();
  await stack.up();
  const second = await currents();
  const { isDone, said } = await goBack();
  await seconds(2);
  const { pages, failures } = await stop();
  t.log(pages, said);
  t.deepEqual(failures, []);
  t.true(isDone);
  t.deepEqual(await currents(), [first, first]);
  t.not(second[0], first);
  t.deepEqual((await lastRelease("web-02")).slice(1, 3), [first, second[0]]);
  t.is((await lastRelease("web-02"))[5], "rolled back");
  t.deepEqual(
    await Promise.all(hosts.map((host) => stack.on(host, "cat /var/lib/shop/mail"))),
    hosts.map(() => `/srv/shop/releases/${first}\n`),
  );
});

test.serial("the preview after it says who did it, and up goes forward again", async (t) => {
  const { warnings, sentences } = await readPreview(stack);
  t.deepEqual(
    warnings.filter((warning) => /rolled back/.test(warning)).length,
    2,
    warnings.join("\n"),
  );
  t.regex(
    warnings.join("\n"),
    /web-01: version [0-9a-f]{16} was rolled back to [0-9a-f]{16} by \S+@\S+ at [\d:TZ-]+; `up` releases [0-9a-f]{16} again/,
  );
  t.regex(sentences["application-web-01"] ?? "", /\[drift\]$/);
  const stop = visit();
  await stack.up();
  const { failures } = await stop();
  t.deepEqual(failures, []);
  t.deepEqual((await readPreview(stack)).sentences, {});
  // Once for each version, whatever went back and forth.
  t.deepEqual(await migrated(), ["V1", "V2", ""]);
});

test.serial("a version that does not start is taken back, with its first words", async (t) => {
  const before = await currents();
  const lines = Array.from({ length: 60 }, (_, line) => `console.log("loading part ${line}");`);
  await write({
    name: "V3",
    atBoot: `${lines.join("\n")}
import { existsSync, writeFileSync } from "node:fs";
const seen = process.env.HOME + "/seen";
if (existsSync(seen)) { console.error("another error of a later start"); process.exit(3); }
writeFileSync(seen, "");
console.error("no tax table");
process.exit(7);`,
  });
  const stop = visit();
  const said = await stack.mustFail();
  const { failures } = await stop();
  t.deepEqual(failures, []);
  t.regex(
    said,
    /shop ended 5 times by itself; all is put back as it was\. What it said first:\n[\s\S]*no tax table[\s\S]*status=7/,
  );
  t.notRegex(said, /another error/);
  t.deepEqual(await currents(), before);
});

test.serial("a version whose migration fails switches nothing", async (t) => {
  const before = await currents();
  await write({ name: "V4", migration: "echo 'no such column' >&2; exit 4" });
  const stop = visit();
  const said = await stack.mustFail();
  const { failures, pages } = await stop();
  t.deepEqual(failures, []);
  t.deepEqual(Object.keys(pages), ["app-V2AAAAAA.css"]);
  t.regex(said, /`bin\/migrate` of shop ended with status 4[\s\S]*no such column/);
  t.deepEqual(await currents(), before);
});

test.serial("a way back to a version that no longer starts stops at the first host", async (t) => {
  await write({ name: "V5" });
  await stack.up();
  const [before] = await currents();
  await stack.on("web-01", "cd /srv/shop/previous && echo 'process.exit(5)' >server.mjs");
  const stop = visit();
  const error = await t.throwsAsync(goBack());
  const { failures } = await stop();
  t.regex(
    error?.message ?? "",
    /shop ended 5 times by itself[\s\S]*status=5[\s\S]*stopped: [0-9a-f]{16} is live on no host; as before: web-01, web-02/,
  );
  t.deepEqual(failures, []);
  t.deepEqual(await currents(), [before, before]);
  t.is((await lastRelease("web-01"))[5], "taken back");
  await t.throwsAsync(goBack("0000000000000000"), {
    message: /web-01: version 0000000000000000 is not there: expected one of [0-9a-f]{16}, /,
  });
});

test.serial(
  "a canary that fails too often is taken back, and the other host never had it",
  async (t) => {
    more = { strategy: { canary: { seconds: 30, maxErrorRatio: 0.2 } } };
    await stack.configure(settings());
    t.deepEqual((await readPreview(stack)).sentences, {});
    const before = await currents();
    await write({
      name: "V6",
      atPage: "if (Math.random() < 0.9) { response.statusCode = 500; return response.end(); }",
    });
    t.regex(
      (await readPreview(stack)).sentences["application-web-01"] ?? "",
      /watch it as a canary for 30 seconds \(taken back if more than 20 % of its requests fail or it ends by itself\)/,
    );
    const stop = visit();
    const said = await stack.mustFail();
    const { failures } = await stop();
    t.log({ failures: failures.length });
    t.regex(
      said,
      /failed as a canary: \d+ of \d+ requests failed within \d+ seconds, more than 20 %; all is put back as it was/,
    );
    // Its own answers alone.
    t.deepEqual(
      failures.filter((failure) => failure !== "Error: /: 500"),
      [],
    );
    t.deepEqual(await currents(), before);
    t.regex(await stack.on("web-02", "cat /var/lib/trilithon/releases/shop"), /done\t$/m);
    t.notRegex(
      await stack.on("web-02", "tail -n 1 /var/lib/trilithon/releases/shop"),
      /taken back/,
    );
  },
);

/** HAProxy's own count of what it passed to a host. */
const passedTo = async (host: string) =>
  Number(
    await stack.on(
      "lb-01",
      `echo 'show stat' | socat -t 2 stdio /run/haproxy/admin.sock | awk -F, '$1 == "web_servers" && $2 == "${host}" { print $8 }'`,
    ),
  );

/** While the requests are shared: HAProxy gives a server that comes back its whole share after 10 seconds. */
async function readShare(isOver = () => false) {
  const isShared =
    "echo 'show servers state' | socat -t 2 stdio /run/haproxy/admin.sock | awk '$4 == \"web-02\" && $8 == 4 { n = 1 } END { exit !n }'";
  const isServed = "[ ! -e /run/shop.drain ] && [ -e /srv/shop/current ]";
  const [before] = await currents();
  while (!isOver() && (await stack.try("lb-01", isShared)).status !== 0) await seconds(0.2);
  while (!isOver() && (await currentOn("web-01")) === before) await seconds(0.2);
  while (!isOver() && (await stack.try("web-01", isServed)).status !== 0) await seconds(0.2);
  await seconds(15);
  const began = await Promise.all(hosts.map(passedTo));
  await seconds(10);
  const ended = await Promise.all(hosts.map(passedTo));
  const [one = 0, other = 0] = ended.map((count, at) => count - (began[at] ?? 0));
  return { requests: one + other, percent: (100 * one) / (one + other) };
}

const setByHand = () =>
  stack.on(
    "lb-01",
    "echo 'show servers state' | socat -t 2 stdio /run/haproxy/admin.sock | awk '/^[0-9]/ && $8 != $9 { print $2, $4, $8 }'",
  );

test.serial("a canary that crashes after a minute is taken back, and no page fails", async (t) => {
  more = { strategy: { canary: { seconds: 90, maxErrorRatio: 0.2, percent: 20 } } };
  await stack.configure(settings());
  const before = await currents();
  await write({
    name: "V7",
    atBoot: "setTimeout(() => { console.error('out of cheese'); process.exit(9); }, 60000);",
  });
  t.regex(
    (await readPreview(stack)).sentences["application-web-01"] ?? "",
    /watch it as a canary for 90 seconds with about 20 % of the requests \(taken back if/,
  );
  const stop = visit();
  const [said, share] = await Promise.all([stack.mustFail(), readShare()]);
  const { failures, pages } = await stop();
  t.log(pages, share);
  t.deepEqual(failures, []);
  t.true(share.requests > 100 && share.percent > 18 && share.percent < 22);
  t.regex(said, /lb-01: web-01 gets about 20 % of the requests/);
  t.is(await setByHand(), "");
  t.regex(
    said,
    /failed as a canary: shop ended by itself within \d+ seconds; all is put back as it was\. What it said first:\n[\s\S]*out of cheese[\s\S]*status=9/,
  );
  t.deepEqual(await currents(), before);
});

test.serial("a canary that does well is followed by the other host", async (t) => {
  more = { strategy: { canary: { seconds: 30, percent: 10 } } };
  await stack.configure(settings());
  await write({ name: "V8" });
  const stop = visit();
  await stack.up();
  const { failures, pages } = await stop();
  t.log(pages);
  t.deepEqual(failures, []);
  const [one, other] = await currents();
  t.is(one, other);
  t.is(await setByHand(), "");
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("what an `up` that was killed left of a share is told and put back", async (t) => {
  more = { strategy: { canary: { seconds: 60, percent: 20 } } };
  await stack.configure(settings());
  await write({ name: "V9" });
  const stop = visit();
  const { end } = await killUpAt(stack, async (isOver) => {
    await readShare(isOver);
  });
  t.is(end, "killed");
  const { sentences } = await readPreview(stack);
  t.is(
    sentences["load-balancer-lb-01-service"],
    "lb-01: put back what was set at run time (web_servers/web-02 has the weight 4, not 1, web_servers_once/web-02 has the weight 4, not 1) [drift]",
  );
  await stack.up();
  const { failures, pages } = await stop();
  t.log(pages);
  t.deepEqual(failures, []);
  const [one, other] = await currents();
  t.is(one, other);
  t.is(await setByHand(), "");
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("exec takes the place of a process", async (t) => {
  const { endpoints, privateKeys } = await stack.outputs();
  const host = endpoints.hosts.find(({ name }) => name === "web-01");
  if (host === undefined) throw new Error("no web-01");
  const args = inApplication({
    unit: "shop.service",
    process: "mail",
    command: ["sh", "-c", "id -un; pwd"],
  });
  const live = await startLiveCommand(reached(host, privateKeys), args);
  live.stdin.end();
  let out = "";
  for await (const part of live.stdout) out += part;
  t.is(out, `shop\n/srv/shop/releases/${await currentOn("web-01")}\n`);
});
