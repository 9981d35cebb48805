/** The release command: once for a version, before anything is switched to it. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { TestResource } from "../../../support/resource";
import { type WireMap, wire } from "../../../support/wire";

interface Released extends Machine {
  readonly app: TestResource;
  inputs(version: string, changes?: object): WireMap;
}

const ends: Readonly<Record<string, string>> = {
  bad: "exit 3",
  deep: "echo no such column; for at in $(seq 60); do echo \"/srv/app/migrate.rb:$at:in 'up'\"; done; exit 1",
  slow: "sleep 600.5",
};

/** `migrate` of each version notes that it ran and with which environment; those of `bad` and `deep` fail, that of `slow` never ends. */
async function released(t: ExecutionContext): Promise<Released> {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const root = sandbox.path("/srv/app");
  await sandbox.unit("app.service", { reads: [`${root}/current/server.js`] });
  for (const version of ["one", "two", "three", "bad", "deep", "slow", "sick"]) {
    const folder = join(sandbox.path("/source"), version);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "server.js"), `${version}\n`);
    const end = ends[version] ?? "";
    await writeFile(
      join(folder, "migrate"),
      `echo "migrating to ${version} with $TOKEN"; echo "$TOKEN ${version} $(cat ${root}/current/server.js 2>&1)" >>${sandbox.path("/migrated")}; ${end}\n`,
    );
  }
  const environment = sandbox.path("/etc/app/environment");
  return {
    ...machine,
    app: machine.resource("trilithon:index:Release"),
    inputs: (version, { token = "first", ...changes }: { token?: string } = {}) => ({
      host: wireHost(server.host()),
      ...wire({
        unit: "app.service",
        root,
        source: sandbox.path(`/source/${version}`),
        version,
        keep: 0,
        files: { [environment]: { content: `TOKEN=${token}\n` } },
        ready: {
          command: ["sh", "-c", `! grep sick ${root}/current/server.js`],
          deadlineSeconds: 1,
        },
        releaseCommand: {
          command: ["bin/migrate", "--all"],
          unit: `[Service]\nExecStart=sh migrate\nWorkingDirectory=${root}/releases/${version}\n`,
          environmentFiles: [environment],
          deadlineSeconds: 60,
        },
        ...changes,
      }),
    }),
  };
}

onLinux("it is run once for a version, before the switch, with the new environment", async (t) => {
  const { app, inputs, sandbox, plugin } = await released(t);
  const previewed = await app.preview(inputs("one"));
  const first = await app.up(inputs("one"));
  t.deepEqual(first.told, previewed.told);
  t.regex(
    first.told[0] ?? "",
    /send version one, run `bin\/migrate --all` once for version one, at most 60 seconds, switch .* to one, start app/,
  );
  t.true(
    plugin.engine.messages.some(({ text }) =>
      text.includes("`bin/migrate --all`: migrating to one"),
    ),
  );
  await app.up(inputs("two", { token: "second" }));
  const ran = await sandbox.read("/migrated");
  t.deepEqual(ran.split("\n").slice(0, -1), [
    `first one cat: ${sandbox.path("/srv/app")}/current/server.js: No such file or directory`,
    "second two one",
  ]);
  t.false(await sandbox.exists("/run/systemd/system/app-release.service"));
  t.deepEqual((await app.preview(inputs("two", { token: "second" }))).told, []);
});

onLinux("a version that had it does not get it again, although its files were gone", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  for (const version of ["one", "two", "three"]) await app.up(inputs(version));
  t.false(await sandbox.exists("/srv/app/releases/one"));
  const { told } = await app.up(inputs("one"));
  t.regex(told[0] ?? "", /^web-01: send version one, switch /);
  await app.up(inputs("two"));
  t.is((await sandbox.read("/migrated")).split("\n").length, 4);
});

onLinux(
  "another command is no reason to run it again, nor is what was edited in place",
  async (t) => {
    const { app, inputs, sandbox } = await released(t);
    await app.up(inputs("one"));
    const other = { releaseCommand: { command: ["other"], unit: "[Service]\nExecStart=false\n" } };
    t.deepEqual((await app.up(inputs("one", other))).told, []);
    await sandbox.write("/srv/app/releases/one/server.js", "by hand\n");
    t.regex((await app.up(inputs("one"))).told[0] ?? "", /^web-01: send version one, switch /);
  },
);

onLinux("where it fails nothing is switched, restarted or left behind", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  const before = [await sandbox.entries("/etc"), await sandbox.entries("/srv")];
  await sandbox.clearLog();
  await t.throwsAsync(app.up(inputs("bad", { token: "other" })), {
    message:
      /^web-01: applying app: exit 1\n`bin\/migrate --all` of app ended with status 3 for version bad; nothing was switched to it, but the database may have been changed already:\n(.*\n)*migrating to bad with other$/,
  });
  t.deepEqual([await sandbox.entries("/etc"), await sandbox.entries("/srv")], before);
  t.deepEqual(await sandbox.log(), ["daemon-reload", "run sh migrate", "daemon-reload"]);
  t.false(await sandbox.exists("/run/systemd/system/app-release.service"));
  // It is run again with the next attempt.
  await t.throwsAsync(app.up(inputs("bad")));
  t.is((await sandbox.read("/migrated")).split("\n").length, 4);
});

onLinux("why it failed is shown, though the stack below that is long", async (t) => {
  const { app, inputs } = await released(t);
  await t.throwsAsync(app.up(inputs("deep")), {
    message: /\nmigrating to deep with first\nno such column$/,
  });
});

onLinux("one that takes too long is a failure", async (t) => {
  const { app, inputs } = await released(t);
  const releaseCommand = {
    command: ["bin/migrate"],
    unit: "[Service]\nExecStart=sh -c 'echo altering; sleep 60.5'\nWorkingDirectory=/\n",
    deadlineSeconds: 1,
  };
  await t.throwsAsync(app.up(inputs("one", { releaseCommand })), {
    message:
      /`bin\/migrate` of app was not done within 1 seconds \(release\.deadlineSeconds\) for version one; nothing was switched [\s\S]*\naltering$/,
  });
});

onLinux("a version that had it and then does not become ready had it all the same", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  await t.throwsAsync(app.up(inputs("sick")), { message: /was not ready/ });
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
  await app.up(inputs("sick", { ready: { command: ["true"] } }));
  t.is((await sandbox.read("/migrated")).split("\n").length, 3);
});

onLinux("it is not run for a version that serves already, and goes with the Release", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one", { releaseCommand: undefined }));
  t.deepEqual((await app.up(inputs("one"))).told, []);
  t.false(await sandbox.exists("/migrated"));
  await app.up(inputs("two"));
  await app.destroy();
  t.deepEqual(await sandbox.entries("/srv"), {});
});

onLinux("a command that is cut off leaves nothing running", async (t) => {
  const { app, inputs, sandbox, plugin } = await released(t);
  const up = app.up(inputs("slow"));
  while (!(await sandbox.exists("/migrated"))) await new Promise((r) => setTimeout(r, 20));
  await plugin.cancel();
  await t.throwsAsync(up);
  t.false(await sandbox.exists("/srv/app/current"));
  t.true((await sandbox.log()).includes("stop app-release.service"));
});
