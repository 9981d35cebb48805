import test from "ava";
import type { Properties } from "../../../../provider/kind";
import { checkRelease, checkService } from "../../../../provider/kinds/service/check";
import { unknown } from "../../../../provider/protocol/values";

const host = {
  name: "web-01",
  address: "127.0.0.1",
  port: 22,
  user: "root",
  hostKey: "ssh-ed25519 AAAAC3Nz",
  privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nplanted\n-----END OPENSSH PRIVATE KEY-----\n",
};
const good: Properties = { host, unit: "nginx.service" };

/** One line per rule: the inputs that break it, and what is said. */
const rules: [inputs: Properties, property: string, reason: string][] = [
  [{ unit: "a.service" }, "host", "expected a value, got nothing"],
  [
    { ...good, host: { ...host, name: "web 01" } },
    "host.name",
    'expected a host name of at most 63 letters, digits, dots and hyphens that starts and ends with a letter or digit, got "web 01"',
  ],
  [
    { ...good, host: { ...host, address: "" } },
    "host.address",
    'expected a host name or an IP address, got ""',
  ],
  [
    { ...good, host: { ...host, port: 0 } },
    "host.port",
    "expected an integer from 1 to 65535, got 0",
  ],
  [
    { ...good, host: { ...host, port: 22.5 } },
    "host.port",
    "expected an integer from 1 to 65535, got 22.5",
  ],
  [
    { ...good, host: { ...host, port: "22" } },
    "host.port",
    'expected an integer from 1 to 65535, got "22"',
  ],
  [
    { ...good, host: { ...host, user: "ro ot" } },
    "host.user",
    'expected a user name of at most 64 letters, digits and . _ @ -, got "ro ot"',
  ],
  [
    { ...good, host: { ...host, hostKey: "AAAA" } },
    "host.hostKey",
    'expected a public host key such as ssh-ed25519 AAAA..., got "AAAA"',
  ],
  [
    { ...good, host: { ...host, privateKey: "planted" } },
    "host.privateKey",
    "expected a private key in OpenSSH or PEM format, got a string",
  ],
  [{ host }, "name", "expected a name, since there is no unit to take it from"],
  [{ host, name: "motd", state: "running" }, "state", "expected a unit beside it"],
  [{ ...good, name: "a/b" }, "name", 'expected a name of letters, digits, @ . _ -, got "a/b"'],
  [{ host, unit: "nginx" }, "unit", 'expected a unit such as nginx.service, got "nginx"'],
  [{ ...good, state: "started" }, "state", 'expected "running" or "stopped", got "started"'],
  [{ ...good, users: { app: "srv" } }, "users.app", 'expected an absolute path, got "srv"'],
  [
    { ...good, users: { "a b": "/srv" } },
    'users["a b"]',
    'expected a user name of at most 31 lower-case letters, digits and . _ -, got "a b"',
  ],
  [
    { ...good, files: { "etc/a": { content: "" } } },
    'files["etc/a"]',
    'expected an absolute path, got "etc/a"',
  ],
  [
    { ...good, files: { "/etc/": { content: "" } } },
    'files["/etc/"]',
    'expected an absolute path, got "/etc/"',
  ],
  [
    { ...good, files: { "/etc/a": {} } },
    'files["/etc/a"].content',
    "expected a value, got nothing",
  ],
  [
    { ...good, files: { "/etc/a": { content: 5 } } },
    'files["/etc/a"].content',
    "expected the text of the file, got a number",
  ],
  [
    { ...good, files: { "/etc/a": { content: "a\0b" } } },
    'files["/etc/a"].content',
    "expected text without NUL characters, got a string",
  ],
  [
    { ...good, files: { "/etc/a": { content: "", mode: "644" } } },
    'files["/etc/a"].mode',
    'expected an octal mode such as "0644", got "644"',
  ],
  [
    { ...good, files: { "/etc/a": { content: "", mode: "00644" } } },
    'files["/etc/a"].mode',
    'expected an octal mode such as "0644", got "00644"',
  ],
  [
    { ...good, files: { "/etc/a": { content: "", owner: "a:b" } } },
    'files["/etc/a"].owner',
    'expected a user or group name of at most 32 letters, digits and . _ -, got "a:b"',
  ],
  [
    { ...good, files: { "/etc/a": { content: "", group: "" } } },
    'files["/etc/a"].group',
    'expected a user or group name of at most 32 letters, digits and . _ -, got ""',
  ],
  [
    { ...good, files: { "/etc/a": { content: "", onChange: "kill" } } },
    'files["/etc/a"].onChange',
    'expected "reload", "restart" or "nothing", got "kill"',
  ],
  [
    { ...good, files: { "/etc/a": { content: "", contents: "" } } },
    'files["/etc/a"].contents',
    "no such property",
  ],
  [{ ...good, absent: ["/etc/a", "b"] }, "absent[1]", 'expected an absolute path, got "b"'],
  [
    { ...good, onChange: "stop" },
    "onChange",
    'expected "reload", "restart" or "nothing", got "stop"',
  ],
  [{ ...good, check: "haproxy -c" }, "check", 'expected a list of words, got "haproxy -c"'],
  [{ ...good, check: [] }, "check", "expected at least one word, got []"],
  [{ ...good, check: ["haproxy", 1] }, "check[1]", "expected a word, got 1"],
  [
    { ...good, ready: { http: "https://127.0.0.1/" } },
    "ready.http",
    'expected a URL such as "http://127.0.0.1:3000/health", got "https://127.0.0.1/"',
  ],
  [
    { ...good, ready: { tcp: 70000 } },
    "ready.tcp",
    "expected an integer from 1 to 65535, got 70000",
  ],
  [{ ...good, ready: { command: [] } }, "ready.command", "expected at least one word, got []"],
  [
    { ...good, ready: { deadlineSeconds: 0 } },
    "ready.deadlineSeconds",
    "expected an integer from 1 to 3600, got 0",
  ],
  [{ ...good, ready: { timeout: 5 } }, "ready.timeout", "no such property"],
  [{ ...good, drain: { file: "/run/drain" } }, "drain.seconds", "expected a value, got nothing"],
  [
    { ...good, drain: { file: "drain", seconds: 3 } },
    "drain.file",
    'expected an absolute path, got "drain"',
  ],
  [{ ...good, untis: "nginx.service" }, "untis", "no such property"],
];

for (const [inputs, property, reason] of rules) {
  test(`${property}: ${reason}`, (t) => {
    t.deepEqual(checkService(inputs).failures, [{ property, reason }]);
  });
}

const goodRelease: Properties = { ...good, root: "/srv/app", source: "dist", version: "abc" };
const releaseRules: [inputs: Properties, property: string, reason: string][] = [
  [{ ...goodRelease, root: undefined }, "root", "expected an absolute path, got nothing"],
  [{ ...goodRelease, source: "" }, "source", 'expected a folder on this machine, got ""'],
  [
    { ...goodRelease, version: "../x" },
    "version",
    'expected a version of letters, digits, . _ -, got "../x"',
  ],
  [{ ...goodRelease, keep: -1 }, "keep", "expected an integer from 0 to 100, got -1"],
  [
    { ...goodRelease, unit: undefined, name: undefined },
    "name",
    "expected a name, since there is no unit to take it from",
  ],
];

for (const [inputs, property, reason] of releaseRules) {
  test(`of a release, ${property}: ${reason}`, (t) => {
    t.deepEqual(checkRelease(inputs).failures, [{ property, reason }]);
  });
}

test("all faults are told at once", (t) => {
  const { failures } = checkService({
    host: { ...host, port: 0 },
    unit: "nginx",
    runsWith: { A: "1" },
    files: { a: { content: 1, mode: "1" } },
  });
  t.deepEqual(
    failures.map(({ property }) => property),
    ["host.port", "unit", "files.a", "files.a.content", "files.a.mode", "runsWith.A"],
  );
});

for (const property of [
  "host",
  "unit",
  "name",
  "state",
  "users",
  "files",
  "absent",
  "onChange",
  "check",
  "ready",
  "drain",
]) {
  test(`an unknown ${property} is no fault`, (t) => {
    const { failures, args } = checkService({ ...good, name: "nginx", [property]: unknown });
    t.deepEqual(failures, []);
    t.is(args[property], unknown);
  });
}

test("an unknown deep inside is no fault, and a fault beside it is told", (t) => {
  const files = {
    "/etc/a": { content: unknown, mode: unknown },
    "/etc/b": unknown,
    "/etc/c": { content: 1 },
  };
  const { failures } = checkService({
    ...good,
    host: { ...host, port: unknown, privateKey: unknown },
    files,
    check: [unknown],
  });
  t.deepEqual(
    failures.map(({ property }) => property),
    ['files["/etc/c"].content'],
  );
});

test("a service has these defaults", (t) => {
  t.deepEqual(
    checkService({ ...good, files: { "/etc/a": { content: "x" } }, ready: { tcp: 80 } }).args,
    {
      host,
      unit: "nginx.service",
      name: "nginx",
      state: "running",
      enabled: true,
      configuration: "loaded",
      users: {},
      files: {
        "/etc/a": { content: "x", mode: "0644", owner: "root", group: "root", onChange: "restart" },
      },
      absent: [],
      onChange: "restart",
      ready: { tcp: 80, deadlineSeconds: 30 },
    },
  );
});

test("a stopped unit is not enabled, and no unit has no state", (t) => {
  const { args: stopped } = checkService({ ...good, state: "stopped" });
  t.like(stopped, { state: "stopped", enabled: false });
  t.false("configuration" in stopped);
  const { args: none } = checkService({ host, name: "motd" });
  t.deepEqual(
    ["state", "enabled", "configuration"].filter((key) => key in none),
    [],
  );
});

test("a release keeps four former versions", (t) => {
  t.is(checkRelease(goodRelease).args.keep, 4);
});

test("what check answers passes the check again, unchanged", (t) => {
  const { args } = checkRelease(goodRelease);
  t.deepEqual(checkRelease(args), { args, failures: [] });
});
