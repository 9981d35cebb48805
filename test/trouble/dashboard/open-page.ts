/** `npm run dashboard` of a stack, as it is typed, and its page in a browser. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { root } from "../../../scripts/setup/environment";
import type { TestStack } from "../../end-to-end/support/test-stack";

export interface Command {
  readonly url: string;
  /** All that it has said so far. */
  said(): string;
  /** As Ctrl-C does. Answers its status. */
  end(): Promise<number | null>;
}

const ends = new Set<() => unknown>();

/** Whatever a failed test has left running. */
export async function endAll(): Promise<void> {
  for (const end of ends) await end();
}

export async function startDashboard(stack: TestStack): Promise<Command> {
  const words = [join(root, "scripts", "launch.mjs"), "dashboard", "--stack", stack.place.stack];
  const { NODE_OPTIONS: _, ...environment } = stack.environment;
  const child = spawn(process.execPath, words, { cwd: root, env: environment });
  let said = "";
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stderr.on("data", (bytes: Buffer) => {
    said += bytes;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (bytes: Buffer) => {
      said += bytes;
      const [found] = /http:\/\/127\.0\.0\.1:\S+/.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then((status) => reject(new Error(`it ended with status ${status}: ${said}`)));
  });
  const end = () => {
    child.kill("SIGINT");
    return ended;
  };
  ends.add(end);
  return { url, said: () => said, end };
}

export interface OpenPage {
  readonly page: Page;
  /** What the browser complained of: of a policy, of a script. */
  readonly complaints: string[];
}

export async function openPage(browser: Browser, url: string): Promise<OpenPage> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

export interface Box {
  readonly name: string;
  readonly health: string;
  readonly text: string;
}

export async function readBoxes(page: Page): Promise<readonly Box[]> {
  const boxes = await page.evaluate(
    `[...document.querySelectorAll(".box")].map((box) => ({ name: box.dataset.host, health: box.dataset.health, text: box.innerText.replace(/\\s+/g, " ") }))`,
  );
  return boxes as Box[];
}

/** Until it is so. Fails with what is to be seen in place of it. The page's policy keeps Playwright's own way of waiting from running. */
export async function until(
  page: Page,
  what: string,
  condition: string,
  seconds = 60,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await page.evaluate(condition))) {
    if (performance.now() > end) {
      const boxes = (await readBoxes(page)).map(({ text }) => text).join("\n");
      throw new Error(`${what}: not within ${seconds} s\n${boxes}`);
    }
    await page.waitForTimeout(50);
  }
}

/** A condition on the box of one host. */
export function boxOf(host: string, health: string, words = ""): string {
  return `(() => { const box = document.querySelector('[data-host="${host}"]'); return box !== null && /^(${health})$/.test(box.dataset.health) && new RegExp(${JSON.stringify(words)}).test(box.innerText); })()`;
}
