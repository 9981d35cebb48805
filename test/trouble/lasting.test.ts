/** A stack of existing machines with a pair, over its life: renamed, its password rotated, and gone without a trace. */

import test from "ava";
import { moved, readState } from "../end-to-end/support/host-state";
import { startMachines } from "../end-to-end/support/machines";
import { readPreview } from "../end-to-end/support/preview";
import { readSecrets, type Secret } from "../end-to-end/support/secrets";
import { type Settings, TestStack } from "../end-to-end/support/test-stack";

const stackName = "lasting";
const subnet = "172.31.143";
const machines = [
  { name: "lb-01", address: `${subnet}.11`, roles: ["load-balancer"] },
  { name: "web-01", address: `${subnet}.21`, roles: ["web", "database-primary"] },
  { name: "web-02", address: `${subnet}.22`, roles: ["web", "database-replica"] },
];
const names = machines.map(({ name }) => name);

let stack: TestStack;
let privateKey: string;
let standard: Settings;

test.before(async () => {
  stack = await TestStack.make(stackName, {});
  const started = await startMachines(stackName, `${subnet}.0/24`, machines);
  privateKey = started.privateKey;
  // What stood there before is kept on the machine, and put back: no secret of ours may get among it.
  await stack.on("web-01", "mkdir -p /etc/guestbook && echo 'BEFORE=1' >/etc/guestbook/secrets");
  standard = {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": started.hosts,
    "trilithon:application": {
      source: "./app",
      build: { command: "node app/build.mjs", output: "./app/dist" },
      start: ["node", "server.js"],
    },
  };
  await configure({});
  await stack.up();
});

test.after.always(() => stack?.remove());

async function configure(more: Settings): Promise<void> {
  await stack.configure({ ...standard, ...more });
  await stack.setSecret("trilithon:privateKey", privateKey);
}

test.serial("a stack that is renamed changes nothing on its machines", async (t) => {
  const before = await readState(stack, names);
  await stack.rename("renamed");
  t.deepEqual((await readPreview(stack)).updates, []);
  t.regex(await stack.up(), /Resources:\n {4}\d+ unchanged\n/);
  const after = await readState(stack, names);
  t.deepEqual(moved(before.processes, after.processes), []);
  t.deepEqual(moved(before.files, after.files), []);
});

test.serial("under its new name it is changed as before, and keeps its data", async (t) => {
  await stack.on("web-01", "mysql -e 'CREATE TABLE guestbook.kept (id INT PRIMARY KEY)'");
  await configure({ "trilithon:database": { maxConnections: 150 } });
  const { updates } = await readPreview(stack);
  t.deepEqual(updates.map(({ resource }) => resource).sort(), [
    "database-content",
    "database-web-01-service",
    "database-web-02-service",
  ]);
  const said = await stack.up();
  t.notRegex(said, /discard|another cluster|lost/);
  t.deepEqual((await readPreview(stack)).updates, []);
  t.is(await stack.on("web-02", "mysql -NBe 'SHOW TABLES IN guestbook' | grep -x kept"), "kept\n");
});

test.serial("a password that was rotated is on no machine any more", async (t) => {
  const [former] = await passwords();
  await configure({
    "trilithon:database": { maxConnections: 150, passwordKeeper: "2" },
  });
  t.deepEqual(await holdersOf(former), ["web-01", "web-02"], "the search finds what is there");
  await stack.up();
  const [current] = await passwords();
  t.notDeepEqual(current, former);
  t.deepEqual(await holdersOf(former), []);
  t.deepEqual(await holdersOf(current), ["web-01", "web-02"]);
});

test.serial(
  "after `destroy` no secret is on any machine, and what stood there is back",
  async (t) => {
    const all = await readSecrets(stack);
    const { status, stdout, stderr } = await stack.pulumi("destroy", "--yes", "--skip-preview");
    t.is(status, 0, stdout + stderr);
    const found = await Promise.all(
      all.map(async (secret) => (await holdersOf(secret)).map((host) => `${host}: ${secret.name}`)),
    );
    t.deepEqual(found.flat(), []);
    t.is(await stack.on("web-01", "cat /etc/guestbook/secrets"), "BEFORE=1\n");
    const left = await Promise.all(
      names.map((name) => stack.on(name, "find /var/lib/trilithon 2>/dev/null || true")),
    );
    t.log(left.join(""));
  },
);

/** The application's first. */
async function passwords(): Promise<readonly [Secret, ...Secret[]]> {
  const secrets = await readSecrets(stack);
  const own = secrets.find(({ name }) => name === "database-password");
  if (own === undefined) throw new Error("there is no database-password");
  return [own];
}

/** Hosts with a file that holds it, by contents and by names. */
async function holdersOf({ texts }: Secret): Promise<string[]> {
  const pattern = texts[0] ?? "";
  const found = await Promise.all(
    names.map((name) =>
      stack.try(
        name,
        `grep -rlaF -- '${pattern}' /var/lib/trilithon /etc /srv /root /usr/local /run /tmp 2>/dev/null`,
      ),
    ),
  );
  return names.filter((_, index) => found[index]?.stdout !== "");
}
