/** The watch over a new version, with a log that grows as Nginx writes it, and a unit that ends by itself. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { startMachine, wireHost } from "../../../support/machine";
import { onLinux } from "../../../support/on-linux";
import { wire } from "../../../support/wire";

const line = (status: number, upstream = String(status)) =>
  `{"time":"x","uri":"/?a=\\"status\\":500","status":${status},"bytes":1,"upstream_status":"${upstream}","agent":""}\n`;

/** What happens while it is watched. */
interface During {
  /** Lines that come before the first look. */
  readonly lines?: string;
  /** And before the second one. */
  readonly later?: string;
  /** The log is rotated before they come. */
  readonly isRotated?: boolean;
  readonly ends?: boolean;
  /** It ended, and systemd has not begun to start it again. */
  readonly isDown?: boolean;
  /** What the load balancers run before and after it. */
  readonly share?: { readonly begin: string; readonly end: string };
}

/** Version `two` after `one`, which had no canary. */
async function watched(
  t: ExecutionContext,
  { lines = "", later = "", isRotated, ends, isDown, share }: During,
) {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const root = sandbox.path("/srv/app");
  const log = sandbox.path("/var/log/access.log");
  const drain = sandbox.path("/run/drain");
  await sandbox.write("/var/log/access.log", line(500).repeat(99));
  await sandbox.write("/lines", lines);
  await sandbox.write("/later", later);
  await sandbox.unit("app.service", { reads: [`${root}/current/server.js`, drain] });
  for (const version of ["one", "two"]) {
    await mkdir(join(sandbox.path("/source"), version), { recursive: true });
    await writeFile(join(sandbox.path("/source"), version, "server.js"), `${version}\n`);
  }
  // As Nginx and the application do, once the wait has passed.
  const properties = sandbox.path("/state/units/app.service/properties");
  const acts = [
    ...(isRotated ? [`mv ${log} ${log}.1; : >${log}`] : []),
    `cat ${sandbox.path("/lines")} >>${log}`,
    ...(ends ? [`echo NRestarts=1 >${properties}`] : []),
    ...(isDown ? [`echo ActiveState=activating >${properties}`] : []),
  ].join("; ");
  await sandbox.write("/act", `${acts}\n`);
  const app = machine.resource("trilithon:index:Release");
  const ofBalancers = share && {
    percent: 10,
    hosts: ["lb-01", "lb-02"].map((name) => wireHost(server.host({ name }))),
    begin: ["sh", "-c", `cd ${sandbox.path("/")}; ${share.begin}`],
    end: ["sh", "-c", `cd ${sandbox.path("/")}; ${share.end}`],
  };
  const inputs = (version: string) => ({
    host: wireHost(server.host()),
    ...wire({
      unit: "app.service",
      root,
      source: sandbox.path(`/source/${version}`),
      version,
      ready: { command: ["true"] },
      drain: { file: drain, seconds: 2 },
    }),
    watch: {
      ...wire({ seconds: 3, maxErrorRatio: 0.1, accessLog: log }),
      ...(ofBalancers && { share: ofBalancers }),
    },
  });
  const first = await app.up(inputs("one"));
  const previewed = await app.preview(inputs("two"));
  // A wait of one second is the watch's: the log grows in the first two.
  await sandbox.write(
    "bin/sleep",
    `#!/bin/sh
if [ "$1" = 1 ]; then
  echo look >>"$SANDBOX/looks"
  case $(wc -l <"$SANDBOX/looks") in
    1) sh "$SANDBOX/act" ;;
    2) cat "$SANDBOX/later" >>${log} ;;
  esac
fi
exec /bin/sleep "$1"
`,
  );
  await sandbox.chmod("bin/sleep", 0o755);
  return { ...machine, app, inputs, first, previewed, up: () => app.up(inputs("two")) };
}

onLinux("it is announced where there is a version to go back to, and goes on", async (t) => {
  const lines = line(200).repeat(60) + line(500).repeat(5) + line(404, "").repeat(100);
  const { first, previewed, up, sandbox, plugin } = await watched(t, { lines });
  t.notRegex(first.told.join(), /canary/);
  t.regex(
    previewed.told.join(),
    /wait until it is ready, watch it as a canary for 3 seconds \(taken back if more than 10 % of its requests fail or it ends by itself\)/,
  );
  const { told } = await up();
  t.deepEqual(told, previewed.told);
  t.is(await sandbox.loaded("app.service", "server.js"), "two\n");
  t.true(
    plugin.engine.messages.some(({ text }) =>
      text.includes("canary: 5 of 65 requests failed: it goes on"),
    ),
  );
});

onLinux("too many failures take it back at once, drained, with the counts", async (t) => {
  const lines = line(200).repeat(50) + line(500).repeat(4) + line(425, "502").repeat(4);
  // These are not waited for.
  const { up, sandbox } = await watched(t, { lines, later: line(200).repeat(500) });
  await t.throwsAsync(up(), {
    message:
      /version two failed as a canary: 8 of 58 requests failed within \d+ seconds, more than 10 %; all is put back as it was$/,
  });
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
  t.is(await sandbox.loaded("app.service", "drain"), "");
  t.false(await sandbox.exists("/run/drain"));
  t.regex(
    await sandbox.read("/var/lib/trilithon/releases/app"),
    /taken back\tversion two failed as a canary: 8 of 58/,
  );
});

onLinux("few requests are not judged before the end", async (t) => {
  const lines = line(200).repeat(2) + line(500);
  const { up, sandbox } = await watched(t, { lines, later: line(200).repeat(60) });
  await up();
  t.is(await sandbox.loaded("app.service", "server.js"), "two\n");
});

onLinux("few requests are judged at the end", async (t) => {
  const { up } = await watched(t, { lines: line(200).repeat(2) + line(500) });
  await t.throwsAsync(up(), {
    message: /1 of 3 requests failed within \d+ seconds, more than 10 %/,
  });
});

onLinux("what comes after a rotation of the log counts", async (t) => {
  const { up } = await watched(t, { isRotated: true, lines: line(500).repeat(60) });
  await t.throwsAsync(up(), { message: /60 of 60 requests failed within/ });
});

onLinux("one that ends by itself is taken back with its own words", async (t) => {
  const { up, sandbox } = await watched(t, { ends: true, lines: line(200).repeat(60) });
  await sandbox.unit("app.service", { journal: "out of cheese\n" });
  await t.throwsAsync(up(), {
    message:
      /version two failed as a canary: app ended by itself within \d seconds; all is put back as it was\. What it said first:\nout of cheese$/,
  });
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
  t.is(await sandbox.loaded("app.service", "drain"), "");
});

onLinux("one that ended is told as such, whatever failed for it meanwhile", async (t) => {
  const { up } = await watched(t, { isDown: true, lines: line(500).repeat(60) });
  await t.throwsAsync(up(), {
    message: /version two failed as a canary: app ended by itself within \d seconds/,
  });
});

const noted = {
  begin: `echo "begin $(basename $(readlink srv/app/current))" >>said; echo 'web-01 gets about 10 %'`,
  end: `echo "end $(basename $(readlink srv/app/current))" >>said`,
};

onLinux("its share is set on all load balancers, and ends when it goes on", async (t) => {
  const { previewed, up, sandbox, plugin } = await watched(t, { share: noted });
  t.regex(
    previewed.told.join(),
    /watch it as a canary for 3 seconds with about 10 % of the requests \(taken back if/,
  );
  t.false(await sandbox.exists("/said"));
  const { told } = await up();
  t.is(await sandbox.read("/said"), "begin one\nbegin one\nend two\nend two\n");
  for (const name of ["lb-01", "lb-02"]) {
    t.true(told.includes(`${name}: web-01 gets about 10 %`), told.join("\n"));
  }
  t.deepEqual(plugin.engine.told("warning"), []);
});

onLinux("its share ends when it is taken back", async (t) => {
  const { up, sandbox } = await watched(t, { share: noted, lines: line(500).repeat(60) });
  await t.throwsAsync(up(), { message: /version two failed as a canary: 60 of 60/ });
  t.is(await sandbox.read("/said"), "begin one\nbegin one\nend one\nend one\n");
});

onLinux("where one load balancer does not set the share, nothing changes", async (t) => {
  const begin = `${noted.begin}; mkdir once || { echo 'no such server' >&2; exit 1; }`;
  const { up, sandbox } = await watched(t, { share: { ...noted, begin } });
  await t.throwsAsync(up(), {
    message: /^web-01: giving web-01 10 % of the requests: exit 1\n[\s\S]*no such server$/,
  });
  t.is(await sandbox.loaded("app.service", "server.js"), "one\n");
  t.is(await sandbox.read("/said"), "begin one\nbegin one\nend one\nend one\n");
  t.notRegex(await sandbox.read("/var/lib/trilithon/releases/app"), /taken back/);
});

onLinux("a share that none sets, or that does not end, is told", async (t) => {
  const share = { begin: "true", end: "echo 'no answer' >&2; exit 1" };
  const { up, sandbox, plugin } = await watched(t, { share });
  await up();
  t.is(await sandbox.loaded("app.service", "server.js"), "two\n");
  t.deepEqual(plugin.engine.told("warning"), [
    "web-01: is watched with whatever share of the requests it gets, as none of lb-01, lb-02 passes any to it and to others",
    // The load balancers are the same machine here.
    ...["lb-01", "lb-02"].map(
      () =>
        "web-01: giving web-01 its ordinary share of the requests: exit 1\nno answer; the next `up` puts it back",
    ),
  ]);
});

onLinux("it is no part of a change without another version", async (t) => {
  const { app, inputs, sandbox } = await watched(t, { share: noted });
  const files = { [sandbox.path("/etc/app")]: { content: "x" } };
  const { told } = await app.up({ ...inputs("one"), ...wire({ files }) });
  t.regex(told.join(), /restart app/);
  t.notRegex(told.join(), /canary/);
  t.false(await sandbox.exists("/said"));
});
