import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import fc from "fast-check";
import { HostUnreachable } from "../../../../provider/errors";
import type { Context } from "../../../../provider/kind";
import { transfer, transferUnread } from "../../../../provider/kinds/service/transfer";
import { readVersion } from "../../../../provider/kinds/service/version-files";
import { hashContent } from "../../../../provider/resources/folder-content";
import { Session } from "../../../../provider/ssh/session";
import { onLinux } from "../../../support/on-linux";
import { startSandboxHost } from "../../../support/sandbox-host";

/** `text`, `executable text` or `-> target`. */
type Tree = Readonly<Record<string, string>>;

async function started(t: ExecutionContext) {
  const { sandbox, server } = await startSandboxHost(t);
  const session = new Session(server.host());
  t.teardown(() => session.close());
  const folder = sandbox.path("/source");
  const root = sandbox.path("/srv/app");
  const told: string[] = [];
  const send = async (version: string, have: readonly string[] = []) => {
    const source = { folder, version, exclude: [".git"], isContent: false };
    const files = await readVersion(source);
    const run: Session["run"] = (command) => session.run(command);
    return transfer(
      { host: server.host(), root, files, have },
      { run: (_, command) => run(command) },
      (message) => told.push(message),
    );
  };
  const sendUnread = (version: string, isContent = false) => {
    const source = { folder, version, exclude: [".git"], isContent };
    const place = { host: server.host(), root, have: [] };
    const run: Context["run"] = (_, command) => session.run(command);
    return transferUnread(place, source, { run }, (message) => told.push(message));
  };
  const arrived = (version: string) => `/srv/app/.incoming/${version}/files`;
  return { sandbox, server, session, folder, root, told, send, sendUnread, arrived };
}

async function write(folder: string, tree: Tree): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [path, content] of Object.entries(tree)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    if (content.startsWith("-> ")) await symlink(content.slice(3), file);
    else await writeFile(file, content);
    if (content.startsWith("executable ")) await chmod(file, 0o755);
  }
}

async function inode(path: string): Promise<number> {
  return (await lstat(path)).ino;
}

/** With modes, and every folder as `folder`. */
async function read(folder: string, prefix = ""): Promise<Tree> {
  const found: Record<string, string> = {};
  for (const name of await readdir(join(folder, prefix))) {
    const path = join(prefix, name);
    const stat = await lstat(join(folder, path));
    if (stat.isSymbolicLink()) found[path] = `-> ${await readlink(join(folder, path))}`;
    else if (stat.isDirectory())
      Object.assign(found, await read(folder, path), { [`${path}/`]: "" });
    else
      found[path] =
        `${(stat.mode & 0o777).toString(8)} ${await readFile(join(folder, path), "utf8")}`;
  }
  return found;
}

/** What the host is to have of it. */
function expected(tree: Tree): Tree {
  const entries = Object.entries(tree).flatMap(([path, content]) => {
    const folders = path
      .split("/")
      .slice(0, -1)
      .map((_, at, all) => `${all.slice(0, at + 1).join("/")}/`);
    const mode = content.startsWith("executable ") ? "755" : "644";
    const entry = content.startsWith("-> ") ? content : `${mode} ${content}`;
    return [...folders.map((folder) => [folder, ""]), [path, entry]];
  });
  return Object.fromEntries(entries);
}

const name = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "c",
    "-n",
    "@x",
    "a b",
    "a\nb",
    "é",
    "日本",
    "'",
    '"',
    "\\",
    "$(x)",
    "*",
    "a.b",
    " ",
  ),
  fc
    .string({ minLength: 1, maxLength: 8 })
    .filter(
      (text) =>
        !/[/\0]/.test(text) &&
        ![".", "..", ".git", ".trilithon-build"].includes(text) &&
        Buffer.from(text).toString() === text,
    ),
);
const content = fc.oneof(
  fc.constantFrom(
    "",
    "same",
    "executable same",
    "-> a",
    "-> ../no where",
    "end",
    "\0",
    "f 1 2 3 4",
  ),
  fc.string({ maxLength: 40 }),
);
const tree = fc
  .array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), content), { maxLength: 12 })
  .map((entries): Tree => {
    const paths = new Map<string, string>();
    for (const [names, text] of entries) {
      const path = names.join("/");
      const isTaken = [...paths.keys()].some(
        (one) => `${one}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${one}/`),
      );
      if (!isTaken) paths.set(path, text);
    }
    return Object.fromEntries(paths);
  });

onLinux(
  "whatever is in a folder comes to the host as it is, and what it has of it is not sent again",
  async (t) => {
    const { sandbox, folder, root, send, arrived } = await started(t);
    let count = 0;
    await fc.assert(
      fc.asyncProperty(tree, tree, async (one, other) => {
        count += 1;
        const versions = [`${count}-one`, `${count}-two`] as const;
        await sandbox.delete("/srv/app");
        await write(folder, one);
        await send(versions[0]);
        t.deepEqual(await read(sandbox.path(arrived(versions[0]))), expected(one));
        await sandbox.delete("/srv/app/releases");
        await mkdir(join(root, "releases"), { recursive: true });
        await write(folder, other);
        const { files } = await send(versions[1]);
        t.deepEqual(await read(sandbox.path(arrived(versions[1]))), expected(other));
        // It was put together beside this one.
        t.deepEqual(await readdir(join(root, ".incoming")), [versions[1]]);
        const isFile = (text: string) => !text.startsWith("-> ");
        const had = new Set(Object.values(one).filter(isFile));
        t.is(files, Object.values(other).filter((text) => isFile(text) && !had.has(text)).length);
        t.deepEqual(await send(versions[1]), { files: 0, bytes: 0 });
      }),
      { numRuns: 25 },
    );
  },
);

onLinux(
  "a transfer that was cut off goes on with what came, and whatever is damaged comes again",
  async (t) => {
    const { sandbox, server, folder, send, arrived } = await started(t);
    const count = 24;
    await mkdir(folder, { recursive: true });
    // Which no compression makes smaller.
    for (let file = 0; file < count; file += 1)
      await writeFile(join(folder, `${file}`), randomBytes(1_000_000));
    await writeFile(join(folder, "empty"), "");
    const complete = async () => {
      const entries = await sandbox.entries(arrived("one"));
      return Object.entries(entries)
        .filter(([, { mtime }]) => mtime % 1_000_000_000n === 0n)
        .map(([path]) => path);
    };
    const first = t.throwsAsync(send("one"), {
      instanceOf: HostUnreachable,
      message: /connection was lost/,
    });
    while ((await complete()).length < 4) await sleep(5);
    server.dropConnections();
    await first;
    const came = await complete();
    t.true(came.length >= 4 && came.length <= count, `${came.length} came`);
    // As a power cut leaves it: of the right size and time, but not the bytes.
    const [damaged = ""] = came.filter((path) => !path.endsWith("empty"));
    const { atime, mtime, size } = await stat(sandbox.path(damaged));
    await writeFile(sandbox.path(damaged), Buffer.alloc(size));
    await utimes(sandbox.path(damaged), atime, mtime);
    const kept = new Map(
      await Promise.all(came.map(async (path) => [path, await inode(sandbox.path(path))] as const)),
    );
    const { files, bytes } = await send("one");
    t.is(files, count + 1 - (came.length - 1));
    t.true(bytes < (count + 2 - came.length) * 1_010_000 + 10_000, `${bytes} bytes`);
    for (let file = 0; file < count; file += 1) {
      t.true(
        (await readFile(sandbox.path(`${arrived("one")}/${file}`))).equals(
          await readFile(join(folder, `${file}`)),
        ),
      );
    }
    for (const path of came.filter((one) => one !== damaged))
      t.is(kept.get(path), await inode(sandbox.path(path)));
    t.deepEqual(await send("one"), { files: 0, bytes: 0 });
  },
);

onLinux("a file that was edited with its time kept is not taken for what it was", async (t) => {
  const { sandbox, folder, root, send, arrived } = await started(t);
  await write(folder, { "a/one": "one", "a/two": "two" });
  await send("first");
  const now = `${root}/releases/first`;
  await mkdir(dirname(now));
  await rename(sandbox.path(arrived("first")), now);
  const { atime, mtime } = await stat(join(now, "a/one"));
  await writeFile(join(now, "a/one"), "0ne");
  await utimes(join(now, "a/one"), atime, mtime);
  await write(folder, { "b/one": "one", "b/two": "two", "b/three": "three" });
  t.is((await send("second", [now])).files, 2);
  t.deepEqual(
    await read(sandbox.path(arrived("second"))),
    expected({ "b/one": "one", "b/two": "two", "b/three": "three" }),
  );
  t.is(await readFile(join(now, "a/one"), "utf8"), "0ne");
  // A copy of its own: who edits one version does not edit the other.
  t.not(await inode(join(now, "a/two")), await inode(sandbox.path(`${arrived("second")}/b/two`)));
});

onLinux(
  "a source that is written to while it is sent is told, and is not taken for the version",
  async (t) => {
    const { sandbox, folder, send, told, session, server, root } = await started(t);
    await write(folder, { one: "one", two: "two" });
    const files = await readVersion({ folder, version: "first", exclude: [], isContent: false });
    await writeFile(join(folder, "two"), "2wo");
    const sending = transfer(
      { host: server.host(), root, files, have: [] },
      { run: (_, command) => session.run(command) },
      (message) => told.push(message),
    );
    await t.throwsAsync(sending, {
      message: `${folder}/two: was changed since version first was read; run the command again`,
    });
    t.false(await sandbox.exists("/srv/app/.incoming/first/complete"));
    t.is((await send("first")).files, 2);
  },
);

onLinux("to a host that has nothing it is read as it is sent, and then known", async (t) => {
  const { sandbox, folder, send, sendUnread, arrived } = await started(t);
  let count = 0;
  await fc.assert(
    fc.asyncProperty(tree, async (one) => {
      count += 1;
      const version = `unread-${count}`;
      await sandbox.delete("/srv/app");
      await write(folder, one);
      const sent = await sendUnread(version);
      t.deepEqual(await read(sandbox.path(arrived(version))), expected(one));
      t.is(sent?.files, Object.values(one).filter((text) => !text.startsWith("-> ")).length);
      t.is(await sendUnread(version), undefined);
      t.deepEqual(await send(version), { files: 0, bytes: 0 });
    }),
    { numRuns: 25 },
  );
});

onLinux("a host that has something of it is asked what it lacks", async (t) => {
  const { sandbox, folder, root, sendUnread } = await started(t);
  await write(folder, { one: "one" });
  for (const place of ["releases", ".incoming"]) {
    await mkdir(join(root, place), { recursive: true });
    t.is(await sendUnread(`beside ${place}`), undefined);
    t.false(await sandbox.exists(`/srv/app/.incoming/beside ${place}`));
    await sandbox.delete("/srv/app");
  }
});

onLinux("what is read as it is sent has the name that it was given, or is not whole", async (t) => {
  const { sandbox, folder, send, sendUnread, arrived } = await started(t);
  // More than a piece of the stream.
  const large = randomBytes(2_500_000).toString("hex");
  await write(folder, { large, two: "two" });
  await t.throwsAsync(sendUnread("0123456789abcdef", true), {
    message: new RegExp(
      `^${folder}: its content is [0-9a-f]{16} by now and no longer version 0123456789abcdef; `,
    ),
  });
  t.false(await sandbox.exists("/srv/app/.incoming/0123456789abcdef/complete"));
  await sandbox.delete("/srv/app");
  const name = hashContent(folder, { excludedNames: [".git"] });
  t.is((await sendUnread(name, true))?.files, 2);
  t.deepEqual(await read(sandbox.path(arrived(name))), expected({ large, two: "two" }));
  t.deepEqual(await send(name), { files: 0, bytes: 0 });
});

onLinux("what was cut off while it was read goes on with what came", async (t) => {
  const { sandbox, server, folder, send, sendUnread, arrived } = await started(t);
  await mkdir(folder, { recursive: true });
  for (let file = 0; file < 24; file += 1)
    await writeFile(join(folder, `${file}`), randomBytes(1_000_000));
  const came = async () =>
    Object.values(await sandbox.entries(arrived("one"))).filter(
      ({ mtime }) => mtime % 1_000_000_000n === 0n,
    ).length;
  const first = t.throwsAsync(sendUnread("one"), { instanceOf: HostUnreachable });
  while ((await came().catch(() => 0)) < 4) await sleep(5);
  server.dropConnections();
  await first;
  const there = await came();
  t.is((await send("one")).files, 24 - there);
});

onLinux("of a stream that ends too early what came is kept", async (t) => {
  const { sandbox, server, session, folder, root, send, arrived } = await started(t);
  await write(folder, {});
  for (let file = 0; file < 10; file += 1) {
    await writeFile(join(folder, `${file}`), randomBytes(200_000));
  }
  const source = { folder, version: "one", exclude: [], isContent: false };
  const files = await readVersion(source);
  async function* half(pieces: AsyncIterable<Buffer>) {
    let bytes = 0;
    for await (const piece of pieces) {
      yield piece.subarray(0, 1_000_000 - bytes);
      bytes += piece.length;
      if (bytes > 1_000_000) return;
    }
  }
  const run: Context["run"] = (_, command) => {
    const { input } = command;
    const isStream = input !== undefined && !Buffer.isBuffer(input);
    return session.run(isStream ? { ...command, input: half(input) } : command);
  };
  const sending = transfer(
    { host: server.host(), root, files, have: [] },
    { run },
    () => undefined,
  );
  await t.throwsAsync(sending, { message: /the connection was lost before all had come$/ });
  t.true(await sandbox.exists(arrived("one")));
  t.true((await send("one")).files <= 7);
});

for (const compression of ["zstd", "gzip"] as const) {
  onLinux(`what is sent is compressed with ${compression}`, async (t) => {
    const { sandbox, server, session, folder, root, arrived } = await started(t);
    if (compression === "zstd" && !hasZstd()) return t.pass("this machine has none");
    const tree = { one: "abc".repeat(100_000), two: "two" };
    await write(folder, tree);
    const source = { folder, version: "one", exclude: [], isContent: false };
    const files = await readVersion(source);
    const scripts: string[] = [];
    const run: Context["run"] = async (_, command) => {
      scripts.push(command.script);
      const answer = await session.run(command);
      // As a host answers that has no zstd.
      return compression === "gzip" ? answer.replace("zstd\n", "") : answer;
    };
    const args = { host: server.host(), root, files, have: [] };
    const { bytes } = await transfer(args, { run }, () => undefined);
    t.true(bytes < 10_000, `${bytes} bytes`);
    t.true(scripts.at(-1)?.includes(`${compression} -dc`));
    t.deepEqual(await read(sandbox.path(arrived("one"))), expected(tree));
  });
}

function hasZstd(): boolean {
  return spawnSync("zstd", ["--version"]).status === 0;
}
