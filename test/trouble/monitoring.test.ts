/**
 * Alerts that fire by their real causes: two hosts look at a stack of four, of which one part after the other breaks. Who is told are a
 * webhook and a mail server on this machine. `UPDATE_GOLDEN=1` keeps the seconds for docs/alerts.md; `TRILITHON_TEST_ALERTS=SiteDown,...`
 * causes these alone. `TRILITHON_TEST_QUIET_MINUTES=60` looks for an hour whether it is quiet; with another `TRILITHON_TEST_NUMBER` one runs
 * beside another.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { whileSilenced } from "../../scripts/maintenance/silence";
import { renderComment } from "../../scripts/preview-comment/comment";
import { leave } from "../../scripts/preview-comment/monitors";
import { root } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { wait } from "../../scripts/verify/check";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";
import { causeAndRepair, firingSeconds, resolvingSeconds } from "./monitoring/cause-and-repair";
import { type Case, monitors, shortened, waveNames, wavesOf } from "./monitoring/causes";
import { emailTo, type Receivers, startReceivers } from "./monitoring/receivers";
import { renewalCase } from "./monitoring/renewal";
import { until } from "./until";

const first = 126;
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? first);
const stackName = number === first ? "monitoring" : `monitoring-${number}`;
const net = `172.31.${number}`;
const portBase = 17_190 + (number - first) * 500;
const ports = { webhook: portBase, mail: portBase + 1 };
const domain = "www.foobar.com";
/** This machine, as containers of the network see it. */
const here = `${net}.1`;

const settings = {
  "trilithon:domain": domain,
  "trilithon:hosts": [
    {
      ...{ name: "lb-01", address: `${net}.11` },
      roles: ["load-balancer", "name-server", "monitoring", "backup"],
    },
    { name: "lb-02", address: `${net}.12`, roles: ["load-balancer", "name-server", "monitoring"] },
    { name: "web-01", address: `${net}.21`, roles: ["web", "database-primary"] },
    { name: "web-02", address: `${net}.22`, roles: ["web", "database-replica"] },
  ],
  "trilithon:containers": {
    ...{
      subnet: `${net}.0/24`,
      publish: 8700 + number,
      sshPortBase: portBase + 10,
      memoryMegabytes: 1536,
    },
  },
  "trilithon:application": {
    ...{ name: "teller", start: ["perl", "server.pl"], packages: {} },
    source: join(root, "test", "trouble", "monitoring", "app"),
  },
  "trilithon:loadBalancer": { virtualAddress: `${net}.10` },
  "trilithon:https": "own-ca",
  "trilithon:monitoring": {
    ...{ retentionDays: 2, retentionGigabytes: 1 },
    email: emailTo(`${here}:${ports.mail}`),
  },
};

let stack: TestStack;
let receivers: Receivers;

test.before(async () => {
  receivers = await startReceivers(ports);
  stack = await TestStack.make(stackName, settings);
  await setReceivers();
});

async function setReceivers(): Promise<void> {
  const url = (path: string) => `http://${here}:${ports.webhook}/${path}`;
  await stack.setSecretAt("trilithon:monitoring.webhook.url", url("planted-token"));
  await stack.setSecretAt("trilithon:monitoring.watchdog.url", url("watchdog"));
}

test.after.always(async () => {
  receivers?.close();
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

/** As Prometheus on a host answers. */
const query = (host: string, expression: string) =>
  stack.on(host, `promtool query instant http://127.0.0.1:9090 '${expression}'`);

test.serial(
  "one `up` makes it, a second one does nothing, and all that is checked holds",
  async (t) => {
    await stack.up();
    t.deepEqual((await readPreview(stack)).updates, []);
    const { endpoints, privateKeys } = await stack.outputs();
    const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "none" });
    const table = renderTable({ stack: stackName, url: endpoints.url, verdicts });
    t.deepEqual(
      verdicts.filter(({ passed }) => !passed),
      [],
      table,
    );
    t.false(stack.said.join("\n").includes("planted-token"));
  },
);

test.serial("each Prometheus is told by all", async (t) => {
  for (const host of monitors) {
    await until(
      `${host}: all targets`,
      async () => {
        const missing = await query(host, "up == 0");
        const count = await query(host, "count(up)");
        // Two of its own, four hosts, two of HAProxy, MySQL and Nginx each, one way to the site, and two name servers.
        return missing.trim() === "" && / => 15 @/.test(count);
      },
      90,
    );
    t.regex(await query(host, "mysql_up"), /web-02/);
    t.regex(await query(host, "trilithon_mysql_primary == 1"), /web-01/);
    t.regex(await query(host, "sum(trilithon_address_held)"), /=> 1 @/);
    t.regex(await query(host, "haproxy_server_status"), /web_servers/);
    t.regex(await query(host, "nginx_up == 1"), /web-01/);
    t.regex(await query(host, "trilithon_release"), /teller/);
    t.regex(await query(host, "mysql_slave_status_replica_io_running"), /web-02/);
    t.regex(await query(host, "mysql_global_status_rpl_semi_sync_source_status"), /web-01/);
    t.regex(await query(host, "trilithon_mysql_known_transactions > 0"), /web-02/);
    t.regex(await query(host, "time() - trilithon_last_up_seconds < 3600"), /lb-02/);
    for (const what of ["full", "logs"]) {
      const copied = `trilithon_backup_last_success_seconds{what="${what}"}`;
      await until(`${host}: ${what}`, async () => /web-02/.test(await query(host, copied)), 300);
    }
  }
});

test.serial("the rules are good, and all that there are fire as their tests say", async (t) => {
  const put = (file: string, path: string) =>
    stack.on("lb-01", `cat >${path} <<'END'\n${readFileSync(join(root, file), "utf8")}\nEND`);
  await stack.on("lb-01", "mkdir -p /tmp/rules");
  await put("test/trouble/monitoring/rules.test.yml", "/tmp/rules/rules.test.yml");
  await put("test/golden/trilithon-rules.yml", "/tmp/rules/trilithon-rules.yml");
  const said = await stack.on(
    "lb-01",
    "promtool check rules /etc/prometheus/trilithon-rules.yml && cd /tmp/rules && promtool check rules trilithon-rules.yml && promtool test rules rules.test.yml && amtool check-config /etc/prometheus/alertmanager.yml",
  );
  t.regex(said, /SUCCESS/);
});

/** What a question over TLS is answered, with a certificate of a kind or none. */
function ask(
  from: string,
  to: string,
  port: number,
  pair?: { readonly cert: string; readonly key: string },
) {
  const shown = pair ? `-cert ${pair.cert} -key ${pair.key}` : "";
  return stack.on(
    from,
    `(printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n'; sleep 2) | timeout 10 openssl s_client -quiet -connect ${to}:${port} ${shown} 2>&1 | head -c 200000 || true`,
  );
}

test.serial("who is not Prometheus is told nothing, from wherever it asks", async (t) => {
  const client = {
    cert: "/etc/prometheus/trilithon-client.pem",
    key: "/etc/prometheus/trilithon-client-key.pem",
  };
  const exporter = {
    cert: "/etc/trilithon-metrics/certificate.pem",
    key: "/etc/trilithon-metrics/key.pem",
  };
  const metric = /^(node|haproxy|mysql|nginx)_/m;
  for (const [to, port] of [
    [`${net}.11`, 9100],
    [`${net}.11`, 9101],
    [`${net}.21`, 9104],
    [`${net}.21`, 9113],
  ] as const) {
    t.regex(await ask("lb-01", to, port, client), metric, `${to}:${port}`);
    t.notRegex(await ask("lb-01", to, port), metric);
    // As any host with an exporter can.
    t.notRegex(await ask("lb-01", to, port, exporter), metric);
    t.notRegex(await ask("web-02", to, port, exporter), metric);
  }
  for (const port of [9090, 9093, 9115]) {
    const { status } = await stack.try(
      "lb-02",
      `timeout 3 perl -MIO::Socket::INET -e 'exit(IO::Socket::INET->new(PeerAddr => "${net}.11:${port}", Timeout => 2) ? 0 : 1)'`,
    );
    t.not(status, 0, String(port));
  }
});

const container = (host: string) => `trilithon-${stackName}-${host}`;
const mysql = (statement: string) => `mysql --user=root --execute="${statement}"`;

const rules = "/etc/prometheus/trilithon-rules.yml";

async function changeRules(...changes: readonly string[]): Promise<void> {
  // The disk of this machine, which its other work fills, is that of each host here.
  const own = String.raw`s/fstype!~\\"tmpfs|ramfs\\"/fstype!~\\"tmpfs|ramfs\\",mountpoint!=\\"\/\\"/g`;
  const all = [own, ...changes].join(";");
  for (const host of monitors) {
    await stack.on(host, `sed -i '${all}' ${rules} && systemctl reload prometheus`);
  }
}

const shortenRules = () =>
  changeRules(...Object.entries(shortened).map(([long, short]) => `s/${long}/${short}/`));

const quietMinutes = Number(process.env.TRILITHON_TEST_QUIET_MINUTES ?? 0);

test.serial("in quiet nothing fires, and the watchdog is asked", async (t) => {
  t.timeout((quietMinutes + 5) * 60_000);
  const { watchdog, told } = receivers;
  await changeRules();
  const before = watchdog.count;
  await wait(quietMinutes * 60);
  await until("the watchdog", () => watchdog.count > before + quietMinutes * 0.9 + 1, 180);
  // From the first minutes of a stack that was not there.
  t.deepEqual(told, []);
  const fired = `max_over_time(ALERTS{alertname!="Watchdog",alertstate="firing"}[${quietMinutes + 2}m])`;
  for (const host of monitors) t.is((await query(host, fired)).trim(), "", host);
});

test.serial("an `up` that changes much, and work that is announced, wake nobody", async (t) => {
  t.timeout(600_000);
  const from = Date.now();
  await stack.on("web-01", "echo '# by hand' >>/etc/nginx/conf.d/trilithon.conf");
  await stack.on("lb-02", "systemctl stop haproxy");
  await stack.up();
  const silence = { why: "a trial", what: "parts", minutes: 10, say: t.log } as const;
  await whileSilenced(await stack.outputs(), silence, async () => {
    await stack.on("web-02", "systemctl stop nginx");
    await until(
      "it fires in Prometheus",
      async () =>
        (await query("lb-01", 'ALERTS{alertname="ServerDown",alertstate="firing"}')).includes(
          "web-02",
        ),
      240,
    );
    await wait(30);
    await stack.on("web-02", "systemctl start nginx");
    await until(
      "it is over",
      async () => (await query("lb-01", 'ALERTS{alertname="ServerDown"}')).trim() === "",
      240,
    );
  });
  t.deepEqual(
    receivers.told.filter(({ at }) => at >= from),
    [],
  );
});

const costWindowSeconds = 120;

/** Of all that a host runs for monitoring. */
async function usageOf(host: string) {
  const units =
    "systemctl show -p Id,MainPID,CPUUsageNSec 'prometheus*.service' trilithon-facts.service";
  const blocks = (await stack.on(host, units)).trim().split("\n\n");
  const status = "grep -sE '^(Rss(Anon)|VmRSS):' /proc/[0-9]*/status";
  const sizeOf = (await stack.on(host, status)).split("\n").map((line) => {
    const [, id = "", what = "", kilobytes = ""] =
      /^\/proc\/(\d+)\/status:(\w+):\s+(\d+)/.exec(line) ?? [];
    return { id, what, megabytes: Number(kilobytes) / 1024 };
  });
  const size = (process: string | undefined, kind: string) =>
    sizeOf.find(({ id, what }) => id === process && what === kind)?.megabytes ?? 0;
  return blocks.map((block) => {
    const of = Object.fromEntries(block.split("\n").map((line) => line.split("=")));
    return {
      unit: String(of.Id),
      seconds: Number(of.CPUUsageNSec) / 1e9,
      megabytes: size(of.MainPID, "VmRSS"),
      anonymous: size(of.MainPID, "RssAnon"),
    };
  });
}

/** Processor time of the programs that this one started, in seconds: those that ended. */
function processorSeconds(): number {
  const [, rest = ""] = readFileSync("/proc/self/stat", "utf8").split(/\) (?=\S )/);
  const [user = 0, system = 0] = rest.split(" ").slice(13, 15).map(Number);
  return (user + system) / 100;
}

/** How many processes all hosts have started so far. */
async function startedProcesses(): Promise<number> {
  const hosts = settings["trilithon:hosts"].map(({ name }) => name);
  const last = await Promise.all(
    hosts.map((host) => stack.on(host, "cat /proc/sys/kernel/ns_last_pid")),
  );
  return last.reduce((sum, one) => sum + Number(one), 0);
}

/** Of five `up` that do nothing, in the middle. Other work on this machine moves the seconds, and not the processes. */
async function idleCost(): Promise<string> {
  const all: (readonly [number, number, number])[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const first = await startedProcesses();
    await wait(10);
    const [from, used, started] = [Date.now(), processorSeconds(), await startedProcesses()];
    await stack.up();
    const seconds = (Date.now() - from) / 1000;
    const idle = ((started - first) / 10) * seconds;
    const processes = (await startedProcesses()) - started - idle;
    all.push([seconds, processorSeconds() - used, processes]);
  }
  const middle = ([0, 1, 2] as const).map(
    (kind) => all.map((one) => one[kind]).sort((a, b) => a - b)[2] ?? 0,
  );
  const [seconds = 0, processor = 0, processes = 0] = middle;
  return `${seconds.toFixed(1)} s, ${processor.toFixed(2)} s of the processor here, ${processes.toFixed(0)} processes on the hosts`;
}

test.serial("what it costs each host", async (t) => {
  t.timeout((costWindowSeconds + 120) * 1000);
  const hosts = settings["trilithon:hosts"].map(({ name }) => name);
  const before = await Promise.all(hosts.map(usageOf));
  await wait(costWindowSeconds);
  const after = await Promise.all(hosts.map(usageOf));
  for (const [place, host] of hosts.entries()) {
    const units = (after[place] ?? []).map(({ unit, seconds, megabytes, anonymous }) => {
      const former = before[place]?.find((one) => one.unit === unit)?.seconds ?? 0;
      // It runs twice a minute, and each run counts from nothing.
      const isFacts = unit === "trilithon-facts.service";
      const used = isFacts ? (seconds * costWindowSeconds) / 30 : seconds - former;
      return { unit, percent: (used / costWindowSeconds) * 100, megabytes, anonymous };
    });
    const sum = (kind: "percent" | "megabytes" | "anonymous") =>
      units.reduce((total, one) => total + one[kind], 0);
    const lines = units.map(
      ({ unit, percent, megabytes }) =>
        `${unit}: ${percent.toFixed(2)} %, ${megabytes.toFixed(0)} MB`,
    );
    t.log(
      `${host}: ${sum("percent").toFixed(2)} %, ${sum("megabytes").toFixed(0)} MB, of it not from files ${sum("anonymous").toFixed(0)} MB\n${lines.join("\n")}`,
    );
    t.true(units.some(({ unit }) => unit === "prometheus-node-exporter.service"));
    t.true(sum("percent") < 2);
    // What comes from files, as programs do, goes when somebody needs the room.
    t.true(sum(monitors.includes(host) ? "anonymous" : "megabytes") < 150);
  }
});

/** What failed is told, and the others go on. */
async function all(t: ExecutionContext, works: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) {
    if (result.status === "rejected") t.fail(String(result.reason));
  }
  t.pass();
}

/** As the workflow does it each morning. */
async function checkForDrift(): Promise<void> {
  const { stdout } = await stack.pulumi("preview", "--json");
  const { found } = renderComment(stdout, { stack: stackName });
  if (found === undefined) throw new Error(stdout);
  await leave(await stack.outputs(), found);
}

/** Names of alerts, with commas: the others' rows stay as they are. Default: all of them. */
const only = process.env.TRILITHON_TEST_ALERTS?.split(",");
const isAsked = ({ alert }: Case) => only === undefined || only.includes(alert);
const late: Promise<void>[] = [];

test.serial("nobody waits for a day here", async (t) => {
  await shortenRules();
  for (const host of monitors) t.notRegex(await stack.on(host, `cat ${rules}`), /for: 1d/);
});

for (const [index, name] of waveNames.entries()) {
  test.serial(
    `alerts fire by their causes, and are told when these are mended: ${name}`,
    async (t) => {
      t.timeout((firingSeconds + resolvingSeconds + 300) * 1000);
      const waves = wavesOf({ stack, container, net, receivers, domain, checkForDrift });
      const wave = waves[index] ?? [];
      await all(
        t,
        wave.filter(isAsked).map(async (one) => {
          const rest = (await causeAndRepair(t, receivers, one))();
          if (one.isLate) late.push(rest);
          else await rest;
        }),
      );
      const lateOnes = waves.flat().flatMap(({ alert, isLate }) => (isLate ? [alert] : []));
      // What else the causes brought with them is to be over before the next ones.
      const rest = `ALERTS{alertname!~"${["Watchdog", ...lateOnes].join("|")}"}`;
      await until(
        "nothing else fires any more",
        async () => (await query("lb-01", rest)).trim() === "",
        resolvingSeconds,
      );
    },
  );
}

test.serial("a certificate that is due and not given", async (t) => {
  t.timeout((firingSeconds + resolvingSeconds + 600) * 1000);
  const up = async (https: Settings) => {
    await stack.configure({ ...settings, ...https });
    await setReceivers();
    await stack.up();
    await shortenRules();
  };
  const one = renewalCase({ stack, stackName, net, domain, up });
  if (isAsked(one)) await (await causeAndRepair(t, receivers, one))();
  t.pass();
});

test.serial("those that last are over in the end", async (t) => {
  t.timeout(resolvingSeconds * 1000);
  await all(t, late);
});

test.serial("while one of the two that look is gone, the other one tells", async (t) => {
  t.timeout((firingSeconds + 2 * resolvingSeconds) * 1000);
  const pause = (state: "pause" | "unpause") => () =>
    must(state, "docker", [state, container("lb-01")]);
  const gone: Case = {
    ...{ alert: "HostDown", hosts: ["lb-01"], what: "one of the two that look, frozen" },
    ...{ cause: pause("pause"), repair: pause("unpause") },
  };
  const rest = await causeAndRepair(t, receivers, gone);
  await rest();
});

test.serial("without the role nothing of it is left that runs", async (t) => {
  t.timeout(1_500_000);
  // What was changed by hand for the trial is put back by the first one.
  await stack.up();
  const before = await idleCost();
  const hosts = settings["trilithon:hosts"].map((host) => ({
    ...host,
    roles: host.roles.filter((role) => role !== "monitoring"),
  }));
  const { "trilithon:monitoring": _, ...rest } = settings;
  await stack.configure({ ...rest, "trilithon:hosts": hosts });
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  t.log(`an \`up\` that does nothing: with monitoring ${before}; without ${await idleCost()}`);
  for (const host of ["lb-01", "web-01"]) {
    t.is(await stack.on(host, "ss -Hlnt 'sport >= 9090 and sport <= 9120' || true"), "");
  }
  t.is(
    (
      await stack.on(
        "web-01",
        mysql("SELECT user FROM mysql.user WHERE user = 'trilithon_metrics'"),
      )
    ).trim(),
    "",
  );
});
