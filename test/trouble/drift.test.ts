/** What a preview names of an application's processes, timers, folders and commands, `up` does, and nothing else. On real hosts. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readPreview } from "../end-to-end/support/preview";
import { TestStack, threeHostsWithoutDatabase } from "../end-to-end/support/test-stack";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 113);
const stackName = `${process.env.TRILITHON_TEST_PREFIX ?? ""}drift`;
const hosts = ["web-01", "web-02"];
let stack: TestStack;
let source: string;

const settings = threeHostsWithoutDatabase(number, { publish: 8731, sshPortBase: 12_800 });

const plain = () => ({
  name: "shop",
  source,
  start: ["node", "server.mjs"],
  packages: { nodejs: "present" },
});

const everything = {
  release: { command: ["bin/migrate"] },
  processes: {
    mail: { command: ["bin/work"] },
    queue: { command: ["bin/work"], count: 2 },
  },
  jobs: {
    tick: { command: ["bin/tick"], schedule: "daily" },
    each: { command: ["bin/tick"], schedule: "daily", perHost: true },
  },
  persistent: ["storage", "public/uploads"],
};

const configure = (more: object) =>
  stack.configure({ ...settings, "trilithon:application": { ...plain(), ...more } });

async function script(path: string, lines: string): Promise<void> {
  await mkdir(join(source, "bin"), { recursive: true });
  await writeFile(join(source, path), `#!/bin/sh\n${lines}\n`);
  await chmod(join(source, path), 0o755);
}

/** Unit to how it stands: another start is another text. Without what timers start. */
async function unitsOn(host: string): Promise<Map<string, string>> {
  const said = await stack.on(
    host,
    `systemctl list-units --all --plain --no-legend 'shop*' | while read -r unit _; do
      systemctl show -P Id -P ActiveState -P InvocationID "$unit" | tr '\\n' ' '; echo; done`,
  );
  const lines = said.split("\n").flatMap((line): [string, string][] => {
    const [unit = "", ...rest] = line.trim().split(" ");
    const isJob = /^shop-(tick|each|release)\.service$/.test(unit);
    return unit === "" || isJob ? [] : [[unit, rest.join(" ")]];
  });
  return new Map(lines);
}

/** Units that a sentence starts, restarts or stops. */
function namedIn(sentence = ""): string[] {
  const units = [...sentence.matchAll(/\b(?:start|restart|stop) (shop[\w@.-]*)/g)];
  const names = units.map(([, unit = ""]) => (unit.endsWith(".timer") ? unit : `${unit}.service`));
  return [...new Set(names)].sort();
}

/** Previews, carries out, and answers what was said of each host and which of its units were touched. */
async function up() {
  const { sentences } = await readPreview(stack);
  const before = await Promise.all(hosts.map(unitsOn));
  await stack.up();
  const after = await Promise.all(hosts.map(unitsOn));
  const again = (await readPreview(stack)).sentences;
  const results = hosts.map((host, place) => {
    const was = before[place] ?? new Map<string, string>();
    const is = after[place] ?? new Map<string, string>();
    const units = [...new Set([...was.keys(), ...is.keys()])];
    const touched = units.filter((unit) => was.get(unit) !== is.get(unit)).sort();
    const sentence = sentences[`application-${host}`] ?? "";
    return { sentence, named: namedIn(sentence), touched };
  });
  return { results, again, sentences };
}

test.before(async () => {
  source = await mkdtemp(join(tmpdir(), "trilithon-drift-"));
  await writeFile(
    join(source, "server.mjs"),
    `import { createServer } from "node:http";
createServer((_, response) => response.end("fine\\n")).listen(process.env.PORT, process.env.HOST);
`,
  );
  await script("bin/work", "exec sleep 1000");
  await script("bin/tick", ":");
  await script("bin/migrate", "echo migrated >>$STATE_DIRECTORY/migrated");
  await mkdir(join(source, "storage"));
  await writeFile(join(source, "storage/first"), "of the first version\n");
  stack = await TestStack.make(stackName, { ...settings, "trilithon:application": plain() });
  await stack.up();
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
  await rm(source, { recursive: true, force: true });
});

test.serial("what comes is named, and comes", async (t) => {
  await configure(everything);
  const { results, again } = await up();
  t.log(results.map(({ sentence }) => sentence));
  for (const [place, { sentence, named, touched }] of results.entries()) {
    t.deepEqual(touched, named);
    for (const folder of ["storage", "public/uploads"]) {
      t.true(sentence.includes(`keep ${folder} of all versions in /var/lib/shop/${folder}`));
    }
    t.deepEqual(
      named.filter((unit) => unit !== "shop.service"),
      [
        ...["shop-each.timer", "shop-mail.service", "shop-queue@1.service", "shop-queue@2.service"],
        ...(place === 0 ? ["shop-tick.timer"] : []),
      ],
    );
  }
  t.deepEqual(again, {});
  t.is(await stack.on("web-02", "cat /var/lib/shop/storage/first"), "of the first version\n");
});

test.serial("what somebody did to its units is named, and mended alone", async (t) => {
  await stack.on("web-01", "systemctl stop shop-mail");
  await stack.on("web-01", "systemctl disable shop-each.timer");
  await stack.on("web-01", "systemctl stop shop-tick.timer");
  await stack.on("web-01", "chmod 0500 /var/lib/shop/storage");
  await stack.on(
    "web-02",
    "sed -i 's/^TimeoutStopSec=.*/TimeoutStopSec=1/' '/etc/systemd/system/shop-queue@.service'; systemctl daemon-reload",
  );
  await stack.on(
    "web-02",
    "sed -i 's/^OnCalendar=.*/OnCalendar=hourly/' /etc/systemd/system/shop-each.timer; systemctl daemon-reload",
  );
  await stack.on(
    "web-02",
    "sed -i 's/^TimeoutStartSec=.*/TimeoutStartSec=1/' /etc/systemd/system/shop-each.service; systemctl daemon-reload",
  );
  const { results, again } = await up();
  t.log(results.map(({ sentence }) => sentence));
  const [one, other] = results;
  for (const { named, touched } of results) t.deepEqual(touched, named);
  t.deepEqual(one?.named, ["shop-mail.service", "shop-tick.timer"]);
  t.regex(one?.sentence ?? "", /enable shop-each\.timer at boot/);
  t.regex(one?.sentence ?? "", /let shop use \/var\/lib\/shop\/storage \(its mode is 0500\)/);
  t.deepEqual(other?.named, ["shop-each.timer", "shop-queue@1.service", "shop-queue@2.service"]);
  for (const file of ["shop-queue@.service", "shop-each.timer", "shop-each.service"]) {
    t.true(other?.sentence.includes(`/etc/systemd/system/${file}`), file);
  }
  for (const { sentence } of results) t.regex(sentence, /\[drift\]$/);
  t.deepEqual(again, {});
  t.is((await stack.on("web-01", "systemctl is-enabled shop-each.timer")).trim(), "enabled");
  t.is((await stack.on("web-01", "stat -c %a /var/lib/shop/storage")).trim(), "700");
  t.is((await stack.on("web-02", "systemctl show -P TimeoutStopUSec shop-queue@1")).trim(), "30s");
  t.regex(
    await stack.on("web-02", "systemctl show -P TimersCalendar shop-each.timer"),
    /daily|00:00:00/,
  );
});

test.serial(
  "a link that was replaced and a folder that is somebody else's are named, and mended",
  async (t) => {
    await stack.on("web-01", "chown -R root:root /var/lib/shop/public/uploads");
    await stack.on("web-02", "cd /srv/shop/current/ && rm storage && mkdir storage");
    const { results, again } = await up();
    t.log(results.map(({ sentence }) => sentence));
    const [one, other] = results;
    for (const { named, touched, sentence } of results) {
      t.deepEqual(touched, named);
      t.regex(sentence, /\[drift\]$/);
    }
    t.deepEqual(one?.named, []);
    t.false(other?.named.some((unit) => unit.endsWith(".timer")));
    t.regex(one?.sentence ?? "", /give \/var\/lib\/shop\/public\/uploads to shop \(now root\)/);
    t.regex(other?.sentence ?? "", /send version [0-9a-f]{16}, keep storage of all versions in /);
    t.deepEqual(again, {});
    t.is(await stack.on("web-02", "cat /srv/shop/current/storage/first"), "of the first version\n");
  },
);

test.serial("a release names its command and what it restarts, and no timer", async (t) => {
  await script("bin/work", "exec sleep 2000");
  const count = async () =>
    (await stack.on("web-01", "cat /var/lib/shop/migrated || true")).split("\n").length;
  const before = await count();
  const { results, again } = await up();
  t.log(results.map(({ sentence }) => sentence));
  for (const [place, { named, touched, sentence }] of results.entries()) {
    t.deepEqual(touched, named);
    t.deepEqual(named, [
      ...["shop-mail.service", "shop-queue@1.service", "shop-queue@2.service", "shop.service"],
    ]);
    t.is(/run `bin\/migrate` once/.test(sentence), place === 0);
  }
  t.is(await count(), before + 1);
  t.deepEqual(again, {});
});

test.serial("what goes is named, and goes; what was written stays", async (t) => {
  await configure({});
  const { results, again } = await up();
  t.log(results.map(({ sentence }) => sentence));
  for (const { named, touched, sentence } of results) {
    t.deepEqual(touched, named);
    t.true(sentence.includes("/var/lib/shop/storage is left as it is"));
    t.regex(sentence, /disable shop-each\.timer at boot/);
    t.regex(sentence, /remove \/etc\/systemd\/system\/shop-each\.service/);
  }
  t.deepEqual(again, {});
  t.is(await stack.on("web-01", "ls /etc/systemd/system | grep -c '^shop-' || true"), "0\n");
  t.is(await stack.on("web-01", "cat /var/lib/shop/storage/first"), "of the first version\n");
});
