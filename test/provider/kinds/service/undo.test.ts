/** What a change leaves where it fails, on the way there and on the way back: the machine as it was. */

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import type { ExecutionContext } from "ava";
import { type Machine, startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import type { TestResource } from "../../../support/resource";
import { type WireMap, wire } from "../../../support/wire";

const run = promisify(execFile);
const longAgo = new Date("2020-01-01T12:34:56.789Z");

interface Site extends Machine {
  readonly it: TestResource;
  /** Of `it.service`, or without a unit where `more` names it. */
  readonly inputs: (files: Record<string, unknown>, more?: object) => WireMap;
  /** The command of that name, for this machine alone. */
  readonly command: (name: string, script: string) => Promise<void>;
  /** Everything but what the tests themselves need. */
  readonly look: () => Promise<object>;
}

async function site(t: ExecutionContext): Promise<Site> {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  await sandbox.unit("it.service", { active: "inactive", enabled: "disabled" });
  return {
    ...machine,
    it: machine.resource(),
    inputs: (files, { name, ...more }: { name?: string } = {}) => ({
      host: wireHost(server.host()),
      ...wire({
        ...(name === undefined ? { unit: "it.service" } : { name }),
        files: Object.fromEntries(
          Object.entries(files).map(([path, file]) => [
            sandbox.path(path),
            typeof file === "string" ? { content: file } : file,
          ]),
        ),
        ...more,
      }),
    }),
    command: async (name, script) => {
      await sandbox.write(`bin/${name}`, `#!/bin/sh\n${script}\n`);
      await sandbox.chmod(`bin/${name}`, 0o755);
    },
    look: async () => [await sandbox.entries("/etc"), await sandbox.entries("/var/lib/trilithon")],
  };
}

async function answering(t: ExecutionContext, statuses: readonly number[]) {
  const asked: number[] = [];
  const server = createServer((_, response) => {
    asked.push(Date.now());
    response.writeHead(statuses[asked.length - 1] ?? statuses.at(-1) ?? 500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  return { http: `http://127.0.0.1:${port}/`, asked };
}

onLinux("a file that cannot be written leaves nothing of those before it", async (t) => {
  const { sandbox, it, inputs, look } = await site(t);
  await sandbox.write("/etc/plain", "a file\n", longAgo);
  await sandbox.write("/etc/a", "old\n", longAgo);
  const before = await look();
  const inode = async () => (await run("stat", ["-c", "%i %z", sandbox.path("/etc/a")])).stdout;
  const was = await inode();
  const files = { "/etc/a": "new\n", "/etc/b": "new\n", "/etc/plain/x": "new\n" };
  await t.throwsAsync(it.up(inputs(files)), { message: /cannot write .*\/etc\/plain\/x/ });
  t.deepEqual((await look())[0 as never], before[0 as never]);
  t.is(await inode(), was, "what was not touched is not written anew");
  t.deepEqual(await sandbox.log(), ["daemon-reload"]);
});

onLinux("what the disk does not confirm is not put in place", async (t) => {
  const { sandbox, it, inputs, command } = await site(t);
  await it.up(inputs({ "/etc/a": "old\n" }));
  const before = await sandbox.entries("/etc");
  await command("sync", "exit 1");
  await t.throwsAsync(it.up(inputs({ "/etc/a": "new\n" })), { message: /cannot write .*\/etc\/a/ });
  t.deepEqual(await sandbox.entries("/etc"), before);
});

onLinux(
  "contents are on the disk before they have their names, and the names in the end",
  async (t) => {
    const { sandbox, it, inputs, command } = await site(t);
    await it.up(inputs({ "/etc/a": "old\n" }));
    await command(
      "sync",
      `shift; echo "$* $(cat "$SANDBOX/etc/a")" | sed "s,$SANDBOX,," >>"$SANDBOX/synced"`,
    );
    await it.up(inputs({ "/etc/a": "new\n" }));
    const synced = (await sandbox.read("/synced")).trim().split("\n");
    t.deepEqual(synced, [
      "/etc/.trilithon-a old",
      "/var/lib/trilithon/owners/.new new",
      "/etc owners loaded/it.service units/it.service foreign/it.service new",
    ]);
  },
);

onLinux("where the copy for the way back cannot be kept, nothing is changed", async (t) => {
  const { sandbox, it, inputs, command } = await site(t);
  await it.up(inputs({ "/etc/a": "old\n" }));
  await command(
    "cp",
    `if [ -e "$SANDBOX/full" ]; then rm "$SANDBOX/full"; for to; do :; done; echo half >"$to"; exit 1; fi
exec ${__dirname}/../../../support/stubs/cp "$@"`,
  );
  await sandbox.write("/full", "");
  await sandbox.clearLog();
  await t.throwsAsync(it.up(inputs({ "/etc/a": "new\n" })), {
    message: /cannot keep a copy of .*\/etc\/a/,
  });
  t.is(await sandbox.read("/etc/a"), "old\n");
  t.deepEqual(await sandbox.entries("/var/lib/trilithon/undo"), {});
  await it.up(inputs({ "/etc/a": "new\n" }));
  t.is(await sandbox.read("/etc/a"), "new\n");
});

onLinux("where what stood there before cannot be kept for good, nothing is changed", async (t) => {
  const { sandbox, it, inputs, command } = await site(t);
  await sandbox.write("/etc/a", "by hand\n", longAgo);
  await command(
    "cp",
    `case $* in */originals/*) exit 1 ;; esac\nexec ${__dirname}/../../../support/stubs/cp "$@"`,
  );
  await t.throwsAsync(it.up(inputs({ "/etc/a": "new\n" })), { message: /cannot keep a copy of/ });
  t.is(await sandbox.read("/etc/a"), "by hand\n");
});

onLinux("a link that leads nowhere is a link again, after a failure and after all", async (t) => {
  const { sandbox, it, inputs } = await site(t);
  await sandbox.link("/etc/a", "/nowhere");
  const before = await sandbox.entries("/etc");
  await t.throwsAsync(it.up(inputs({ "/etc/a": "new\n" }, { check: ["false"] })), {
    message: /refused by its check/,
  });
  t.deepEqual(await sandbox.entries("/etc"), before);
  await it.up(inputs({ "/etc/a": "new\n" }));
  t.is(await sandbox.read("/etc/a"), "new\n");
  await it.destroy();
  t.deepEqual(await sandbox.entries("/etc"), before);
  t.false(await sandbox.exists("/var/lib/trilithon"));
});

onLinux("what was moved aside for a change that fails is back", async (t) => {
  const { sandbox, it, inputs } = await site(t);
  await sandbox.write("/etc/default", "x\n", longAgo);
  await sandbox.link("/etc/enabled", "/etc/default");
  const before = await sandbox.entries("/etc");
  const absent = ["/etc/default", "/etc/enabled"].map((path) => sandbox.path(path));
  await t.throwsAsync(it.up(inputs({ "/etc/a": "new\n" }, { absent, check: ["false"] })));
  t.deepEqual(await sandbox.entries("/etc"), before);
});

onLinux("what came after a path was to be empty is nobody's original", async (t) => {
  const { sandbox, it, inputs } = await site(t);
  const absent = [sandbox.path("/etc/default")];
  await it.up(inputs({ "/etc/a": "x\n" }, { absent }));
  await sandbox.write("/etc/default", "a package brought it\n");
  await it.up(inputs({ "/etc/a": "x\n" }, { absent }));
  await it.destroy();
  t.deepEqual(await sandbox.entries("/etc"), {});
});

onLinux("folders that a change makes can be entered by all, and go with it", async (t) => {
  const { sandbox, it, inputs, resource } = await site(t);
  await sandbox.write("/etc/own", "");
  await it.up(inputs({ "/etc/deep/er/a": "x\n" }, { name: "one" }));
  t.is(await sandbox.mode("/etc/deep"), "0755");
  t.is(await sandbox.mode("/etc/deep/er"), "0755");
  t.is(await sandbox.mode("/var/lib/trilithon"), "0700");
  // A change later knows of them still, and so does who takes them over.
  await it.up(inputs({ "/etc/deep/er/a": "y\n" }, { name: "one" }));
  const other = resource(undefined, { name: "other" });
  await it.refresh();
  await other.up(inputs({ "/etc/deep/er/a": "y\n" }, { name: "two" }));
  await it.destroy();
  t.true(await sandbox.exists("/etc/deep/er/a"));
  await other.destroy();
  t.false(await sandbox.exists("/etc/deep"));
  t.true(await sandbox.exists("/etc/own"));
});

onLinux("a secret file is for its owner alone from the first byte", async (t) => {
  const { sandbox, it, inputs, command } = await site(t);
  await command(
    "chown",
    `for path; do :; done; /usr/bin/stat -c '%a %s' -- "$path" >>"$SANDBOX/seen"
exec ${__dirname}/../../../support/stubs/chown "$@"`,
  );
  await it.up(inputs({ "/etc/a": { content: "SECRET=1\n", mode: "0640", group: "app" } }));
  t.is(await sandbox.read("/seen"), "600 9\n");
  t.is(await sandbox.mode("/etc/a"), "0640");
});

onLinux("a mode and an owner alone are set, and what is set already is left alone", async (t) => {
  const { sandbox, it, inputs } = await site(t);
  const file = (more: object) => ({ "/etc/a": { content: "x\n", ...more } });
  await it.up(inputs(file({})));
  const { told } = await it.up(inputs(file({ mode: "0600", owner: "app" })));
  t.regex(told[0] ?? "", /set .*\/etc\/a to mode 0600, owner app:root/);
  const { "/etc/a": found } = await sandbox.entries("/etc");
  t.like(found, { mode: "0600", owner: "app:root" });
});

onLinux("a user that the service needs has no login, and a home that is not made", async (t) => {
  const { sandbox, it, inputs, command } = await site(t);
  const log = `printf '%s\\n' "$*" >>"$SANDBOX/seen"`;
  for (const name of ["useradd", "usermod"]) {
    await command(name, `${log}\nexec ${__dirname}/../../../support/stubs/${name} "$@"`);
  }
  await it.up(inputs({}, { name: "one", users: { app: "/srv/app" } }));
  await it.up(inputs({}, { name: "one", users: { app: "/srv/other" } }));
  t.is(
    await sandbox.read("/seen"),
    "--system --user-group --no-create-home --home-dir /srv/app --shell /usr/sbin/nologin app\n--home /srv/other app\n",
  );
  await command("useradd", "echo 'no more users' >&2; exit 1");
  await t.throwsAsync(it.up(inputs({}, { name: "one", users: { app: "/srv/other", b: "/b" } })), {
    message: /cannot create the user b/,
  });
});

onLinux("a check is told with what it says on either output", async (t) => {
  const { it, inputs } = await site(t);
  await t.throwsAsync(
    it.up(inputs({ "/etc/a": "x" }, { check: ["sh", "-c", "echo one; echo two >&2; exit 1"] })),
    { message: /refused by its check, nothing was changed:\none\ntwo$/ },
  );
});

onLinux("what systemd has against a unit is told, and that it cannot be enabled", async (t) => {
  const { sandbox, it, inputs } = await site(t);
  await sandbox.unit("it.service", {
    properties: "LoadState=error\nLoadError=no such directive\n",
    journal: "it.service:7: of line seven\n",
  });
  await t.throwsAsync(it.up(inputs({ "/etc/a": "x" })), {
    message:
      /systemd does not take the unit of it, nothing was changed:\nno such directive\nit.service:7: of line seven/,
  });
  t.false((await sandbox.log()).includes("start it.service"));
  await sandbox.delete("state/units/it.service/properties");
  await sandbox.unit("it.service", { failsTo: ["enable"] });
  await t.throwsAsync(it.up(inputs({ "/etc/a": "x" })), { message: /cannot enable it/ });
  t.deepEqual(await sandbox.entries("/etc"), {});
  t.is(await sandbox.read("state/units/it.service/active"), "inactive");
});

onLinux("a unit that failed too often is started again on the way back", async (t) => {
  const { sandbox, it, inputs, command } = await site(t);
  await it.up(inputs({ "/etc/a": "good\n" }));
  await command(
    "systemctl",
    `if [ "$1" = restart ]; then
  if [ -e "$SANDBOX/limit" ]; then echo 'start request repeated too quickly' >&2; exit 1; fi
  if grep -q bad "$SANDBOX/etc/a"; then : >"$SANDBOX/limit"; echo failed >&2; exit 1; fi
fi
if [ "$1" = reset-failed ]; then rm -f "$SANDBOX/limit"; fi
exec ${__dirname}/../../../support/stubs/systemctl "$@"`,
  );
  await sandbox.clearLog();
  await t.throwsAsync(it.up(inputs({ "/etc/a": "bad\n" })), { message: /it did not restart/ });
  t.is((await sandbox.log()).at(-1), "restart it.service");
  // So it is where it was left in that state by somebody else.
  await sandbox.write("/limit", "");
  await it.up(inputs({ "/etc/a": "better\n" }));
});

onLinux("a reload needs no drain", async (t) => {
  const { sandbox, it, inputs } = await site(t);
  const drain = { file: sandbox.path("/run/drain"), seconds: 3 };
  await it.up(inputs({ "/etc/a": "one\n" }, { onChange: "reload", drain }));
  await sandbox.clearLog();
  await it.up(inputs({ "/etc/a": "two\n" }, { onChange: "reload", drain }));
  t.deepEqual(await sandbox.log(), ["daemon-reload", "reload it.service"]);
});

onLinux("a restart waits for the other server and for the requests under way", async (t) => {
  const { sandbox, it, inputs, plugin } = await site(t);
  const allowed = await answering(t, [503, 503, 200]);
  const finished = await answering(t, [503, 503, 503, 200]);
  const drain = {
    file: sandbox.path("/run/drain"),
    seconds: 3,
    allowed: [{ http: allowed.http }],
    finished: { http: finished.http },
    finishSeconds: 60,
  };
  await it.up(inputs({ "/etc/a": "one\n" }, { drain }));
  await sandbox.clearLog();
  const { told } = await it.up(inputs({ "/etc/a": "two\n" }, { drain }));
  t.is(allowed.asked.length, 3);
  t.is(finished.asked.length, 4);
  t.deepEqual(await sandbox.log(), ["daemon-reload", "sleep 3", "restart it.service", "sleep 3"]);
  t.false(told.some((text) => text.includes("no other server serves")));
  t.false(plugin.engine.messages.some(({ text }) => text.includes("cut off")));
});

onLinux("a host whose place nobody took has it again before its unit restarts", async (t) => {
  const { sandbox, it, inputs, plugin } = await site(t);
  const finished = await answering(t, [503]);
  const file = sandbox.path("/run/drain");
  const drain = {
    ...{ file, seconds: 3, finishSeconds: 1, finished: { http: finished.http } },
    takenCommand: ["sh", "-c", `test -e ${file} && exit 1`],
  };
  await it.up(inputs({ "/etc/a": "one\n" }, { drain }));
  await sandbox.clearLog();
  await it.up(inputs({ "/etc/a": "two\n" }, { drain }));
  t.deepEqual(await sandbox.log(), ["daemon-reload", "sleep 3", "restart it.service"]);
  t.is(finished.asked.length, 0);
  t.false("/run/drain" in (await sandbox.entries("/run")));
  const said = plugin.engine.messages.map(({ text }) => text);
  t.true(
    said.includes(
      "web-01: no other server took over: it restarts without being drained, and requests fail until it is ready",
    ),
  );
});

onLinux("a command may tell that the requests under way have ended", async (t) => {
  const { sandbox, it, inputs, plugin } = await site(t);
  const asked = sandbox.path("/run/asked");
  const drain = {
    ...{ file: sandbox.path("/run/drain"), seconds: 3, finishSeconds: 60 },
    finishedCommand: ["sh", "-c", `echo once >>${asked}; test "$(wc -l <${asked})" -ge 3`],
  };
  await it.up(inputs({ "/etc/a": "one\n" }, { drain }));
  await it.up(inputs({ "/etc/a": "two\n" }, { drain }));
  t.is(await readFile(asked, "utf8"), "once\nonce\nonce\n");
  t.false(plugin.engine.messages.some(({ text }) => text.includes("cut off")));
});

onLinux("requests that do not end are cut off in the end, and that is said", async (t) => {
  const { sandbox, it, inputs, plugin } = await site(t);
  const finished = await answering(t, [503]);
  const drain = {
    ...{ file: sandbox.path("/run/drain"), seconds: 3, finishSeconds: 1 },
    finished: { http: finished.http },
  };
  await it.up(inputs({ "/etc/a": "one\n" }, { drain }));
  await it.up(inputs({ "/etc/a": "two\n" }, { drain }));
  t.true(finished.asked.length > 0);
  const said = plugin.engine.messages.map(({ text }) => text);
  t.true(said.includes("web-01: requests still under way after 1 seconds: cut off"));
  t.true(said.includes("web-01: draining"));
  t.true(said.includes("web-01: waiting until the requests under way have ended"));
  t.true(said.includes("web-01: restart it"));
});

onLinux("a unit that goes on reloading has not taken its configuration", async (t) => {
  const { sandbox, it, inputs, command } = await site(t);
  const more = {
    onChange: "reload",
    log: sandbox.path("/log"),
    ready: { deadlineSeconds: 1 },
  };
  await sandbox.write("/log", "before\n");
  await it.up(inputs({ "/etc/a": "one\n" }, more));
  await command(
    "systemctl",
    `if [ "$1" = reload ]; then
  echo ActiveState=reloading >"$SANDBOX/state/units/it.service/properties"; echo 'cannot bind' >>"$SANDBOX/log-of-it"; cat "$SANDBOX/log-of-it" >>"$SANDBOX/log.txt"
fi
exec ${__dirname}/../../../support/stubs/systemctl "$@"`,
  );
  const error = await t.throwsAsync(
    it.up(inputs({ "/etc/a": "two\n" }, { ...more, log: sandbox.path("/log.txt") })),
    { message: /it did not take the new configuration; all is put back as it was:\n/ },
  );
  t.regex(error?.message ?? "", /\ncannot bind$/);
  t.is(await sandbox.read("/etc/a"), "one\n");
});

onLinux("of a log only the lines since are told", async (t) => {
  const { sandbox, it, inputs, command } = await site(t);
  const more = { onChange: "reload", log: sandbox.path("/it.log") };
  await sandbox.write("/it.log", "of yesterday\n");
  await it.up(inputs({ "/etc/a": "one\n" }, more));
  await sandbox.unit("it.service", { keepsItsConfiguration: true });
  await command(
    "systemctl",
    `if [ "$1" = reload ]; then echo 'cannot bind' >>"$SANDBOX/it.log"; fi
exec ${__dirname}/../../../support/stubs/systemctl "$@"`,
  );
  const error = await t.throwsAsync(it.up(inputs({ "/etc/a": "two\n" }, more)));
  t.regex(error?.message ?? "", /all is put back as it was:\n\n?cannot bind$/);
});

onLinux("ends of a unit from before the change do not count", async (t) => {
  const { sandbox, it, inputs } = await site(t);
  await it.up(inputs({ "/etc/a": "one\n" }, { onChange: "reload" }));
  await sandbox.unit("it.service", { properties: "NRestarts=7\n" });
  const { http } = await answering(t, [503, 503, 200]);
  const ready = { http, deadlineSeconds: 60 };
  await t.notThrowsAsync(it.up(inputs({ "/etc/a": "two\n" }, { onChange: "reload", ready })));
});

onLinux(
  "what a change left that the power was taken from is as before it, unless wanted",
  async (t) => {
    const { sandbox, it, inputs, resource } = await site(t);
    await resource(undefined, { name: "other" }).up(
      inputs({ "/etc/others": "theirs\n" }, { name: "other" }),
    );
    await it.up(inputs({ "/etc/a": "one\n" }));
    const left: readonly (readonly [path: string, old: string | undefined])[] = [
      ["/etc/given-up", "was\n"],
      ["/etc/new", undefined],
      ["/etc/a", "former\n"],
      ["/etc/others", "former\n"],
    ];
    for (const [at, [path, old]] of left.entries()) {
      const entry = `/var/lib/trilithon/undo/another/${at}`;
      await sandbox.write(`${entry}.path`, `${sandbox.path(path)}\n`);
      if (old !== undefined) await sandbox.write(`${entry}.old`, old);
      if (at < 2) await sandbox.write(path, "half\n");
      await sandbox.write(path.replace("/etc/", "/etc/.trilithon-"), "half\n");
    }
    await it.up(inputs({ "/etc/a": "two\n" }));
    const contents = Object.entries(await sandbox.entries("/etc")).map(
      ([path, { content }]) => `${path}: ${content}`,
    );
    t.deepEqual(contents.sort(), [
      "/etc/a: two\n",
      "/etc/given-up: was\n",
      "/etc/others: theirs\n",
    ]);
    t.deepEqual(await sandbox.entries("/var/lib/trilithon/undo"), {});
  },
);

onLinux(
  "what version 0.1.0 wrote is no original, and what stood before it stays one",
  async (t) => {
    const { sandbox, it, inputs, resource } = await site(t);
    await it.up(inputs({ "/etc/a": "one\n", "/etc/b": "one\n" }));
    const { state } = it;
    // As 0.1.0 left it: no records, and originals that it took from itself.
    await sandbox.delete("/var/lib/trilithon");
    const original = (path: string) => `/var/lib/trilithon/originals${sandbox.path(path)}`;
    await sandbox.write(original("/etc/a"), "# Written by trilithon.\n");
    await sandbox.write(original("/etc/b"), "by hand\n");
    const known = resource(undefined, { name: "it" });
    known.state = state;
    await known.up(inputs({ "/etc/a": "two\n", "/etc/b": "two\n" }));
    t.false(await sandbox.exists(original("/etc/a")));
    t.is(await sandbox.read(original("/etc/b")), "by hand\n");
    // A new resource finds what it does not know: that is from before.
    await sandbox.write("/etc/c", "stranger\n");
    const other = resource(undefined, { name: "other" });
    await other.up(inputs({ "/etc/c": "ours\n" }, { name: "other" }));
    t.is(await sandbox.read(original("/etc/c")), "stranger\n");
    await other.destroy();
    await known.destroy();
    t.is(await sandbox.read("state/units/it.service/active"), "inactive");
    t.deepEqual(
      Object.entries(await sandbox.entries("/etc")).map(([path, { content }]) => [path, content]),
      [
        ["/etc/b", "by hand\n"],
        ["/etc/c", "stranger\n"],
      ],
    );
  },
);

/** A mount of its own, as /etc/hosts is in a container: only root may make one, and not everywhere. */
onLinux("a file that is a mount is written in place, and put back", async (t) => {
  const { sandbox, it, inputs } = await site(t);
  await sandbox.write("/etc/hosts", "old\n");
  await sandbox.write("/mounted", "old\n");
  const path = sandbox.path("/etc/hosts");
  const isMounted = await run("mount", ["--bind", sandbox.path("/mounted"), path]).then(
    () => true,
    () => false,
  );
  if (!isMounted) return t.pass();
  t.teardown(() => run("umount", [path]).catch(() => undefined));
  await t.throwsAsync(it.up(inputs({ "/etc/hosts": "new\n" }, { check: ["false"] })));
  t.is(await sandbox.read("/mounted"), "old\n");
  await it.up(inputs({ "/etc/hosts": "new\n" }));
  t.is(await sandbox.read("/mounted"), "new\n");
  t.deepEqual(Object.keys(await sandbox.entries("/etc")), ["/etc/hosts"]);
  await run("umount", [path]);
});
