/** What a preview asks the real apt: it changes nothing on the host, and finds all that an installation would do. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type AptHost, holdLock, startAptHost, whileWaiting } from "../../../support/apt-host";
import { onApt } from "../../../support/apt-root";
import { wire } from "../../../support/wire";

const web = { name: "web", version: "1.0" };

/** Sources of the tests are not signed. */
async function allowUnsigned({ sandbox }: AptHost): Promise<void> {
  await sandbox.write(
    "/etc/apt/apt.conf.d/unsigned",
    'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n',
  );
}

onApt("sources that are not there yet are asked beside the host's own, which stay", async (t) => {
  const host = await startAptHost(t);
  const { sandbox, apt, packages, wants, temporary } = host;
  await allowUnsigned(host);
  await apt.publish([web]);
  await apt.publish([{ name: "base", version: "1.0" }], "/more");
  await apt.publish([{ name: "node", version: "24.1-1", fields: { Depends: "base" } }], "/vendor");
  const more = `deb [trusted=yes] copy:${sandbox.path("/more")} ./\n`;
  await sandbox.write("/etc/apt/sources.list.d/more.list", more);
  await apt.apt("update");
  await apt.apt("-s", "install", "web");
  const look = async () => [
    await sandbox.entries("/etc"),
    await sandbox.entries("/var/lib/apt"),
    await sandbox.entries("/var/cache"),
    await sandbox.entries("/var/lib/trilithon"),
  ];
  const before = await look();
  const vendor = { uris: [`copy:${sandbox.path("/vendor")}`], suites: ["./"] };
  const wanted = wants({ node: "present" }, { sources: { vendor } });
  t.deepEqual((await packages.preview(wanted)).told, [
    `web-01: write the package source vendor (new, copy:${sandbox.path("/vendor")} ./), install node 24.1-1, install with it 1 package (base 1.0) [new]`,
  ]);
  t.deepEqual(await look(), before);
  t.deepEqual(await temporary(), []);
  t.is(await sandbox.mode("/var/lib/trilithon"), "0700");
});

onApt("a source that changes is asked as it will be", async (t) => {
  const host = await startAptHost(t);
  const { sandbox, apt, packages, wants } = host;
  await allowUnsigned(host);
  await apt.publish([{ name: "tool", version: "1.0" }], "/vendor");
  await apt.publish([{ name: "node", version: "1.0" }], "/other");
  const source = (path: string) => ({
    sources: { vendor: { uris: [`copy:${sandbox.path(path)}`], suites: ["./"] } },
  });
  await packages.up(wants({}, source("/vendor")));
  const { told } = await packages.preview(wants({ tool: "present" }, source("/other")));
  t.regex(told.join("\n"), /apt cannot install tool.*E: Unable to locate package tool/s);
  t.regex(
    (await packages.preview(wants({ node: "present" }, source("/other")))).told.join("\n"),
    /write the package source vendor \(another uris\), install node 1\.0/,
  );
  // What somebody has added to the file goes as well.
  const file = "/etc/apt/sources.list.d/trilithon-vendor.sources";
  await sandbox.write(file, `${await sandbox.read(file)}Enabled: no\n`);
  t.regex(
    (await packages.preview(wants({ tool: "present" }, source("/vendor")))).told.join("\n"),
    /write the package source vendor \(another other\), install tool 1\.0/,
  );
});

onApt("a source that apt cannot read is refused in the preview, with apt's words", async (t) => {
  const { sandbox, apt, packages, wants, temporary } = await startAptHost(t);
  await apt.publish([web]);
  const vendor = { uris: [`copy:${sandbox.path("/nowhere")}`], suites: ["./"] };
  const { told } = await packages.preview(wants({ web: "present" }, { sources: { vendor } }));
  t.regex(
    told.join("\n"),
    /apt cannot install web; nothing will be changed:\napt-get update failed: .*\n.*nowhere/s,
  );
  t.deepEqual(await temporary(), []);
});

onApt("one source of several that cannot be read is told, and nothing is installed", async (t) => {
  const { sandbox, apt, packages, wants } = await startAptHost(t);
  await apt.publish([web]);
  // Nobody listens there: apt alone would go on with what it had before.
  await sandbox.write(
    "/etc/apt/sources.list.d/away.list",
    "deb [trusted=yes] http://127.0.0.1:9/debian ./\n",
  );
  await sandbox.write(
    "/etc/apt/apt.conf.d/proxy",
    'Acquire::http::Proxy "DIRECT";\nAcquire::Retries::Delay "false";\n',
  );
  await t.throwsAsync(packages.up(wants({ web: "present" })), {
    message: /apt-get update failed: .*\n.*127\.0\.0\.1:9/s,
  });
  t.deepEqual(await apt.installed(), {});
});

onApt("a mirror that drops connections is asked again", async (t) => {
  const { sandbox, apt, packages, wants } = await startAptHost(t);
  await apt.publish([web]);
  let drops = 2;
  const server = createServer(async (request, response) => {
    drops -= 1;
    if (drops >= 0) return request.socket.destroy();
    const text = await sandbox.read(`/repository${request.url}`).catch(() => undefined);
    if (text === undefined) return response.writeHead(404).end();
    return response.end(text);
  });
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await apt.setSources(`deb [trusted=yes] http://127.0.0.1:${port} ./`);
  await sandbox.write(
    "/etc/apt/apt.conf.d/proxy",
    'Acquire::http::Proxy "DIRECT";\nAcquire::Retries::Delay "false";\n',
  );
  t.deepEqual((await packages.preview(wants({ web: "present" }))).told, [
    "web-01: install web 1.0 [new]",
  ]);
  t.true(drops < 0);
});

onApt("what is only recommended is neither announced nor installed", async (t) => {
  const { apt, packages, wants } = await startAptHost(t);
  await apt.publish([
    { ...web, fields: { Recommends: "extra" } },
    { name: "extra", version: "1.0" },
  ]);
  const { told } = await packages.up(wants({ web: "present" }));
  t.deepEqual(told, ["web-01: install web 1.0 [new]"]);
  t.deepEqual(await apt.installed(), { web: "1.0" });
});

onApt("what a host that purges would remove is refused as well", async (t) => {
  const { sandbox, apt, packages, wants } = await startAptHost(t);
  await sandbox.write("/etc/apt/apt.conf.d/purge", 'APT::Get::Purge "true";\n');
  await apt.publish([{ name: "client", version: "1.0", fields: { Conflicts: "database" } }]);
  await apt.install({ name: "database", version: "1.0" });
  await t.throwsAsync(packages.up(wants({ client: "present" })), {
    message: /apt would remove database 1\.0; nothing will be changed/,
  });
  t.deepEqual(await apt.installed(), { database: "1.0" });
});

onApt("what several ask for together and none may have is refused for each", async (t) => {
  const { apt, plugin, wants } = await startAptHost(t);
  await apt.publish([
    { name: "client", version: "1.0", fields: { Conflicts: "database" } },
    { name: "another", version: "1.0" },
  ]);
  await apt.install({ name: "database", version: "1.0" });
  const asked = ["another", "client"].map(async (name) => {
    const resource = { type: "trilithon:index:Packages", name };
    const { inputs } = await plugin.check(resource, {
      ...wants({ [name]: "present" }),
      ...wire({ name }),
    });
    return plugin.create(resource, inputs, "preview");
  });
  await Promise.all(asked);
  const refusals = plugin.engine.told("info");
  t.is(refusals.length, 2);
  for (const text of refusals) {
    t.regex(text, /refuse, since to install another, client would remove database/);
  }
});

onApt("lists of half a day are recent enough, and reading them is told", async (t) => {
  const { sandbox, apt, packages, wants, calls, progress } = await startAptHost(t);
  await apt.publish([web]);
  const reading = "web-01: reading the package lists (apt-get update)";
  await packages.preview(wants({ web: "present" }));
  t.true(progress().includes(reading));
  await apt.ageLists(11);
  await sandbox.clearLog();
  await packages.preview(wants({ web: "present" }));
  t.deepEqual(await calls(), ["-s install web"]);
  t.false(progress().includes(reading));
});

onApt("lists that were just read are not read again for a name that is in none", async (t) => {
  const { packages, wants, calls } = await startAptHost(t);
  await packages.preview(wants({ nosuch: "present" }));
  t.deepEqual(await calls(), ["update", "-s install nosuch"]);
});

onApt("a lock that does not come free is given up in the end, and its holder named", async (t) => {
  const host = await startAptHost(t);
  const { sandbox, apt, packages, wants, progress, temporary } = host;
  await apt.publish([web]);
  await host.setClock(0);
  const lock = "/var/lib/apt/lists/lock";
  const release = await holdLock(sandbox, lock);
  const up = packages.up(wants({ web: "present" }));
  const isWaiting = () => progress().some((text) => text.includes(`waiting: Could not get lock`));
  await whileWaiting(up, isWaiting)
    .then(() => host.setClock(590))
    .then(async () => {
      const seen = progress().length;
      await whileWaiting(up, () => progress().length > seen + 2);
    })
    .catch(async (error: unknown) => {
      await release();
      throw error;
    });
  await host.setClock(610);
  await t
    .throwsAsync(up, { message: /lists\/lock.*process \d+.*: not free after 600 seconds/s })
    .finally(release);
  t.deepEqual(await temporary(), []);
  t.deepEqual(await apt.installed(), {});
});

onApt(
  "a package of which only the configuration is left is not there, nor provides it",
  async (t) => {
    const { apt, packages, wants } = await startAptHost(t);
    const files = { "/etc/mailer.conf": "port 25\n" };
    const fields = { Provides: "mail-agent" };
    await apt.publish([{ name: "mailer", version: "1.0", files, fields }]);
    const wanted = wants({ mailer: "present", "mail-agent": "present" });
    await apt.install({ name: "mailer", version: "1.0", files, fields });
    t.deepEqual((await packages.up(wanted)).told, []);
    await apt.remove("mailer");
    t.deepEqual((await packages.preview(wants({ mailer: "present" }))).told, [
      "web-01: install mailer 1.0 [new]",
    ]);
    const { told } = await packages.preview(wanted);
    t.regex(told.join("\n"), /install mailer 1\.0.*mail-agent|mail-agent.*mailer/s);
  },
);
