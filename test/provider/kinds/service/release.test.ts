import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { hashContent } from "../../../../provider/resources/folder-content";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { TestResource } from "../../../support/resource";
import { type WireMap, wire } from "../../../support/wire";

interface Released extends Machine {
  readonly app: TestResource;
  inputs(version: string, changes?: object): WireMap;
}

/** `app.service` runs what `current/server.js` says; it never becomes ready with `sick`. */
async function released(t: ExecutionContext): Promise<Released> {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const root = sandbox.path("/srv/app");
  await sandbox.unit("app.service", { reads: [`${root}/current/server.js`] });
  for (const version of ["one", "two", "three", "sick"]) {
    const folder = join(sandbox.path("/source"), version, "lib");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "..", "server.js"), `${version}\n`, { mode: 0o600 });
    await writeFile(join(folder, "a file's name"), Buffer.from([0, 255, 10]));
  }
  return {
    ...machine,
    app: machine.resource("trilithon:index:Release"),
    inputs: (version, changes = {}) => ({
      host: wireHost(server.host()),
      ...wire({
        unit: "app.service",
        root,
        source: sandbox.path(`/source/${version}`),
        version,
        keep: 1,
        ready: {
          command: ["sh", "-c", `! grep sick ${root}/current/server.js`],
          deadlineSeconds: 1,
        },
        ...changes,
      }),
    }),
  };
}

async function versions({ sandbox }: Machine): Promise<string[]> {
  const paths = Object.keys(await sandbox.entries("/srv/app/releases"));
  return [...new Set(paths.map((path) => path.split("/")[4] ?? ""))].sort();
}

onLinux(
  "a version is sent once, switched to, and the former ones go but for those to keep",
  async (t) => {
    const machine = await released(t);
    const { app, inputs, sandbox } = machine;
    const first = await app.up(inputs("one"));
    t.deepEqual(first.told, [
      `web-01: send version one, switch ${sandbox.path("/srv/app")}/current to one, start app, wait until it is ready, enable app at boot [new]`,
    ]);
    const second = await app.up(inputs("two"));
    t.deepEqual(second.diff?.detailed, { version: "update" });
    t.deepEqual(second.told, [
      `web-01: send version two, switch ${sandbox.path("/srv/app")}/current to two (now one), restart app, wait until it is ready [change]`,
    ]);
    await app.up(inputs("three"));
    t.is(await sandbox.read("/srv/app/current/server.js"), "three\n");
    t.is(await sandbox.loaded("app.service", "server.js"), "three\n");
    t.deepEqual(await versions(machine), ["three", "two"]);
    const entries = await sandbox.entries("/srv/app/releases/three");
    t.is(entries["/srv/app/releases/three/server.js"]?.mode, "0644");
    t.is(entries["/srv/app/current"], undefined);
    t.false((await app.up(inputs("three"))).diff?.hasChanges);
  },
);

onLinux("nobody is sent to a host whose files are of another version already", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  const seen = sandbox.path("/seen");
  const drain = {
    ...{ file: sandbox.path("/run/drain"), seconds: 1 },
    finishedCommand: ["sh", "-c", `cat ${sandbox.path("/srv/app/current/server.js")} >>${seen}`],
  };
  await sandbox.clearLog();
  await app.up(inputs("two", { drain }));
  t.is(await sandbox.read("/seen"), "one\n");
  t.is(await sandbox.loaded("app.service", "server.js"), "two\n");
  const sleeps = (await sandbox.log()).filter((line) => line === "sleep 1");
  t.is(sleeps.length, 2);
  await t.throwsAsync(app.up(inputs("sick", { drain })), { message: /was not ready/ });
  t.is(await sandbox.read("/seen"), "one\ntwo\n");
  t.false(await sandbox.exists("/run/drain"));
});

onLinux("going back to a version that is still there sends nothing", async (t) => {
  const { app, inputs, sandbox, server } = await released(t);
  await app.up(inputs("one"));
  await app.up(inputs("two"));
  const { told } = await app.up(inputs("one"));
  t.deepEqual(told, [
    `web-01: switch ${sandbox.path("/srv/app")}/current to one (now two), restart app, wait until it is ready [change]`,
  ]);
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
  t.false(server.commands.at(-1)?.script.includes("putting version"));
});

onLinux("a version that does not become ready is taken back: link, files and unit", async (t) => {
  const machine = await released(t);
  const { app, inputs, sandbox } = machine;
  const file = (content: string) => ({ files: { [sandbox.path("/etc/app.env")]: { content } } });
  await app.up(inputs("one", file("old\n")));
  const before = {
    ...(await sandbox.entries("/etc")),
    ...(await sandbox.entries("/srv/app/current")),
  };
  await sandbox.clearLog();
  await t.throwsAsync(app.up(inputs("sick", file("new\n"))), {
    message:
      /^web-01: applying app: exit 1\napp was not ready within 1 seconds \(ready.deadlineSeconds, an application's readySeconds\); all is put back as it was:\n[\s\S]*\nsick$/,
  });
  t.deepEqual(
    { ...(await sandbox.entries("/etc")), ...(await sandbox.entries("/srv/app/current")) },
    before,
  );
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
  t.deepEqual(await sandbox.log(), [
    "daemon-reload",
    "restart app.service",
    "daemon-reload",
    "restart app.service",
  ]);
  t.false((await app.preview(inputs("one", file("old\n")))).diff?.hasChanges);
});

onLinux("a first version that does not become ready can be followed by a good one", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await t.throwsAsync(app.up(inputs("sick")), { message: /was not ready/ });
  t.false(await sandbox.exists("/srv/app/current"));
  t.is(await sandbox.read("state/units/app.service/active"), "inactive");
  await t.throwsAsync(app.up(inputs("sick")), { message: /was not ready/ });
  await app.up(inputs("one"));
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
});

onLinux("a link that was moved by hand is drift", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  await app.up(inputs("two"));
  await sandbox.delete("/srv/app/current");
  await sandbox.link("/srv/app/current", "releases/one");
  const moved = await app.preview(inputs("two"));
  t.deepEqual(moved.diff?.detailed, { version: "update" });
  t.regex(
    moved.told[0] ?? "",
    /switch .* to two \(now one\), restart app, wait until it is ready \[drift\]$/,
  );
  await sandbox.delete("/srv/app/current");
  const gone = await app.preview(inputs("two"));
  t.deepEqual(gone.diff?.detailed, { version: "add" });
  await app.up(inputs("two"));
  t.is(await sandbox.loaded("app.service", "server.js"), "two\n");
});

onLinux("a version that is gone, or only looks like one, is drift and is sent again", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  const broken = [
    () => sandbox.delete("/srv/app/releases/one"),
    async () => {
      await sandbox.delete("/srv/app/releases/one");
      await sandbox.write("/srv/app/releases/one", "");
    },
  ];
  for (const breakIt of broken) {
    await breakIt();
    const { diff, told } = await app.preview(inputs("one"));
    t.deepEqual(diff?.detailed, { version: "add" });
    t.regex(told[0] ?? "", /send version one, switch .* to one, restart app, .* \[drift\]$/);
    await app.up(inputs("one"));
    t.is(await sandbox.read("/srv/app/current/server.js"), "one\n");
    t.deepEqual((await app.preview(inputs("one"))).told, []);
  }
});

onLinux("a link that leads to another folder of the same name is drift", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  await sandbox.write("/srv/old/one/server.js", "an older one\n");
  await sandbox.delete("/srv/app/current");
  await sandbox.link("/srv/app/current", sandbox.path("/srv/old/one"));
  t.deepEqual((await app.preview(inputs("one"))).diff?.detailed, { version: "add" });
  await app.up(inputs("one"));
  t.is(await sandbox.read("/srv/app/current/server.js"), "one\n");
});

onLinux("a source that is not there is told before anything is changed", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  const source = sandbox.path("/nowhere");
  await t.throwsAsync(app.up(inputs("one", { source })), { message: /nowhere/ });
  t.deepEqual(await sandbox.log(), []);
});

onLinux("a released version that was edited in place is drift, and is sent again", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await app.up(inputs("one"));
  await sandbox.write("/srv/app/releases/one/server.js", "two\n");
  const { diff, told } = await app.preview(inputs("one"));
  t.deepEqual(diff?.detailed, { version: "update" });
  t.regex(
    told[0] ?? "",
    /send version one, switch .* to one \(now one, edited in place\), restart app, .* \[drift\]$/,
  );
  // Where that fails, it is not what the failure has sent.
  await t.throwsAsync(app.up(inputs("one", { ready: { command: ["false"] } })));
  t.true(await sandbox.exists("/srv/app/current/server.js"));
  await sandbox.write("/srv/app/releases/one/server.js", "two\n");
  await app.up(inputs("one"));
  t.is(await sandbox.read("/srv/app/current/server.js"), "one\n");
  t.false(await sandbox.exists("/srv/app/previous"), "it is not its own former version");
  t.deepEqual((await app.preview(inputs("one"))).told, []);
});

onLinux("the versions to keep are those that ran last", async (t) => {
  const machine = await released(t);
  const { app, inputs, sandbox } = machine;
  await sandbox.write("/source/four/server.js", "four\n");
  for (const version of ["one", "two", "one", "three", "four"]) {
    await app.up(inputs(version, { keep: 2 }));
  }
  t.deepEqual(await versions(machine), ["four", "one", "three"]);
  const listings = Object.keys(await sandbox.entries("/srv/app/.listings"));
  t.deepEqual(listings.map((path) => path.replace(/.*\//, "")).sort(), ["four", "one", "three"]);
  // Without a link nothing says which ran before.
  await sandbox.delete("/srv/app/current");
  await sandbox.delete("/srv/app/previous");
  await app.up(inputs("two", { keep: 1 }));
  t.deepEqual(await versions(machine), ["four", "two"]);
});

onLinux(
  "the former version stays reachable, and is what it was when a version is taken back",
  async (t) => {
    const { app, inputs, sandbox } = await released(t);
    await app.up(inputs("one", { keep: 0 }));
    t.false(await sandbox.exists("/srv/app/previous"));
    await app.up(inputs("two", { keep: 0 }));
    t.is(await sandbox.read("/srv/app/previous/server.js"), "one\n");
    await t.throwsAsync(app.up(inputs("sick", { keep: 0 })));
    t.is(await sandbox.read("/srv/app/previous/server.js"), "one\n");
    t.is(await sandbox.read("/srv/app/current/server.js"), "two\n");
  },
);

onLinux("former versions have links, the latest first, and none twice", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  const up = (version: string) => app.up(inputs(version, { keep: 3, previous: 3 }));
  const linked = async () =>
    Promise.all(
      ["previous", "previous-2", "previous-3", "previous-4"].map((link) =>
        sandbox.read(`/srv/app/${link}/server.js`).then(
          (text) => text.trim(),
          () => "",
        ),
      ),
    );
  await sandbox.write("/source/four/server.js", "four\n");
  await up("one");
  t.deepEqual(await linked(), ["", "", "", ""]);
  for (const version of ["two", "three"]) await up(version);
  t.deepEqual(await linked(), ["two", "one", "", ""]);
  await t.throwsAsync(up("sick"));
  t.deepEqual(await linked(), ["two", "one", "", ""], "one that failed never served");
  await up("one");
  t.deepEqual(await linked(), ["three", "two", "", ""]);
  await up("four");
  t.deepEqual(await linked(), ["one", "three", "two", ""]);
  await app.up(inputs("three", { keep: 3 }));
  t.deepEqual(await linked(), ["four", "", "", ""]);
  await app.destroy();
  t.deepEqual(await sandbox.entries("/srv"), {});
});

onLinux("a release that failed leaves no byte behind", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  const contents = async () =>
    Object.entries(await sandbox.entries("/srv")).map(([path, { content }]) => [path, content]);
  await app.up(inputs("one"));
  const before = await contents();
  // The power went in the middle of a former one.
  await sandbox.write("/srv/app/releases/two.partial/big", "x");
  await sandbox.write("/srv/app/.incoming/two/files/big", "x");
  await t.throwsAsync(app.up(inputs("sick")), { message: /was not ready/ });
  t.deepEqual(await contents(), before);
  // The disk is full half way: no file can be larger than so many blocks.
  sandbox.login = "ulimit -f 1000";
  await sandbox.write("/source/two/lib/z-large", "x".repeat(1_000_000));
  await t.throwsAsync(app.up(inputs("two")), { message: /sending version two: / });
  t.deepEqual(await contents(), before);
  sandbox.login = "";
  // All came, and cannot be put in place.
  await sandbox.write(
    "/bin/mv",
    '#!/bin/sh\nPATH=$REAL_PATH\ncase $* in *two.partial\\ *) exit 1 ;; esac\nexec mv "$@"\n',
  );
  await sandbox.chmod("/bin/mv", 0o755);
  await t.throwsAsync(app.up(inputs("two")), { message: /cannot put version two in place/ });
  t.deepEqual(await contents(), before);
  await sandbox.delete("/bin/mv");
  // The disk does not confirm what came.
  await sandbox.write("/bin/sync", "#!/bin/sh\ncase $* in *two.partial) exit 1 ;; esac\n");
  await sandbox.chmod("/bin/sync", 0o755);
  await t.throwsAsync(app.up(inputs("two")), { message: /cannot put version two in place/ });
  t.deepEqual(await contents(), before);
  await sandbox.delete("/bin/sync");
  await app.up(inputs("two"));
  t.is(await sandbox.read("/srv/app/current/server.js"), "two\n");
});

onLinux("a first release that failed leaves no folder either", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await t.throwsAsync(app.up(inputs("sick")), { message: /was not ready/ });
  t.false(await sandbox.exists("/srv/app"));
});

onLinux("what is excluded is not sent, nor what is outside of the part", async (t) => {
  const { app, inputs, sandbox } = await released(t);
  await sandbox.write("/source/one/.git/config", "hidden");
  await sandbox.write("/source/one/lib/.git", "hidden");
  await sandbox.write("/source/one/@odd", "kept");
  await app.up(inputs("one", { exclude: [".git"] }));
  const sent = Object.keys(await sandbox.entries("/srv/app/releases/one"));
  t.deepEqual(sent.map((path) => path.slice("/srv/app/releases/one/".length)).sort(), [
    "@odd",
    "lib/a file's name",
    "server.js",
  ]);
  const lib = { exclude: [".git"], part: "lib", ready: { command: ["true"] } };
  await app.up(inputs("two", lib));
  t.deepEqual(Object.keys(await sandbox.entries("/srv/app/releases/two")), [
    "/srv/app/releases/two/a file's name",
  ]);
  await app.up(inputs("three", { ...lib, part: "none" }));
  t.deepEqual(await sandbox.entries("/srv/app/releases/three"), {});
});

onLinux(
  "a version is the name of one content: another one is refused before anything is changed",
  async (t) => {
    const { app, inputs, sandbox } = await released(t);
    const source = sandbox.path("/source/one");
    const version = hashContent(source, { excludedNames: [] });
    const named = { source, version, versionOf: "content" };
    await app.up(inputs("one", named));
    await sandbox.write("/source/one/server.js", "another\n");
    await sandbox.delete("/srv/app");
    await t.throwsAsync(app.up(inputs("one", named)), {
      message: /source.one: its content is [0-9a-f]{16} by now and no longer version [0-9a-f]{16}/,
    });
  },
);

onLinux(
  "it is built when it is to be sent: where there is none, or another version's, or one that was changed",
  async (t) => {
    const { app, inputs, sandbox } = await released(t);
    const source = sandbox.path("/built");
    const log = sandbox.path("/builds");
    const build = `mkdir -p ${source} && echo built >>${log} && echo $(grep -c . ${log}) >${source}/server.js`;
    const up = (version: string) => app.up(inputs(version, { source, build }));
    const builds = async () => (await sandbox.read("/builds")).split("\n").length - 1;
    await up("one");
    t.is(await builds(), 1);
    t.deepEqual(Object.keys(await sandbox.entries("/srv/app/releases/one")), [
      "/srv/app/releases/one/server.js",
    ]);
    // It is there: nothing to build, though the host lost its copy.
    await sandbox.delete("/srv/app/releases/one");
    await up("one");
    t.is(await builds(), 1);
    await up("two");
    t.is(await builds(), 2);
    await sandbox.write("/built/server.js", "by hand\n");
    await sandbox.delete("/srv/app/releases/two");
    await up("two");
    t.is(await builds(), 3);
    t.is(await sandbox.read("/srv/app/current/server.js"), "3\n");
    await sandbox.delete("/built");
    await sandbox.delete("/srv/app/releases/two");
    await up("two");
    t.is(await builds(), 4);
    await t.throwsAsync(app.up(inputs("three", { source, build: "echo why >&2; exit 3" })), {
      message: /building: exit 3: .*\nwhy/,
    });
  },
);

onLinux("destroying it stops the unit, and removes files and versions", async (t) => {
  const machine = await released(t);
  const { app, inputs, sandbox } = machine;
  await app.up(inputs("one", { files: { [sandbox.path("/etc/app.env")]: { content: "x" } } }));
  await app.destroy();
  t.deepEqual(await sandbox.entries("/etc"), {});
  t.deepEqual(await sandbox.entries("/srv"), {});
  t.deepEqual((await sandbox.log()).slice(-3), [
    "disable app.service",
    "stop app.service",
    "daemon-reload",
  ]);
});

/** The log of releases on the host, without what is another one's each time. */
async function logged({ sandbox }: Machine): Promise<string[]> {
  const text = await sandbox.read("/var/lib/trilithon/releases/app").catch(() => "");
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => {
    const [at = "", version, before, who, commit, result, reason] = line.split("\t");
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(at)) return line;
    const isOurs = who === `${userInfo().username}@${hostname()}`;
    return [version, before, isOurs ? "us" : who, commit, result, reason].join("|");
  });
}

onLinux("each release leaves a line on its host, and nothing to do leaves none", async (t) => {
  const machine = await released(t);
  const { app, inputs, sandbox } = machine;
  const repository = sandbox.path("/source");
  const git = (...args: string[]) => {
    const user = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    return execFileSync("git", [...user, "-C", repository, ...args], { encoding: "utf8" }).trim();
  };
  await app.up(inputs("one"));
  git("init", "--quiet");
  git("add", "one", "two");
  git("commit", "--quiet", "--message", "two");
  const commit = git("rev-parse", "--short=12", "HEAD");
  await app.up(inputs("two"));
  await t.throwsAsync(app.up(inputs("sick")));
  await writeFile(join(repository, "one/server.js"), "changed\n");
  await app.up(inputs("one"));
  const all = [
    "one||us||done|",
    `two|one|us|${commit}|done|`,
    `sick|two|us|${commit}|taken back|app was not ready within 1 seconds (ready.deadlineSeconds, an application's readySeconds); all is put back as it was`,
    `one|two|us|${commit}-dirty|done|`,
  ];
  t.deepEqual(await logged(machine), all);
  const before = await sandbox.entries("/var/lib/trilithon");
  t.deepEqual((await app.up(inputs("one"))).told, []);
  t.deepEqual(await sandbox.entries("/var/lib/trilithon"), before);
  // What only tidies up is no release.
  await app.up(inputs("one", { users: { app: "/srv/app" } }));
  t.deepEqual(await logged(machine), all);
  await sandbox.unit("app.service", { active: "inactive" });
  await app.up(inputs("one"));
  t.deepEqual((await logged(machine)).slice(4), [`one|one|us|${commit}-dirty|done|`]);
  t.is(await sandbox.mode("/var/lib/trilithon"), "0700");
});

onLinux("the log has 1000 lines at most, and goes with the release", async (t) => {
  const machine = await released(t);
  const { app, inputs, sandbox } = machine;
  const old = Array.from({ length: 1000 }, (_, index) => `${index}\n`);
  await sandbox.write("/var/lib/trilithon/releases/app", old.join(""));
  await app.up(inputs("one"));
  const lines = await logged(machine);
  t.is(lines.length, 1000);
  t.deepEqual([lines[0], lines.at(-1)], ["1", "one||us||done|"]);
  await app.destroy();
  t.false(await sandbox.exists("/var/lib/trilithon/releases"));
});

onLinux("what another release of the same version needs is sent ahead to it, once", async (t) => {
  const { app, inputs, sandbox, plugin, resource } = await released(t);
  const assets = resource("trilithon:index:Release", { name: "assets" });
  const shown = (version: string, changes = {}) => {
    const { unit: _, ready: __, ...rest } = inputs(version);
    const places = { root: sandbox.path("/srv/app.assets"), ahead: sandbox.path("/srv/app") };
    return { ...rest, ...wire({ name: "assets", part: "lib", ...places, ...changes }) };
  };
  const sent = () =>
    plugin.engine.messages.flatMap(
      ({ text }) => /sending (\d+ of \d+|all) files/.exec(text)?.[1] ?? [],
    );
  await assets.up(shown("one"));
  t.deepEqual(sent(), ["all"]);
  t.deepEqual(Object.keys(await sandbox.entries("/srv/app.assets/releases")), [
    "/srv/app.assets/releases/one/a file's name",
  ]);
  await app.up(inputs("one"));
  t.deepEqual(sent(), []);
  t.is(await sandbox.read("/srv/app/current/server.js"), "one\n");
  // Only what is another one, and nothing where it is there.
  await assets.up(shown("two"));
  t.deepEqual(sent(), ["1 of 2"]);
  await app.up(inputs("two"));
  await sandbox.delete("/srv/app.assets/releases/two");
  await assets.up(shown("two"));
  t.deepEqual(sent(), []);
  t.false(await sandbox.exists("/srv/app/.incoming"));
  // The version is given up: what came of it goes.
  await assets.up(shown("sick"));
  t.true(await sandbox.exists("/srv/app/.incoming/sick"));
  await assets.up(shown("two"));
  t.false(await sandbox.exists("/srv/app/.incoming"));
  // What fails leaves nothing ahead either.
  await t.throwsAsync(
    assets.up(shown("three", { ready: { command: ["false"] }, unit: "app.service" })),
  );
  t.false(await sandbox.exists("/srv/app/.incoming"));
});
