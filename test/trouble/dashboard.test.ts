/**
 * `npm run dashboard` in Chromium: each kind of fault is seen in the right box, of a pair with monitoring and backups and of a group; 20 hosts;
 * the keyboard, names and contrast. `TRILITHON_TEST_KEEP=1` keeps the stacks, and the next run takes those that it finds;
 * `TRILITHON_TEST_FAULTS=NAME,...` are these alone. Pictures are in `.trilithon/dashboard`.
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Browser, Page } from "playwright-core";
import { localFolder } from "../../scripts/setup/environment";
import { capture, must } from "../../scripts/setup/run";
import { openBrowser } from "../end-to-end/support/browser";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { accessibilityFaults, walkByTab } from "./dashboard/accessible";
import { serveDrawn } from "./dashboard/drawn";
import { groupFaults, pairFaults, type SeenFault } from "./dashboard/faults";
import {
  boxOf,
  type Command,
  endAll,
  type OpenPage,
  openPage,
  readBoxes,
  startDashboard,
  until,
} from "./dashboard/open-page";

const pictures = join(localFolder, "dashboard");
const only = process.env.TRILITHON_TEST_FAULTS?.split(",");

const pair = { name: "dash-dev", number: 131, hosts: ["lb-01", "web-01", "web-02"] };
const group = { name: "dash-ha", number: 132, hosts: ["node-01", "node-02", "node-03"] };
const netOf = (number: number) => `172.31.${number}`;

const pairSettings: Settings = {
  ...threeHosts(pair.number),
  "trilithon:hosts": [
    {
      ...{ name: "lb-01", address: `${netOf(pair.number)}.11` },
      roles: ["load-balancer", "monitoring", "backup"],
    },
    { name: "web-01", address: `${netOf(pair.number)}.21`, roles: ["web", "database-primary"] },
    { name: "web-02", address: `${netOf(pair.number)}.22`, roles: ["web", "database-replica"] },
  ],
  "trilithon:containers": {
    ...{ subnet: `${netOf(pair.number)}.0/24`, publish: 8131, sshPortBase: 18_600 },
  },
};

const groupSettings: Settings = {
  ...threeHosts(group.number),
  "trilithon:hosts": [
    { name: "node-01", address: `${netOf(group.number)}.11`, roles: ["load-balancer", "database"] },
    {
      ...{ name: "node-02", address: `${netOf(group.number)}.12` },
      roles: ["load-balancer", "web", "database"],
    },
    { name: "node-03", address: `${netOf(group.number)}.13`, roles: ["web", "database"] },
  ],
  "trilithon:containers": {
    ...{ subnet: `${netOf(group.number)}.0/24`, publish: 8132, sshPortBase: 18_700 },
  },
  "trilithon:loadBalancer": { virtualAddress: `${netOf(group.number)}.10` },
  "trilithon:web": { port: 8080 },
  "trilithon:https": "own-ca",
};

let browser: Browser;
const made: TestStack[] = [];

test.before(async () => {
  await mkdir(pictures, { recursive: true });
  browser = await openBrowser();
});

test.after.always(async () => {
  await browser?.close();
  await endAll();
  if (process.env.TRILITHON_TEST_KEEP !== undefined) return;
  for (const stack of made) await stack.remove();
});

async function bringUp(name: string, settings: Settings): Promise<TestStack> {
  const isThere = existsSync(join(localFolder, "test", name));
  if (isThere && process.env.TRILITHON_TEST_KEEP !== undefined) {
    const stack = await TestStack.again(name);
    made.push(stack);
    return stack;
  }
  const stack = await TestStack.make(name, settings);
  made.push(stack);
  await stack.up();
  return stack;
}

const picture = (page: Page, name: string, isFull = false) =>
  page.screenshot({ path: join(pictures, `${name}.png`), fullPage: isFull });

async function inAllForms(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [width, height] of [
      [1920, 1080],
      [1280, 800],
      [360, 780],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(600);
      await picture(page, `${name}-${width}-${colorScheme}`, width === 360);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function isAccessible(t: ExecutionContext, page: Page, where: string): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1440, 360]) {
      await page.setViewportSize({ width, height: 900 });
      // Colours go over to others for a moment.
      await page.waitForTimeout(600);
      t.deepEqual(await accessibilityFaults(page), [], `${where}, ${colorScheme}, ${width}`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function act(stack: TestStack, host: string, what: SeenFault["break"]): Promise<void> {
  if ("script" in what) {
    await stack.on(host, what.script);
    return;
  }
  const container = `trilithon-${stack.place.stack}-${host}`;
  const words = what.docker.map((word) => word.replace("{container}", container));
  await must(words.join(" "), "docker", words);
}

/** Answers how many seconds it took until it was seen: since it was begun to break, and since it was broken. */
async function seeFault(
  t: ExecutionContext,
  { page, stack, hosts }: { page: Page; stack: TestStack; hosts: readonly string[] },
  fault: SeenFault,
): Promise<{ readonly sinceBegun: number; readonly sinceBroken: number }> {
  const { name, host, health, words } = fault;
  // What ended a moment ago is told for a minute.
  const quiet = hosts.map((one) => boxOf(one, "well|notice")).join(" && ");
  await until(page, `${name}: all well before`, quiet, 240);
  const begun = performance.now();
  const breaking = act(stack, host, fault.break).then(() => performance.now());
  const seen = await until(page, name, boxOf(host, health, words)).then(
    () => undefined,
    (error: Error) => error,
  );
  const seenAt = performance.now();
  const boxes = await readBoxes(page);
  const wrong = boxes.filter((box) => box.name !== host && box.health === "silent");
  t.deepEqual(wrong, [], `${name}: another host is not silent`);
  t.true(
    boxes.every((box) => box.text.includes("load ")),
    `${name}: no box is empty`,
  );
  const broken = await breaking;
  await picture(page, `fault-${name.replaceAll(" ", "-")}`);
  await act(stack, host, fault.mend);
  if (seen !== undefined) throw seen;
  await until(page, `${name}: mended`, boxOf(host, "well|notice"), 240);
  return { sinceBegun: (seenAt - begun) / 1000, sinceBroken: (seenAt - broken) / 1000 };
}

async function seeFaults(
  t: ExecutionContext,
  {
    stack,
    hosts,
    faults,
  }: { stack: TestStack; hosts: readonly string[]; faults: readonly SeenFault[] },
): Promise<void> {
  const command = await startDashboard(stack);
  const { page, complaints } = await openPage(browser, command.url);
  const rows: string[] = [];
  try {
    for (const fault of faults.filter(({ name }) => only?.includes(name) ?? true)) {
      const { sinceBegun, sinceBroken } = await seeFault(t, { page, stack, hosts }, fault);
      rows.push(
        `${fault.name} (${fault.host}): ${sinceBegun.toFixed(1)} s, ${sinceBroken.toFixed(1)} s after it was broken`,
      );
    }
  } finally {
    for (const row of rows) t.log(row);
    await page.close();
    t.is(await command.end(), 0, command.said());
  }
  t.deepEqual(complaints, []);
}

let pairStack: TestStack;
let shown: { readonly command: Command; readonly open: OpenPage };

test.serial("a pair with monitoring and backups is shown, with charts", async (t) => {
  pairStack = await bringUp(pair.name, pairSettings);
  const command = await startDashboard(pairStack);
  const open = await openPage(browser, command.url);
  shown = { command, open };
  const { page } = open;
  await until(
    page,
    "all well",
    pair.hosts.map((one) => boxOf(one, "well|notice")).join(" && "),
    120,
  );
  await until(page, "charts", 'document.querySelectorAll("figure canvas").length > 8', 120);
  await until(page, "certificates", 'document.querySelector("#certificates table") !== null', 120);
  const text = await page.innerText("main");
  for (const expected of [
    /web-01\s+takes writes; 1 of 1 follows/,
    /Database, binary logs/,
    /web-01\tmysql\t20\d\d-/,
  ]) {
    t.regex(text, expected);
  }
  t.notRegex(page.url(), /token/);
  await inAllForms(page, "pair");
});

test.serial(
  "nothing listens on the hosts for it, and it listens on this machine alone",
  async (t) => {
    const port = new URL(shown.command.url).port;
    const listening = await must("ss", "ss", ["-H", "-l", "-t", "-n", `sport = :${port}`]);
    t.regex(listening, new RegExp(`127\\.0\\.0\\.1:${port}\\b`));
    t.is(listening.trim().split("\n").length, 1);
    const before = await Promise.all(
      pair.hosts.map((host) =>
        pairStack.on(host, "ss -H -l -t -u -n | awk '{print $1, $5}' | sort -u"),
      ),
    );
    t.is(await shown.command.end(), 0);
    const after = await Promise.all(
      pair.hosts.map((host) =>
        pairStack.on(host, "ss -H -l -t -u -n | awk '{print $1, $5}' | sort -u"),
      ),
    );
    t.deepEqual(after, before);
    const lost = 'document.querySelector("#lost").checkVisibility()';
    await until(shown.open.page, "the page tells that nobody answers", lost, 15);
    await picture(shown.open.page, "lost");
    await shown.open.page.close();
  },
);

test.serial("who has no cookie, or another way to it, is refused", async (t) => {
  const command = await startDashboard(pairStack);
  const { host, pathname, searchParams, port } = new URL(command.url);
  const ask = (path: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ host: "127.0.0.1", port, path, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
  t.is(await ask(pathname, { Host: host }), 403);
  t.is(await ask("/", { Host: host }), 403);
  t.is(await ask(`${pathname}?token=${"0".repeat(48)}`, { Host: host }), 403);
  const withToken = `${pathname}?token=${searchParams.get("token")}`;
  t.is(await ask(withToken, { Host: `www.foobar.com:${port}` }), 403);
  t.is(await ask(withToken, { Host: host }), 200);
  // A page of another server of this machine, in the browser that has the cookie.
  const context = await browser.newContext();
  const own = await context.newPage();
  await own.goto(command.url);
  await until(own, "the picture", 'document.querySelectorAll(".box").length === 3');
  const other = await context.newPage();
  await other.goto(`http://127.0.0.1:8131/`);
  const read = await other.evaluate(
    `fetch("http://${host}${pathname}feed", { credentials: "include" }).then((answer) => answer.status, () => "refused")`,
  );
  t.is(read, "refused");
  t.false(String(await own.evaluate("document.cookie")).includes("trilithon"));
  await own.reload();
  await until(own, "the picture again", 'document.querySelectorAll(".box").length === 3');
  await context.close();
  t.is(await command.end(), 0);
});

test.serial("each fault of a pair is seen in its box", async (t) => {
  const addressOf = { "web-01": `${netOf(pair.number)}.21` };
  const network = (
    await must("network", "docker", [
      ...[
        "inspect",
        "--format",
        "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}",
      ],
      `trilithon-${pair.name}-web-01`,
    ])
  ).trim();
  await seeFaults(t, {
    stack: pairStack,
    hosts: pair.hosts,
    faults: pairFaults(network, addressOf),
  });
});

test.serial("by the keyboard: to a host, its log, and back", async (t) => {
  const command = await startDashboard(pairStack);
  const { page, complaints } = await openPage(browser, command.url);
  await until(
    page,
    "all well",
    pair.hosts.map((one) => boxOf(one, "well|notice")).join(" && "),
    240,
  );
  await until(page, "charts", 'document.querySelectorAll("figure canvas").length > 8', 120);
  await isAccessible(t, page, "the page");
  const walked = await walkByTab(page, 40);
  t.log(walked);
  t.is(walked[0], "a Skip to the hosts");
  for (const host of pair.hosts) t.true(walked.includes(`button ${host}`), host);
  t.true(walked.includes("input hour"));
  await page.focus('[data-host="web-01"] button');
  await page.keyboard.press("Enter");
  await until(page, "the dialog", 'document.querySelector("dialog").open');
  await until(page, "its log", '/15 minutes/.test(document.querySelector(".log-state").innerText)');
  t.true(await page.evaluate('document.querySelector("dialog").contains(document.activeElement)'));
  await picture(page, "details");
  await isAccessible(t, page, "the dialog");
  await page.selectOption("#log-choice", "nginx");
  const path = `/followed-${process.pid}`;
  await fetch(`http://127.0.0.1:8131${path}`).catch(() => undefined);
  await fetch(`http://127.0.0.1:8131${path}`).catch(() => undefined);
  await until(
    page,
    "a line that follows",
    `document.querySelector(".log").innerText.includes("${path}")`,
  );
  await page.keyboard.press("Escape");
  await until(page, "closed", '!document.querySelector("dialog").open');
  t.is(await page.evaluate("document.activeElement.textContent"), "web-01");
  // What read the log ends with the dialog.
  for (let left = 20; left > 0; left -= 1) {
    const { status } = await pairStack.try("web-01", "pgrep -x journalctl");
    if (status === 1) break;
    t.not(left, 1, "a reader of the log is still there");
    await page.waitForTimeout(500);
  }
  await page.focus("#range-hour");
  await page.keyboard.press("ArrowRight");
  await until(page, "6 hours", 'document.querySelector("#range-6-hours").checked');
  t.deepEqual(complaints, []);
  await page.close();
  t.is(await command.end(), 0);
});

test.serial("each fault of a group is seen in its box, and who takes over", async (t) => {
  const stack = await bringUp(group.name, groupSettings);
  await capture("docker", ["unpause", `trilithon-${group.name}-node-01`]);
  const command = await startDashboard(stack);
  const { page } = await openPage(browser, command.url);
  await until(
    page,
    "all well",
    group.hosts.map((one) => boxOf(one, "well|notice")).join(" && "),
    240,
  );
  await inAllForms(page, "group");
  t.regex(await page.innerText("#alerts"), /No host has the role monitoring/);
  t.regex(await page.innerText("#charts"), /Charts need Prometheus/);
  t.regex(await page.innerText("#backups"), /Nothing is backed up/);
  await page.close();
  t.is(await command.end(), 0);
  await seeFaults(t, { stack, hosts: group.hosts, faults: groupFaults });
});

test.serial("20 hosts are on one screen, and all is told by more than colour", async (t) => {
  const dashboard = await serveDrawn();
  t.teardown(dashboard.close);
  const { page, complaints } = await openPage(browser, dashboard.url);
  await page.setViewportSize({ width: 1920, height: 1080 });
  await until(page, "boxes", 'document.querySelectorAll(".box").length === 20');
  await until(page, "charts", 'document.querySelectorAll("figure canvas").length === 2');
  const boxes = await readBoxes(page);
  const worded: Readonly<Record<string, string>> = { notice: "warning" };
  for (const { health, text, name } of boxes) {
    t.true(text.includes(worded[health] ?? health), `${name}: ${text}`);
  }
  const shapes = await page.evaluate(
    `new Set([...document.querySelectorAll(".box-state .badge")].map((one) => one.dataset.health + one.querySelector("path").getAttribute("d"))).size`,
  );
  t.is(shapes, new Set(boxes.map(({ health }) => health)).size);
  const lowest = await page.evaluate(
    `Math.max(...[...document.querySelectorAll(".box")].map((box) => box.getBoundingClientRect().bottom))`,
  );
  t.true(Number(lowest) < 1080, `the last box ends at ${lowest}`);
  t.is(await page.evaluate('document.querySelectorAll("main b").length'), 0, "no markup of hosts");
  await isAccessible(t, page, "20 hosts");
  await inAllForms(page, "twenty");
  t.deepEqual(complaints, []);
  await page.close();
});
