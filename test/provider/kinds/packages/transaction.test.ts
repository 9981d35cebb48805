/** The transaction with the real apt, where something goes wrong or several want something: what is done, and what is left. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { ExecutionContext } from "ava";
import type { Host } from "../../../../provider/kind";
import { type Installation, renderInstall } from "../../../../provider/kinds/packages/install";
import { type AptHost, holdLock, startAptHost, whileWaiting } from "../../../support/apt-host";
import { onApt } from "../../../support/apt-root";
import { wire } from "../../../support/wire";

const web = { name: "web", version: "1.0" };
const policy = "/usr/sbin/policy-rc.d";
const mine = "# trilithon: no daemon starts before its configuration is in place";

/** Runs a script before apt lets dpkg work. */
async function hook({ sandbox }: AptHost, script: string): Promise<void> {
  await sandbox.write(
    "/etc/apt/apt.conf.d/hook",
    `DPkg::Pre-Invoke { "sh ${sandbox.path("/hook")}"; };\n`,
  );
  await sandbox.write("/hook", script);
}

async function allowUnsigned({ sandbox }: AptHost): Promise<void> {
  await sandbox.write(
    "/etc/apt/apt.conf.d/unsigned",
    'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n',
  );
}

/** Another installation that is under way. */
async function holder(t: ExecutionContext, { sandbox }: AptHost): Promise<ChildProcess> {
  const lock = sandbox.path("/run/lock/trilithon-packages");
  const child = spawn("flock", [lock, "sh", "-c", "echo held; exec cat"]);
  t.teardown(() => child.kill());
  await once(child.stdout, "data");
  return child;
}

onApt("waits for another installation, and says so", async (t) => {
  const host = await startAptHost(t);
  const { apt, packages, wants, progress } = host;
  await apt.publish([web]);
  const other = await holder(t, host);
  const up = packages.up(wants({ web: "present" }));
  const isSaid = () => progress().includes("web-01: waiting for another installation");
  await whileWaiting(up, isSaid);
  t.deepEqual(await apt.installed(), {});
  other.stdin?.end();
  await once(other, "close");
  await up;
  t.deepEqual(await apt.installed(), { web: "1.0" });
});

onApt("an installation that another one keeps waiting gives up in the end", async (t) => {
  const host = await startAptHost(t);
  const { apt, packages, wants, sandbox, progress } = host;
  await apt.publish([web]);
  await holder(t, host);
  await sandbox.write("state/impatient", "");
  await t.throwsAsync(packages.up(wants({ web: "present" })), {
    message: /another installation is not done after 600 seconds/,
  });
  t.is(await sandbox.read("state/waited"), "flock -w 600 9\n");
  t.true(progress().includes("web-01: waiting for another installation"));
  t.deepEqual(await apt.installed(), {});
});

onApt("no other installation begins while one is under way", async (t) => {
  const host = await startAptHost(t);
  const { apt, packages, wants, sandbox } = host;
  await apt.publish([web]);
  const lock = sandbox.path("/run/lock/trilithon-packages");
  await hook(host, `flock -n ${lock} true; echo "$?" >${sandbox.path("/seen")}\n`);
  await packages.up(wants({ web: "present" }));
  t.is(await sandbox.read("/seen"), "1\n");
});

onApt("a hold waits while another process holds dpkg's lock, and says who", async (t) => {
  const { apt, packages, wants, sandbox, progress } = await startAptHost(t);
  await apt.publish([web]);
  await packages.up(wants({ web: "present" }));
  const release = await holdLock(sandbox, "/var/lib/dpkg/lock-frontend");
  const up = packages.up(wants({ web: "present" }, { hold: ["web"] }));
  const said = /^web-01: waiting: dpkg.*lock was locked by another process with pid \d+/;
  await whileWaiting(up, () => progress().some((text) => said.test(text))).finally(release);
  await up;
  t.is(await apt.mark("showhold"), "web");
});

onApt("a hold that apt refuses fails the change, in its words", async (t) => {
  const { apt, packages, wants, sandbox } = await startAptHost(t);
  await apt.publish([web]);
  await packages.up(wants({ web: "present" }));
  await sandbox.write("/etc/apt/apt.conf.d/broken", 'Dir::Bin::dpkg "/bin/false";\n');
  await t.throwsAsync(packages.up(wants({ web: "present" }, { hold: ["web"] })), {
    message: /apt-mark hold failed\n.*E: /s,
  });
});

onApt("what an interruption left is completed: whose lock is waited for", async (t) => {
  const { apt, packages, wants, sandbox, progress } = await startAptHost(t);
  await apt.publish([web]);
  await apt.unpack({ name: "half", version: "1.0" });
  const release = await holdLock(sandbox, "/var/lib/dpkg/lock");
  const up = packages.up(wants({ web: "present" }));
  await whileWaiting(up, () => progress().some((text) => text.includes("waiting: dpkg"))).finally(
    release,
  );
  await up;
  t.deepEqual(await apt.installed(), { half: "1.0", web: "1.0" });
});

onApt("what an interruption left is completed: with the configuration by hand", async (t) => {
  const { apt, packages, wants, sandbox } = await startAptHost(t);
  await apt.publish([web]);
  const half = (version: string, text: string) => ({
    ...{ name: "half", version, files: { "/etc/half.conf": text } },
  });
  await apt.install(half("1.0", "one\n"));
  await sandbox.write("/etc/half.conf", "by hand\n");
  await apt.unpack(half("2.0", "two\n"));
  await packages.up(wants({ web: "present" }));
  t.deepEqual(await apt.installed(), { half: "2.0", web: "1.0" });
  t.is(await sandbox.read("/etc/half.conf"), "by hand\n");
});

onApt("what an interruption left is completed: dpkg's own journal", async (t) => {
  const { apt, packages, wants, sandbox } = await startAptHost(t);
  await apt.publish([web]);
  const paragraph =
    "Package: half\nStatus: deinstall ok config-files\nMaintainer: nobody <nobody@example.com>\n" +
    "Architecture: all\nVersion: 1.0\nDescription: half\n";
  await sandbox.write("/var/lib/dpkg/updates/0000", `${paragraph}\n`);
  await packages.up(wants({ web: "present" }));
  t.deepEqual(await apt.installed(), { web: "1.0" });
  t.deepEqual(await sandbox.entries("/var/lib/dpkg/updates"), {});
});

onApt("configuration that was changed by hand stays through an upgrade", async (t) => {
  const { apt, packages, wants, sandbox } = await startAptHost(t);
  const files = (text: string) => ({ "/etc/web.conf": text, "/etc/plain.conf": text });
  await apt.publish([{ ...web, files: files("one\n") }]);
  await packages.up(wants({ web: "1.0" }));
  await sandbox.write("/etc/web.conf", "by hand\n");
  await apt.publish([{ name: "web", version: "2.0", files: files("two\n") }]);
  await packages.up(wants({ web: "2.0" }));
  t.is(await sandbox.read("/etc/web.conf"), "by hand\n");
  t.is(await sandbox.read("/etc/plain.conf"), "two\n");
  t.deepEqual(await apt.installed(), { web: "2.0" });
});

onApt("packages ask nobody anything, and speak one language", async (t) => {
  const host = await startAptHost(t);
  const { apt, packages, wants, sandbox, temporary, progress } = host;
  await apt.publish([web]);
  await hook(host, `env >${sandbox.path("/seen")}\n`);
  await packages.up(wants({ web: "present" }));
  const environment = (await sandbox.read("/seen")).split("\n");
  t.true(environment.includes("DEBIAN_FRONTEND=noninteractive"));
  t.true(environment.includes("LC_ALL=C"));
  t.deepEqual(await temporary(), [], "nothing is left behind");
  const said = progress();
  t.true(said.some((text) => /^web-01: Retrieving file 1 of 1 \(\d+ %\)$/.test(text)));
  t.true(said.some((text) => /^web-01: Installed web.* \(\d+ %\)$/.test(text)));
});

onApt("a package that cannot be set up is set up once more, and only once", async (t) => {
  const { apt, packages, wants, sandbox, progress, temporary } = await startAptHost(t);
  const tried = sandbox.path("/tried");
  const postinst = `echo once >>${tried}; [ "$(wc -l <${tried})" -gt 1 ]`;
  await apt.publish([{ ...web, postinst }]);
  await packages.up(wants({ web: "present" }));
  t.deepEqual(await apt.installed(), { web: "1.0" });
  t.true(progress().includes("web-01: a package could not be set up: once more"));
  const never = `echo once >>${tried}; echo 'no room' >&2; exit 1`;
  await apt.publish([{ name: "never", version: "1.0", postinst: never }]);
  await t.throwsAsync(packages.up(wants({ web: "present", never: "present" })), {
    message: /apt-get install failed\n.*no room.*never/s,
  });
  t.is(await sandbox.read("/tried"), "once\n".repeat(4));
  t.deepEqual(await temporary(), []);
});

onApt("several resources of a host share one transaction, each with its own wishes", async (t) => {
  const host = await startAptHost(t);
  const { apt, wants, sandbox } = host;
  await allowUnsigned(host);
  const versions = ["1.0", "2.0"];
  await apt.publish(
    ["web", "tool", "library"].flatMap((name) => versions.map((version) => ({ name, version }))),
  );
  await apt.publish([{ name: "node", version: "24.1-1" }], "/vendor");
  await apt.install({ name: "library", version: "2.0" });
  await sandbox.unit("database.service", { active: "active" });
  const stop = `printf inactive >${sandbox.path("/state/units/database.service/active")}\n`;
  await hook(host, stop);
  const vendor = { uris: [`copy:${sandbox.path("/vendor")}`], suites: ["./"] };
  const [one, two] = ["one", "two"].map((name) => {
    return host.resource("trilithon:index:Packages", { name });
  });
  if (one === undefined || two === undefined) return t.fail();
  const both = (first: object, second: object) =>
    Promise.all([
      one.up({ ...wants({}), ...wire(first) }),
      two.up({ ...wants({}), ...wire(second) }),
    ]);
  const ofOne = { name: "one", packages: { web: "1.0", tool: "1.0" } };
  const ofTwo = { name: "two", packages: { web: "present", library: "1.0" } };
  await both(
    { ...ofOne, hold: ["tool"] },
    { ...ofTwo, hold: ["library"], mayStop: ["database.service"] },
  );
  t.deepEqual(await apt.installed(), { library: "1.0", tool: "1.0", web: "1.0" });
  t.is(await apt.mark("showhold"), "library\ntool");
  t.is(await sandbox.read("state/units/database.service/active"), "active");
  const file = "/etc/apt/sources.list.d/trilithon-vendor.sources";
  await both(ofOne, { ...ofTwo, sources: { vendor } });
  t.is(await apt.mark("showhold"), "");
  t.is(await sandbox.mode(file), "0644");
  await both({ ...ofOne, hold: ["tool"] }, ofTwo);
  t.is(await apt.mark("showhold"), "tool");
  t.false(await sandbox.exists(file));
});

onApt("a source that goes comes back where another one cannot be read", async (t) => {
  const host = await startAptHost(t);
  const { apt, packages, wants, sandbox, temporary } = host;
  await allowUnsigned(host);
  await apt.publish([web], "/vendor");
  const source = (path: string) => ({ uris: [`copy:${sandbox.path(path)}`], suites: ["./"] });
  await packages.up(wants({}, { sources: { vendor: source("/vendor") } }));
  const before = await sandbox.entries("/etc/apt/sources.list.d");
  const wanted = wants({}, { sources: { other: source("/nowhere") } });
  await t.throwsAsync(packages.up(wanted), { message: /the package sources other are taken back/ });
  t.deepEqual(await sandbox.entries("/etc/apt/sources.list.d"), before);
  t.deepEqual(await temporary(), []);
});

onApt("a unit that was stopped for an installation that fails is started again", async (t) => {
  const host = await startAptHost(t);
  const { apt, packages, wants, sandbox, temporary, progress } = host;
  const files = { "/usr/share/one": "x\n" };
  await apt.publish([web, { name: "web", version: "2.0", files }]);
  await apt.install({ name: "other", version: "1.0", files });
  await packages.up(wants({ web: "1.0" }));
  await sandbox.unit("database.service", { active: "active" });
  await sandbox.unit("calm.service", { active: "active" });
  const active = sandbox.path("/state/units/database.service/active");
  await hook(host, `printf inactive >${active}\n`);
  await sandbox.clearLog();
  const mayStop = ["database.service", "calm.service"];
  const up = packages.up(wants({ web: "2.0" }, { mayStop }));
  await t.throwsAsync(up, {
    message: /apt-get install failed\n.*trying to overwrite.*which is also in package other/s,
  });
  const log = await sandbox.log();
  t.deepEqual(
    log.filter((line) => !line.startsWith("apt-get")),
    ["start database.service"],
  );
  t.true(progress().includes("web-01: starting database.service again"));
  t.false(await sandbox.exists(policy));
  t.deepEqual(await temporary(), []);
});

onApt("a unit that does not start again fails the change, in systemd's words", async (t) => {
  const host = await startAptHost(t);
  const { apt, packages, wants, sandbox } = host;
  await apt.publish([web]);
  await packages.up(wants({ web: "1.0" }));
  await apt.publish([{ name: "web", version: "2.0" }]);
  await sandbox.unit("database.service", { active: "active", failsTo: ["start"] });
  const active = sandbox.path("/state/units/database.service/active");
  await hook(host, `printf inactive >${active}\n`);
  await t.throwsAsync(packages.up(wants({ web: "2.0" }, { mayStop: ["database.service"] })), {
    message:
      /a unit that its package stopped does not start again\n.*Job for database\.service failed/s,
  });
});

onApt("the policy that a killed up left says nothing of what may stop now", async (t) => {
  const host = await startAptHost(t);
  const { apt, packages, wants, sandbox } = host;
  await apt.publish([web]);
  await sandbox.write(policy, `#!/bin/sh\n${mine}\nexit 101\n`);
  await sandbox.chmod(policy, 0o755);
  await sandbox.unit("database.service", { active: "active" });
  await hook(host, `${sandbox.path(policy)} database stop; echo "$?" >${sandbox.path("/seen")}\n`);
  await packages.up(wants({ web: "present" }, { mayStop: ["database.service"] }));
  t.is(await sandbox.read("/seen"), "0\n");
  t.false(await sandbox.exists(policy));
});

/** What stands in a plan, and what apt finds a moment later. */
const nothing: Installation = {
  host: { name: "web-01" } as Host,
  context: {} as Installation["context"],
  packages: {},
  allowed: [],
  sources: {},
  removedSources: [],
  hold: [],
  unhold: [],
  mayStop: [],
};

/** Each: what is installed, what may be done besides, and what apt would now do as well. */
for (const [title, { installed, held = [], allowed, others, conf = "" }] of Object.entries<{
  installed: Record<string, string>;
  held?: string[];
  allowed: Installation["allowed"];
  others: string;
  conf?: string;
}>({
  "of which only a longer name is like what may go": {
    installed: { gone: "1.0", "gone-too": "1.0" },
    allowed: [{ name: "gone", from: "1.0" }],
    others: "gone-too",
  },
  "that a host which purges would remove": {
    installed: { gone: "1.0", "gone-too": "1.0" },
    allowed: [{ name: "gone", from: "1.0" }],
    others: "gone-too",
    conf: 'APT::Get::Purge "true";\n',
  },
  "that would be older": {
    installed: { library: "2.0", gone: "1.0" },
    allowed: [
      { name: "gone", from: "1.0" },
      { name: "another", from: "2.0", to: "1.0" },
    ],
    others: "library",
  },
  "that somebody has put on hold since": {
    installed: { library: "0.5", gone: "1.0" },
    held: ["library"],
    allowed: [
      { name: "gone", from: "1.0" },
      { name: "another", from: "1.0", to: "2.0", isHeld: true },
    ],
    others: "library",
  },
})) {
  onApt(`what nobody has named is refused at the last moment: ${title}`, async (t) => {
    const { apt, sandbox, calls, temporary } = await startAptHost(t);
    const conflicts = ["gone", "gone-too"].filter((name) => name in installed).join(", ");
    const fields = { Conflicts: conflicts };
    await apt.publish([
      { name: "client", version: "1.0", fields },
      { name: "library", version: "1.0" },
    ]);
    for (const [name, version] of Object.entries(installed)) await apt.install({ name, version });
    for (const name of held) await apt.mark("hold", name);
    if (conf !== "") await sandbox.write("/etc/apt/apt.conf.d/more", conf);
    const packages = {
      client: "present",
      ...("library" in installed && { library: "1.0" }),
    };
    const { text } = renderInstall({ ...nothing, packages, allowed });
    const { status, stderr } = await sandbox.run(text);
    t.is(status, 1);
    t.true(
      stderr.startsWith(
        `apt would now also remove, downgrade or change ${others} ; nothing was changed\n`,
      ),
      stderr,
    );
    t.deepEqual(await apt.installed(), installed);
    t.false((await calls()).some((call) => call.startsWith("install")));
    t.deepEqual(await temporary(), []);
  });
}

onApt("what may go and apt no longer can install is told in apt's words", async (t) => {
  const { apt, sandbox } = await startAptHost(t);
  await apt.publish([web]);
  const allowed = [{ name: "gone", from: "1.0" }];
  const { text } = renderInstall({ ...nothing, packages: { nosuch: "present" }, allowed });
  const { status, stderr } = await sandbox.run(text);
  t.is(status, 1);
  t.regex(stderr, /^apt-get cannot install this\n.*E: Unable to locate package nosuch/s);
});
