import test from "ava";
import type { Site } from "../../../scripts/verify/check";
import {
  compareListens,
  inBoth,
  judgeListens,
  listensChecks,
} from "../../../scripts/verify/checks/listens";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { renderTable } from "../../../scripts/verify/report";
import { parseSockets } from "../../../scripts/verify/sockets";
import { sampleOutput } from "./sample";

const listen = (address: string, port: number, what: string, unit: string) => ({
  ...{ host: "lb-01", address, port, protocol: "tcp" as const, what, unit, for: {} },
});

const output = {
  ...sampleOutput,
  areContainers: true,
  listens: [
    listen("*", 22, "SSH", "ssh.service"),
    listen("0.0.0.0", 80, "page", "haproxy.service"),
    listen("127.0.0.1", 3000, "application", "guestbook.service"),
    {
      ...listen("172.31.64.11", 0, "VRRP", "keepalived.service"),
      port: undefined,
      protocol: "vrrp",
    },
    { ...listen("0.0.0.0", 80, "Nginx", "nginx.service"), host: "web-01" },
  ],
};
const endpoints = parseEndpoints(output);
const [lb] = endpoints.hosts;
if (lb === undefined) throw new Error("the sample has hosts");
const { listens } = lb;
const containers = { stack: "dev", areContainers: true };
const machines = { stack: "prod", areContainers: false };

/** As `ss` and `/proc` of a container host tell it, where root is not told of other users' processes. */
const group = "cgroup:/docker/1f/system.slice";
const asDeclared = `udp UNCONN 0      0         127.0.0.11:49153 0.0.0.0:* cgroup:/ <-> cgroup:/
raw UNCONN 0      0            0.0.0.0:1     0.0.0.0:* users:(("ping",pid=90,fd=3))
raw UNCONN 0      0       172.31.64.11%eth0:112 0.0.0.0:* users:(("keepalived",pid=80,fd=11),("keepalived",pid=80,fd=10))
raw UNCONN 0      0       0.0.0.0%eth0:112   0.0.0.0:* users:(("keepalived",pid=80,fd=12))
tcp LISTEN 0      4096         0.0.0.0:80    0.0.0.0:* users:(("haproxy",pid=31,fd=7)) ${group}/haproxy.service <-> ${group}/haproxy.service
tcp LISTEN 0      511        127.0.0.1:3000  0.0.0.0:* ${group}/guestbook.service <-> ${group}/guestbook.service
tcp LISTEN 0      4096      127.0.0.11:36485 0.0.0.0:* cgroup:/ <-> cgroup:/
tcp LISTEN 0      128          0.0.0.0:22    0.0.0.0:* users:(("sshd",pid=20,fd=3),("systemd",pid=1,fd=9)) cgroup:/docker/1f/init.scope
tcp LISTEN 0      128             [::]:22       [::]:* users:(("sshd",pid=20,fd=4)) cgroup:/docker/1f/init.scope v6only:1
process 1 0::/docker/1f/init.scope
process 20 8:pids:/system.slice/docker-1f.scope
process 20 0::/system.slice/docker-1f.scope/system.slice/ssh.service
process 31 0::/system.slice/haproxy.service
process 80 0::/system.slice/keepalived.service
process 90 0::/user.slice/user-0.slice/session-3.scope
`;
const stranger = `udp UNCONN 0 0 0.0.0.0:5353 0.0.0.0:* users:(("avahi-daemon",pid=50,fd=12)) cgroup:/system.slice/avahi-daemon.service
`;

function judge(text: string, of = containers) {
  const { passed, seen, lines = [] } = judgeListens(lb as { name: string }, compare(text), of);
  return { passed, seen, lines };
}

function compare(text: string) {
  return compareListens(listens, parseSockets(text));
}

test("a socket is told with its processes and their units", (t) => {
  const sockets = parseSockets(asDeclared);
  t.deepEqual(
    sockets.map(({ protocol, address, port }) => [protocol, address, port]),
    [
      ["udp", "127.0.0.11", 49153],
      ["vrrp", "172.31.64.11", undefined],
      ["vrrp", "0.0.0.0", undefined],
      ["tcp", "0.0.0.0", 80],
      ["tcp", "127.0.0.1", 3000],
      ["tcp", "127.0.0.11", 36485],
      ["tcp", "0.0.0.0", 22],
      ["tcp", "[::]", 22],
    ],
  );
  const [socket] = sockets.filter(({ address }) => address === "[::]");
  t.deepEqual(socket?.units, ["init.scope", "ssh.service"]);
  t.deepEqual(socket?.processes, ["sshd, process 20"]);
});

test("further lines of a verdict stand below it", (t) => {
  const verdict = { name: "ports", expected: "all", remedy: "look", seconds: 0 };
  const verdicts = [
    { ...verdict, passed: true, seen: "3", lines: ["one", "two"] },
    { ...verdict, passed: false, seen: "2", lines: ["three"] },
  ];
  const [, rows] = renderTable({ stack: "dev", url: "http://x", verdicts }).split("\n\n");
  t.deepEqual(rows?.split("\n"), [
    ...["✔ ports  3", "    one", "    two"],
    ...["✘ ports  2", "    three", "    expected: all", "    remedy: look"],
  ]);
});

test("what is declared listens, and nothing else: it passes without a line", (t) => {
  t.deepEqual(judge(asDeclared), { passed: true, seen: "4 of 4 as declared", lines: [] });
});

test("a socket of IPv4 is none of IPv6", (t) => {
  const six = [listen("[::]", 80, "page", "haproxy.service")];
  const socket = (address: string) =>
    parseSockets(`tcp LISTEN 0 4096 ${address}:80 [::]:* ${group}/haproxy.service\n`);
  t.deepEqual(compareListens(six, socket("0.0.0.0")).missing, six);
  for (const address of ["[::]", "*"]) {
    t.deepEqual(compareListens(six, socket(address)).missing, [], address);
  }
});

test("what listens beside fails in a container, and is told of a machine that was there before", (t) => {
  const line = (todo: string) =>
    `lb-01: udp 0.0.0.0:5353: avahi-daemon.service (avahi-daemon, process 50) listens, and nothing declares it: ${todo}`;
  t.deepEqual(judge(asDeclared + stranger), {
    ...{ passed: false, seen: "4 of 4 as declared, 1 not declared" },
    lines: [line("stop it, or take out the setting that opens it (rawLines, say)")],
  });
  t.deepEqual(judge(asDeclared + stranger, machines), {
    ...{ passed: true, seen: "4 of 4 as declared, 1 not declared" },
    lines: [line("nothing of the stack's; if nobody needs it, stop it")],
  });
});

test("what is declared and does not listen fails anywhere", (t) => {
  const without = asDeclared.replace(/^tcp .*:80 .*\n/m, "").replaceAll(/^raw .*:112 .*\n/gm, "");
  for (const of of [containers, machines]) {
    const { passed, seen, lines } = judge(without, of);
    t.deepEqual({ passed, seen }, { passed: false, seen: "2 of 4 as declared" });
    t.deepEqual(lines, [
      `lb-01: tcp 0.0.0.0:80: nothing listens, declared is haproxy.service (page): journalctl -u haproxy.service says why, npm start -- --stack ${of.stack} brings it back`,
      `lb-01: vrrp 172.31.64.11: nothing listens, declared is keepalived.service (VRRP): journalctl -u keepalived.service says why, npm start -- --stack ${of.stack} brings it back`,
    ]);
  }
});

test("another unit at the place of a declared one fails", (t) => {
  const other = asDeclared.replaceAll("haproxy", "apache2");
  const { passed, lines } = judge(other, machines);
  t.false(passed);
  t.deepEqual(lines, [
    "lb-01: tcp 0.0.0.0:80: apache2.service (apache2, process 31) listens, declared is haproxy.service (page): stop that, then npm start -- --stack prod",
  ]);
});

test("one that listens more widely than it is declared does listen, and is told", (t) => {
  const wide = asDeclared.replace("127.0.0.1:3000", "*:3000");
  t.regex(judge(wide).lines.join(), /^lb-01: tcp \*:3000: guestbook\.service listens/);
  t.deepEqual([judge(wide).passed, judge(wide, machines).passed], [false, true]);
});

test("one at another address than declared does not listen", (t) => {
  const elsewhere = asDeclared.replace("127.0.0.1:3000", "172.31.64.11:3000");
  t.false(judge(elsewhere, machines).passed);
});

test("how an existing machine's own sshd listens is no failure", (t) => {
  const [ssh] = listens;
  if (ssh === undefined) throw new Error("the sample has sshd");
  const own = [{ ...ssh, port: 2222, unit: undefined }];
  const difference = compareListens(own, parseSockets(asDeclared));
  t.true(judgeListens({ name: "lb-01" }, difference, machines).passed);
});

test("only what two looks have in common counts", (t) => {
  const nothing = parseSockets("");
  const both = (first: string, second: string) => {
    const { missing, taken, undeclared } = inBoth(compare(first), compare(second));
    return [missing, taken, undeclared].map(({ length }) => length);
  };
  t.deepEqual(nothing, []);
  t.deepEqual(both("", asDeclared), [0, 0, 0]);
  t.deepEqual(both(asDeclared, ""), [0, 0, 0]);
  t.deepEqual(both(asDeclared + stranger, asDeclared), [0, 0, 0]);
  t.deepEqual(both(stranger, stranger), [4, 0, 1]);
  const other = asDeclared.replaceAll("haproxy", "apache2");
  t.deepEqual(both(other, asDeclared), [0, 0, 0]);
  t.deepEqual(both(other, other), [0, 1, 0]);
});

test("each host is asked for its own; of a stack that tells of none nothing is asked", async (t) => {
  const checks = listensChecks(endpoints);
  t.deepEqual(
    checks.map(({ name }) => name),
    ["what listens on lb-01 is declared", "what listens on web-01 is declared"],
  );
  t.deepEqual(listensChecks(parseEndpoints(sampleOutput)), []);
  const asked: string[] = [];
  const site: Site = {
    endpoints,
    request: () => Promise.reject(new Error("nothing is requested")),
    run: async ({ name }) => {
      asked.push(name);
      if (name !== "lb-01") return "";
      return asked.filter((host) => host === name).length === 1 ? "" : asDeclared;
    },
  };
  const findings = await Promise.all(checks.map(({ run }) => run(site)));
  t.deepEqual(
    findings.map(({ passed, seen }) => [passed, seen]),
    [
      [true, "4 of 4 as declared"],
      [false, "0 of 1 as declared"],
    ],
  );
});
