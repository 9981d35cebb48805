/**
 * One stack's life on container hosts: brought up, used, left alone, broken, changed under constant load, enlarged, and
 * taken down. The tests are one story: each begins with the stack as the one before has left it.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import type { Browser } from "playwright-core";
import { findHost } from "../../scripts/maintenance/drain";
import {
  accountOf,
  chooseMember,
  knownMembers,
  mysqlClient,
  type Wish,
} from "../../scripts/operate/database";
import { inApplication } from "../../scripts/operate/in-application";
import { LogParser, logReader, logsOn, merged } from "../../scripts/operate/logs";
import { readReleases } from "../../scripts/operate/releases";
import { localFolder } from "../../scripts/setup/environment";
import { listLabelled } from "../../scripts/setup/labelled";
import { renderTable } from "../../scripts/verify/report";
import { withSite } from "../../scripts/verify/site";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { openBrowser } from "./support/browser";
import { faults } from "./support/faults";
import { moved, readProcesses, readState } from "./support/host-state";
import { readListening, withStranger } from "./support/listening";
import { runLive } from "./support/live";
import { type Load, type LoadResult, startLoad } from "./support/load";
import { readPreview, summary } from "./support/preview";
import { SampleCopy } from "./support/sample-copy";
import { findSecrets, type Places, readSecrets, readStateFiles, secretOf } from "./support/secrets";
import { type Settings, TestStack, threeHosts } from "./support/test-stack";
import { logStatements, plant, readMysqlLogs, readWatched, watch } from "./support/watch";

const stackName = "e2e";
const number = 67;
const url = `http://127.0.0.1:${8000 + number}`;
const hosts = ["lb-01", "web-01", "web-02"];
const databaseHosts = ["web-01", "web-02"];
const thirdServer = { name: "web-03", address: `172.31.${number}.23`, roles: ["web"] };
const haproxyFile = "/etc/haproxy/haproxy.cfg";
const nginxFile = "/etc/nginx/conf.d/trilithon.conf";

let stack: TestStack;
let sample: SampleCopy;
let good: Settings;

test.before(async () => {
  sample = await SampleCopy.make(`${stackName}-app`);
  // A version that never becomes healthy is given up after 15 seconds.
  const application = { ...sample.settings(), readySeconds: 15 };
  good = threeHosts(number, { "trilithon:application": application });
  stack = await TestStack.make(stackName, good);
});

test.after.always(async () => {
  await stack?.remove();
  await sample?.remove();
});

test.serial("one `up` makes a stack that answers out of nothing", async (t) => {
  t.regex(await stack.up(), /Resources:\n {4}\+ \d+ created\n/);
  const answer = await fetch(url);
  t.is(answer.status, 200);
  t.regex(await answer.text(), /Answered by <strong>web-0[12]</);
});

test.serial("a person signs the guest book, and is then served by the other server", async (t) => {
  const browser = await openBrowser();
  try {
    await signAndReload(t, browser);
  } finally {
    await browser.close();
  }
});

test.serial("the verification passes, a server's stop and return included", async (t) => {
  const { passed, table } = await verify("allowed");
  t.true(passed, table);
});

test.serial("what listens on each host is what is declared, and nothing else", async (t) => {
  const { declared, seen } = await readListening(stack, hosts);
  t.deepEqual(seen, declared);
  const stranger = { host: "web-02", port: 8099 };
  const { failed, table } = await withStranger(stack, stranger, () => verify("none"));
  t.deepEqual(failed, ["what listens on web-02 is declared: 10 of 10 as declared, 1 not declared"]);
  t.regex(table, /web-02: tcp 0\.0\.0\.0:8099: stranger\.service \(perl, process \d+\) listens/);
});

test.serial("a command runs as the application does, on a web server", async (t) => {
  const words = ["", "a b", "$HOME %h", "it's", "two\nlines"];
  const script =
    'cat; id -un; pwd; test -n "$DATABASE_PASSWORD" && echo known; printf "<%s>" "$@"; exit 7';
  const command = ["sh", "-c", script, "sh", ...words];
  const args = inApplication({ unit: "guestbook.service", command });
  const { stdout, end } = await runLive(await stack.outputs(), "web-02", args, "typed\n");
  const version = await stack.on("web-02", "readlink -f /srv/guestbook/current");
  const shown = words.map((word) => `<${word}>`).join("");
  t.is(stdout, `typed\nguestbook\n${version.trim()}\nknown\n${shown}`);
  t.deepEqual(end, { ended: "by itself", status: 7 });
  const terminal = { columns: 91, rows: 17, name: "xterm" };
  const onTerminal = inApplication({
    unit: "guestbook.service",
    command: ["stty", "size"],
    terminal,
  });
  t.regex((await runLive(await stack.outputs(), "web-02", onTerminal)).stdout, /^17 91\r\n/);
});

test.serial("the database is read on the replica, where nothing can be written", async (t) => {
  const open = (sql: string) => queryDatabase({ writes: false, host: undefined }, sql);
  const { stdout, stderr } = await open("SELECT CURRENT_USER(), @@hostname");
  t.is(stdout, "CURRENT_USER()\t@@hostname\nguestbook@localhost\tweb-02\n", stderr);
  const sql = "SET SESSION transaction_read_only = OFF; DELETE FROM entries";
  t.regex((await open(sql)).stderr, /ERROR 1290 .*--read-only/);
  const writing = await queryDatabase({ writes: true, host: undefined }, "SELECT @@hostname");
  t.is(writing.stdout, "@@hostname\nweb-01\n", writing.stderr);
});

test.serial("the logs of a host are one, by time", async (t) => {
  const outputs = await stack.outputs();
  const logs = logsOn(findHost(outputs, "web-01"), []);
  if (logs === undefined) throw new Error("nothing logs there");
  const reading = { sinceSeconds: 3600, follows: false, pattern: "" };
  const { stdout, stderr, end } = await runLive(outputs, "web-01", logReader(logs, reading));
  t.deepEqual(end, { ended: "by itself", status: 0 }, stderr);
  const lines = new LogParser("web-01").take(Buffer.from(stdout));
  const sources = new Set(lines.map(({ source }) => source));
  for (const source of ["guestbook", "nginx", "nginx.access", "mysql"]) {
    t.true(sources.has(source), [...sources].join(", "));
  }
  t.deepEqual(lines, merged(lines));
});

test.serial("a second `up` changes nothing, and drops no request", async (t) => {
  const before = await readState(stack, hosts);
  const said = await underLoad(t, () => stack.up());
  const after = await readState(stack, hosts);
  t.regex(said, /Resources:\n {4}\d+ unchanged\n/);
  t.deepEqual(moved(before.processes, after.processes), []);
  t.deepEqual(moved(before.files, after.files), []);
  t.true(Object.keys(after.files).length > 1000, "files were looked at");
});

for (const round of faults) {
  const names = round.map(({ name }) => name).join("; ");
  test.serial(
    `told by the verification and by the preview, mended by \`up\`: ${names}`,
    async (t) => {
      const before = await readProcesses(stack, hosts);
      for (const { host, break: script } of round) await stack.on(host, script);
      const { failed, table } = await verify("none");
      for (const { verdict } of round) {
        t.true(
          failed.some((line) => verdict.test(line)),
          `${verdict}: ${table}`,
        );
      }
      const preview = await readPreview(stack);
      t.deepEqual(
        preview.updates.map((update) => update.resource).sort(),
        round.map(({ resource }) => resource).sort(),
      );
      for (const { resource, sentence } of round) t.regex(summary(preview, resource), sentence);
      const said = await stack.up();
      const summed = `Resources:\n {4}~ ${round.length} updated\n {4}\\d+ unchanged\n`;
      t.regex(said, new RegExp(summed));
      for (const { resource } of round) t.true(said.includes(summary(preview, resource)), said);
      const all = moved(before, await readProcesses(stack, hosts));
      const others = all.filter(
        (process) => !round.some(({ host, unit }) => process.startsWith(`${host} ${unit} `)),
      );
      t.deepEqual(others, [], "only what was stopped has new processes");
    },
  );
}

test.serial("the verification passes again, and the preview is empty", async (t) => {
  const { passed, table } = await verify("none");
  t.true(passed, table);
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("a refresh finds nothing, and what the stack tells stays readable", async (t) => {
  const before = await stack.output("endpoints");
  const { status, stdout, stderr } = await stack.pulumi("refresh", "--yes");
  t.is(status, 0, stdout + stderr);
  t.deepEqual(await stack.output("endpoints"), before);
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("a line that HAProxy refuses stops `up`, and nothing else", async (t) => {
  const wrong = { rawLines: { backend: ["no-such-keyword at all"] } };
  const error = await mustChangeNothing(t, ["lb-01"], haproxyFile, () =>
    mustFailWith({ "trilithon:loadBalancer": wrong }),
  );
  t.regex(error, /lb-01: applying haproxy: exit 1/);
  t.regex(error, /\/etc\/haproxy\/haproxy\.cfg:\d+\].*unknown keyword 'no-such-keyword'/);
});

test.serial("a line that Nginx refuses stops `up`, and nothing else", async (t) => {
  const wrong = { rawLines: ["no_such_directive on;"] };
  const error = await mustChangeNothing(t, ["web-01", "web-02"], nginxFile, () =>
    mustFailWith({ "trilithon:web": wrong }),
  );
  t.regex(error, /web-0[12]: applying nginx: exit 1/);
  t.regex(
    error,
    /unknown directive "no_such_directive" in \/etc\/nginx\/conf\.d\/trilithon\.conf:\d+/,
  );
});

test.serial(
  "a version that never becomes healthy stops at the first host; the former one serves on",
  async (t) => {
    const before = await readState(stack, ["web-02"]);
    const current = await stack.on("web-01", "readlink /srv/guestbook/current");
    const bad = { file: "server.ts", from: "main();", to: 'log("born to die"); process.exit(3);' };
    const error = await sample.changed(bad, () => underLoad(t, () => stack.mustFail()));
    t.regex(error, /web-01: applying guestbook: exit 1/);
    t.regex(error, /guestbook ended 5 times by itself; all is put back as it was/);
    t.regex(error, /born to die/);
    t.false(error.includes("web-02: applying"), error);
    t.is(await stack.on("web-01", "readlink /srv/guestbook/current"), current);
    t.deepEqual(await lastRelease("web-01"), ["taken back", "guestbook ended 5 times by itself"]);
    const after = await readState(stack, ["web-02"]);
    t.deepEqual(moved(before.processes, after.processes), []);
    t.deepEqual(moved(before.files, after.files).filter(isNotStatic), []);
  },
);

test.serial("with the good settings again `up` touches nothing that runs", async (t) => {
  const before = await readState(stack, hosts);
  // The refused version's static files were there before it, and the good one's are switched to again.
  t.deepEqual((await readPreview(stack)).updates.map(({ resource }) => resource).sort(), [
    "application-web-01-assets",
    "application-web-02-assets",
  ]);
  await stack.up();
  const after = await readState(stack, hosts);
  t.deepEqual(moved(before.processes, after.processes), []);
  t.deepEqual(moved(before.files, after.files).filter(isNotStatic), []);
  t.deepEqual((await readPreview(stack)).updates, []);
});

test.serial("a change of HAProxy's configuration drops no request", async (t) => {
  const before = await readProcesses(stack, hosts);
  good = { ...good, "trilithon:loadBalancer": { rawLines: { backend: ["timeout queue 9s"] } } };
  const said = await underLoad(t, configureAndUp);
  t.regex(
    said,
    /lb-01: write .* check it, reload haproxy \(no connection dropped; WebSockets go on for 1 hour\).* \[change\]/,
  );
  t.regex(said, /Resources:\n {4}~ 1 updated\n/);
  t.deepEqual(moved(before, await readProcesses(stack, hosts)), ["lb-01 haproxy workers"]);
});

test.serial("a change of Nginx's configuration drops no request", async (t) => {
  const before = await readProcesses(stack, hosts);
  good = { ...good, "trilithon:web": { uploadLimitMegabytes: 20 } };
  const said = await underLoad(t, configureAndUp);
  for (const host of databaseHosts) {
    t.regex(
      said,
      new RegExp(`${host}: write .* check it, reload nginx \\(no connection dropped\\)`),
    );
  }
  t.regex(said, /Resources:\n {4}~ 2 updated\n/);
  t.deepEqual(moved(before, await readProcesses(stack, hosts)), [
    "web-01 nginx workers",
    "web-02 nginx workers",
  ]);
});

test.serial("a new version and the way back to the former one drop no request", async (t) => {
  const before = await readProcesses(stack, hosts);
  const version = { file: "page.ts", from: "Leave a line<", to: "Leave a line or two<" };
  const released = await sample.changed(version, () => underLoad(t, configureAndUp));
  t.regex(released, /web-01: send version .* drain the host and restart guestbook/);
  t.true(
    isInOrder(released, ["application-web-01 updated", "application-web-02 updating"]),
    released,
  );
  t.deepEqual(await headings(), ["Leave a line or two", "Leave a line or two"]);
  const rolledBack = await underLoad(t, configureAndUp);
  t.regex(rolledBack, /web-02: switch .* drain the host and restart guestbook/);
  t.false(rolledBack.includes("send version"), rolledBack);
  t.deepEqual(await headings(), ["Leave a line", "Leave a line"]);
  t.deepEqual(await lastRelease("web-02"), ["done", ""]);
  const expected = ["web-01 guestbook main", "web-02 guestbook main"];
  t.deepEqual(moved(before, await readProcesses(stack, hosts)), expected);
});

test.serial(
  "the primary is handed over and back: no request fails, and no application is restarted",
  async (t) => {
    const before = await readProcesses(stack, hosts);
    const [balancer, first, second] = listHosts();
    const swapped = [
      balancer,
      { ...Object(first), roles: ["web", "database-replica"] },
      { ...Object(second), roles: ["web", "database-primary"] },
    ];
    await stack.configure({ ...good, "trilithon:hosts": swapped });
    t.regex(
      summary(await readPreview(stack), "database-replication"),
      /^web-01: hand the role of the primary over to web-02 \(writes are refused for about a second;/,
    );
    // 50 writes a second.
    await underLoad(t, () => stack.up(), { writeEvery: 4 });
    t.deepEqual((await readPreview(stack)).updates, []);
    await underLoad(t, configureAndUp, { writeEvery: 4 });
    t.deepEqual((await readPreview(stack)).updates, []);
    t.deepEqual(moved(before, await readProcesses(stack, hosts)), []);
  },
);

test.serial(
  "a third web server is one line and one `up`: it serves, and the others are not touched",
  async (t) => {
    const before = await readState(stack, hosts);
    const more = { ...good, "trilithon:hosts": [...listHosts(), thirdServer] };
    await stack.configure(more);
    const { updates } = await readPreview(stack);
    const touched = updates
      .map(({ resource }) => resource)
      .filter((name) => !name.includes("web-03"));
    // It is let in by the others' firewalls, and asks whether one of them serves.
    const parts = hosts.flatMap((host) => [`firewall-${host}`, `firewall-${host}-open`]);
    // MySQL lets the application in from its address, and each host has its part of the connections.
    const accounts = ["database-content", "database-password-retirement"];
    t.deepEqual(touched.sort(), [...parts, ...accounts, "load-balancer-lb-01-service"].sort());
    const said = await underLoad(t, async (load) => {
      const done = await stack.up();
      await until("web-03 answers", () => (load.servers["web-03"] ?? 0) > 10);
      return done;
    });
    t.regex(
      said,
      /lb-01: write .* reload haproxy \(no connection dropped; WebSockets go on for 1 hour\)/,
    );
    const after = await readState(stack, hosts);
    t.deepEqual(moved(before.processes, after.processes), ["lb-01 haproxy workers"]);
    const ofFirewall = / \/(etc\/trilithon-firewall|var\/lib\/trilithon)(\/|$)/;
    const files = moved(before.files, after.files).filter(
      (name) => !name.startsWith("lb-01 ") && !ofFirewall.test(name),
    );
    t.deepEqual(files, []);
  },
);

test.serial("the third web server is taken out: drained first, then gone", async (t) => {
  const before = await readState(stack, hosts);
  const said = await underLoad(t, configureAndUp);
  t.true(isInOrder(said, ["load-balancer-lb-01-service updated", "web-03 deleting"]), said);
  const after = await readState(stack, hosts);
  t.deepEqual(moved(before.processes, after.processes), ["lb-01 haproxy workers"]);
  const { containers } = await listLabelled(stackName);
  t.is(containers.length, 3);
});

test.serial("no secret shows anywhere while an `up` puts all of them in place again", async (t) => {
  const planted = "Planted-7f3a9c51d2e84b60";
  const control = "Control-0b64e2d19c7f4a35";
  await stack.setSecretAt("trilithon:application.environment.TOKEN", planted);
  await stack.on("web-01", "echo BY_HAND=1 >>/etc/guestbook/secrets");
  await stack.on(
    "web-01",
    `mysql -NBe "SELECT CONCAT('ALTER USER ', QUOTE(User), '@', QUOTE(Host), ' IDENTIFIED BY ''by-hand-by-hand'';') FROM mysql.user WHERE User = 'trilithon_replication'" | mysql`,
  );
  await stack.on("web-02", `mysql -e "STOP REPLICA; RESET REPLICA ALL"`);
  await Promise.all(databaseHosts.map((host) => logStatements(stack, host)));
  await Promise.all(hosts.map((host) => watch(stack, host)));
  await Promise.all(hosts.map((host) => plant(stack, host, control)));
  const preview = await stack.pulumi("preview", "--diff", "-v=9", "--logtostderr");
  const up = await stack.pulumi("up", "--yes", "--skip-preview", "-v=9", "--logtostderr");
  t.is(up.status, 0, up.stdout);
  await writeToBinaryLog(control);
  await stack.pulumi("config", "get", control);
  const seen = await Promise.all([
    ...hosts.map((host) => readWatched(stack, host)),
    ...databaseHosts.map((host) => readMysqlLogs(stack, host)),
  ]);
  const places: Places = Object.assign(
    {
      "state and settings": await readStateFiles(stack),
      "what the CLI said": stack.said.join("\n"),
      "logs of preview": preview.stderr,
      "logs of up": up.stderr,
    },
    ...seen,
  );
  t.log(
    Object.entries(places)
      .map(([place, text]) => `${place}: ${text.length} characters`)
      .join("\n"),
  );
  const secrets = await readSecrets(stack);
  t.deepEqual(secrets.map(({ name }) => name).sort(), [
    ...["database-authority", "database-password", "database-replication-password"],
    ...["database-web-01-certificate", "database-web-02-certificate", "hosts-key"],
    ...["lb-01-host-key", "web-01-host-key", "web-01-nginx-certificate", "web-02-host-key"],
    ...["web-02-nginx-certificate", "web-authority"],
  ]);
  t.deepEqual(findSecrets(places, [...secrets, secretOf("planted", planted)]), []);
  // The search finds what is there: the control where it was put, what is public elsewhere.
  const known = [secretOf("control", control), secretOf("control", "www.foobar.com")];
  const found = new Set(findSecrets(places, known));
  t.deepEqual(
    [...found].sort(),
    Object.keys(places)
      .map((place) => `${place}: control`)
      .sort(),
  );
});

test.serial("`destroy` refuses to take data away before it is told to", async (t) => {
  const { status, stdout } = await stack.pulumi("destroy", "--yes");
  t.not(status, 0);
  for (const host of databaseHosts)
    t.regex(stdout, new RegExp(`Container::${host}" cannot be deleted`));
  t.is((await listLabelled(stackName)).containers.length, 3);
  t.is((await fetch(url)).status, 200);
});

test.serial(
  "`destroy` leaves no container and no network, and so has nothing to tell of",
  async (t) => {
    await stack.pulumi("state", "unprotect", "--all", "--yes");
    const { status, stdout, stderr } = await stack.pulumi("destroy", "--yes", "--skip-preview");
    t.is(status, 0, stdout + stderr);
    t.false(stdout.includes("left behind"), stdout);
    t.deepEqual(await listLabelled(stackName), { containers: [], networks: [], volumes: [] });
  },
);

async function signAndReload(t: ExecutionContext, browser: Browser): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
  page.setDefaultTimeout(60_000);
  const served = () => page.locator(".served strong").innerText();
  await page.goto(url);
  await page.fill("#name", "Ada");
  await page.fill("#message", "Hello from a browser.");
  await page.click("button");
  await page.getByText("Thank you for signing.").waitFor();
  t.is(await page.locator(".entry.own .message").innerText(), "Hello from a browser.");
  const screenshot = join(localFolder, "screenshots", "guest-book.png");
  await mkdir(join(localFolder, "screenshots"), { recursive: true });
  await page.screenshot({ path: screenshot, fullPage: true });
  t.log(`for a person to look at: ${screenshot}`);
  const first = await served();
  await page.reload();
  // The files that a page asks for take turns as well.
  for (let more = 0; more < 3 && (await served()) === first; more += 1) await page.reload();
  t.deepEqual([first, await served()].sort(), ["web-01", "web-02"]);
  t.is(await page.getByText("Hello from a browser.").count(), 1);
}

async function verify(changes: "allowed" | "none") {
  const verdicts = await verifyStack(await stack.outputs(), { changes });
  const failed = verdicts
    .filter(({ passed }) => !passed)
    .map(({ name, seen }) => `${name}: ${seen}`);
  const table = renderTable({ stack: stackName, url, verdicts });
  return { passed: failed.length === 0, failed, table };
}

/** What the host's log of releases says last. */
async function lastRelease(name: string) {
  return withSite(await stack.outputs(), "reading releases", async (site) => {
    const read = await readReleases(site, findHost(site, name));
    const last = "fault" in read ? undefined : read.releases.at(-1);
    return last && [last.result, last.why];
  });
}

/** As `npm run db` does it. */
async function queryDatabase(wish: Wish, sql: string) {
  const outputs = await stack.outputs();
  const members = await withSite(outputs, "asking MySQL", (site) => knownMembers(site, fail));
  const { member } = chooseMember(members, wish);
  const account = await accountOf(outputs, fail);
  const client = { ...account, ...member, writes: wish.writes, sql, drawsTables: false };
  return runLive(outputs, member.host.name, mysqlClient(client));
}

function fail(message: string): never {
  throw new Error(message);
}

/** Not one request may fail: counted where they are sent. */
async function underLoad<T>(
  t: ExecutionContext,
  work: (load: Load) => Promise<T>,
  { writeEvery } = { writeEvery: 10 },
): Promise<T> {
  const load = startLoad({ url, requestsPerSecond: 100, writeEvery });
  try {
    await sleep(2000);
    const result = await work(load);
    await sleep(2000);
    return result;
  } finally {
    const result = await load.stop();
    if (Object.keys(result.failures).length > 0) await logWhy(t);
    judge(t, result);
  }
}

async function logWhy(t: ExecutionContext): Promise<void> {
  const read = "journalctl --no-pager --output=short-precise --lines=60 --unit";
  t.log(await stack.on("lb-01", `${read} haproxy`));
  for (const host of databaseHosts) {
    t.log(await stack.on(host, `${read} guestbook; ${read} mysql; cat /proc/pressure/* || true`));
  }
}

function judge(t: ExecutionContext, result: LoadResult): void {
  t.log(JSON.stringify(result));
  t.deepEqual(result.failures, {});
  t.is(result.answered, result.sent);
}

/** Of a failing `up`: the file has its old bytes, no daemon was even reloaded, no request failed. Answers what was said. */
async function mustChangeNothing(
  t: ExecutionContext,
  names: readonly string[],
  file: string,
  work: () => Promise<string>,
): Promise<string> {
  const read = () => Promise.all(names.map((host) => stack.on(host, `cat ${file}`)));
  const before = { text: await read(), processes: await readProcesses(stack, hosts) };
  const error = await underLoad(t, work);
  t.deepEqual(await read(), before.text);
  t.deepEqual(moved(before.processes, await readProcesses(stack, hosts)), []);
  return error;
}

/** Leaves the good settings behind. */
async function mustFailWith(wrong: Settings): Promise<string> {
  await stack.configure({ ...good, ...wrong });
  try {
    return await stack.mustFail();
  } finally {
    await stack.configure(good);
  }
}

async function configureAndUp(): Promise<string> {
  await stack.configure(good);
  return stack.up();
}

function listHosts(): readonly unknown[] {
  const listed = good["trilithon:hosts"];
  return Array.isArray(listed) ? listed : [];
}

function isInOrder(text: string, parts: readonly string[]): boolean {
  const places = parts.map((part) => text.indexOf(part));
  return places.every((place, index) => place >= 0 && place >= (places[index - 1] ?? 0));
}

/** The static files of a version are on all hosts before the first one runs it, and stay there when it is refused. */
function isNotStatic(file: string): boolean {
  return !/^\S+ (\/srv\/guestbook(\.assets|\/\.incoming|$)|\/var\/lib\/trilithon)(\/|$)/.test(file);
}

/** What the page of each server asks for. */
async function headings(): Promise<string[]> {
  const found = new Map<string, string>();
  await until("both servers answer", async () => {
    const text = await (await fetch(url, { headers: { connection: "close" } })).text();
    const server = /Answered by <strong>([^<]+)</.exec(text)?.[1] ?? "";
    found.set(server, /<h2>([^<]+)</.exec(text)?.[1] ?? "");
    return databaseHosts.every((host) => found.has(host));
  });
  return databaseHosts.map((host) => found.get(host) ?? "");
}

async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`not seen within 120 seconds: ${what}`);
    await sleep(200);
  }
}

/** An entry of the guest book: a statement, and an event of the binary log. */
async function writeToBinaryLog(text: string): Promise<void> {
  const body = JSON.stringify({ name: "control", message: text });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/api/entries`, { method: "POST", headers, body });
  if (answer.status !== 201) throw new Error(`the entry was not taken: status ${answer.status}`);
}
