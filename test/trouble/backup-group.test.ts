/** Backups of a group that loses its primary in the middle of writes: no gap, to a second, and into the cluster. */
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { checkRepositories, copyNow, listCopies } from "../../scripts/backup/backup";
import { renderCopies } from "../../scripts/backup/copies";
import { must } from "../../scripts/setup/run";
import { askMembers } from "../../scripts/verify/mysql";
import { exportState } from "../../scripts/verify/outputs";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, type TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { BackedUp, untilCopied } from "./backup/backed-up";

const stackName = "backup-group";
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 136);
const net = `172.31.${number}`;
const url = `http://127.0.0.1:${8000 + number}`;

const settings: Settings = {
  ...threeHosts(number),
  "trilithon:hosts": [
    { name: "node-01", address: `${net}.11`, roles: ["load-balancer", "database", "backup"] },
    { name: "node-02", address: `${net}.12`, roles: ["web", "database"] },
    { name: "node-03", address: `${net}.13`, roles: ["web", "database"] },
  ],
  "trilithon:containers": {
    ...{ subnet: `${net}.0/24`, publish: 8000 + number, sshPortBase: 17_500 },
    memoryMegabytes: 2048,
  },
  "trilithon:database": { primary: "node-03" },
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

test.serial("one `up` makes it, and one member that takes no writes makes copies", async (t) => {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  await backedUp.untilFirstCopy("node-01");
  t.notRegex(await stack.on("node-02", "trilithon-backup list"), /"full"/);
  t.notRegex(await stack.on("node-03", "trilithon-backup list"), /"full"/);
});

test.serial(
  "copies are made at once, listed and read whole by a command, and all is well",
  async (t) => {
    const state = await exportState(stackName, stack.place);
    await backedUp.onSite(async (site) => {
      const { backup } = site.endpoints;
      if (backup === undefined) return t.fail();
      t.deepEqual(await copyNow(site, backup, state), []);
      const { copies, faults } = await listCopies(site, backup);
      t.log(renderCopies(copies));
      t.deepEqual(faults, []);
      t.is(copies.filter(({ what }) => what === "state").length, 1);
      t.true(copies.filter(({ what }) => what === "full").length > 1);
      t.deepEqual(await checkRepositories(site, backup), []);
    });
    const { endpoints, privateKeys } = await stack.outputs();
    const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "allowed" });
    t.true(verdicts.some(({ name }) => name.endsWith("has its database copied")));
    t.true(
      verdicts.every(({ passed }) => passed),
      renderTable({ stack: stackName, url, away: endpoints.away, verdicts }),
    );
  },
);

let before = 0;
let after = 0;
let setBefore = "";

test.serial(
  "the primary dies in the middle of writes: to a second before and after it",
  async (t) => {
    await backedUp.writeDuring(async () => {
      await sleep(5000);
      before = Math.ceil(Date.now() / 1000) * 1000;
      await sleep(5000);
      await must("kill", "docker", ["kill", `trilithon-${stackName}-node-03`]);
      await sleep(20_000);
      after = Math.ceil(Date.now() / 1000) * 1000;
      await sleep(5000);
    });
    await untilCopied();
    for (const time of [before, after]) {
      const report = await backedUp.restore("node-02", new Date(time).toISOString());
      const restored = await backedUp.restoredOn("node-02");
      t.log(new Date(time), report.gtidSet, restored.size, backedUp.acknowledged(time).length);
      t.deepEqual(backedUp.compare(restored, time), { lost: [], early: [] });
      if (time === before) setBefore = report.gtidSet;
    }
    t.true(backedUp.acknowledged(after).length > backedUp.acknowledged(before).length + 100);
    await backedUp.restore("node-02", "latest");
    t.deepEqual(backedUp.compare(await backedUp.restoredOn("node-02")).lost, []);
  },
);

test.serial(
  "whoever is a replica then goes on with the copies, and binary logs join on",
  async (t) => {
    const members = await backedUp.onSite((site) => askMembers(site));
    const primary = members.flatMap((one) => (one instanceof Error || !one.isPrimary ? [] : one));
    const [{ host: { name = "" } = {} } = {}] = primary;
    const source = name === "node-01" ? "node-02" : "node-01";
    t.is(
      (await stack.try(source, "trilithon-backup is-source")).status,
      0,
      `${source}, of ${name}`,
    );
    t.is((await stack.try(name, "trilithon-backup is-source")).status, 1);
  },
);

test.serial(
  "into the cluster by a set, without the one that is dead, which gets it later",
  async (t) => {
    t.regex(setBefore, /,/, "of several members");
    t.log(await backedUp.intoCluster(setBefore));
    for (const host of ["node-01", "node-02"]) {
      const live = await backedUp.liveOn(host);
      t.deepEqual(backedUp.compare(live, before), { lost: [], early: [] }, host);
    }
    await backedUp.write();
    const last = backedUp.writes.at(-1);
    t.not(last?.acknowledgedAt, undefined);
    await must("start", "docker", ["start", `trilithon-${stackName}-node-03`]);
    for (let left = 60; left > 0; left -= 1) {
      const live = await backedUp.liveOn("node-03").catch(() => new Set<string>());
      if (live.has(last?.message ?? "")) break;
      await sleep(2000);
    }
    const live = await backedUp.liveOn("node-03");
    t.deepEqual([...live].sort(), [...(await backedUp.liveOn("node-01"))].sort());
  },
);

test.serial(
  "each night it is restored as a member is that applies in parallel, and compared",
  async (t) => {
    const sources = await Promise.all(
      ["node-01", "node-02", "node-03"].map(async (host) =>
        (await stack.try(host, "trilithon-backup is-source")).status === 0 ? [host] : [],
      ),
    );
    const [source = ""] = sources.flat();
    await backedUp.untilFirstCopy(source);
    const { status, said, good } = await backedUp.writeDuring(() => backedUp.testRestore(source));
    t.log(source, said);
    t.is(status, 0, said);
    t.regex(good, /^trilithon_restore_test_compared_tables [2-9]$/m);
  },
);
