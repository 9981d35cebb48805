/** What an application is besides its web process: the command of a release. On real hosts, each with what goes wrong. */
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHosts } from "../end-to-end/support/test-stack";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 91);
const url = "http://127.0.0.1:8191";
let stack: TestStack;
let source: string;

const standard = threeHosts(number);
const image = process.env.TRILITHON_HOST_IMAGE;

let more: Record<string, unknown> = {};

function settings() {
  return {
    ...standard,
    "trilithon:hosts": [
      { name: "lb-01", address: `172.31.${number}.11`, roles: ["load-balancer"] },
      { name: "web-01", address: `172.31.${number}.21`, roles: ["web"] },
      { name: "web-02", address: `172.31.${number}.22`, roles: ["web"] },
    ],
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      publish: 8191,
      sshPortBase: 27_100,
      ...(image && { image }),
    },
    "trilithon:application": {
      name: "probe",
      source,
      start: ["node", "server.mjs"],
      packages: { nodejs: "present" },
      environment: { ASKED: "/var/lib/probe/asked" },
      healthPath: "/alive",
      ...more,
    },
  };
}

async function configure(change: Record<string, unknown>): Promise<void> {
  more = { ...more, ...change };
  await stack.configure(settings());
}

async function script(path: string, lines: string): Promise<void> {
  await mkdir(join(source, "bin"), { recursive: true });
  await writeFile(join(source, path), `#!/bin/sh\n${lines}\n`);
  await chmod(join(source, path), 0o755);
}

/** Another content is another version. */
const migration = (end: string) =>
  script(
    "bin/migrate",
    `echo "$(id -un) $TOKEN $(basename "$PWD")" >>$STATE_DIRECTORY/migrated; echo "altering a table"; ${end}`,
  );

const migrated = async (host: string) =>
  (await stack.on(host, "cat /var/lib/probe/migrated 2>/dev/null || true"))
    .split("\n")
    .slice(0, -1);

const currentOn = (host: string) => stack.on(host, "basename $(readlink /srv/probe/current)");

test.before(async () => {
  source = await mkdtemp(join(tmpdir(), "trilithon-processes-"));
  await copyFile(
    join(__dirname, "../end-to-end/support/probe/server.mjs"),
    join(source, "server.mjs"),
  );
  await migration("sleep 2");
  more = { release: { command: ["bin/migrate"], deadlineSeconds: 20 } };
  stack = await TestStack.make("proc", settings());
  await stack.setSecretAt("trilithon:application.environment.TOKEN", "hushhush");
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(source, { recursive: true, force: true });
});

test.serial("a migration runs once, on the first host, as the application", async (t) => {
  const version = (await currentOn("web-01")).trim();
  t.deepEqual(await migrated("web-01"), [`probe hushhush ${version}`]);
  t.deepEqual(await migrated("web-02"), []);
  t.is((await stack.on("web-01", "ls /run/systemd/system | grep release || true")).trim(), "");
  t.false(stack.said.join("").includes("hushhush"));
  const { sentences } = await readPreview(stack);
  t.deepEqual(sentences, {});
});

test.serial("one that fails or hangs switches nothing, and says so", async (t) => {
  const before = await currentOn("web-01");
  const started = await stack.on("web-01", "systemctl show -P InvocationID probe");
  await migration("echo 'no such column: price' >&2; exit 7");
  const { sentences } = await readPreview(stack);
  t.regex(
    sentences["application-web-01"] ?? "",
    /run `bin\/migrate` once for version [0-9a-f]{16}, at most 20 seconds/,
  );
  t.notRegex(sentences["application-web-02"] ?? "", /migrate/);
  const said = await stack.mustFail();
  t.regex(
    said,
    /`bin\/migrate` of probe ended with status 7 for version [0-9a-f]{16}; nothing was switched to it, but the database may have been changed already:[\s\S]*no such column: price/,
  );
  await migration("echo 'waiting for a lock' >&2; sleep 100");
  await configure({ release: { command: ["bin/migrate"], deadlineSeconds: 3 } });
  t.regex(
    await stack.mustFail(),
    /was not done within 3 seconds \(release\.deadlineSeconds\)[\s\S]*waiting for a lock/,
  );
  t.is(await currentOn("web-01"), before);
  t.is(await currentOn("web-02"), before);
  t.is(await stack.on("web-01", "systemctl show -P InvocationID probe"), started);
  t.is((await stack.on("web-01", "pgrep -c -u probe -x sleep || true")).trim(), "0");
  t.is((await fetch(`${url}/page`)).status, 200);
});

test.serial("a way back to a version that had it runs nothing", async (t) => {
  await migration("sleep 2");
  const count = (await migrated("web-01")).length;
  await stack.up();
  t.is((await migrated("web-01")).length, count);
  await migration("sleep 1");
  await stack.up();
  t.is((await migrated("web-01")).length, count + 1);
  await migration("sleep 2");
  const { sentences } = await readPreview(stack);
  t.notRegex(sentences["application-web-01"] ?? "", /migrate/);
  await stack.up();
  t.is((await migrated("web-01")).length, count + 1);
});
