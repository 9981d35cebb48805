/** With the real apt and dpkg, in a folder: what is announced is what apt does, and what it must not do it does not. */

import { setTimeout as sleep } from "node:timers/promises";
import { startAptHost } from "../../../support/apt-host";
import { onApt } from "../../../support/apt-root";

onApt("installs what is wanted, with what it needs, as announced", async (t) => {
  const { apt, packages, wants, sandbox, calls } = await startAptHost(t);
  await apt.publish([
    { name: "web", version: "1:2.0-1", fields: { Depends: "web-common (>= 1)" } },
    { name: "web-common", version: "1.5" },
  ]);
  const wanted = wants({ web: "present" });
  const sentences = [
    "web-01: install web 1:2.0-1, install with it 1 package (web-common 1.5) [new]",
  ];
  t.deepEqual((await packages.preview(wanted)).told, sentences);
  t.deepEqual(await apt.installed(), {});
  t.deepEqual((await packages.up(wanted)).told, sentences);
  t.deepEqual(await apt.installed(), { web: "1:2.0-1", "web-common": "1.5" });
  t.like(packages.state?.properties, {
    versions: { web: "1:2.0-1" },
    packages: { web: "present" },
  });
  t.false(await sandbox.exists("/usr/sbin/policy-rc.d"));
  await sandbox.clearLog();
  const { told, diff } = await packages.up(wanted);
  t.deepEqual([told, diff?.detailed], [[], {}]);
  t.deepEqual(await calls(), [], "apt is not asked where there is nothing to do");
});

onApt("upgrades and downgrades what is named, as announced, epochs included", async (t) => {
  const { apt, packages, wants } = await startAptHost(t);
  await apt.publish([
    { name: "web", version: "9.0-1", fields: { Depends: "web-common" } },
    { name: "web", version: "1:3.1.0-1", fields: { Depends: "web-common" } },
    { name: "web", version: "1:3.2.9-1", fields: { Depends: "web-common (>= 2)" } },
    { name: "web", version: "1:3.2.10-1", fields: { Depends: "web-common (>= 2)" } },
    { name: "web-common", version: "2.0" },
  ]);
  await apt.install({ name: "web-common", version: "1.0" });
  await packages.up(wants({ web: "1:3.1*" }));
  t.deepEqual(await apt.installed(), { web: "1:3.1.0-1", "web-common": "1.0" });
  const wanted = wants({ web: "1:3.2*" });
  const sentences = [
    "web-01: upgrade web from 1:3.1.0-1 to 1:3.2.10-1, upgrade with it 1 package (web-common 1.0 -> 2.0) [change]",
  ];
  const { told, diff } = await packages.preview(wanted);
  t.deepEqual(told, sentences);
  t.deepEqual(diff?.detailed, { "packages.web": "update" });
  t.deepEqual((await packages.up(wanted)).told, sentences);
  t.deepEqual(await apt.installed(), { web: "1:3.2.10-1", "web-common": "2.0" });
  t.deepEqual((await packages.up(wants({ web: "9.0-1" }))).told, [
    "web-01: downgrade web from 1:3.2.10-1 to 9.0-1 [change]",
  ]);
  t.like(await apt.installed(), { web: "9.0-1" });
});

onApt(
  "what would remove a package is refused in the preview and in up, and nothing is changed",
  async (t) => {
    const { apt, packages, wants, calls } = await startAptHost(t);
    await apt.publish([
      { name: "database", version: "9.7-2", fields: { Depends: "database-core" } },
      { name: "database-core", version: "9.7-2" },
      { name: "client", version: "0.5-1", fields: { Depends: "other-common" } },
      { name: "other-common", version: "11.8", fields: { Conflicts: "database-core" } },
    ]);
    await packages.up(wants({ database: "present" }));
    const before = await apt.installed();
    const wanted = wants({ database: "present", client: "present" });
    const warning =
      "web-01: to install client, apt would remove database 9.7-2, database-core 9.7-2; nothing will be changed. " +
      "To go on, take what conflicts with them out of the packages, or name in allowRemoval what may go";
    // The program wants both, so apt is asked for both: it has no way at all.
    const { told } = await packages.preview(wanted);
    t.regex(told.join("\n"), /database 9\.7-2/);
    const alone = wants({ client: "present" });
    t.deepEqual((await packages.preview(alone)).told, [
      "web-01: refuse, since to install client would remove database, database-core [change]",
      warning,
    ]);
    await t.throwsAsync(packages.up(alone), { message: warning });
    t.deepEqual(await apt.installed(), before);
    t.false((await calls()).some((call) => call === "install client"));
    const half = wants({ client: "present" }, { allowRemoval: ["database"] });
    await t.throwsAsync(packages.up(half), {
      message: /would remove database-core 9\.7-2; nothing/,
    });
    const allowed = wants({ client: "present" }, { allowRemoval: ["database", "database-core"] });
    t.deepEqual((await packages.up(allowed)).told, [
      "web-01: install client 0.5-1, install with it 1 package (other-common 11.8), remove for it 2 packages (database 9.7-2, database-core 9.7-2) [change]",
      "web-01: database, database-core will be removed, as allowRemoval allows",
    ]);
    t.deepEqual(await apt.installed(), { client: "0.5-1", "other-common": "11.8" });
  },
);

onApt(
  "what would make a package older, or change one on hold, is refused unless it is named",
  async (t) => {
    const { apt, packages, wants } = await startAptHost(t);
    await apt.publish([
      { name: "tool", version: "1.0", fields: { Depends: "library (= 1.0)" } },
      { name: "library", version: "1.0" },
      { name: "library", version: "3.0" },
      { name: "new", version: "1.0", fields: { Depends: "library (>= 3)" } },
    ]);
    await apt.install({ name: "library", version: "2.0" });
    const wanted = { tool: "present" };
    const { told } = await packages.preview(wants(wanted));
    t.regex(told.join("\n"), /downgrade library|Depends: library \(= 1\.0\)/);
    await t.throwsAsync(packages.up(wants(wanted)), { message: /nothing will be changed/ });
    t.deepEqual(await apt.installed(), { library: "2.0" });
    await packages.up(wants({ ...wanted, library: "1.0" }));
    t.deepEqual(await apt.installed(), { library: "1.0", tool: "1.0" });
    await apt.remove("tool");
    await apt.mark("hold", "library");
    packages.state = undefined;
    await t.throwsAsync(packages.up(wants({ new: "present" })), {
      message: /apt cannot install new; nothing will be changed:\n.*held broken packages/s,
    });
    t.deepEqual(await apt.installed(), { library: "1.0" });
    const named = { new: "present", library: "3.0" };
    t.deepEqual((await packages.up(wants(named))).told, [
      "web-01: upgrade library from 1.0 to 3.0 (it is on hold), install new 1.0 [new]",
    ]);
    t.deepEqual(await apt.installed(), { library: "3.0", new: "1.0" });
  },
);

onApt(
  "lists are read again when a name or a version is not in them, or they are old",
  async (t) => {
    const { apt, packages, wants, sandbox, calls } = await startAptHost(t);
    await apt.publish([{ name: "web", version: "1.0" }]);
    await packages.up(wants({ web: "present" }));
    t.deepEqual(await calls(), ["update", "-s install web", "install web"]);
    await apt.publish([
      { name: "web", version: "2.0" },
      { name: "tool", version: "1.0" },
    ]);
    await sandbox.clearLog();
    await packages.up(wants({ web: "2.*", tool: "present" }));
    t.deepEqual(await calls(), [
      "-s install tool web=2.*",
      "update",
      "-s install tool web=2.*",
      "install tool web=2.*",
    ]);
    t.deepEqual(await apt.installed(), { tool: "1.0", web: "2.0" });
    await apt.publish([{ name: "web", version: "3.0" }]);
    await apt.publish([{ name: "more", version: "1.0" }]);
    await apt.ageLists(13);
    await sandbox.clearLog();
    await packages.up(wants({ web: "2.*", more: "present" }));
    t.deepEqual(await calls(), ["update", "-s install more", "install more"]);
  },
);

onApt(
  "a version that is gone from the sources stays where it is installed, and is refused where it is not",
  async (t) => {
    const { apt, packages, wants, calls, sandbox } = await startAptHost(t);
    await apt.publish([{ name: "web", version: "1:1.0-1" }]);
    await packages.up(wants({ web: "1:1.0-1" }));
    await apt.withdraw("web", "1:1.0-1");
    await apt.publish([
      { name: "web", version: "1:2.0-1" },
      { name: "web", version: "1:2.1-1" },
    ]);
    await apt.apt("update");
    await sandbox.clearLog();
    t.deepEqual((await packages.up(wants({ web: "1:1.0-1" }))).told, []);
    t.deepEqual(await calls(), []);
    const refusal =
      "web-01: apt cannot install web 1:1.5*; nothing will be changed:\n" +
      "E: Version '1:1.5*' for 'web' was not found\nweb: the package sources have 1:2.1-1, 1:2.0-1";
    t.deepEqual((await packages.preview(wants({ web: "1:1.5*" }))).told, [
      "web-01: refuse, since apt cannot install web 1:1.5* [change]",
      refusal,
    ]);
    await t.throwsAsync(packages.up(wants({ web: "1:1.5*" })), { message: refusal });
    t.deepEqual(await apt.installed(), { web: "1:1.0-1" });
  },
);

onApt("what the sources have not is told in the preview, in apt's words", async (t) => {
  const { packages, wants, apt } = await startAptHost(t);
  await apt.publish([{ name: "web", version: "1.0" }]);
  const { told } = await packages.preview(wants({ web: "present", nosuch: "present" }));
  t.deepEqual(told, [
    "web-01: refuse, since apt cannot install nosuch, web [new]",
    "web-01: apt cannot install nosuch, web; nothing will be changed:\nE: Unable to locate package nosuch\nno package source of this host has it: name one that does in packages.sources",
  ]);
});

onApt("sources that cannot be reached are told as such", async (t) => {
  const { packages, wants, apt, sandbox } = await startAptHost(t);
  await apt.setSources(`deb [trusted=yes] file:${sandbox.path("/nowhere")} ./`);
  const { told } = await packages.preview(wants({ web: "present" }));
  t.regex(
    told.join("\n"),
    /nothing will be changed:\napt-get update failed: are the package sources of this host reachable\?\n(.*\n)*E: .*nowhere/,
  );
  await t.throwsAsync(packages.up(wants({ web: "present" })), { message: /apt-get update failed/ });
});

onApt(
  "a newer version is no drift, an older one is, and what a pin keeps is accepted once",
  async (t) => {
    const { apt, packages, wants, sandbox } = await startAptHost(t);
    await apt.publish([{ name: "web", version: "2.0" }]);
    const wanted = wants({ web: "present" });
    await packages.up(wanted);
    await apt.install({ name: "web", version: "3.0" });
    t.false((await packages.preview(wanted)).diff?.hasChanges);
    await packages.up(wanted);
    await packages.refresh();
    t.like(packages.state?.properties, { versions: { web: "3.0" } });
    await apt.publish([{ name: "web", version: "3.0" }]);
    await apt.apt("update");
    // apt takes its cache for current while dpkg's status has the same size and the same second.
    await sleep(1100);
    await apt.install({ name: "web", version: "1.0" });
    const { told, diff } = await packages.up(wanted);
    t.deepEqual(told, ["web-01: upgrade web from 1.0 to 3.0 [drift]"]);
    t.deepEqual(diff?.detailed, { "packages.web": "update" });
    t.deepEqual(await apt.installed(), { web: "3.0" });
    await sleep(1100);
    await apt.install({ name: "web", version: "2.0" });
    await sandbox.write(
      "/etc/apt/preferences.d/web",
      "Package: web\nPin: version 2.0\nPin-Priority: 1001\n",
    );
    const kept =
      "web-01: keep web 2.0, although it was 3.0 (the host's package sources, pins and holds offer no newer one) [drift]";
    t.deepEqual((await packages.preview(wanted)).told, [kept]);
    t.deepEqual((await packages.up(wanted)).told, [kept]);
    t.deepEqual((await packages.up(wanted)).told, []);
    t.deepEqual(await apt.installed(), { web: "2.0" });
  },
);

onApt(
  "a name that another package provides is there, and the provider's version counts",
  async (t) => {
    const { apt, packages, wants } = await startAptHost(t);
    await apt.publish([
      { name: "nullmailer", version: "1:2.2", fields: { Provides: "mail-agent, smtp (= 2)" } },
      { name: "postfix", version: "3.0", fields: { Provides: "mail-agent" } },
    ]);
    const wanted = wants({ "mail-agent": "present", smtp: "present" });
    t.regex(
      (await packages.preview(wanted)).told.join("\n"),
      /'mail-agent' has no installation candidate/,
    );
    await apt.install({
      name: "nullmailer",
      version: "1:2.2",
      fields: { Provides: "mail-agent, smtp (= 2)" },
    });
    t.deepEqual((await packages.up(wanted)).told, []);
    t.like(packages.state?.properties, { versions: { "mail-agent": "1:2.2", smtp: "1:2.2" } });
  },
);

onApt("packages of several architectures are told apart", async (t) => {
  const { apt, packages, wants } = await startAptHost(t);
  const fields = { "Multi-Arch": "same" };
  const both = ["amd64", "i386"].map((architecture) => {
    return { name: "library", version: "1.0", architecture, fields };
  });
  await apt.publish(both);
  const one = both[1];
  if (one) await apt.install(one);
  const wanted = wants({ library: "present" });
  t.deepEqual((await packages.up(wanted)).told, ["web-01: install library 1.0 [new]"]);
  t.deepEqual(await apt.installed(), { "library:amd64": "1.0", "library:i386": "1.0" });
  const more = wants({ library: "present", "library:i386": "present", "library:amd64": "1.*" });
  t.deepEqual((await packages.up(more)).told, []);
  await apt.publish(both.map((library) => ({ ...library, version: "2.0" })));
  const next = wants({ "library:amd64": "2.*", "library:i386": "2.0" });
  t.deepEqual((await packages.up(next)).told, [
    "web-01: upgrade library:amd64 from 1.0 to 2.0, upgrade library:i386 from 1.0 to 2.0 [change]",
  ]);
});
