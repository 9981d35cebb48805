/** Folders that outlive versions: links in each of them. With the real scripts, on a machine in a folder. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import test, { type ExecutionContext } from "ava";
import { checkRelease } from "../../../../provider/kinds/service/check";
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { host } from "../../../support/services";
import { wire } from "../../../support/wire";

const files: Readonly<Record<string, string>> = {
  "one/server.js": "one\n",
  "one/storage/views/.keep": "",
  "one/public/app.css": "one\n",
  "two/server.js": "two\n",
  "two/storage/views/.keep": "",
  "two/storage/new": "of version two\n",
  "sick/server.js": "sick\n",
  "sick/storage/sick": "",
  "file/server.js": "file\n",
  "file/storage": "a file\n",
};

/** `app.service` never becomes ready with `sick`. */
async function released(t: ExecutionContext) {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const root = sandbox.path("/srv/app");
  await sandbox.unit("app.service", {});
  for (const [path, content] of Object.entries(files)) {
    const file = sandbox.path(`/source/${path}`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const kept = (...paths: readonly string[]) => ({
    persistent: Object.fromEntries(
      paths.map((path) => [path, { folder: sandbox.path(`/kept/app/${path}`), owner: "app" }]),
    ),
  });
  return {
    ...machine,
    kept,
    app: machine.resource("trilithon:index:Release"),
    /** Of a folder, as `chown` was told. */
    owner: async (path: string) => {
      const { stdout } = await sandbox.run(`stat -L -c %U:%G -- '${sandbox.path(path)}'`);
      return stdout.trim();
    },
    inputs: (version: string, changes: object = kept("storage", "public/uploads")) => ({
      host: wireHost(server.host()),
      ...wire({
        ...{ unit: "app.service", root, source: sandbox.path(`/source/${version}`), version },
        ready: {
          command: ["sh", "-c", `! grep sick ${root}/current/server.js`],
          deadlineSeconds: 1,
        },
        ...changes,
      }),
    }),
  };
}

const short = (lines: readonly string[], folder: string) =>
  lines.map((line) => line.replaceAll(folder, ""));

onLinux("the first version fills a folder, and what is written there outlives it", async (t) => {
  const { app, inputs, owner, plugin, sandbox } = await released(t);
  const { told } = await app.up(inputs("one"));
  t.deepEqual(short(told, sandbox.folder), [
    "web-01: send version one, keep public/uploads of all versions in /kept/app/public/uploads, " +
      "keep storage of all versions in /kept/app/storage, " +
      "switch /srv/app/current to one, start app, wait until it is ready, enable app at boot [new]",
  ]);
  t.true(await sandbox.exists("/kept/app/storage/views/.keep"));
  for (const folder of ["", "/storage", "/public", "/public/uploads"]) {
    t.is(await owner(`/kept/app${folder}`), "app:app", folder);
  }
  await sandbox.write("/kept/app/public/uploads/a.jpg", "a photo\n");
  t.is(await sandbox.read("/srv/app/current/public/uploads/a.jpg"), "a photo\n");
  t.is(await sandbox.read("/srv/app/current/public/app.css"), "one\n");
  await sandbox.delete("/kept/app/storage/views");
  t.false((await app.up(inputs("one"))).diff?.hasChanges, "what is written is no edit");
  const second = await app.up(inputs("two"));
  t.deepEqual(short(second.told, sandbox.folder), [
    "web-01: send version two, switch /srv/app/current to two (now one), restart app, wait until it is ready [change]",
  ]);
  t.is(await sandbox.read("/srv/app/current/public/uploads/a.jpg"), "a photo\n");
  t.false(await sandbox.exists("/kept/app/storage/new"), "only the first version fills it");
  const back = await app.up(inputs("one"));
  t.false(back.told[0]?.includes("send") ?? true);
  t.is(await sandbox.read("/srv/app/current/public/uploads/a.jpg"), "a photo\n");
  plugin.engine.clear();
  await app.destroy();
  t.deepEqual(short(plugin.engine.told("info"), sandbox.folder), [
    "web-01: left as they are, with what was written there: /kept/app/public/uploads, /kept/app/storage; remove them by hand when nobody needs them any more",
  ]);
  t.deepEqual(await sandbox.entries("/srv"), {});
  t.is(await sandbox.read("/kept/app/public/uploads/a.jpg"), "a photo\n");
});

onLinux("versions that go take nothing of it with them", async (t) => {
  const { app, inputs, kept, sandbox } = await released(t);
  const few = { ...kept("storage"), keep: 0 };
  for (const version of ["one", "two", "three"]) {
    await sandbox.write("/source/three/server.js", "three\n");
    await app.up(inputs(version, few));
    await sandbox.write("/kept/app/storage/mine", "x");
  }
  t.false(await sandbox.exists("/srv/app/releases/one"));
  t.is(await sandbox.read("/kept/app/storage/mine"), "x");
});

onLinux("a version that does not become ready leaves no folder behind", async (t) => {
  const { app, inputs, kept, sandbox } = await released(t);
  await t.throwsAsync(app.up(inputs("sick")), { message: /was not ready/ });
  t.false(await sandbox.exists("/kept"));
  await app.up(inputs("one", kept("public/uploads")));
  await sandbox.write("/kept/app/public/uploads/a.jpg", "a photo\n");
  await t.throwsAsync(app.up(inputs("sick")), { message: /was not ready/ });
  t.deepEqual(Object.keys(await sandbox.entries("/kept")), ["/kept/app/public/uploads/a.jpg"]);
  await app.up(inputs("one"));
  t.true(await sandbox.exists("/kept/app/storage/views/.keep"), "the version that runs fills it");
});

onLinux("a folder that comes or goes is told, and restarts the unit", async (t) => {
  const { app, inputs, kept, sandbox } = await released(t);
  await app.up(inputs("one", {}));
  const come = await app.up(inputs("one", kept("storage")));
  t.deepEqual(come.diff?.detailed, { "persistent.storage": "add" });
  t.deepEqual(short(come.told, sandbox.folder), [
    "web-01: send version one, keep storage of all versions in /kept/app/storage, restart app, wait until it is ready [change]",
  ]);
  await sandbox.write("/srv/app/current/storage/mine", "x");
  const gone = await app.up(inputs("one", {}));
  t.deepEqual(gone.diff?.detailed, { "persistent.storage": "delete" });
  t.deepEqual(short(gone.told, sandbox.folder), [
    "web-01: send version one, keep storage in the version only (/kept/app/storage is left as it is), restart app, wait until it is ready [change]",
  ]);
  t.false(await sandbox.exists("/srv/app/current/storage/mine"));
  t.is(await sandbox.read("/kept/app/storage/mine"), "x");
  // A version that was sent before there was a folder has no link.
  await app.up(inputs("two", kept("storage")));
  await app.up(inputs("one", kept("storage")));
  t.is(await sandbox.read("/srv/app/current/storage/mine"), "x");
});

onLinux("one that is removed, replaced or somebody else's is drift", async (t) => {
  const { app, inputs, owner, sandbox } = await released(t);
  await app.up(inputs("one"));
  const broken: readonly (readonly [() => Promise<unknown>, RegExp])[] = [
    [
      () => sandbox.delete("/kept/app/storage"),
      /send version one, keep storage of all versions in \S+, restart app, .* \[drift\]$/,
    ],
    [
      () => sandbox.delete("/srv/app/releases/one/storage"),
      /send version one, keep storage .*, switch .* \(now one, edited in place\), restart app, .* \[drift\]$/,
    ],
    [
      async () => {
        await sandbox.delete("/srv/app/releases/one/storage");
        await sandbox.write("/srv/app/releases/one/storage/by-hand", "");
      },
      /send version one, keep storage .* \[drift\]$/,
    ],
    [
      async () => {
        await sandbox.delete("/srv/app/releases/one/storage");
        await sandbox.link("/srv/app/releases/one/storage", "/tmp");
      },
      /send version one, keep storage of all versions in \S+ \(now \/tmp, which is left as it is\), .* \[drift\]$/,
    ],
    [
      () => sandbox.run(`chown -hR root:root -- '${sandbox.path("/kept/app/storage")}'`),
      /: give \S+\/kept\/app\/storage to app \(now root\) \[drift\]$/,
    ],
    [
      () => sandbox.chmod("/kept/app/storage", 0o500),
      /: let app use \S+\/kept\/app\/storage \(its mode is 0500\) \[drift\]$/,
    ],
    [
      () => sandbox.chmod("/kept/app/storage", 0o777),
      /: let not everybody write to \S+\/kept\/app\/storage \(its mode is 0777\) \[drift\]$/,
    ],
  ];
  for (const [breakIt, sentences] of broken) {
    await breakIt();
    t.regex((await app.preview(inputs("one"))).told[0] ?? "", sentences);
    await app.up(inputs("one"));
    t.deepEqual((await app.preview(inputs("one"))).told, []);
    t.true(await sandbox.exists("/srv/app/current/storage/views/.keep"));
    t.is(await owner("/kept/app/storage"), "app:app");
  }
  // What an application chooses for itself.
  await sandbox.chmod("/kept/app/storage", 0o2770);
  t.deepEqual((await app.preview(inputs("one"))).told, []);
});

onLinux("a file in its place is refused before anything is switched", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await t.throwsAsync(app.up(inputs("file")), {
    message:
      /version file has a file or link at storage, which is to be a folder that outlives versions \(persistent\)/,
  });
  t.deepEqual(await sandbox.entries("/srv"), {});
  t.false(await sandbox.exists("/kept"));
});

test("former versions that have a link are among those that stay", (t) => {
  const release = { host: { ...host }, unit: "app.service", root: "/srv/app", source: "app" };
  const told = (changes: object) =>
    checkRelease({ ...release, version: "1", ...changes }).failures.map(({ reason }) => reason);
  for (const good of [{ previous: 4 }, { previous: 1, keep: 0 }, { previous: 20, keep: 20 }]) {
    t.deepEqual(told(good), []);
  }
  t.deepEqual(told({ previous: 5 }), ["expected at most keep, which is 4, got 5"]);
  t.deepEqual(told({ previous: 21, keep: 30 }).length, 1);
});

test("its paths stay within the version, and none is below another", (t) => {
  const told = (...paths: readonly string[]) => {
    const folder = { folder: "/var/lib/app/x", owner: "app" };
    const persistent = Object.fromEntries(paths.map((path) => [path, folder]));
    const release = { host: { ...host }, unit: "app.service", root: "/srv/app", source: "app" };
    return checkRelease({ ...release, version: "1", persistent }).failures.map(
      ({ property }) => property,
    );
  };
  t.deepEqual(told("storage", "public/uploads", "bootstrap/cache", ".cache"), []);
  for (const path of ["", "/tmp", "tmp/", "a//b", "..", "a/../b", "a/..", ".", "a b"]) {
    t.is(told(path).length, 1, path);
  }
  t.deepEqual(told("storage", "storage/app", "storages"), ["persistent.storage/app"]);
});

test("a folder has one owner, whichever paths lead to it", (t) => {
  const folder = "/var/lib/app/x";
  const release = { host: { ...host }, unit: "app.service", root: "/srv/app", source: "app" };
  const told = (one: string, other: string) =>
    checkRelease({
      ...{ ...release, version: "1" },
      persistent: { storage: { folder, owner: one }, logs: { folder, owner: other } },
    }).failures;
  t.deepEqual(told("app", "app"), []);
  t.deepEqual(told("app", "root"), [
    {
      property: "persistent.logs.owner",
      reason: "expected app, as another path leads to /var/lib/app/x too, got root",
    },
  ]);
});
