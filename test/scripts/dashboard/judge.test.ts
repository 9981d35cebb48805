import test from "ava";
import {
  parseAlerts,
  parseBackup,
  parseLoad,
  parseUnits,
} from "../../../scripts/dashboard/host-look";
import { judge } from "../../../scripts/dashboard/judge";
import { parseLoopback } from "../../../scripts/dashboard/loopback";
import { happeningsBetween } from "../../../scripts/dashboard/watch";
import { balancing, endpoints, known, lookOf, running, server } from "./sample";

const boxes = (but?: Parameters<typeof known>[0], checks: Parameters<typeof judge>[2] = []) =>
  Object.fromEntries(
    judge(endpoints, known(but), checks).hosts.map(({ name, health, words }) => [
      name,
      `${health}: ${words}`,
    ]),
  );
const well = { "lb-01": "well: all well", "web-01": "well: all well", "web-02": "well: all well" };
const ended = { unit: "nginx.service", isWell: false, seen: "failed (failed)", restarts: 0 };
const replica = lookOf("web-02");

test("a stack of which all is well", (t) => {
  t.deepEqual(boxes(), well);
  const { health, words, stations } = judge(endpoints, known(), []);
  t.is(`${health}: ${words}`, "well: 3 hosts, all well");
  t.deepEqual(
    stations.map(({ title, health, who, words }) => `${title}: ${health}: ${who} ${words}`),
    [
      "Load balancer: well: lb-01 1 of 1 serves",
      "Web servers: well: guestbook 2 of 2 get requests",
      "Database guestbook: well: web-01 takes writes; 1 of 1 follows, 0.2 s behind",
    ],
  );
});

test("a fault is told of its own host, and the others stay well", (t) => {
  const drained = { ...replica, drained: ["/run/guestbook.drain"] };
  const table: readonly (readonly [Parameters<typeof known>[0], string, string])[] = [
    [
      { "web-02": { look: { ...replica, units: [ended] } } },
      "web-02",
      "fault: nginx.service: failed (failed)",
    ],
    [
      {
        "web-02": {
          look: {
            ...replica,
            member: {
              ...{ host: "web-02", role: "unknown", state: "unknown" },
              ...{ lagSeconds: null, reason: "late" },
            },
          },
        },
      },
      "web-02",
      "fault: MySQL: does not answer",
    ],
    [{ "web-02": { silence: "no answer" } }, "web-02", "silent: no answer"],
    [{ "web-02": { look: drained } }, "web-02", "drained: drained: it gets nothing new"],
    [
      { "web-02": { restarted: ["mysql.service"] } },
      "web-02",
      "notice: mysql.service ended: systemd has started it again",
    ],
    [
      {
        "lb-01": {
          look: {
            ...lookOf("lb-01"),
            balancers: balancing(server("web-01"), server("web-02", "down")),
          },
        },
      },
      "web-02",
      "fault: guestbook gets no requests: lb-01: DOWN",
    ],
  ];
  for (const [but, name, expected] of table) t.deepEqual(boxes(but), { ...well, [name]: expected });
});

test("a host that does not answer keeps what it said", (t) => {
  const { hosts, health, words } = judge(endpoints, known({ "web-02": { silence: "gone" } }), []);
  const silent = hosts.find(({ name }) => name === "web-02");
  t.is(silent?.look?.units.length, 2);
  t.is(`${health}: ${words}`, "fault: 1 of 3 hosts silent");
});

test("nothing is said of hosts that were not asked yet", (t) => {
  const { health, words, faults, stations } = judge(endpoints, new Map(), []);
  t.is(`${health}: ${words}`, "unknown: asking the hosts");
  t.deepEqual(faults, []);
  t.deepEqual(
    stations.map((one) => `${one.health}: ${one.who}${one.words}`),
    stations.map(() => "unknown: no answer"),
  );
  const some = known();
  some.delete("web-02");
  const early = judge(endpoints, some, []);
  t.is(`${early.health}: ${early.words}`, "unknown: 1 of 3 hosts not asked yet");
});

test("a HAProxy that hangs is a fault of its host, though its unit runs", (t) => {
  const balancers = balancing().map((one) => ({ ...one, reason: "no answer" }));
  const but = { "lb-01": { look: { ...lookOf("lb-01"), balancers } } };
  t.deepEqual(boxes(but), { ...well, "lb-01": "fault: HAProxy: does not answer" });
  const { stations } = judge(endpoints, known(but), []);
  t.deepEqual(
    stations.slice(0, 2).map(({ health, words }) => `${health}: ${words}`),
    ["fault: 0 of 1 serve", "unknown: no answer"],
  );
});

test("no primary, and two of them, are faults of the stack", (t) => {
  const member = (name: string, role: "primary" | "replica") => ({
    look: {
      ...lookOf(name),
      member: { ...{ host: name, role, state: "open" as const, lagSeconds: null, reason: null } },
    },
  });
  const seen = (one: "primary" | "replica", other: "primary" | "replica") =>
    judge(
      endpoints,
      known({ "web-01": member("web-01", one), "web-02": member("web-02", other) }),
      [],
    ).faults.map(({ host, what, seen }) => [host, `${what}: ${seen}`]);
  t.deepEqual(seen("replica", "replica"), [
    [null, "the database's primary: no member that answers takes writes"],
  ]);
  t.deepEqual(seen("primary", "primary"), [
    [null, "the database's primary: web-01 and web-02 take writes"],
  ]);
});

test("what a slower check says gives way to what the host says now", (t) => {
  const check = (name: string, host: string | null) => ({
    ...{ host, name, state: "fault" as const, seen: "before", lines: [] },
    ...{ expected: "", remedy: "mend it" },
  });
  const checks = [
    check("web-02: nginx.service is running", "web-02"),
    check("web-02: takes part", "web-02"),
    check("web-01: the firewall's rules are in effect", "web-01"),
    check("static files are served", null),
  ];
  t.deepEqual(boxes({}, checks), {
    ...well,
    "web-01": 'notice: a check fails, "the firewall\'s rules are in effect": before',
  });
  t.is(judge(endpoints, known(), checks).notices.length, 2);
});

test("what changed is told once, and what is seen first is no change", (t) => {
  const pictureOf = (but: Parameters<typeof known>[0]) => judge(endpoints, known(but), []);
  const first = judge(endpoints, new Map(), []);
  t.deepEqual(happeningsBetween(first, pictureOf({}), 1), []);
  const broken = pictureOf({ "web-02": { silence: "gone" } });
  const told = happeningsBetween(pictureOf({}), broken, 1);
  t.deepEqual(
    told.map(({ host, health, words }) => [host, health, words]),
    [["web-02", "silent", "gone"]],
  );
  t.deepEqual(happeningsBetween(broken, broken, 1), []);
  // Still silent, for another reason.
  t.deepEqual(happeningsBetween(broken, pictureOf({ "web-02": { silence: "refused" } }), 1), []);
  const [after] = happeningsBetween(broken, pictureOf({}), 1);
  t.is(after?.words, "is well again");
});

test("units are read in the order in which they were asked for", (t) => {
  const block = (state: string, restarts: number) =>
    `ActiveState=${state}\nSubState=x\nResult=success\nLoadState=loaded\nUnitFileState=enabled\nNRestarts=${restarts}\n`;
  t.deepEqual(
    parseUnits(["a.service", "b.service"], `${block("active", 2)}\n${block("failed", 0)}`),
    [
      { ...running("a.service"), seen: "active (x)", restarts: 2 },
      { unit: "b.service", isWell: false, seen: "failed (x)", restarts: 0 },
    ],
  );
});

test("answers of a loopback port are told apart by their lengths", (t) => {
  t.deepEqual(parseLoopback("200 3\nä\n404 0\n0 2\n{}"), [
    { status: 200, body: "ä\n" },
    { status: 404, body: "" },
    { status: 0, body: "{}" },
  ]);
  t.deepEqual(parseLoopback("200 -7\n"), []);
  t.deepEqual(parseLoopback("garbage\n200 1\na"), []);
});

test("alerts are read, but for the one that always fires", (t) => {
  const alert = (alertname: string, state: string) => ({
    ...{
      labels: { alertname, host: "web-01", severity: "page" },
      startsAt: "2026-11-30T10:00:00Z",
    },
    ...{ annotations: { cause: "c", effect: "e", first_step: "f" }, status: { state } },
  });
  const body = JSON.stringify([alert("Watchdog", "active"), alert("HostDown", "suppressed")]);
  t.deepEqual(parseAlerts(`200 ${body.length}\n${body}`), [
    {
      ...{ name: "HostDown", host: "web-01", severity: "page", isSilenced: true },
      ...{ cause: "c", effect: "e", firstStep: "f", since: "2026-11-30T10:00:00Z" },
    },
  ]);
  t.throws(() => parseAlerts("0 0\n"), { message: "Alertmanager does not answer" });
});

test("backups and load are read from what hosts write", (t) => {
  const said = `trilithon_backup_last_success_seconds{what="full"} 100
trilithon_restore_test_last_success_seconds 90
trilithon_restore_test_until_seconds 80
trilithon_backup_repository_good{machine="web-02"} 0
trilithon_backup_checked_seconds 70
`;
  t.deepEqual(parseBackup(said), {
    ...{ copies: { full: 100 }, tried: { at: 90, until: 80 } },
    ...{ repositories: { "web-02": false }, checkedAt: 70 },
  });
  const load = `0.50 0.4 0.3 1/200 99\n2\nMemTotal:  1000 kB\nMemAvailable:  750 kB\n/dev/vda 10 3 7 31% /\n`;
  t.deepEqual(parseLoad(load), { perCpu: 0.25, memory: 0.25, disk: 0.31 });
  // What is no number would be null on its way to the page.
  t.throws(() => parseLoad(load.replace("MemAvailable", "MemFree")), { message: /its load/ });
});
