/**
 * `up` killed with -9 at points spread over a first provision, changes, releases and switches of the primary, while
 * the site is written to: each is completed by the next `up`, the preview is empty then, and no acknowledged entry is
 * missing. The points are fractions of what an undisturbed `up` of the same sort takes on this machine.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { killUpAt } from "../end-to-end/support/killed-up";
import { readPreview } from "../end-to-end/support/preview";
import { SampleCopy } from "../end-to-end/support/sample-copy";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";

const stackName = "kills";
const number = 94;
const url = `http://127.0.0.1:${8000 + number}`;
const killsAtLeast = 25;

let stack: TestStack;
let sample: SampleCopy;
let kills = 0;
const points: string[] = [];
const acknowledged = new Set<string>();

test.before(async () => {
  sample = await SampleCopy.make(`${stackName}-app`);
  stack = await TestStack.make(stackName, settingsWith({}));
});

test.after.always(async () => {
  await stack?.remove();
  await sample?.remove();
});

test.serial("a first provision killed again and again is completed", async (t) => {
  for (const seconds of [1, 3, 6, 10, 15, 20, 28, 36]) {
    const isKilled = await killAfter("provision", seconds * 1000);
    if (!isKilled) break;
  }
  await isComplete(t);
});

for (const fraction of [0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9]) {
  test.serial(`a change of three daemons killed at ${fraction} of it is completed`, async (t) => {
    const change = async (size: number) => {
      await stack.configure(settingsWith({ size }));
    };
    await change(30);
    const took = await timed(() => stack.up());
    await change(31);
    await whileWritten(() => killAfter(`change ${fraction}`, took * fraction));
    await isComplete(t);
  });
}

for (const fraction of [0.2, 0.35, 0.5, 0.65, 0.75, 0.85, 0.95]) {
  test.serial(`a release killed at ${fraction} of it is completed`, async (t) => {
    const release = (text: string) => ({
      file: "page.ts",
      from: "Leave a line<",
      to: `Leave a line ${text}<`,
    });
    const took = await sample.changed(release(`before ${fraction}`), () => timed(() => stack.up()));
    await sample.changed(release(`killed ${fraction}`), async () => {
      await whileWritten(() => killAfter(`release ${fraction}`, took * fraction));
      await isComplete(t);
    });
  });
}

for (const fraction of [0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9]) {
  test.serial(`a switch of the primary killed at ${fraction} of it is completed`, async (t) => {
    await stack.configure(settingsWith({ primary: "web-01" }));
    await stack.up();
    await stack.configure(settingsWith({ primary: "web-02" }));
    const took = await timed(() => stack.up());
    await stack.configure(settingsWith({ primary: "web-01" }));
    await whileWritten(() => killAfter(`switch ${fraction}`, took * fraction));
    await isComplete(t);
    const closed = await stack.on("web-02", 'mysql -NBe "SELECT @@super_read_only"');
    t.is(closed.trim(), "1", "the former primary takes no write");
  });
}

test.serial(`at least ${killsAtLeast} of them were killed`, (t) => {
  t.log(points.join("\n"));
  t.true(kills >= killsAtLeast, `${kills} were killed`);
});

function settingsWith({ size = 20, primary = "web-01" }): Settings {
  const base = threeHosts(number, {
    "trilithon:application": sample?.settings(),
    "trilithon:web": { uploadLimitMegabytes: size },
    "trilithon:loadBalancer": { rawLines: { backend: [`timeout queue ${size}s`] } },
  });
  const hosts = base["trilithon:hosts"] as readonly { name: string; roles: readonly string[] }[];
  return {
    ...base,
    "trilithon:hosts": hosts.map((host) =>
      host.roles.includes("web")
        ? {
            ...host,
            roles: ["web", host.name === primary ? "database-primary" : "database-replica"],
          }
        : host,
    ),
  };
}

async function killAfter(what: string, milliseconds: number): Promise<boolean> {
  const { end, output } = await killUpAt(stack, () => sleep(milliseconds));
  points.push(`${what}: ${end === "killed" ? `after ${Math.round(milliseconds)} ms` : "was over"}`);
  if (end === "killed") kills += 1;
  else if (end.over !== 0) throw new Error(`${what}: exit ${end.over}\n${output}`);
  return end === "killed";
}

async function isComplete(t: ExecutionContext): Promise<void> {
  await stack.up();
  t.deepEqual((await readPreview(stack)).updates, []);
  await write("after a kill");
  const stored = await storedMessages();
  t.deepEqual(
    [...acknowledged].filter((message) => !stored.has(message)),
    [],
    "every acknowledged entry is there",
  );
}

async function storedMessages(): Promise<Set<string>> {
  for (const host of ["web-01", "web-02"]) {
    const closed = await stack.on(host, 'mysql -NBe "SELECT @@super_read_only"');
    if (closed.trim() !== "0") continue;
    const rows = await stack.on(host, 'mysql -NBe "SELECT message FROM guestbook.entries"');
    return new Set(rows.trim().split("\n"));
  }
  throw new Error("no member takes writes");
}

let sequence = 0;

/** Kept as acknowledged only when the answer came. */
async function write(why: string): Promise<void> {
  sequence += 1;
  const message = `${sequence} ${why}`;
  const answer = await fetch(`${url}/api/entries`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "kills", message }),
    signal: AbortSignal.timeout(30_000),
  });
  await answer.arrayBuffer();
  if (answer.status === 201) acknowledged.add(message);
}

/** Ten writes a second beside `work`; those that fail are nobody's promise. */
async function whileWritten<T>(work: () => Promise<T>): Promise<T> {
  const open = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const one = write("beside a kill")
      .catch(() => undefined)
      .finally(() => open.delete(one));
    open.add(one);
  }, 100);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await Promise.all(open);
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
