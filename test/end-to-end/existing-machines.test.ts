/**
 * Machines that were there before, one of them reached as a sudo user: brought up although `up` is killed again and
 * again, refused when they are not what they should be, and mended when somebody changes them by hand.
 */

import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { drifts } from "./support/drifts";
import { killUpAt } from "./support/killed-up";
import { startMachines } from "./support/machines";
import { readPreview, summary } from "./support/preview";
import { findSecrets, type Places, readSecrets, secretOf } from "./support/secrets";
import { type Settings, TestStack } from "./support/test-stack";
import { plant, readWatched, watch } from "./support/watch";

const stackName = "existing";
const machines = [
  { name: "lb-01", address: "172.31.66.11", roles: ["load-balancer"] },
  { name: "web-01", address: "172.31.66.21", roles: ["web", "database-primary"] },
  { name: "web-02", address: "172.31.66.22", roles: ["web", "database-replica"], user: "deploy" },
];

const planted = "Planted-c31f07b8e9d24a65";

let stack: TestStack;
let settings: Settings;
let privateKey: string;

test.before(async () => {
  stack = await TestStack.make(stackName, {});
  const started = await startMachines(stackName, "172.31.66.0/24", machines);
  privateKey = started.privateKey;
  settings = {
    "trilithon:domain": "www.foobar.com",
    "trilithon:hosts": started.hosts,
    "trilithon:packages": { hold: true, sources: { more: await contribSource() } },
    "trilithon:web": { packages: { nginx: "1.*" } },
    "trilithon:application": {
      source: "./app",
      build: { command: "node app/build.mjs", output: "./app/dist" },
      start: ["node", "server.js"],
    },
  };
  await configure(settings);
});

test.after.always(() => stack?.remove());

test.serial("bad settings stop everything, and are told all at once", async (t) => {
  await configure({ "trilithon:hosts": "lb-01", "trilithon:loadBalancer": { porrt: 8080 } });
  const output = await stack.mustFail();
  for (const line of [
    "trilithon:domain: expected a domain name such as www.example.com, got nothing",
    'trilithon:hosts: expected a list of hosts, got "lb-01"',
    'trilithon:loadBalancer.porrt: unknown, did you mean "port"?',
  ]) {
    t.true(output.includes(line), output);
  }
  t.is(await changes(), "");
});

test.serial("a wrong host key stops everything", async (t) => {
  const stranger = `ssh-ed25519 ${Buffer.concat([Buffer.from("0000000b7373682d6564323535313900000020", "hex"), Buffer.alloc(32, 7)]).toString("base64")}`;
  await configure(withHost("web-02", { hostKey: stranger }));
  const output = await stack.mustFail();
  t.regex(output, /web-02 \(deploy@127\.0\.0\.1:\d+\): the host key is not the pinned one/);
  t.is(await changes(), "");
});

test.serial("an unreachable host stops everything, and says what to check", async (t) => {
  await configure(withHost("web-01", { port: 9 }));
  const output = await stack.mustFail();
  t.regex(
    output,
    /web-01 \(root@127\.0\.0\.1:9\): no answer over SSH: .*; check that the machine is up/s,
  );
  t.is(await changes(), "");
});

test.serial("a user without sudo stops everything", async (t) => {
  await stack.on("web-02", "mv /etc/sudoers.d/tests /root/");
  t.teardown(() => stack.on("web-02", "mv /root/tests /etc/sudoers.d/"));
  await configure(settings);
  const output = await stack.mustFail();
  t.regex(output, /web-02: deploy may not use sudo without a password.*visudo/s);
  t.is(await changes(), "");
});

test.serial(
  "`up` killed while packages are installed, during CLONE and during a release is completed by the next",
  async (t) => {
    await configure(settings);
    await stack.setSecretAt("trilithon:application.environment.TOKEN", planted);
    await Promise.all(machines.map(({ name }) => watch(stack, name)));
    await killUpWhen("web-01", "pgrep -x dpkg", "a package is unpacked");
    await killUpWhen(
      "web-02",
      `mysql -NBe "select 1 from performance_schema.clone_status" 2>/dev/null | grep -q 1`,
      "CLONE runs",
    );
    await killUpWhen(
      "web-01",
      "ls -d /srv/guestbook/releases/* 2>/dev/null | grep -q .",
      "a release is sent",
    );
    await stack.up();
    const { updates } = await readPreview(stack);
    t.deepEqual(updates, []);
    t.regex(await stack.on("lb-01", fetchPage), /200/);
  },
);

test.serial("no secret showed on any machine while all that was made", async (t) => {
  const control = "Control-5d20c7e1f8a94b36";
  await Promise.all(machines.map(({ name }) => plant(stack, name, control)));
  const seen = await Promise.all(machines.map(({ name }) => readWatched(stack, name)));
  const places: Places = Object.assign({ "what the CLI said": stack.said.join("\n") }, ...seen);
  const secrets = [
    ...(await readSecrets(stack)),
    ...[secretOf("planted", planted), secretOf("private key", privateKey)],
  ];
  t.is(secrets.length, 10);
  t.deepEqual(findSecrets(places, secrets), []);
  // The search finds what is there.
  const { "what the CLI said": _, ...onMachines } = places;
  t.deepEqual(
    findSecrets(onMachines, [secretOf("control", control)]),
    Object.keys(onMachines).map((place) => `${place}: control`),
  );
});

for (const [number, round] of drifts.entries()) {
  const names = round.map(({ name }) => name).join("; ");
  test.serial(`drift is seen and mended, round ${number + 1}: ${names}`, async (t) => {
    const before = await processes();
    for (const { host, break: script } of round) await stack.on(host, script);
    // A change within the same second as a unit's start cannot be told from the start's own.
    const found = await readPreview(stack);
    const done = await stack.up();
    t.deepEqual(
      found.updates.map(({ resource }) => resource).sort(),
      [...new Set(round.map(({ resource }) => resource))].sort(),
    );
    for (const { resource, paths, sentence } of round) {
      const update = found.updates.find((one) => one.resource === resource);
      for (const path of paths) t.true(update?.paths.includes(path), `${path} in ${update?.paths}`);
      t.regex(summary(found, resource), sentence);
    }
    for (const { paths, resource } of found.updates) {
      const expected = round
        .filter((drift) => drift.resource === resource)
        .flatMap((drift) => drift.paths);
      t.deepEqual([...paths].sort(), [...new Set(expected)].sort(), resource);
    }
    for (const { resource } of round)
      t.true(done.includes(summary(found, resource)), summary(found, resource));
    t.deepEqual((await readPreview(stack)).updates, []);
    const after = await processes();
    const restarted = new Set(round.flatMap(({ restarts = [] }) => restarts));
    for (const [unit, id] of Object.entries(before)) {
      if (!restarted.has(unit)) t.is(after[unit], id, `${unit} keeps its process`);
    }
  });
}

test.serial(
  "a machine that does not answer is a warning in the preview, and an error in `up`",
  async (t) => {
    await stack.on("web-02", "systemctl stop ssh ssh.socket 2>/dev/null || systemctl stop ssh");
    const preview = await readPreview(stack);
    t.true(
      preview.warnings.some((text) => /drift was not checked: web-02 /.test(text)),
      preview.warnings.join("\n"),
    );
    t.regex(await stack.mustFail(), /web-02 \(deploy@127\.0\.0\.1:\d+\): no answer over SSH/);
    await stack.on("web-02", "systemctl start ssh");
    t.deepEqual((await readPreview(stack)).updates, []);
  },
);

async function configure(wanted: Settings): Promise<void> {
  await stack.configure(wanted);
  await stack.setSecret("trilithon:privateKey", privateKey);
}

function withHost(name: string, change: Record<string, unknown>): Settings {
  const hosts = settings["trilithon:hosts"] as readonly Record<string, unknown>[];
  return {
    ...settings,
    "trilithon:hosts": hosts.map((host) => (host.name === name ? { ...host, ...change } : host)),
  };
}

/** Another component of the archive that the machines have already. */
async function contribSource() {
  const [, uri = "", suite = ""] = (await stack.on("lb-01", "cat /etc/apt/sources.list")).split(
    " ",
  );
  return { uris: [uri], suites: [suite], components: ["contrib"] };
}

/** What was installed or written on any machine. */
async function changes(): Promise<string> {
  const all = await Promise.all(
    machines.map(({ name }) =>
      stack.on(
        name,
        "ls -d /var/lib/trilithon /etc/haproxy /etc/nginx /etc/mysql 2>/dev/null || true",
      ),
    ),
  );
  return all.join("");
}

/** Kills `up` as soon as the script on the host succeeds. */
async function killUpWhen(host: string, script: string, what: string): Promise<void> {
  const deadline = Date.now() + 600_000;
  const { end, output } = await killUpAt(stack, async (isOver) => {
    while (!isOver() && (await stack.try(host, script)).status !== 0) {
      if (Date.now() > deadline) throw new Error(`not seen within 600 seconds: ${what}`);
      await sleep(50);
    }
  });
  if (end !== "killed") throw new Error(`\`up\` ended before ${what}:\n${output}`);
}

const units = {
  "lb-01": ["haproxy"],
  "web-01": ["nginx", "guestbook", "mysql"],
  "web-02": ["nginx", "guestbook", "mysql"],
};

async function processes(): Promise<Record<string, string>> {
  const ids: Record<string, string> = {};
  for (const [host, names] of Object.entries(units)) {
    for (const name of names) {
      ids[`${host}/${name}`] = (await stack.on(host, `systemctl show -P MainPID ${name}`)).trim();
    }
  }
  return ids;
}

const fetchPage = `perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new("127.0.0.1:80") or die; print $s "GET / HTTP/1.0\\r\\nHost: www.foobar.com\\r\\n\\r\\n"; print scalar <$s>'`;
