/** Releases that all hosts take while the site is closed: done, taken back, killed. On real hosts, under load. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { findHost, undrainHost } from "../../scripts/maintenance/drain";
import { withSite } from "../../scripts/verify/site";
import { killUpAt } from "../end-to-end/support/killed-up";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHostsWithoutDatabase } from "../end-to-end/support/test-stack";
import { seconds, type Version, visit as visitAt, writeVersion } from "./versions/shop";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 115);
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}all-at-once`;
const url = "http://127.0.0.1:8641";
const hosts = ["web-01", "web-02"];
const standard = threeHostsWithoutDatabase(number, { publish: 8641, sshPortBase: 12_850 });
let stack: TestStack;
let source: string;

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
      strategy: "all-at-once",
    },
  };
}

const write = (version: Version) => writeVersion(source, version);
const visit = () => visitAt(url);

const currentOn = async (host: string) =>
  (await stack.on(host, "basename $(readlink /srv/shop/current)")).trim();
const currents = () => Promise.all(hosts.map(currentOn));
test.before(async () => {
  source = await mkdtemp(join(tmpdir(), "trilithon-all-at-once-"));
  await write({ name: "V1" });
  stack = await TestStack.make(stackName, settings());
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(source, { recursive: true, force: true });
});

test.serial("all at once: the site is closed, never half of each version", async (t) => {
  await write({ name: "V2", migration: "sleep 3" });
  t.regex(
    (await readPreview(stack)).sentences["application-web-01"] ?? "",
    /close the site until all hosts have version [0-9a-f]{16} \(503 with Retry-After; what is under way ends before\)/,
  );
  const stop = visit();
  await stack.up();
  await seconds(5);
  const { failures, pages, closed } = await stop();
  t.log({ pages, closed });
  t.deepEqual(failures, []);
  t.true(closed > 0);
  const [one, other] = await currents();
  t.is(one, other);
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("all at once: where the last host fails, all have the version before", async (t) => {
  const before = await currents();
  await write({
    name: "W1",
    atBoot:
      'if (process.env.HOST_NAME === "web-02") { console.error("no tax table"); process.exit(7); }',
  });
  const stop = visit();
  const said = await stack.mustFail();
  await seconds(5);
  const { failures, pages, closed } = await stop();
  t.log({ pages, closed });
  t.deepEqual(failures, []);
  t.is(pages["app-W1AAAAAA.css"], undefined);
  t.true(closed > 0);
  t.regex(said, /web-02: applying shop[\s\S]*no tax table/);
  t.regex(said, /web-01: back at the version before, since web-02 failed/);
  t.deepEqual(await currents(), before);
  t.is((await fetch(url)).status, 200);
});

/** Once the site is closed. */
async function killClosed(): Promise<void> {
  const { end } = await killUpAt(stack, async (isOver) => {
    while (!isOver() && (await fetch(url)).status !== 503) await seconds(0.1);
  });
  if (end !== "killed") throw new Error("`up` had ended before the site was closed");
}

test.serial("all at once: one that was killed is completed by the next", async (t) => {
  await write({ name: "W2", migration: "sleep 5" });
  const stop = visit();
  await killClosed();
  // Nobody opens it: who knows whether the version before can work with the database by now.
  await seconds(15);
  t.is((await fetch(url)).status, 503);
  const { sentences } = await readPreview(stack);
  t.log(sentences);
  await stack.up();
  await seconds(5);
  const { failures, pages, closed } = await stop();
  t.log({ pages, closed });
  t.deepEqual(failures, []);
  t.true((pages["app-W2AAAAAA.css"] ?? 0) > 0);
  const [one, other] = await currents();
  t.is(one, other);
  t.deepEqual((await readPreview(stack)).sentences, {});
});

test.serial("all at once: one that was killed is opened by hand, with what is there", async (t) => {
  await write({ name: "W3", migration: "sleep 5" });
  await killClosed();
  await seconds(15);
  await withSite(await stack.outputs(), "undraining", async (site) => {
    for (const host of hosts) {
      await undrainHost(site, findHost(site, host), { say: (message) => t.log(message) });
    }
  });
  t.is((await fetch(url)).status, 200);
});
