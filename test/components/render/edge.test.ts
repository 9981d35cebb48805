import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { type HaproxyEdge, renderMaintenancePage } from "../../../components/render/edge";
import { renderEdgeScript } from "../../../components/render/edge-script";
import { renderHaproxy } from "../../../components/render/haproxy";
import { isGolden } from "./golden";

const config = {
  ...{ domain: "www.foobar.com", address: "172.31.64.11", port: 80, statsPort: 8404 },
  ...{ healthPath: "/healthz", responseTimeoutSeconds: 65, trustedProxies: [], rawLines: {} },
  servers: [{ name: "web-01", address: "172.31.64.21", port: 80 }],
  applications: [],
};

const open: HaproxyEdge = {
  ...{ connectionsPerSecond: 300, satisfy: "all", headers: {} },
  maintenance: { retryAfterSeconds: 300, operators: [] },
};

/** What the edge adds to the configuration, a line each. */
function added(edge: Partial<HaproxyEdge>, more: object = {}): readonly string[] {
  const without = renderHaproxy({ ...config, ...more }).split("\n");
  const lines = renderHaproxy({ ...config, ...more, edge: { ...open, ...edge } }).split("\n");
  return lines.filter((line) => !without.includes(line)).map((line) => line.trim());
}

test("renders all that an edge may be", (t) => {
  const edge = {
    ...open,
    ...{ rateLimit: { requests: 100, seconds: 10 }, headerKilobytes: 8, urlKilobytes: 2 },
    ...{ allow: ["203.0.113.0/24", "2001:db8::/32"], users: { ada: "$6$salt$hash" } },
    headers: { "Content-Security-Policy": "frame-ancestors 'self'" },
    maintenance: { retryAfterSeconds: 120, operators: ["198.51.100.0/24"] },
  };
  const https = { port: 443, plainPaths: ["/up"] };
  isGolden(t, "haproxy-edge.cfg", renderHaproxy({ ...config, https, mark: "mark", edge }));
});

test("by default new connections are counted, and the page of maintenance is at hand", (t) => {
  const lines = added({});
  t.true(lines.includes("tcp-request connection reject if { sc_conn_rate(0) gt 3000 }"));
  t.true(
    lines.some((line) => /^http-request return status 503 .* if \{ var\(txn\.shut\)/.test(line)),
  );
  t.false(lines.some((line) => /http_req_rate|is_admitted|http_auth|userlist| 4\d\d /.test(line)));
  t.false(added({ connectionsPerSecond: "none" }).some((line) => line.includes("conn_rate")));
});

test("connections of a trusted proxy are many visitors', and not counted", (t) => {
  const lines = added({}, { trustedProxies: ["10.0.0.0/8"] });
  const accept = lines.indexOf("tcp-request connection accept if { src 10.0.0.0/8 }");
  t.true(accept >= 0);
  t.true(accept < lines.findIndex((line) => line.includes("track-sc0")));
});

test("with a network and a password either of them is enough where it is to be", (t) => {
  const both = { allow: ["203.0.113.0/24"], users: { ada: "$6$salt$hash" } };
  const ofAll = added({ ...both, satisfy: "all" });
  const ofAny = added({ ...both, satisfy: "any" });
  const deny = "http-request deny deny_status 403 unless is_admitted or { src 203.0.113.0/24 }";
  t.true(ofAll.includes(deny));
  t.false(ofAny.includes(deny));
  t.true(ofAny.includes("acl is_admitted src 203.0.113.0/24"));
  t.false(ofAll.includes("acl is_admitted src 203.0.113.0/24"));
  const alone = added({ allow: both.allow, satisfy: "any" });
  t.true(alone.includes(deny));
});

test("nobody is asked for a password without TLS, where there is any", (t) => {
  const users = { ada: "$6$salt$hash" };
  const refusal = "http-request deny deny_status 403 unless is_admitted or";
  const isRefused = (more: object) =>
    added({ users }, more).filter((one) => one.startsWith(refusal));
  t.deepEqual(isRefused({}), []);
  t.deepEqual(isRefused({ https: { port: 443, plainPaths: [] } }), [`${refusal} { ssl_fc }`]);
  t.deepEqual(isRefused({ trustedProxies: ["10.0.0.0/8"] }), [
    `${refusal} { var(txn.proto) -m str https }`,
  ]);
});

test("a header's text is one word of HAProxy's, in which nothing is replaced", (t) => {
  const [line] = added({ headers: { "X-A": '100% "$HOME" \\' } }).filter((one) =>
    one.includes("X-A"),
  );
  t.is(
    line,
    'http-after-response set-header X-A "100%% \\"\\$HOME\\" \\\\" unless { res.hdr(X-A) -m found }',
  );
});

test("the page has the text, and no HTML of it", (t) => {
  const text = renderMaintenancePage("www.foobar.com", "One & <b>two</b>\n\nThree");
  t.regex(text, /\n<p>One &amp; &lt;b&gt;two&lt;\/b&gt;<\/p>\n<p>Three<\/p>\n$/);
});

/** The script with a HAProxy that keeps its lists in files, or does not run. */
function startScript(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-edge-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const live = join(folder, "live");
  const paths = {
    maintenance: join(folder, "edge/maintenance"),
    passes: join(folder, "edge/passes"),
  };
  const stubs = `
systemctl() { [ -e '${live}' ]; }
flock() { :; }
socat() {
  [ -e '${live}' ] || return 1
  read -r verb what list value
  case $verb in
    show) grep -s "^$list " '${live}' | sed 's/^/0x1 /' ;;
    add) echo "$list $value" >>'${live}'; echo ;;
    del) grep -vxF "$list $value" '${live}' >'${live}.new' || true; mv '${live}.new' '${live}'; echo ;;
  esac
}
`;
  const script = renderEdgeScript("prod", "/admin.sock", paths).replace(
    "set -eu\n",
    `set -eu\n${stubs}`,
  );
  const run = (words: readonly string[], input = "") =>
    execFileSync("sh", ["-c", script, "edge", ...words], {
      ...{ encoding: "utf8", input, stdio: ["pipe", "pipe", "pipe"] },
    }).trim();
  const start = () => writeFileSync(live, "");
  const known = () => readFileSync(live, "utf8");
  return { run, start, known, ...paths };
}

test("the site is closed and opened in HAProxy, and in what it reads at its start", (t) => {
  const { run, start, known, maintenance } = startScript(t);
  start();
  run(["prepare"]);
  t.is(run(["maintenance"]), "off");
  t.is(run(["notice"]), "");
  const since = run(["maintenance", "on", "ada@laptop\n; rm"]);
  t.regex(since, /^on since 20\S+Z by ada@laptop;rm$/);
  t.is(known(), `${maintenance} on\n`);
  t.regex(readFileSync(maintenance, "utf8"), /^# since .*\non\n$/);
  // Who closed it first did.
  t.is(run(["maintenance", "on", "bob"]), since);
  t.is(
    run(["notice"]).replace(since, "on"),
    "the page of maintenance is on; up leaves it so, and npm run maintenance -- off --stack prod ends it",
  );
  t.is(run(["maintenance", "off"]), "off");
  t.is(known(), "");
  t.is(readFileSync(maintenance, "utf8"), "");
});

test("a HAProxy that does not run has it from its start, and one that has it otherwise is told of", (t) => {
  const { run, start } = startScript(t);
  t.regex(run(["maintenance", "on", "ada"]), /^on since \S+ by ada$/);
  start();
  t.regex(run(["maintenance"]), /^on since \S+ by ada, but HAProxy serves$/);
  t.regex(run(["maintenance", "on", "bob"]), /^on since \S+ by ada$/);
});

test("a pass is known until it is given back or has ended, and none that is no pass", (t) => {
  const { run, start, known, passes } = startScript(t);
  start();
  const pass = `9999999999-${"a".repeat(48)}`;
  run(["pass"], `${pass}\n`);
  t.is(known(), `${passes} ${pass}\n`);
  t.is(readFileSync(passes, "utf8"), `${pass}\n`);
  t.is(statSync(passes).mode & 0o777, 0o600);
  run(["unpass"], `${pass}\n`);
  t.is(known(), "");
  t.is(readFileSync(passes, "utf8"), "");
  writeFileSync(passes, `1000000000-aa\n${pass}\n`);
  run(["prepare"]);
  t.is(readFileSync(passes, "utf8"), `${pass}\n`);
  t.throws(() => run(["pass"], "9; reboot\n"));
});
