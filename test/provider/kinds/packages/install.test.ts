/** The transaction with the real apt: locks, sources, holds, interruptions, and what a race must not change. */

import type { Host } from "../../../../provider/kind";
import { type Installation, renderInstall } from "../../../../provider/kinds/packages/install";
import { type AptHost, holdLock, startAptHost, whileWaiting } from "../../../support/apt-host";
import { onApt } from "../../../support/apt-root";
import { wire } from "../../../support/wire";

const web = { name: "web", version: "1.0" };

for (const lock of [
  "/var/lib/apt/lists/lock",
  "/var/lib/dpkg/lock-frontend",
  "/var/lib/dpkg/lock",
  "/var/cache/apt/archives/lock",
]) {
  onApt(`waits while another process holds ${lock}, and says who`, async (t) => {
    const { sandbox, apt, packages, wants, calls, progress, plugin } = await startAptHost(t);
    await apt.publish([web]);
    const wanted = wants({ web: "present" });
    const up = packages.up(wanted);
    // What the asking before has locked is free again: the lock is taken where it counts.
    const release = await holdLock(sandbox, lock);
    const isTriedAgain = async () => {
      const [last, before] = (await calls()).reverse();
      return last !== undefined && last === before;
    };
    await whileWaiting(up, isTriedAgain)
      .then(async () => t.deepEqual(await apt.installed(), {}))
      .finally(release);
    const said = new RegExp(`^web-01: waiting: Could not get lock .*${lock}.*process \\d+`);
    t.true(progress().some((text) => said.test(text)));
    await up;
    t.deepEqual(await apt.installed(), { web: "1.0" });
    t.is(plugin.engine.told("warning").length, 0);
  });
}

onApt(
  "a source is written, read and taken away again, and a preview asks it before it is there",
  async (t) => {
    const { sandbox, apt, packages, wants, calls } = await startAptHost(t);
    await sandbox.write(
      "/etc/apt/apt.conf.d/unsigned",
      'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n',
    );
    await apt.publish([web]);
    await apt.publish([{ name: "node", version: "24.1-1" }], "/vendor");
    const vendor = { uris: [`copy:${sandbox.path("/vendor")}`], suites: ["./"] };
    const file = "/etc/apt/sources.list.d/trilithon-vendor.sources";
    const wanted = wants({ web: "present", node: "24.*" }, { sources: { vendor } });
    const sentences = [
      `web-01: write the package source vendor (new, copy:${sandbox.path("/vendor")} ./), install node 24.1-1, install web 1.0 [new]`,
    ];
    t.deepEqual((await packages.preview(wanted)).told, sentences);
    t.false(await sandbox.exists(file));
    t.deepEqual(await sandbox.entries("/var/lib/trilithon"), {});
    t.deepEqual((await packages.up(wanted)).told, sentences);
    t.is(
      await sandbox.read(file),
      `Types: deb\nURIs: copy:${sandbox.path("/vendor")}\nSuites: ./\n`,
    );
    t.deepEqual(await apt.installed(), { node: "24.1-1", web: "1.0" });
    t.deepEqual((await packages.up(wanted)).told, []);
    await sandbox.write(
      file,
      `# by hand\nTypes: deb\nURIs: copy:/other\nSuites: ./\nEnabled: no\n`,
    );
    const { told, diff } = await packages.up(wanted);
    t.deepEqual(told, ["web-01: write the package source vendor (another uris, other) [drift]"]);
    t.deepEqual(diff?.detailed, {
      "sources.vendor.other": "delete",
      "sources.vendor.uris": "update",
    });
    t.deepEqual((await packages.up(wants({ web: "present" }))).told, [
      "web-01: remove the package source vendor [change]",
    ]);
    t.false(await sandbox.exists(file));
    t.like(await apt.installed(), { node: "24.1-1" }, "packages never go");
    await packages.up(wanted);
    await packages.destroy();
    t.false(await sandbox.exists(file));
    t.deepEqual(await apt.installed(), { node: "24.1-1", web: "1.0" });
    t.true((await calls()).length > 0);
  },
);

onApt("another resource's source is asked in the preview, too", async (t) => {
  const { sandbox, apt, packages, wants } = await startAptHost(t);
  await sandbox.write(
    "/etc/apt/apt.conf.d/unsigned",
    'Acquire::AllowInsecureRepositories "true";\n',
  );
  await apt.publish([{ name: "node", version: "24.1-1" }], "/vendor");
  const vendor = { uris: [`copy:${sandbox.path("/vendor")}`], suites: ["./"] };
  const wanted = wants({ node: "24.*" }, { hostSources: { vendor } });
  t.deepEqual((await packages.preview(wanted)).told, ["web-01: install node 24.1-1 [new]"]);
  t.deepEqual(await sandbox.entries("/etc/apt/sources.list.d"), {});
});

onApt("a source that apt cannot read is taken back", async (t) => {
  const { sandbox, packages, wants, apt } = await startAptHost(t);
  await apt.publish([web]);
  const folder = "/etc/apt/sources.list.d";
  const source = (name: string) => ({ uris: [`copy:${sandbox.path(name)}`], suites: ["./"] });
  const wanted = wants({}, { sources: { vendor: source("/nowhere") } });
  await t.throwsAsync(packages.up(wanted), {
    message:
      /the package sources vendor are taken back, since apt cannot read them:\napt-get update failed.*nowhere/s,
  });
  t.deepEqual(await sandbox.entries(folder), {});
  await sandbox.write(`${folder}/trilithon-vendor.sources`, "# as it was\n");
  await t.throwsAsync(packages.up(wanted), { message: /are taken back/ });
  const entries = Object.values(await sandbox.entries(folder));
  t.deepEqual(
    entries.map(({ content }) => content),
    ["# as it was\n"],
  );
});

onApt("what is held is held, kept so, and released again", async (t) => {
  const { apt, packages, wants, calls, sandbox } = await startAptHost(t);
  await apt.publish([web, { name: "tool", version: "1.0" }, { name: "tool", version: "2.0" }]);
  const both = { web: "present", tool: "1.*" };
  t.deepEqual((await packages.up(wants(both, { hold: ["tool"] }))).told, [
    "web-01: install tool 1.0, install web 1.0, hold tool at its version [new]",
  ]);
  t.is(await apt.mark("showhold"), "tool");
  await apt.mark("unhold", "tool");
  await sandbox.clearLog();
  t.deepEqual((await packages.up(wants(both, { hold: true }))).told, [
    "web-01: hold tool at its version, hold web at its version [drift and change]",
  ]);
  t.is(await apt.mark("showhold"), "tool\nweb");
  t.deepEqual(await calls(), [], "apt is not asked where nothing is to be installed");
  t.deepEqual((await packages.up(wants({ ...both, tool: "2.*" }, { hold: ["tool"] }))).told, [
    "web-01: hold web no longer, upgrade tool from 1.0 to 2.0 (it is on hold) [change]",
  ]);
  t.is(await apt.mark("showhold"), "tool");
  // A hold by hand is nobody else's.
  await apt.mark("hold", "web");
  t.deepEqual((await packages.up(wants({ ...both, tool: "2.*" }, { hold: ["tool"] }))).told, []);
  await packages.destroy();
  t.is(await apt.mark("showhold"), "web");
});

onApt("what another resource wants by now is left: a host that was renamed keeps it", async (t) => {
  const { sandbox, apt, packages: former, resource, wants } = await startAptHost(t);
  await sandbox.write(
    "/etc/apt/apt.conf.d/unsigned",
    'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n',
  );
  await apt.publish([web, { name: "tool", version: "1.0" }]);
  for (const name of ["shared", "own"]) await apt.publish([{ name, version: "1.0" }], `/${name}`);
  const source = (name: string) => ({ uris: [`copy:${sandbox.path(`/${name}`)}`], suites: ["./"] });
  const wanted = (hold: string[], names: string[]) =>
    wants(
      { web: "1.0", tool: "1.0" },
      { hold, sources: Object.fromEntries(names.map((name) => [name, source(name)])) },
    );
  await former.up(wanted(["web", "tool"], ["shared", "own"]));
  const present = resource("trilithon:index:Packages", { name: "renamed" });
  await present.up(wanted(["web"], ["shared"]));
  await former.destroy();
  t.is(await apt.mark("showhold"), "web");
  t.deepEqual(Object.keys(await sandbox.entries("/etc/apt/sources.list.d")), [
    "/etc/apt/sources.list.d/trilithon-shared.sources",
  ]);
  t.deepEqual((await present.up(wanted(["web"], ["shared"]))).told, []);
  await present.destroy();
  t.is(await apt.mark("showhold"), "");
  t.deepEqual(await sandbox.entries("/etc/apt/sources.list.d"), {});
  t.deepEqual(await sandbox.entries("/var/lib/trilithon"), {});
});

onApt(
  "a source that another stack has is not written otherwise, and the preview says so",
  async (t) => {
    const { sandbox, apt, resource, wants } = await startAptHost(t);
    await sandbox.write(
      "/etc/apt/apt.conf.d/unsigned",
      'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n',
    );
    await apt.publish([web]);
    for (const folder of ["one", "other"])
      await apt.publish([{ name: "tool", version: "1.0" }], `/${folder}`);
    const source = (folder: string) => ({
      uris: [`copy:${sandbox.path(`/${folder}`)}`],
      suites: ["./"],
    });
    const wanted = (folder: string) =>
      wants({ web: "1.0" }, { sources: { vendor: source(folder) } });
    const of = (stack: string) => resource("trilithon:index:Packages", { name: "packages", stack });
    await of("prod").up(wanted("one"));
    const text = await sandbox.read("/etc/apt/sources.list.d/trilithon-vendor.sources");
    const other = of("dev");
    const message =
      /^web-01: the package source vendor belongs to packages of the stack test\/prod, which has it otherwise; nothing will be changed\. /;
    await t.throwsAsync(other.preview(wanted("other")), { message });
    await t.throwsAsync(other.up(wanted("other")), { message });
    t.is(await sandbox.read("/etc/apt/sources.list.d/trilithon-vendor.sources"), text);
    await t.notThrowsAsync(other.up(wanted("one")), "the same may be in both");
  },
);

onApt("an installation that was interrupted is completed first", async (t) => {
  const { sandbox, apt, packages, wants, progress } = await startAptHost(t);
  await apt.publish([web]);
  await apt.unpack({ name: "half", version: "1.0" });
  await packages.up(wants({ web: "present" }));
  t.deepEqual(await apt.installed(), { half: "1.0", web: "1.0" });
  t.true(progress().includes("web-01: completing an interrupted installation"));
  t.false(await sandbox.exists("/usr/sbin/policy-rc.d"));
});

onApt(
  "daemons may neither start nor be restarted meanwhile; a policy of the machine's own stays, one of a killed up goes",
  async (t) => {
    const { sandbox, apt, packages, wants } = await startAptHost(t);
    await apt.publish([web, { name: "tool", version: "1.0" }]);
    const policy = "/usr/sbin/policy-rc.d";
    const seen = `#!/bin/sh\ncat ${sandbox.path(policy)} >${sandbox.path("/seen")}\nenv >${sandbox.path("/environment")}\n`;
    await sandbox.write(
      "/etc/apt/apt.conf.d/hook",
      `DPkg::Pre-Invoke { "sh ${sandbox.path("/hook")}"; };\n`,
    );
    await sandbox.write("/hook", seen);
    await packages.up(wants({ web: "present" }));
    const mine = await sandbox.read("/seen");
    t.regex(await sandbox.read("/environment"), /^NEEDRESTART_SUSPEND=1$/m);
    t.regex(mine, /^#!\/bin\/sh\n# trilithon: .*\n.*exit 101\n$/s);
    t.false(await sandbox.exists(policy));
    await sandbox.write(policy, mine);
    await packages.up(wants({ web: "present", tool: "present" }));
    t.false(await sandbox.exists(policy));
    await apt.remove("tool");
    await sandbox.write(policy, "#!/bin/sh\nexit 0\n");
    await packages.up(wants({ web: "present", tool: "present" }));
    t.is(await sandbox.read(policy), "#!/bin/sh\nexit 0\n");
    t.is(await sandbox.read("/seen"), "#!/bin/sh\nexit 0\n");
  },
);

onApt(
  "packages of several resources of a host are asked about, and installed, together",
  async (t) => {
    const host = await startAptHost(t);
    const { apt, plugin, calls } = host;
    await apt.publish([
      { name: "web", version: "1.0", fields: { Depends: "common" } },
      { name: "tool", version: "2.0", fields: { Depends: "common" } },
      { name: "common", version: "1.0" },
    ]);
    const wanted = [{ web: "present" }, { tool: "present" }, { web: "1.0" }];
    await Promise.all(createAll(host, wanted));
    const [update, simulation, installation, ...rest] = await calls();
    t.deepEqual([update, simulation, rest], ["update", "-s install tool web web=1.0", []]);
    t.deepEqual(installation?.split(" ").sort(), ["install", "tool", "web=1.0"]);
    t.deepEqual(plugin.engine.told("info").sort(), [
      "web-01: install tool 2.0, install with it 1 package (common 1.0) [new]",
      "web-01: install web 1.0 [new]",
      "web-01: install web 1.0 [new]",
    ]);
    t.deepEqual(await apt.installed(), { common: "1.0", tool: "2.0", web: "1.0" });
    for (const name of ["it-0", "it-1", "it-2"]) {
      const seen = plugin.engine.messages.filter(
        ({ urn, isPassing }) => isPassing && urn.endsWith(name),
      );
      t.true(
        seen.some(({ text }) => /^web-01: (Unpacking|Preparing|Installing) /.test(text)),
        name,
      );
      t.is(seen.at(-1)?.text, "");
    }
  },
);

onApt("what two resources of a host want and cannot both have is refused for both", async (t) => {
  const host = await startAptHost(t);
  const { apt, plugin } = host;
  await apt.publish([
    { name: "one", version: "1.0", fields: { Conflicts: "other" } },
    { name: "other", version: "1.0" },
  ]);
  const previews = await Promise.allSettled(
    createAll(host, [{ one: "present" }, { other: "present" }], "preview"),
  );
  t.true(previews.every(({ status }) => status === "fulfilled"));
  const warnings = plugin.engine.told("warning");
  t.is(warnings.length, 2);
  for (const text of warnings)
    t.regex(text, /apt cannot install one, other; nothing will be changed/);
  t.deepEqual(await apt.installed(), {});
});

onApt("an installation that is asked to end goes on", async (t) => {
  const { sandbox, apt, packages, wants, plugin, server } = await startAptHost(t);
  await apt.publish([web]);
  await sandbox.write(
    "/etc/apt/apt.conf.d/hook",
    `DPkg::Pre-Invoke { "sh ${sandbox.path("/hook")}"; };\n`,
  );
  await sandbox.write(
    "/hook",
    `echo reached >>${sandbox.path("/seen")}\nwhile [ -e ${sandbox.path("/wait")} ]; do sleep 0.05; done\n`,
  );
  await sandbox.write("/wait", "");
  const up = packages.up(wants({ web: "present" }));
  while (!(await sandbox.exists("/seen"))) await soon();
  const canceled = plugin.cancel();
  while (!server.commands.some(({ signals }) => signals.includes("TERM"))) await soon();
  await sandbox.delete("/wait");
  await t.throwsAsync(up, { message: /canceled/ });
  await canceled;
  t.deepEqual(await apt.installed(), { web: "1.0" });
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

onApt(
  "what came in between the preview and up is not removed, made older or taken off its hold",
  async (t) => {
    const { apt, sandbox } = await startAptHost(t);
    await apt.publish([
      {
        name: "client",
        version: "1.0",
        fields: { Conflicts: "database", Depends: "library (= 1.0)" },
      },
      { name: "library", version: "1.0" },
      { name: "gone", version: "1.0" },
    ]);
    const tries = async (installation: Partial<Installation>) => {
      const { text } = renderInstall({ ...nothing, ...installation });
      return sandbox.run(text);
    };
    await apt.install({ name: "database", version: "1.0" });
    const removing = await tries({ packages: { client: "present" } });
    t.regex(
      removing.stderr,
      /apt-get install failed\n(.*\n)*E: Packages need to be removed but remove is disabled/,
    );
    t.is(removing.status, 1);
    t.like(await apt.installed(), { database: "1.0" });
    await apt.install({ name: "gone", version: "1.0" });
    const other = await tries({
      packages: { client: "present" },
      allowed: [{ name: "gone", from: "1.0" }],
    });
    t.regex(
      other.stderr,
      /apt would now also remove, downgrade or change database ; nothing was changed/,
    );
    t.like(await apt.installed(), { database: "1.0", gone: "1.0" });
    await apt.remove("database");
    await apt.install({ name: "library", version: "2.0" });
    const older = { packages: { library: "1.0" } };
    t.regex(
      (await tries(older)).stderr,
      /E: Packages were downgraded and -y was used without --allow-downgrades/,
    );
    const down = [{ name: "library", from: "2.0", to: "1.0" }];
    const held = [{ ...down[0], name: "gone", isHeld: true }];
    t.regex(
      (await tries({ ...older, allowed: held.map((one) => ({ ...one, to: "1.1" })) })).stderr,
      /would now also .*library ;|without --allow-downgrades/,
    );
    await apt.mark("hold", "library");
    t.regex(
      (await tries({ ...older, allowed: down })).stderr,
      /without --allow-change-held-packages/,
    );
    t.like(await apt.installed(), { library: "2.0" });
    const fine = await tries({ ...older, allowed: down.map((one) => ({ ...one, isHeld: true })) });
    t.deepEqual([fine.status, fine.stderr], [0, ""]);
    t.like(await apt.installed(), { library: "1.0", gone: "1.0" });
  },
);

onApt("lists that name what the mirror no longer has are read again", async (t) => {
  const { apt, sandbox, packages, wants, calls } = await startAptHost(t);
  await apt.publish([web]);
  await apt.apt("update");
  await apt.withdraw("web", "1.0");
  await sandbox.delete("/repository/web_1.0_all.deb");
  await apt.publish([{ name: "web", version: "1.1" }]);
  await sandbox.clearLog();
  await packages.up(wants({ web: "present" }));
  t.deepEqual(await apt.installed(), { web: "1.1" });
  t.deepEqual(await calls(), ["-s install web", "install web", "update", "install web"]);
});

function createAll(
  { plugin, wants }: AptHost,
  wanted: readonly Record<string, string>[],
  phase: "preview" | "up" = "up",
) {
  const all = wanted.map(async (packages, at) => {
    const resource = { type: "trilithon:index:Packages", name: `it-${at}` };
    const { inputs } = await plugin.check(resource, {
      ...wants(packages),
      ...wire({ name: `it-${at}` }),
    });
    return plugin.create(resource, inputs, phase);
  });
  return all;
}

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

onApt(
  "a unit that its package may stop is stopped for it and started again; others go on",
  async (t) => {
    const { sandbox, apt, packages, wants } = await startAptHost(t);
    await apt.publish([web]);
    await packages.up(wants({ web: "present" }));
    await apt.publish([{ name: "web", version: "2.0" }]);
    await sandbox.unit("database.service", { active: "active" });
    await sandbox.unit("idle.service", { active: "inactive" });
    await sandbox.write(
      "/etc/apt/apt.conf.d/hook",
      `DPkg::Pre-Invoke { "sh ${sandbox.path("/hook")}"; };\n`,
    );
    const policy = sandbox.path("/usr/sbin/policy-rc.d");
    await sandbox.write(
      "/hook",
      `for words in 'database.service stop' 'database stop' 'idle stop' 'database start' 'database restart' 'nginx stop'; do
  ${policy} $words; echo "$words: $?" >>${sandbox.path("/seen")}
done
printf inactive >${sandbox.path("/state/units/database.service/active")}\n`,
    );
    await sandbox.clearLog();
    const wanted = wants({ web: "2.*" }, { mayStop: ["database.service", "idle.service"] });
    t.deepEqual((await packages.up(wanted)).told, [
      "web-01: upgrade web from 1.0 to 2.0 [change]",
      "web-01: database.service, idle.service stops while web is changed, and is started again",
    ]);
    t.is(
      await sandbox.read("/seen"),
      "database.service stop: 0\ndatabase stop: 0\nidle stop: 0\ndatabase start: 101\ndatabase restart: 101\nnginx stop: 101\n",
    );
    const log = await sandbox.log();
    t.deepEqual(
      log.filter((line) => !line.startsWith("apt-get")),
      ["start database.service"],
    );
  },
);
