/**
 * Each query of each panel, and each metric that an alert is about, asked of a real Prometheus: of a pair with
 * backups and of a group, both behind a shared address. And Grafana's files, read by a stand-in of its package. `TRILITHON_TEST_TOPOLOGY=group` tries one.
 */
import { join } from "node:path";
import test from "ava";
import { alertsFor } from "../../components/render/monitoring/alerts";
import { expressionOver, listPanels } from "../../components/render/monitoring/panels";
import { root } from "../../scripts/setup/environment";
import { wait } from "../../scripts/verify/check";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { makeRepository, repository, settleFiles } from "./panels/stand-in";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 128);
const net = `172.31.${number}`;
const front = ["load-balancer", "name-server", "monitoring"];

const topologies = {
  pair: {
    hosts: [
      [...front, "backup", "web", "database-primary"],
      ["load-balancer", "web", "database-replica"],
    ],
    has: ["pair", "database", "backup"] as const,
  },
  // What copies tell is the same.
  group: {
    hosts: [[...front, "web", "database"], ["load-balancer", "web", "database"], ["database"]],
    has: ["group", "database"] as const,
  },
};
type Topology = keyof typeof topologies;

const always = ["virtual address", "https", "application metrics", "name server"] as const;

function settingsOf(topology: Topology): Settings {
  return {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": topologies[topology].hosts.map((roles, index) => ({
      ...{ name: `node-0${index + 1}`, address: `${net}.1${index + 1}`, roles },
    })),
    "trilithon:containers": {
      ...{ subnet: `${net}.0/24`, publish: 8928, sshPortBase: 17_800, memoryMegabytes: 2048 },
    },
    "trilithon:application": {
      ...{ name: "teller", start: ["perl", "server.pl"], packages: {}, metrics: "/metrics" },
      source: join(root, "test", "trouble", "monitoring", "app"),
    },
    "trilithon:loadBalancer": { virtualAddress: `${net}.10` },
    "trilithon:web": { port: 8080 },
    "trilithon:https": "own-ca",
    "trilithon:database": topology === "group" ? { primary: "node-01" } : {},
    "trilithon:monitoring": { retentionDays: 2, retentionGigabytes: 1 },
  };
}

let stack: TestStack;

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

/** `host`: the member that copies. */
async function copyAndRestore(host: string): Promise<void> {
  for (let left = 60; ; left -= 1) {
    const { stdout } = await stack.try(host, "trilithon-backup list");
    if (/"full"/.test(stdout) && /"logs"/.test(stdout)) break;
    if (left === 0) throw new Error("nothing was copied");
    await wait(5);
  }
  // A log that is whole some seconds after the copy.
  await wait(100);
  await stack.on(host, "systemctl start trilithon-restore-test");
}

/** Those that no Prometheus of the host answers with anything. */
async function silent(expressions: readonly string[]): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const expression of expressions) {
    const quoted = `'${expression.replaceAll("'", "'\\''")}'`;
    const said = await stack.on(
      "node-01",
      `promtool query instant http://127.0.0.1:9090 ${quoted}`,
    );
    if (said.trim() === "") missing.push(expression);
  }
  return missing;
}

/** Of those that are asked, the ones that are still silent after so long. */
async function silentAfter(
  seconds: number,
  expressions: readonly string[],
): Promise<readonly string[]> {
  const end = Date.now() + seconds * 1000;
  let left = expressions;
  while (left.length > 0 && Date.now() < end) {
    left = await silent(left);
    if (left.length > 0) await wait(5);
  }
  return left;
}

/** What an expression reads: that an alert's condition is not met says nothing of whether its metric is there. */
function selectorsIn(expression: string): readonly string[] {
  const names = "(?:haproxy|mysql|node|nginx|probe|trilithon|alertmanager|prometheus)_\\w+|up";
  return expression.match(new RegExp(`\\b(?:${names})\\b(?:\\{[^}]*\\})?(?!\\()`, "g")) ?? [];
}

const only = process.env.TRILITHON_TEST_TOPOLOGY;
const tried = (["pair", "group"] as const).filter((one) => only === undefined || only === one);

for (const topology of tried) {
  const { has } = topologies[topology];
  const needs = new Set([...always, ...has]);
  const settings = settingsOf(topology);

  test.serial(`${topology}: one \`up\` makes it, with all that a panel can be about`, async (t) => {
    t.timeout(1_500_000);
    stack = await TestStack.make(`panels-${topology}`, settings);
    await stack.up();
    t.deepEqual((await readPreview(stack)).updates, []);
    if (topology === "pair") await copyAndRestore("node-02");
    // A unit that fails is told once there is one.
    await stack.try("node-01", "systemd-run --unit=planted-fault --quiet false");
  });

  test.serial(`${topology}: every query of every panel has an answer`, async (t) => {
    t.timeout(900_000);
    const queries = listPanels(needs).flatMap((panel) => panel.queries);
    t.log(`${queries.length} queries of ${listPanels(needs).length} panels`);
    t.deepEqual(
      await silentAfter(
        300,
        queries.map((query) => expressionOver(query, "1m")),
      ),
      [],
    );
  });

  test.serial(`${topology}: every metric that an alert is about is there`, async (t) => {
    t.timeout(900_000);
    const alerts = alertsFor(needs);
    const selectors = [...new Set(alerts.flatMap(({ expression }) => selectorsIn(expression)))];
    t.log(`${selectors.length} selectors of ${alerts.length} alerts`);
    // Only of a unit that asks an authority on the internet.
    const own = selectors.filter((one) => !one.includes("trilithon-acme"));
    t.deepEqual(await silentAfter(120, own), []);
    t.deepEqual(await silent(alerts.map(({ expression }) => `vector(1) or (${expression})`)), []);
  });

  if (topology === "pair") {
    const withGrafana: Settings = { ...settings, "trilithon:monitoring": { grafana: true } };
    const file = "/etc/grafana/trilithon/dashboard.json";

    test.serial(
      "where no source has Grafana, the preview says so, and nothing is changed",
      async (t) => {
        await stack.configure(withGrafana);
        const { stdout, stderr } = await stack.pulumi("preview", "--diff");
        const said = `${stdout}${stderr}`;
        t.regex(said, /E: Unable to locate package grafana/);
        t.regex(
          said,
          /no package source of this host has it: name one that does in packages\.sources/,
        );
        t.regex(await stack.mustFail(), /Unable to locate package grafana/);
        t.is((await stack.try("node-01", "ls /etc/grafana")).status, 2);
        t.is((await stack.on("node-01", "systemctl is-active prometheus")).trim(), "active");
      },
    );

    test.serial("with a source that has it, its files are read by its own user", async (t) => {
      t.timeout(900_000);
      for (const host of ["node-01", "node-02"]) await stack.on(host, makeRepository);
      const sources = { grafana: { uris: [`file:${repository}`], suites: ["./"] } };
      await stack.configure({ ...withGrafana, "trilithon:packages": { sources } });
      await stack.up();
      t.deepEqual((await readPreview(stack)).updates, []);
      t.is((await stack.on("node-01", "systemctl is-active grafana-server")).trim(), "active");
      const { panels } = JSON.parse(
        await stack.on(
          "node-01",
          `setpriv --reuid=grafana --regid=grafana --clear-groups cat ${file}`,
        ),
      );
      t.is(
        panels.filter(({ type }: { readonly type: string }) => type === "timeseries").length,
        listPanels(needs).length,
      );
      const listening = await stack.on("node-01", "ss -Hlnt 'sport = 3030'");
      t.regex(listening, /127\.0\.0\.1:3030/);
      t.is(
        (await stack.try("node-02", `setpriv --reuid=nobody --clear-groups cat ${file}`)).status,
        1,
      );
    });

    test.serial(
      "its password is in no other place, and an upgrade of its package is no drift",
      async (t) => {
        const password = String(await stack.output("grafanaPassword", "--show-secrets"));
        const secret = "/etc/grafana/trilithon-admin-password";
        t.is(await stack.on("node-01", `cat ${secret}`), password);
        t.not(
          (
            await stack.try(
              "node-01",
              `setpriv --reuid=nobody --regid=nogroup --clear-groups cat ${secret}`,
            )
          ).status,
          0,
        );
        t.not(await stack.output("grafanaPassword"), password);
        t.false(stack.said.join("\n").includes(password));
        const elsewhere = `grep -rlF '${password}' /etc /var/log /run 2>/dev/null | grep -vx ${secret} || true`;
        t.is((await stack.on("node-01", elsewhere)).trim(), "");
        await stack.on("node-01", settleFiles);
        t.deepEqual((await readPreview(stack)).updates, []);
        const outputs = await stack.outputs();
        const verdicts = await verifyStack(outputs, { changes: "none" });
        const table = renderTable({ stack: "panels-pair", url: outputs.endpoints.url, verdicts });
        const failed = verdicts.filter(({ passed }) => !passed);
        // The one that was planted.
        t.deepEqual(
          failed.filter(({ name }) => !name.includes("planted-fault")),
          [],
          table,
        );
      },
    );

    test.serial("without it nothing of Grafana runs", async (t) => {
      await stack.configure({ ...settings });
      await stack.up();
      t.is(await stack.on("node-01", "ss -Hlnt 'sport = 3030'"), "");
      t.deepEqual((await readPreview(stack)).updates, []);
    });
  }

  test.serial(`${topology}: it goes`, async (t) => {
    if (process.env.TRILITHON_TEST_KEEP === undefined) await stack.remove();
    t.pass();
  });
}
