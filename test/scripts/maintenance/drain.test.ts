/** Which hosts must not be taken away, judged by what they answer. The rest is seen on real hosts, in test/trouble/maintenance. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  giveRoleBack,
  meaningOfAbsence,
  renderHandOver,
} from "../../../scripts/maintenance/database";
import { findHost, obstaclesOf } from "../../../scripts/maintenance/drain";
import { drainLoadBalancer } from "../../../scripts/maintenance/load-balancer";
import type { Site } from "../../../scripts/verify/check";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { sampleOutput, severalOutput, shopOutput } from "../verify/sample";

interface Answers {
  /** What HAProxy says of web-01 and web-02. */
  readonly servers?: readonly [string, string];
  /** What it says of further applications: backend, server, state. */
  readonly further?: readonly (readonly [string, string, string])[];
  /** Of MySQL on the host that is asked. */
  readonly member?: object;
  /** Of a load balancer: an HTTP status. */
  readonly status?: number;
  /** Of its keepalived. */
  readonly keepalived?: string;
}

function siteOf(
  output: object,
  { servers = ["UP", "UP"], further = [], member, status = 200, keepalived = "active" }: Answers,
): Site {
  const row = (name: string, state: string, proxy = "web_servers") =>
    `${proxy},${name},${"0,".repeat(15)}${state},1`;
  return {
    endpoints: parseEndpoints(output),
    request: () => Promise.reject(new Error("not asked")),
    run: async (_host, script) => {
      if (script.includes("show stat")) {
        const rows = servers.map((state, index) => row(`web-0${index + 1}`, state));
        return [...rows, ...further.map(([proxy, name, state]) => row(name, state, proxy))].join(
          "\n",
        );
      }
      if (script.includes("mysql")) return JSON.stringify(member);
      if (script.includes("keepalived")) return `${keepalived}\n`;
      if (script.includes("perl")) return `HTTP/1.1 ${status} x\r\n\r\n\u001e`;
      return "";
    },
  };
}

const obstacles = (site: Site, name: string) => obstaclesOf(site, findHost(site, name));

test("the only load balancer stays, and one that visitors reach by its own address", async (t) => {
  t.deepEqual(await obstacles(siteOf(sampleOutput, {}), "lb-01"), [
    "lb-01: it is the only load balancer",
  ]);
  t.deepEqual(await obstacles(siteOf(shopOutput, {}), "lb-01"), [
    "lb-01: visitors reach this load balancer by its own address: lead them to the others first (DNS)",
  ]);
});

test("of load balancers that share an address another one has to serve", async (t) => {
  const shared = { ...shopOutput, virtualAddress: "172.31.64.10" };
  t.deepEqual(await obstacles(siteOf(shared, {}), "lb-01"), []);
  t.deepEqual(await obstacles(siteOf(shared, { status: 503 }), "lb-01"), [
    "lb-01: no other load balancer serves: lb-02 answers with status 503",
  ]);
  t.deepEqual(await obstacles(siteOf(shared, { keepalived: "failed" }), "lb-01"), [
    "lb-01: no other load balancer serves: lb-02's keepalived is failed",
  ]);
});

test("where nobody takes the address, a load balancer keeps it", async (t) => {
  const output = { ...shopOutput, virtualAddress: "172.31.64.10" };
  const ran: string[] = [];
  const site: Site = {
    ...siteOf(output, {}),
    run: async (_host, script) => {
      if (script.includes("leave-address")) ran.push(script);
      return "[]";
    },
  };
  const draining = drainLoadBalancer(site, findHost(site, "lb-01"), {
    ...{ finishSeconds: 1, say: () => undefined, moveSeconds: 0 },
  });
  await t.throwsAsync(draining, {
    message: /not within 0 s; last seen: nobody has it; lb-01 takes it again$/,
  });
  t.is(ran.length, 2);
  t.regex(ran.at(-1) ?? "", /^rm -f -- /);
});

/** Drains lb-01, where a command leads visitors; answers how that ended, and what is said of the file. */
async function drainInCharge(charge: Readonly<Record<string, string>>) {
  const ran: string[] = [];
  const site: Site = {
    ...siteOf({ ...shopOutput, onMove: true }, {}),
    run: async ({ name }, script) => {
      if (script.includes("leave-address")) ran.push(`${name} ${script.split(" ")[0]}`);
      return script.includes("trilithon-address charge") ? `${charge[name]}\n` : "";
    },
  };
  const ended = await drainLoadBalancer(site, findHost(site, "lb-01"), {
    ...{ finishSeconds: 1, say: () => undefined, moveSeconds: 0 },
  }).then(
    () => "drained",
    (error: Error) => error.message.replace(/^.* last seen: /, ""),
  );
  return { ended, ran };
}

test("where a command leads visitors, a load balancer leaves being in charge to another one", async (t) => {
  const site = siteOf({ ...shopOutput, onMove: true }, {});
  t.deepEqual(await obstacles(site, "lb-01"), []);
  t.deepEqual(findHost(site, "lb-01").helpers, ["keepalived.service"]);
  t.deepEqual(await drainInCharge({ "lb-01": "none", "lb-02": "held" }), {
    ended: "drained",
    ran: ["lb-01 mkdir"],
  });
  const failures = [
    [{ "lb-01": "held", "lb-02": "none" }, "lb-01 is"],
    [{ "lb-01": "none", "lb-02": "none" }, "nobody is"],
    [{ "lb-01": "none", "lb-02": "moving" }, "the command onMove runs on lb-02"],
    [
      { "lb-01": "none", "lb-02": "failed" },
      "the command onMove failed on lb-02 (journalctl -t trilithon-on-move)",
    ],
  ] as const;
  for (const [charge, seen] of failures) {
    t.deepEqual(await drainInCharge(charge), {
      ended: `${seen}; lb-01 is drained no longer`,
      ran: ["lb-01 mkdir", "lb-01 rm"],
    });
  }
});

test("the last web server stays, as every load balancer sees it", async (t) => {
  t.deepEqual(await obstacles(siteOf(shopOutput, {}), "web-01"), []);
  t.deepEqual(await obstacles(siteOf(shopOutput, { servers: ["UP", "NOLB"] }), "web-01"), [
    "web-01: no other web server would be left: lb-01 sees web-02 is NOLB",
  ]);
  // One that is down itself may go.
  t.deepEqual(await obstacles(siteOf(shopOutput, { servers: ["DOWN", "UP 1/2"] }), "web-01"), []);
});

test("the last web server of any application stays, and is no matter to the others", async (t) => {
  const { blog } = severalOutput.applications;
  const output = { ...shopOutput, applications: { blog } };
  const further = [["blog_web_servers", "web-02", "UP"]] as const;
  const site = siteOf(output, { further });
  t.deepEqual(await obstacles(site, "web-01"), []);
  t.deepEqual(await obstacles(site, "web-02"), [
    "web-02: no other web server would be left for blog: lb-01 sees none",
  ]);
});

test("the primary of a pair stays, with the way to make another one the primary", async (t) => {
  const member = (isOpen: number) => ({ member: { isOpen, group: null } });
  t.deepEqual(await obstacles(siteOf(sampleOutput, member(0)), "web-02"), []);
  const [told = "", ...others] = await obstacles(siteOf(sampleOutput, member(1)), "web-01");
  t.deepEqual(others, []);
  t.regex(told, /^web-01: it is MySQL's primary: make web-02 the primary first/);
  t.regex(told, /database\.primary: web-02 in Pulumi\.dev\.yaml.*up --stack dev$/);
  const { endpoints } = siteOf(sampleOutput, {});
  t.regex(meaningOfAbsence(endpoints, findHost(siteOf(sampleOutput, {}), "web-02")) ?? "", /wait/);
});

test("without a member its group needs a majority", async (t) => {
  const roles = ["database"];
  const hosts = Object.fromEntries(
    ["node-01", "node-02", "node-03"].map((name, index) => {
      const address = `172.31.64.3${index + 1}`;
      return [name, { ...sampleOutput.hosts["lb-01"], address, roles }];
    }),
  );
  const database = { ...sampleOutput.database, topology: "group" };
  const output = { ...sampleOutput, hosts: { ...sampleOutput.hosts, ...hosts }, database };
  const group = (...states: readonly string[]) => ({
    member: {
      isOpen: 1,
      group: states.map((state, index) => ({
        ...{ id: `0000000${index}`, address: `172.31.64.3${index + 1}`, state },
        role: index === 0 ? "PRIMARY" : "SECONDARY",
      })),
    },
  });
  const all = siteOf(output, group("ONLINE", "ONLINE", "ONLINE"));
  t.deepEqual(await obstacles(all, "node-01"), []);
  const two = siteOf(output, group("ONLINE", "ONLINE", "UNREACHABLE"));
  t.deepEqual(await obstacles(two, "node-01"), [
    "node-01: without it the group has no majority (node-01 ONLINE, node-02 ONLINE, node-03 UNREACHABLE): bring the others back first",
  ]);
  t.deepEqual(await obstacles(two, "node-03"), []);
});

/** A group with these members as the primary and the others, of which node-01 is to be the primary; answers who was told what. */
async function givenBack(
  primary: string,
  states: readonly string[],
  maintained: readonly string[],
) {
  const names = ["node-01", "node-02", "node-03"];
  const addressOf = (name: string) => `172.31.64.3${name.slice(-1)}`;
  const hosts = Object.fromEntries(
    names.map((name) => [
      name,
      { ...sampleOutput.hosts["lb-01"], address: addressOf(name), roles: ["database"] },
    ]),
  );
  const told: string[] = [];
  const rows = (now: string) =>
    names.map((name, index) => ({
      ...{ id: `0000000${index}`, address: addressOf(name), state: states[index] },
      role: name === now ? "PRIMARY" : "SECONDARY",
    }));
  const output = {
    ...{ ...sampleOutput, hosts },
    database: { name: "shop", primary: "node-01", topology: "group", isPrimaryWanted: true },
  };
  let now = primary;
  const site: Site = {
    ...siteOf(output, {}),
    run: async ({ name }, script) => {
      const [, id = ""] = /set_as_primary\('\\''(\w+)'/.exec(script) ?? [];
      if (id === "") return JSON.stringify({ isOpen: 1, group: rows(now) });
      told.push(`${name}: ${id}`);
      now = names[Number(id.slice(-1))] ?? "";
      return "";
    },
  };
  await giveRoleBack(site, maintained, () => undefined);
  return told;
}

test("the member that the settings want as the primary is that again after it was maintained", async (t) => {
  const all = ["ONLINE", "ONLINE", "ONLINE"];
  t.deepEqual(await givenBack("node-02", all, ["node-01", "node-02"]), ["node-02: 00000000"]);
  // It is; it was not touched; it cannot be.
  t.deepEqual(await givenBack("node-01", all, ["node-01"]), []);
  t.deepEqual(await givenBack("node-02", all, ["node-03"]), []);
  t.deepEqual(await givenBack("node-02", ["RECOVERING", "ONLINE", "ONLINE"], ["node-01"]), []);
});

const folder = mkdtempSync(join(tmpdir(), "trilithon-drain-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** With a `mysql` that asks for the role as the script `asking` says. A second of waiting is the script `second`, once it asks. */
function handOver(asking: string, second: string) {
  writeFileSync(
    join(folder, "mysql"),
    `#!/bin/sh
case "$*" in
  *'KILL QUERY 7') kill "$(cat ${folder}/asking)" ;;
  *'SELECT ID '*) echo 7 ;;
  *'SELECT CONCAT('*) echo 'thread 9 of shop' ;;
  *) echo $$ >${folder}/asking; ${asking} ;;
esac
`,
  );
  rmSync(join(folder, "asking"), { force: true });
  const waiting = `until [ -s ${folder}/asking ]; do /bin/sleep 0.1; done`;
  writeFileSync(join(folder, "sleep"), `#!/bin/sh\n${waiting}\n${second}\n`);
  for (const name of ["mysql", "sleep"]) chmodSync(join(folder, name), 0o755);
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  return spawnSync("sh", ["-c", renderHandOver("abc-1")], { encoding: "utf8", env });
}

test("a primary hands its role over, and tells which transaction keeps it from that", (t) => {
  t.deepEqual(
    [
      handOver("echo said", "/bin/sleep 1").status,
      handOver("echo 'ERROR 3910' >&2; exit 1", "/bin/sleep 1").stderr,
    ],
    [0, "ERROR 3910\n"],
  );
  // Nobody is cut off, and no query is refused meanwhile: MySQL is told no time.
  t.regex(renderHandOver("abc-1"), /group_replication_set_as_primary\('\\''abc-1'\\''\)'/);
  const { status, stderr } = handOver("exec /bin/sleep 60", ":");
  t.is(status, 1);
  t.regex(stderr, /as a transaction runs on \(thread 9 of shop\); nothing was changed\n$/);
});

test("a host that is not there is told apart from one that is away", (t) => {
  const hosts = {
    ...sampleOutput.hosts,
    "web-02": { ...sampleOutput.hosts["web-02"], away: true },
  };
  const site = siteOf({ ...sampleOutput, hosts }, {});
  t.throws(() => findHost(site, "web-02"), { message: "web-02: it is away, as the settings say" });
  t.throws(() => findHost(site, "web-03"), {
    message: "web-03: no host of this stack: expected one of lb-01, web-01",
  });
});
