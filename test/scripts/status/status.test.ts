/** The picture of a stack by what its hosts answer: whole screens, and what is told where somebody does not answer. */
import test from "ava";
import * as v from "valibot";
import { look } from "../../../scripts/status/look";
import { type Reach, reachedOnly } from "../../../scripts/status/reach";
import { renderStatus } from "../../../scripts/status/render";
import { type Status, statusSchema } from "../../../scripts/status/schema";
import { drawAgain } from "../../../scripts/status/watch";
import type { Site } from "../../../scripts/verify/check";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { isGolden } from "../../components/render/golden";
import { severalOutput, shopOutput } from "../verify/sample";

const now = new Date("2026-11-30T04:40:12.345Z");

interface Answers {
  /** Why a host is not reached. */
  readonly silent?: Readonly<Record<string, string>>;
  /** What a host says of MySQL, and HAProxy on a load balancer of a server. */
  readonly member?: (host: string) => object | undefined;
  readonly server?: (seenBy: string, name: string) => string;
  /** Who has the shared address. */
  readonly holders?: readonly string[];
}

const primary = {
  ...{ isOpen: 1, sources: 0, hasQuorum: 1, isClosed: 0, isFollowing: 0 },
  ...{ socket: "/run/mysqld/mysqld.sock", lag: 0, certificateEnds: "Nov 29 20:00:00 2036 GMT" },
};
const replica = { ...primary, isOpen: 0, sources: 1, isClosed: 1, isFollowing: 1, lag: 1.25 };

/** Of a group of two, of which one is left. */
const view = { address: "172.31.64.22", state: "ONLINE", role: "PRIMARY", members: 2, reached: 1 };
const threads = {
  ...{ receiver: "ON", receiverError: "", applier: "ON", applierError: "", source: "web-01" },
  ...{ readOnly: 1, superReadOnly: 1, status: "ON", clients: "1", missing: "", executed: "" },
};

/** Well but for what `answers` say. */
function siteOf(
  output: object,
  {
    silent = {},
    member = (host) => (host === "web-01" ? primary : replica),
    server = () => "UP",
    holders = ["lb-01"],
  }: Answers,
): Site & Reach {
  const endpoints = parseEndpoints(output);
  const { virtualAddress: local } = endpoints;
  const version = "current 955dadb5d173d020\nversion 955dadb5d173d020\n";
  const released = ["2026-11-29T07:31:56Z", "955dadb5d173d020", "", "ada", "", "done", ""];
  return {
    endpoints,
    request: async () => ({ status: 200, headers: { "x-served-by": "web-01" }, body: "" }),
    reach: async ({ name }) => {
      if (silent[name] !== undefined)
        throw new Error(`${name} (root@10.0.0.1:22): ${silent[name]}`);
    },
    run: async ({ name }, script) => {
      if (script.includes("systemctl show -p")) {
        return "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n";
      }
      if (script.includes("show stat")) {
        const backends = ["web_servers", "shop_web_servers", "blog_web_servers"];
        return backends
          .flatMap((proxy) =>
            ["web-01", "web-02"].map(
              (web) => `${proxy},${web},${"0,".repeat(15)}${server(name, web)},1`,
            ),
          )
          .join("\n");
      }
      if (script.includes("WorkingDirectory")) return `${version}release ${released.join("\t")}\n`;
      if (script.includes("isFollowing")) return JSON.stringify(member(name));
      if (script.includes("MEMBER_ROLE")) {
        return JSON.stringify({ ...view, superReadOnly: 0, offline: 0 });
      }
      if (script.includes("DROP DATABASE")) return "ERROR 1290\n";
      if (script.includes("JSON_QUOTE")) return '""';
      if (script.includes("mysql")) return JSON.stringify(threads);
      if (script.includes("ip -j")) {
        return JSON.stringify(
          holders.includes(name) ? [{ ifname: "eth0", addr_info: [{ local }] }] : [],
        );
      }
      if (script.includes("trilithon-address charge")) {
        return holders.includes(name) ? "held\n" : "none\n";
      }
      if (script.includes("perl")) {
        return `HTTP/1.1 200 OK\r\nX-Served-By: ${name}\r\n\r\n{"servedBy":"${name}"}\u001e`;
      }
      return "";
    },
  };
}

const shared = {
  ...severalOutput,
  virtualAddress: "172.31.64.10",
  application: { ...severalOutput.application, isGuestBook: false },
};
/** Two load balancers, one host away, no database. */
const shop = {
  ...shopOutput,
  virtualAddress: "172.31.64.10",
  hosts: { ...shopOutput.hosts, "web-03": { ...shopOutput.hosts["web-02"], away: true } },
};

const seen = (output: object, answers: Answers): Promise<Status> =>
  look(siteOf(output, answers), now);

function isPicture(t: Parameters<typeof isGolden>[0], file: string, status: Status): void {
  t.deepEqual(v.parse(statusSchema, JSON.parse(JSON.stringify(status))), status);
  isGolden(t, `status/${file}.txt`, renderStatus(status));
}

test("a healthy stack", async (t) => {
  const status = await seen(shared, {});
  t.is(status.state, "well", JSON.stringify(status.checks.filter(({ state }) => state !== "well")));
  isPicture(t, "healthy", status);
});

test("a host that does not answer is shown as such, and the rest as it is", async (t) => {
  const status = await seen(shared, {
    silent: { "web-02": "no answer over SSH within 8 seconds" },
    server: (_, name) => (name === "web-02" ? "DOWN" : "UP"),
  });
  t.is(status.state, "fault");
  t.like(status.hosts[2], {
    ...{ name: "web-02", state: "not reached", reason: "no answer over SSH within 8 seconds" },
  });
  const own = status.checks.filter(({ host }) => host === "web-02");
  t.true(own.length > 3);
  t.true(own.every(({ state, seen }) => state === "unknown" && seen === "web-02 was not reached"));
  isPicture(t, "dead-host", status);
});

test("after a fail-over another load balancer has the address, and another member is the primary", async (t) => {
  const { "web-01": one, "web-02": two, ...hosts } = shared.hosts;
  const group = {
    ...shared,
    hosts: {
      ...hosts,
      "lb-02": { ...shared.hosts["lb-01"], address: "172.31.64.12" },
      "web-01": { ...one, roles: ["web", "database"] },
      "web-02": { ...two, roles: ["web", "database"] },
    },
    database: { ...shared.database, topology: "group" },
  };
  const status = await seen(group, {
    silent: { "lb-01": "no answer over SSH: connect ECONNREFUSED", "web-01": "no answer over SSH" },
    holders: ["lb-02"],
    member: () => primary,
    server: (_, name) => (name === "web-01" ? "DOWN" : "UP"),
  });
  t.deepEqual(status.shared, { address: "172.31.64.10", holders: ["lb-02"] });
  t.is(status.database?.primary, "web-02");
  isPicture(t, "fail-over", status);
});

test("drained, away, and told by no load balancer", async (t) => {
  const status = await seen(shop, {
    silent: { "lb-02": "no answer over SSH" },
    server: (_, name) => (name === "web-01" ? "NOLB 1/2" : "UP"),
  });
  const [first, second] = status.loadBalancers;
  t.deepEqual(
    first?.servers.map(({ host, state }) => `${host} ${state}`),
    ["web-01 drained", "web-02 up", "web-03 away"],
  );
  t.is(second?.reason, "lb-02 was not reached");
  t.is(status.database, null);
  t.regex(renderStatus(status), /✘ fault +lb-01 +shop +web-01 drained, web-02 up, web-03 away\n/);
  t.regex(renderStatus(status), /- away +web-03 +web +nothing is asked of it\n/);
});

test("two members that take writes are a fault, and so are two holders", async (t) => {
  const status = await seen(shared, { member: () => primary, holders: [] });
  t.is(status.database?.primary, null);
  t.regex(renderStatus(status), /✘ fault +web-01 +takes writes, as another one does\n/);
  t.regex(renderStatus(status), /✘ fault +172\.31\.64\.10 +no host that was reached has it\n/);
  t.is(status.state, "fault");
});

test("what no check looks at is a fault as well: nobody takes writes, nobody is in charge", async (t) => {
  const closed = await seen(shared, { member: () => replica });
  t.deepEqual(
    closed.checks.filter(({ state }) => state !== "well"),
    [],
  );
  t.is(closed.state, "fault");
  t.regex(renderStatus(closed), /✘ fault +- +no member that answers is the primary\n/);
  const ended = { ...primary, certificateEnds: "Nov 29 20:00:00 2026 GMT" };
  const old = await seen(shared, { member: (host) => (host === "web-01" ? ended : replica) });
  t.is(old.state, "fault");
  t.regex(renderStatus(old), /✘ fault +web-01 +mysql +ends on 2026-11-29, in -1 days\n/);
  const led = { ...shopOutput, onMove: true };
  t.is((await seen(led, { holders: ["lb-02"] })).state, "well");
  const nobody = await seen(led, { holders: [] });
  t.deepEqual(nobody.shared, { address: null, holders: [] });
  t.is(nobody.state, "fault");
});

test("where no host is reached, nothing can be told", async (t) => {
  const silent = { "lb-01": "no", "lb-02": "no", "web-01": "no", "web-02": "no" };
  const status = await seen(shop, { silent });
  t.is(status.state, "unknown");
  t.regex(renderStatus(status), /\n\? unknown: no host was reached\n/);
});

test("a question that is under way is asked once, a later one anew; who is not reached is not asked", async (t) => {
  const ran: string[] = [];
  const site = siteOf(shop, { silent: { "lb-02": "no" } });
  const reached = reachedOnly({
    ...site,
    run: async ({ name }, script) => {
      ran.push(`${name} ${script}`);
      return "said";
    },
  });
  const [one, two] = site.endpoints.hosts;
  if (one === undefined || two === undefined) throw new Error("no hosts");
  const ask = () => reached.run(one, "ask", 1);
  t.deepEqual(await Promise.all([ask(), ask()]), ["said", "said"]);
  t.is(await ask(), "said");
  await t.throwsAsync(reached.run(two, "ask", 1), { message: "lb-02 was not reached" });
  t.deepEqual(ran, ["lb-01 ask", "lb-01 ask"]);
});

test("a screen is drawn over the one before, and shows what fits", (t) => {
  t.is(
    drawAgain("one\ntwo\nthree and more\nfour\n", { rows: 4, columns: 9 }),
    "\u001b[Hone\u001b[K\ntwo\u001b[K\n... 2 mor\u001b[K\n\u001b[J",
  );
  t.is(drawAgain("one\n", { rows: 4, columns: 9 }), "\u001b[Hone\u001b[K\n\u001b[J");
});

test("what a terminal would obey is shown as an escape", async (t) => {
  const status = await seen(shop, { silent: { "lb-02": "\u001b[2Jgone" } });
  t.true(renderStatus(status).includes("\\x1b[2Jgone"));
});
