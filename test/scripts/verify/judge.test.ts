import test from "ava";
import type { Finding } from "../../../scripts/verify/check";
import { judgeFailover } from "../../../scripts/verify/checks/failover";
import { judgePage, judgeStaticFile } from "../../../scripts/verify/checks/guest-book";
import { parseAnswer } from "../../../scripts/verify/checks/host-http";
import { judgeServing } from "../../../scripts/verify/checks/host-serving";
import {
  judgeGtids,
  judgeReadOnly,
  judgeSemiSync,
  judgeThreads,
} from "../../../scripts/verify/checks/replication";
import { judgeBalance, judgeSite } from "../../../scripts/verify/checks/serving";
import { judgeUnit } from "../../../scripts/verify/checks/units";

const unit = (active: string, sub: string, result = "success", enabled = "enabled") =>
  `ActiveState=${active}\nSubState=${sub}\nResult=${result}\nLoadState=loaded\nUnitFileState=${enabled}\n`;
const threads = { receiver: "ON", applier: "ON", receiverError: "", applierError: "", source: "p" };
const page = (body: string, headers = {}) => ({
  status: 200,
  headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store", ...headers },
  body,
});
const byWeb01 = "Answered by <strong>web-01</strong>";
const names = ["web-01", "web-02"];
const nginx = {
  server: "nginx",
  "last-modified": "Mon, 23 Nov 2026 18:46:07 GMT",
  "cache-control": "public, max-age=31536000, immutable",
  "content-encoding": "gzip",
};
const file = (headers = {}, status = 200) =>
  judgeStaticFile({ status, headers: { ...nginx, ...headers }, body: "" }, "/a.css");
const times = (count: number, name: string) => Array.from({ length: count }, () => name);
const serving = (text: string, names: Parameters<typeof judgeServing>[1]) =>
  judgeServing(parseAnswer(text), names);
const site = (status: number, server?: string) =>
  judgeSite({ status, headers: server ? { "x-served-by": server } : {}, body: "" }, names);
const failover = { host: "web-02", stopped: 0, failoverSeconds: 5 };

const findings: readonly (readonly [string, Finding, boolean, string])[] = [
  ["a running unit", judgeUnit(unit("active", "running")), true, "active (running)"],
  ["a stopped unit", judgeUnit(unit("inactive", "dead")), false, "inactive (dead)"],
  [
    "a crashed unit",
    judgeUnit(unit("failed", "failed", "exit-code")),
    false,
    "failed (failed), exit-code",
  ],
  [
    "a unit that will not come back",
    judgeUnit(unit("active", "running", "success", "disabled")),
    false,
    "active (running), but disabled at boot",
  ],
  ["no unit", judgeUnit("LoadState=not-found\n"), false, "there is no such unit"],
  ["replication that runs", judgeThreads(threads), true, "follows p"],
  [
    "a stopped applier",
    judgeThreads({ ...threads, applier: "OFF", applierError: "duplicate entry" }),
    false,
    "the applier is OFF: duplicate entry",
  ],
  [
    "no source",
    judgeThreads({ ...threads, source: null, receiver: null }),
    false,
    "it follows no source",
  ],
  [
    "a replica that is read-only",
    judgeReadOnly({ readOnly: 1, superReadOnly: 1 }),
    true,
    "super_read_only is ON",
  ],
  [
    "a writable replica",
    judgeReadOnly({ readOnly: 0, superReadOnly: 0 }),
    false,
    "it is writable: read_only is OFF",
  ],
  [
    "a replica writable for root",
    judgeReadOnly({ readOnly: 1, superReadOnly: 0 }),
    false,
    "it is writable for root: super_read_only is OFF",
  ],
  [
    "semi-sync on",
    judgeSemiSync({ "web-01": "ON", "web-02": "ON", replicas: 1 }),
    true,
    "on, 1 replica connected",
  ],
  [
    "semi-sync off at one end",
    judgeSemiSync({ "web-01": "ON", "web-02": "OFF", replicas: 1 }),
    false,
    "OFF on web-02",
  ],
  [
    "semi-sync without a replica",
    judgeSemiSync({ "web-01": "ON", "web-02": "ON", replicas: 0 }),
    false,
    "on, but no replica is connected",
  ],
  ["equal GTIDs", judgeGtids({ missing: "", errant: "" }), true, "the same"],
  [
    "missing and errant GTIDs",
    judgeGtids({ missing: "a:1-5:7", errant: "b:1" }),
    false,
    "lacks 6 transactions after 10 s: a:1-5:7; has 1 transaction of its own: b:1",
  ],
  ["a page of the application", judgePage(page(byWeb01), names), true, "from web-01"],
  [
    "a page in trouble",
    judgePage(page(`${byWeb01}<p role="alert">No database.</p>`), names),
    false,
    "web-01 says: No database.",
  ],
  [
    "some other page",
    judgePage(page("Welcome to nginx!"), names),
    false,
    "the page does not say which server answered",
  ],
  [
    "an error page",
    judgePage({ ...page(""), status: 502 }, names),
    false,
    "status 502 from nobody in particular",
  ],
  ["a static file", file(), true, "/a.css: public, max-age=31536000, immutable"],
  ["a missing static file", file({}, 404), false, "/a.css: status 404"],
  [
    "a static file of the application",
    file({ "last-modified": undefined }),
    false,
    "/a.css: came from the application",
  ],
  [
    "a static file of another server",
    file({ server: "x" }),
    false,
    '/a.css: the server calls itself "x"',
  ],
  [
    "a static file not to be kept",
    file({ "cache-control": "no-cache" }),
    false,
    "/a.css: no-cache",
  ],
  [
    "two servers in turn",
    judgeBalance([...times(6, "web-01"), ...times(6, "web-02")], names),
    true,
    "of 12 answers: web-01 6, web-02 6",
  ],
  [
    "one server alone",
    judgeBalance(times(12, "web-01"), names),
    false,
    "of 12 answers: web-01 12, web-02 0",
  ],
  [
    "errors among the answers",
    judgeBalance([...times(6, "web-01"), ...times(5, "web-02"), "status 503"], names),
    false,
    "of 12 answers: web-01 6, web-02 5, status 503 1",
  ],
  [
    "an application that answers",
    serving('HTTP/1.1 200 OK\r\n\r\n{"servedBy":"web-01"}', { body: "web-01" }),
    true,
    "status 200",
  ],
  ["a gateway without application", serving("HTTP/1.1 502 Bad\r\n\r\n", {}), false, "status 502"],
  ["a port that is closed", serving("refuses connections\n", {}), false, "refuses connections"],
  [
    "an application with another's name",
    serving('HTTP/1.1 200 OK\r\n\r\n{"servedBy":"web-09"}', { body: "web-01" }),
    false,
    "the application calls itself web-09",
  ],
  [
    "an application that says nothing of itself",
    serving("HTTP/1.1 204 x\r\nx-served-by: web-01\r\n\r\n", { header: "web-01" }),
    true,
    "status 204",
  ],
  [
    "a web server with another's name",
    serving("HTTP/1.1 200 OK\r\nX-Served-By: web-09\r\n\r\n", { header: "web-01" }),
    false,
    "the web server calls itself web-09",
  ],
  [
    "a redirect as the answer about health",
    serving("HTTP/1.1 301 x\r\nLocation: /\r\n\r\n", {}),
    false,
    "status 301",
  ],
  ["no answer at all", serving("", {}), false, "no answer"],
  ["a site that redirects", site(302, "web-02"), true, "status 302 from web-02"],
  ["a site that is down", site(503, "web-02"), false, "status 503 from web-02"],
  ["somebody else's site", site(200), false, "status 200 from nobody in particular"],
  [
    "a failover that nobody notices",
    judgeFailover(
      [
        { at: 1, servedBy: "web-02" },
        { at: 6000, servedBy: "web-01" },
      ],
      failover,
    ),
    true,
    "none of 2 requests failed",
  ],
  [
    "a failover with early failures",
    judgeFailover(
      [
        { at: 1, fault: "x" },
        { at: 6000, servedBy: "web-01" },
      ],
      failover,
    ),
    true,
    "1, all in the first moments, of 2 requests failed",
  ],
  [
    "a failover with late failures",
    judgeFailover(
      [
        { at: 6000, fault: "status 503" },
        { at: 6100, servedBy: "web-01" },
      ],
      failover,
    ),
    false,
    "1 of 2 requests failed after that: status 503",
  ],
  [
    "a server that is stopped and answers",
    judgeFailover([{ at: 6000, servedBy: "web-02" }], failover),
    false,
    "web-02 still answered 5 s after it was stopped",
  ],
];

for (const [what, finding, passed, seen] of findings) {
  test(`${what} ${passed ? "passes" : "fails"}`, (t) => t.deepEqual(finding, { passed, seen }));
}
