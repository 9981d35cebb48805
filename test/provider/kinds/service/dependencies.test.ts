/** What is made on the host for versions that need the same: once, before anything of a version is live. */
import { mkdir, readlink, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { type WireMap, wire } from "../../../support/wire";

/** The lock file says what is made. `make` notes each time. */
async function released(t: ExecutionContext) {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const root = sandbox.path("/srv/app");
  await sandbox.unit("app.service", { reads: [`${root}/current/vendor/packages/code`] });
  for (const version of ["one", "two", "three", "sick"]) {
    const folder = join(sandbox.path("/source"), version);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "server.js"), `${version}\n`);
    await writeFile(join(folder, "lock"), `locked by ${version}\n`);
  }
  const inputs = (
    version: string,
    {
      key = "a",
      end = "",
      ready,
      ...changes
    }: { key?: string; end?: string } & Record<string, unknown> = {},
  ): WireMap => {
    const store = `${root}/dependencies/${key}`;
    const code = `mkdir -p vendor/packages; { cat lock; echo ${key}; } >vendor/packages/code`;
    const notes = sandbox.path("/made");
    return {
      host: wireHost(server.host()),
      ...wire({
        unit: "app.service",
        root,
        source: sandbox.path(`/source/${version}`),
        version,
        keep: 0,
        ready: ready ?? {
          command: ["sh", "-c", `! grep sick ${root}/current/server.js`],
          deadlineSeconds: 1,
        },
        dependencies: {
          key,
          command: ["get", "packages"],
          unit: `[Service]\nExecStart=sh -c 'echo making ${key}; echo ${key} $(ls) >>${notes}; ${code}; ${end}'\nWorkingDirectory=${store}\n`,
          deadlineSeconds: 60,
          files: ["lock"],
          links: ["vendor/packages"],
          user: "app",
        },
        ...changes,
      }),
    };
  };
  const app = machine.resource("trilithon:index:Release");
  const code = async () =>
    (await sandbox.read("/srv/app/current/vendor/packages/code")).split("\n");
  const made = async () => (await sandbox.read("/made")).split("\n").slice(0, -1);
  return { ...machine, app, inputs, code, made, root };
}

onLinux(
  "they are made once for all versions that need the same, and then are as wanted",
  async (t) => {
    const { app, inputs, code, made, plugin } = await released(t);
    const previewed = await app.preview(inputs("one"));
    const first = await app.up(inputs("one"));
    t.deepEqual(first.told, previewed.told);
    t.regex(
      first.told[0] ?? "",
      /send version one, make its dependencies by `get packages`, at most 60 seconds, link the dependencies a to it, switch .* to one, start app/,
    );
    t.true(plugin.engine.messages.some(({ text }) => text.includes("`get packages`: making a")));
    t.deepEqual((await app.preview(inputs("one"))).told, []);
    const second = await app.up(inputs("two"));
    t.regex(second.told[0] ?? "", /send version two, link the dependencies a to it, switch/);
    t.deepEqual((await app.preview(inputs("two"))).told, []);
    t.deepEqual(await made(), ["a lock"]);
    t.is((await code())[0], "locked by one");
  },
);

onLinux("what they are made from may be a folder, and be there or not", async (t) => {
  const { app, inputs, sandbox, made } = await released(t);
  await mkdir(sandbox.path("/source/one/cache"));
  await writeFile(sandbox.path("/source/one/cache/gem"), "");
  const { dependencies: given } = inputs("one");
  const dependencies = { ...Object(given), filesIfAny: ["cache", "none"] };
  await app.up({ ...inputs("one"), dependencies });
  t.deepEqual(await made(), ["a cache lock"]);
  t.true(await sandbox.exists("/srv/app/dependencies/a/cache/gem"));
  t.deepEqual((await app.preview({ ...inputs("one"), dependencies })).told, []);
});

onLinux("those that no version needs any more are removed", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  await app.up(inputs("two", { key: "b" }));
  // The version before stays, and so does what it needs.
  t.true(await sandbox.exists("/srv/app/dependencies/a/.made"));
  await app.up(inputs("three", { key: "b" }));
  t.false(await sandbox.exists("/srv/app/dependencies/a"));
  await app.up(inputs("three", { dependencies: undefined }));
  await app.up(inputs("one", { dependencies: undefined }));
  await app.up(inputs("two", { dependencies: undefined }));
  t.false(await sandbox.exists("/srv/app/dependencies"));
});

onLinux("where they cannot be made nothing is switched or left behind", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  const before = await sandbox.entries("/srv");
  await t.throwsAsync(
    app.up(inputs("two", { key: "b", end: "echo no such package >&2; exit 3" })),
    {
      message:
        /^web-01: applying app: exit 1\n`get packages` of app ended with status 3 for version two; nothing was switched to it:\n(.*\n)*no such package$/,
    },
  );
  t.deepEqual(await sandbox.entries("/srv"), before);
  t.false(await sandbox.exists("/run/systemd/system/app-dependencies.service"));
  await t.throwsAsync(app.up(inputs("two", { key: "b", end: "rm -r vendor" })), {
    message: /`get packages` did not make vendor\/packages/,
  });
  t.deepEqual(await sandbox.entries("/srv"), before);
});

onLinux("another runtime of the same version makes them anew, and restarts it", async (t) => {
  const { app, inputs, sandbox, code } = await released(t);
  await app.up(inputs("one"));
  const { told } = await app.up(inputs("one", { key: "b" }));
  t.regex(
    told[0] ?? "",
    /^web-01: make its dependencies .*, link the dependencies b to it, restart app/,
  );
  t.deepEqual(await code(), ["locked by one", "b", ""]);
  t.is(await sandbox.loaded("app.service", "code"), "locked by one\nb\n");
  t.deepEqual((await app.preview(inputs("one", { key: "b" }))).told, []);
  t.false(await sandbox.exists("/srv/app/dependencies/a"));
});

onLinux("where the version does not become ready with them it has again what it had", async (t) => {
  const { app, inputs, sandbox, code } = await released(t);
  await app.up(inputs("one"));
  const ready = { command: ["false"], deadlineSeconds: 1 };
  await t.throwsAsync(app.up(inputs("one", { key: "b", ready })), { message: /was not ready/ });
  t.deepEqual(await code(), ["locked by one", "a", ""]);
  t.is(await sandbox.loaded("app.service", "code"), "locked by one\na\n");
  // It is as it was, and so is what is known of it.
  t.deepEqual((await app.preview(inputs("one"))).told, []);
  await t.throwsAsync(app.up(inputs("sick", { key: "c" })), { message: /was not ready/ });
  t.deepEqual(await code(), ["locked by one", "a", ""]);
});

onLinux(
  "those of one version have all of it beside them, but for what they were before",
  async (t) => {
    const { app, inputs, sandbox, root, made } = await released(t);
    await mkdir(sandbox.path("/source/one/.config"));
    await writeFile(sandbox.path("/source/one/.config/a"), "a\n");
    await mkdir(sandbox.path("/source/one/lib"));
    await writeFile(sandbox.path("/source/one/lib/code"), "code\n");
    const beside = (key: string) => {
      const { dependencies, ...rest } = inputs("one", { key });
      return { ...rest, dependencies: { ...Object(dependencies), beside: "version" } };
    };
    await app.up(beside("one-a"));
    t.deepEqual(await made(), ["one-a lib lock server.js"]);
    t.deepEqual((await app.preview(beside("one-a"))).told, []);
    for (const name of [".config", "lib", "server.js"]) {
      const link = sandbox.path(`/srv/app/dependencies/one-a/${name}`);
      t.is(await readlink(link), `${root}/releases/one/${name}`);
    }
    await app.up(beside("one-b"));
    t.deepEqual(await made(), ["one-a lib lock server.js", "one-b lib lock server.js"]);
    t.deepEqual((await app.preview(beside("one-b"))).told, []);
    t.false(await sandbox.exists("/srv/app/dependencies/one-a"));
  },
);

onLinux("what is taken away by hand is made again", async (t) => {
  const { app, inputs, sandbox, made } = await released(t);
  await app.up(inputs("one"));
  await rm(sandbox.path("/srv/app/dependencies/a"), { recursive: true });
  const { told } = await app.up(inputs("one"));
  t.regex(told[0] ?? "", /^web-01: make its dependencies .*, restart app/);
  t.deepEqual(await made(), ["a lock", "a lock"]);
});

onLinux(
  "a version that has in it what is made on the host is refused, and all goes with it",
  async (t) => {
    const { app, inputs, sandbox } = await released(t);
    await app.up(inputs("one"));
    await mkdir(sandbox.path("/source/two/vendor/packages"), { recursive: true });
    await writeFile(sandbox.path("/source/two/vendor/packages/code"), "sent\n");
    await t.throwsAsync(app.up(inputs("two")), {
      message:
        /releases\/two has in it what is made on the host \(exclude it, or make it in a build\): vendor\/packages/,
    });
    await app.destroy();
    t.deepEqual(await sandbox.entries("/srv"), {});
  },
);
