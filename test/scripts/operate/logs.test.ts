import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { type LiveCommand, startLiveCommand } from "../../../provider/ssh/live-command";
import { UsageError } from "../../../scripts/command-line";
import {
  badPatternStatus,
  LogParser,
  logReader,
  logsOn,
  merged,
  type Reading,
  readLogNames,
  readSince,
  renderLogJson,
  renderLogLine,
} from "../../../scripts/operate/logs";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { onLinux } from "../../support/on-linux";
import { startSandboxHost } from "../../support/sandbox-host";
import { sampleOutput, severalOutput } from "../verify/sample";

const { hosts } = parseEndpoints({
  ...sampleOutput,
  virtualAddress: "172.31.64.10",
  ports: { ...sampleOutput.ports, databaseRole: 9200, databaseProxy: 6446 },
});

test("a host is asked for what is on it, and for no more than was named", (t) => {
  const [balancer, web] = hosts;
  if (balancer === undefined || web === undefined) throw new Error("no hosts");
  t.deepEqual(logsOn(balancer, []), {
    units: ["haproxy.service", "keepalived.service"],
    files: {},
  });
  t.deepEqual(logsOn(web, []), {
    units: [
      ...["nginx.service", "guestbook.service", "mysql.service"],
      ...["trilithon-database-proxy.service", "trilithon-mysql-role.service"],
    ],
    files: {
      "nginx.access": "/var/log/nginx/trilithon.access.log",
      "nginx.error": "/var/log/nginx/error.log",
      mysql: "/var/log/mysql/error.log",
    },
  });
  t.deepEqual(logsOn(web, ["app"]), { units: ["guestbook.service"], files: {} });
  t.deepEqual(logsOn(web, ["mysql"])?.units, ["mysql.service", "trilithon-mysql-role.service"]);
  t.is(logsOn(balancer, ["app", "mysql"]), undefined);
});

test("of several applications each has an access log; private services are asked for by that word", (t) => {
  const [balancer, web] = parseEndpoints(severalOutput).hosts;
  if (balancer === undefined || web === undefined) throw new Error("no hosts");
  t.deepEqual(logsOn(web, ["nginx"]), {
    units: ["nginx.service"],
    files: {
      "nginx.access": "/var/log/nginx/trilithon.access.log",
      "nginx.error": "/var/log/nginx/error.log",
      "nginx.access.guestbook": "/var/log/nginx/trilithon-guestbook.access.log",
      "nginx.access.shop": "/var/log/nginx/trilithon-shop.access.log",
    },
  });
  t.deepEqual(logsOn(web, ["app"])?.units, ["guestbook.service", "shop.service"]);
  t.deepEqual(logsOn(web, ["shop"]), { units: ["shop.service"], files: {} });
  t.is(logsOn(web, ["blog"]), undefined);
  t.deepEqual(logsOn(balancer, ["services"]), { units: ["valkey-server.service"], files: {} });
});

test("a name server's log has a name of its own", (t) => {
  const [balancer] = parseEndpoints(severalOutput).hosts;
  if (balancer === undefined) throw new Error("no hosts");
  const both = { ...balancer, helpers: ["nsd.service", "keepalived.service"] };
  t.deepEqual(logsOn(both, ["nsd"]), { units: ["nsd.service"], files: {} });
  t.deepEqual(logsOn(both, ["haproxy"])?.units, ["haproxy.service", "keepalived.service"]);
});

test("what is asked for is read, or refused with what there is", (t) => {
  const several = parseEndpoints(severalOutput);
  const names = ["app", "mysql", "shop"];
  t.deepEqual(readLogNames(names, several, "see"), names);
  t.throws(() => readLogNames(["apache"], several, "see --help"), {
    instanceOf: UsageError,
    message:
      'expected app, nginx, haproxy, mysql, services, nsd, backup, guestbook, shop, blog, got "apache": see --help',
  });
  const now = Date.parse("2026-11-29T07:00:00Z");
  const since = (word: string) => readSince(word, "see", now);
  t.deepEqual(["0s", "90s", "15m", "2h", "1d", "2026-11-29T06:59Z"].map(since), [
    ...[0, 90, 900, 7200, 86_400, 60],
  ]);
  for (const wrong of ["", "1", "1w", "h", "yesterday", "2026-11-30T07:00Z", "2026-13-01"]) {
    t.throws(() => since(wrong), { instanceOf: UsageError, message: /^--since: expected a time/ });
  }
});

test("every line bears its host, and a terminal is left alone", (t) => {
  const line = {
    at: 1795935693123456,
    host: "web-01",
    source: "shop",
    text: "a\tb\nc\u001b[31m\n",
  };
  t.is(
    renderLogLine(line),
    "2026-11-29T07:01:33.123456Z web-01 shop: a\tb\n2026-11-29T07:01:33.123456Z web-01 shop: c\\x1b[31m\n",
  );
  t.deepEqual(JSON.parse(renderLogJson(line)), { ...line, at: "2026-11-29T07:01:33.123456Z" });
});

test("lines are put together from whatever pieces come, and merged by time", (t) => {
  const bytes = Buffer.from("3 shop 4\né\nx\n1 shop 0\n\n2 nginx 1\n5\n");
  for (let at = 0; at <= bytes.length; at += 1) {
    const parser = new LogParser("web-01");
    const found = [...parser.take(bytes.subarray(0, at)), ...parser.take(bytes.subarray(at))];
    t.deepEqual(
      merged(found).map((line) => [line.at, line.source, line.text]),
      [
        [1, "shop", ""],
        [2, "nginx", "5"],
        [3, "shop", "é\nx"],
      ],
    );
  }
});

test("what the reader has not printed is left out", (t) => {
  const bytes = Buffer.from("Welcome\n1 shop x\n1 shop -9\n2 shop 1\na\n");
  t.deepEqual(
    new LogParser("web-01").take(bytes).map(({ text }) => text),
    ["a"],
  );
});

/** A host whose journal is what a stub of `journalctl` prints, and whose log files are in the sandbox. */
async function machine(t: ExecutionContext, journal: string) {
  const { sandbox, server } = await startSandboxHost(t);
  await sandbox.write(
    "bin/journalctl",
    `#!/bin/sh\nprintf '%s\\n' "$*" >"$SANDBOX/asked"\n${journal}`,
  );
  await sandbox.chmod("bin/journalctl", 0o755);
  const files = { access: sandbox.path("/access.log"), error: sandbox.path("/error.log") };
  const logs = { units: ["shop.service", "nginx.service"], files };
  const start = (reading: Partial<Reading> = {}) => {
    const all = { sinceSeconds: 3600, follows: false, pattern: "", ...reading };
    return startLiveCommand(server.host(), logReader(logs, all), { connectSeconds: 60 });
  };
  const read = async (reading: Partial<Reading> = {}) => {
    const command = await start(reading);
    command.stdin.end();
    const [out, errors] = await Promise.all([text(command.stdout), text(command.stderr)]);
    t.deepEqual(await command.end, { ended: "by itself", status: 0 }, errors);
    return new LogParser("web-01").take(Buffer.from(out));
  };
  return { sandbox, start, read };
}

const now = Math.floor(Date.now() / 1000);
const micro = (seconds: number) => `${now - seconds}000000`;
const iso = (seconds: number) => new Date((now - seconds) * 1000).toISOString();
/** As Nginx's error log has it: by the host's own clock. */
const local = (seconds: number) => {
  const date = new Date((now - seconds) * 1000);
  const two = (part: number) => String(part).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("/");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}`;
};
/** The same moment, as somebody has it who is five and a half hours before UTC. */
const elsewhere = (seconds: number) => iso(seconds - 19_800).replace(/\.\d+Z$/, "+05:30");

const journal = `cat <<'END'
__REALTIME_TIMESTAMP=${micro(50)}
MESSAGE=began = well
UNIT=shop.service

__REALTIME_TIMESTAMP=${micro(20)}
_SYSTEMD_UNIT=shop.service
END
printf 'MESSAGE\\n\\015\\000\\000\\000\\000\\000\\000\\000two\\n\\nlines é\\n\\n'
`;

onLinux("the journal and the log files of a host are one, by time", async (t) => {
  const { sandbox, read } = await machine(t, journal);
  const access = (seconds: number, path: string) =>
    `{"time":"${elsewhere(seconds)}","uri":"${path}"}\n`;
  await sandbox.write("/access.log.1", access(7200, "/old") + access(60, "/before"));
  await sandbox.write("/access.log", access(30, "/now"));
  const old = `${local(7200)} [error] old\nof old\n`;
  await sandbox.write(
    "/error.log",
    `${old}${local(40)} [error] bad\nfor that reason\n${iso(10)} late`,
  );
  const lines = await read();
  t.deepEqual(
    lines.map(({ at, source, text }) => [now - at / 1e6, source, text.replace(/^\S*T\S* /, "")]),
    [
      [60, "access", access(60, "/before").trim()],
      [50, "shop", "began = well"],
      [40, "error", `${local(40)} [error] bad`],
      [40, "error", "for that reason"],
      [30, "access", access(30, "/now").trim()],
      [20, "shop", "two\n\nlines é"],
    ],
  );
  const found = await read({ pattern: "bad|^two.*é|since", sinceSeconds: 45 });
  t.deepEqual(
    found.map(({ text }) => text),
    [`${local(40)} [error] bad`],
  );
  t.regex(
    await sandbox.read("asked"),
    /^--output=export .* --since=@\d+ --unit=shop\.service --unit=nginx\.service\n$/,
  );
});

onLinux("a pattern that only Perl refuses is one line, and a status of its own", async (t) => {
  const { start } = await machine(t, journal);
  const command = await start({ pattern: "(?{ system 'id' })" });
  command.stdin.end();
  const [out, errors] = await Promise.all([text(command.stdout), text(command.stderr)]);
  t.deepEqual(await command.end, { ended: "by itself", status: badPatternStatus });
  t.is(out, "");
  t.regex(errors, /^Eval-group not allowed at runtime, .*\/\n$/);
});

onLinux("what follows goes on over a rotation, and ends with its input", async (t) => {
  const { sandbox, start } = await machine(
    t,
    'tail -n +1 -f "$SANDBOX/journal" & trap "kill $!" TERM; wait',
  );
  await sandbox.write("journal", "");
  await sandbox.write("/access.log", "");
  const command = await start({ follows: true });
  const next = nextLine(command);
  await sandbox.write("/access.log", `${iso(0)} one\n`);
  t.regex((await next()).text, / one$/);
  await sandbox.delete("/access.log");
  await sandbox.write("/access.log", `${iso(0)} two\n`);
  t.regex((await next()).text, / two$/);
  await sandbox.write(
    "journal",
    `__REALTIME_TIMESTAMP=${micro(0)}\nMESSAGE=three\nUNIT=shop.service\n\n`,
  );
  t.like(await next(), { at: now * 1e6, source: "shop", text: "three" });
  command.stdin.end();
  t.deepEqual(await command.end, { ended: "by itself", status: 0 });
});

function nextLine(command: LiveCommand) {
  const parser = new LogParser("web-01");
  const lines = (async function* () {
    for await (const bytes of command.stdout) yield* parser.take(bytes);
  })();
  return async () => {
    const { value } = await lines.next();
    if (value === undefined) throw new Error("it ended");
    return value;
  };
}
