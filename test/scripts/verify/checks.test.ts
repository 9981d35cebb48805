import test from "ava";
import { type Check, passed, runCheck, type Site } from "../../../scripts/verify/check";
import { listChecks } from "../../../scripts/verify/checks/all";
import { drainFilesOf, parseEndpoints } from "../../../scripts/verify/endpoints";
import { renderJson, renderTable } from "../../../scripts/verify/report";
import { sampleOutput, severalOutput, shopOutput } from "./sample";

const endpoints = parseEndpoints(sampleOutput);

const silent: Site = {
  endpoints,
  request: () => Promise.reject(new Error("http://127.0.0.1:8080/ refuses connections")),
  run: (host) => Promise.reject(new Error(`${host.name}: checking: exit 1\nERROR 2002: no server`)),
};

test("every part of the stack is checked", (t) => {
  const { together, alone } = listChecks(endpoints, { changes: "allowed" });
  t.deepEqual(
    [...together, ...alone].map(({ name }) => name),
    [
      "lb-01: haproxy.service is running",
      "web-01: nginx.service is running",
      "web-01: guestbook.service is running",
      "web-01: mysql.service is running",
      "web-02: nginx.service is running",
      "web-02: guestbook.service is running",
      "web-02: mysql.service is running",
      "web-01: takes part",
      "web-02: takes part",
      "web-01: nginx answers",
      "web-01: guestbook answers",
      "web-02: nginx answers",
      "web-02: guestbook answers",
      "the page comes from the application",
      "static files come from Nginx",
      "a new entry goes to the primary and appears on the replica",
      "web-02: replication is running",
      "web-02: the replica refuses writes",
      "web-01: a commit waits for web-02",
      "web-02: has the transactions of web-01, and no others",
      "lb-01: web-01 and web-02 answer in turn",
      "web-02 stops, and no visitor notices; then it comes back",
    ],
  );
});

test("each application is checked on its own hosts, by its own name", (t) => {
  const one = listChecks(endpoints, { changes: "allowed" });
  const several = listChecks(parseEndpoints(severalOutput), { changes: "allowed" });
  const names = ({ together, alone }: typeof one) =>
    [...together, ...alone].map(({ name }) => name);
  const before = names(one);
  t.deepEqual(
    names(several).filter((name) => !before.includes(name)),
    [
      "lb-01: valkey-server.service is running",
      "web-01: shop.service is running",
      "web-02: shop.service is running",
      "web-02: blog.service is running",
      "web-01: nginx answers for shop.foobar.com",
      "web-01: shop answers",
      "web-02: nginx answers for shop.foobar.com",
      "web-02: shop answers",
      "web-02: nginx answers for blog.foobar.com",
      "web-02: blog answers",
      "lb-01: web-01 and web-02 answer in turn for shop.foobar.com",
      "lb-01: web-02 answers for blog.foobar.com",
    ],
  );
  t.deepEqual(
    before.filter((name) => !names(several).includes(name)),
    [],
  );
});

test("an application with paths is asked for them through the load balancers", (t) => {
  const paths = {
    ...{ port: 3003, healthPath: "/help/healthz", unit: "help.service", paths: ["/help"] },
    ...{ domains: ["www.foobar.com"], hosts: ["web-01"] },
  };
  const applications = { ...severalOutput.applications, help: paths };
  const { together, alone } = listChecks(parseEndpoints({ ...severalOutput, applications }), {
    changes: "allowed",
  });
  t.deepEqual(
    [...together, ...alone].map(({ name }) => name).filter((name) => /help/.test(name)),
    [
      ...["web-01: help.service is running", "web-01: help answers"],
      "lb-01: web-01 answers for www.foobar.com/help",
    ],
  );
});

test("an application that listens on a socket is asked by the web server alone", (t) => {
  const { port: _, ...application } = sampleOutput.application;
  const { together } = listChecks(parseEndpoints({ ...sampleOutput, application }), {
    changes: "allowed",
  });
  t.deepEqual(
    together.map(({ name }) => name).filter((name) => /^web-01: .* answers$/.test(name)),
    ["web-01: nginx answers"],
  );
});

test("a drain of any application is seen on its hosts", (t) => {
  const seen = parseEndpoints(severalOutput);
  const filesOf = (name: string) => {
    const host = seen.hosts.find((one) => one.name === name);
    return host === undefined ? [] : drainFilesOf(seen, host);
  };
  t.deepEqual(filesOf("lb-01"), []);
  t.deepEqual(filesOf("web-01"), ["/run/guestbook.drain", "/run/shop.drain"]);
  t.deepEqual(filesOf("web-02"), ["/run/guestbook.drain", "/run/shop.drain", "/run/blog.drain"]);
});

test("members of a pair are checked as the settings have them", (t) => {
  const names = (output: unknown) =>
    listChecks(parseEndpoints(output), { changes: "allowed" }).together.map(({ name }) => name);
  const [first, second] = [sampleOutput.hosts["web-01"], sampleOutput.hosts["web-02"]];
  const roles = ["web", "database"];
  const hosts = {
    ...sampleOutput.hosts,
    "web-01": { ...first, roles },
    "web-02": { ...second, roles },
  };
  t.deepEqual(names({ ...sampleOutput, hosts }), names(sampleOutput));
});

test("of another application only what every one has is checked, and each load balancer", (t) => {
  const { together, alone } = listChecks(parseEndpoints(shopOutput), { changes: "allowed" });
  t.deepEqual(
    [...together, ...alone].map(({ name }) => name),
    [
      "lb-01: haproxy.service is running",
      "lb-02: haproxy.service is running",
      "web-01: nginx.service is running",
      "web-01: shop.service is running",
      "web-02: nginx.service is running",
      "web-02: shop.service is running",
      "web-01: takes part",
      "web-02: takes part",
      "web-01: nginx answers",
      "web-01: shop answers",
      "web-02: nginx answers",
      "web-02: shop answers",
      "the site is answered by a web server",
      "static files are served",
      "lb-01: web-01 and web-02 answer in turn",
      "lb-02: web-01 and web-02 answer in turn",
      "web-02 stops, and no visitor notices; then it comes back",
    ],
  );
});

const sharing = parseEndpoints({ ...shopOutput, virtualAddress: "172.31.64.10" });
const isOfAddress = ({ name }: { readonly name: string }) => name.startsWith("172.31.64.10: ");

test("where load balancers share an address, keepalived and the holder are checked", (t) => {
  const all = listChecks(sharing, { changes: "none" }).together.map(({ name }) => name);
  const without = listChecks(parseEndpoints(shopOutput), { changes: "none" }).together;
  t.deepEqual(
    all.filter((name) => !without.some((check) => check.name === name)),
    [
      "lb-01: keepalived.service is running",
      "lb-02: keepalived.service is running",
      "lb-01: takes part",
      "lb-02: takes part",
      "172.31.64.10: one load balancer has it, and the page is there",
    ],
  );
});

const holdings: [title: string, holders: string[], status: number, expected: object][] = [
  ["one", ["lb-02"], 302, { passed: true, seen: "lb-02 has it; web-02 asked there: status 302" }],
  ["none", [], 302, { passed: false, seen: "no host has it" }],
  ["two", ["lb-01", "lb-02"], 302, { passed: false, seen: "lb-01 and lb-02 have it" }],
  [
    "one that serves no page",
    ["lb-01"],
    503,
    { passed: false, seen: "lb-01 has it; web-02 asked there: status 503" },
  ],
];

for (const [title, holders, status, expected] of holdings) {
  test(`who has the shared address is told: ${title}`, async (t) => {
    const asked: string[] = [];
    const site: Site = {
      ...healthyShop(),
      endpoints: sharing,
      run: async ({ name }, script) => {
        const local = holders.includes(name) ? ["172.31.64.11", "172.31.64.10"] : ["172.31.64.12"];
        if (script.startsWith("ip -j")) {
          return JSON.stringify([
            { addr_info: local.map((one) => ({ local: one })) },
            { ifname: "lo", addr_info: [{}, { local: "172.31.64.10" }] },
          ]);
        }
        asked.push(`${name}${script.slice(script.lastIndexOf("\n'") + 2)}`);
        return `HTTP/1.1 ${status} x\r\n\r\n\u001e`;
      },
    };
    const [check] = listChecks(sharing, { changes: "none" }).together.filter(isOfAddress);
    t.truthy(check);
    if (check === undefined) return;
    t.like(await runCheck(check, site), expected);
    const page = "web-02 81 /up www.foobar.com https 1 172.31.64.10 2>&1 || true";
    t.deepEqual(asked, holders.length === 1 ? [page] : []);
  });
}

/** As a healthy stack answers: the application wants its own name and HTTPS, and says nothing of itself. */
function healthyShop(): Site & { readonly asked: string[] } {
  const asked: string[] = [];
  let turn = 0;
  const nextServer = () => `web-0${1 + (turn++ % 2)}`;
  return {
    endpoints: parseEndpoints(shopOutput),
    asked,
    request: async ({ url }) => {
      asked.push(url);
      const headers = { "x-served-by": nextServer() };
      return { status: url.endsWith(".html") ? 200 : 302, headers, body: "" };
    },
    run: async ({ name }, script) => {
      if (!script.includes("perl")) {
        return "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n";
      }
      asked.push(`${name}${script.slice(script.lastIndexOf("\n'") + 2)}`);
      const isBalancer = name.startsWith("lb");
      const answer = () =>
        `HTTP/1.1 ${isBalancer ? 301 : 204} x\r\nX-Served-By: ${isBalancer ? nextServer() : name}\r\n\r\n\u001e`;
      return Array.from({ length: isBalancer ? 12 : 1 }, answer).join("");
    },
  };
}

test("a healthy stack with another application passes", async (t) => {
  const site = healthyShop();
  const { together, alone } = listChecks(site.endpoints, { changes: "none" });
  const checks = [...together, ...alone];
  const verdicts = await Promise.all(checks.map((check) => runCheck(check, site)));
  t.deepEqual(
    verdicts.filter(({ passed }) => !passed),
    [],
  );
  t.deepEqual(site.asked.sort(), [
    "http://127.0.0.1:8080/",
    "http://127.0.0.1:8080/%C3%BCber%20uns.html",
    "lb-01 81 /up www.foobar.com http 12 2>&1 || true",
    "lb-02 81 /up www.foobar.com http 12 2>&1 || true",
    "web-01 3000 /up www.foobar.com https 1 2>&1 || true",
    "web-01 80 /up www.foobar.com https 1 2>&1 || true",
    "web-02 3000 /up www.foobar.com https 1 2>&1 || true",
    "web-02 80 /up www.foobar.com https 1 2>&1 || true",
  ]);
});

test("a drained host does not pass, and the remedy takes it back in", async (t) => {
  const site = { ...healthyShop(), run: async () => "/run/shop.drain\n" };
  const { together } = listChecks(site.endpoints, { changes: "none" });
  const checks = together.filter(({ name }) => name === "web-01: takes part");
  const [verdict] = await Promise.all(checks.map((check) => runCheck(check, site)));
  t.like(verdict, { passed: false, seen: "drained: /run/shop.drain is there" });
  t.is(verdict?.remedy, "npm run undrain -- web-01 --stack prod");
});

test("each remedy that names a command names the stack", (t) => {
  const endpoints = parseEndpoints({ ...sampleOutput, stack: "prod" });
  const { together, alone } = listChecks(endpoints, { changes: "allowed" });
  const remedies = [...together, ...alone].map(({ remedy }) => remedy);
  const commands = remedies.flatMap(
    (remedy) => remedy.match(/npm .*?(?= brings| sets|;|,|$)/g) ?? [],
  );
  t.true(commands.length > 5);
  t.deepEqual([...new Set(commands)].sort(), [
    "npm run undrain -- web-01 --stack prod",
    "npm run undrain -- web-02 --stack prod",
    "npm start -- --stack prod",
  ]);
});

test("outputs of an older stack have no checks of the guest book, until the next up", (t) => {
  const { domain, scheme, loadBalancers, ...older } = sampleOutput;
  const { isGuestBook, staticPath, ...application } = sampleOutput.application;
  const endpoints = parseEndpoints({ ...older, application });
  t.like(endpoints, { domain: "127.0.0.1:8080", scheme: "http", isGuestBook: false });
  const { together } = listChecks(endpoints, { changes: "allowed" });
  t.true(together.some(({ name }) => name === "the site is answered by a web server"));
});

test("what writes or stops something is left out when nothing may change", (t) => {
  const names = (changes: "allowed" | "none") => {
    const { together, alone } = listChecks(endpoints, { changes });
    return [...together, ...alone].map(({ name }) => name);
  };
  t.deepEqual(
    names("allowed").filter((name) => !names("none").includes(name)),
    [
      "a new entry goes to the primary and appears on the replica",
      "web-02 stops, and no visitor notices; then it comes back",
    ],
  );
});

test("a stack that is silent fails every check, each with what was seen", async (t) => {
  const { together, alone } = listChecks(endpoints, { changes: "allowed" });
  const verdicts = await Promise.all(
    [...together, ...alone].map((check) => runCheck(check, silent)),
  );
  t.true(verdicts.every(({ passed, seen }) => !passed && seen !== ""));
  const mysql = verdicts.find(({ name }) => name === "web-02: replication is running");
  t.is(mysql?.seen, "web-02: checking: exit 1 ERROR 2002: no server");
});

test("a check that hangs ends at its deadline", async (t) => {
  const check: Check = {
    name: "x",
    expected: "y",
    remedy: "z",
    deadlineSeconds: 0.05,
    run: () => new Promise(() => {}),
  };
  // Deadlines keep no process alive: something has to, here.
  const alive = setInterval(() => {}, 1000);
  const { passed, seen } = await runCheck(check, silent);
  clearInterval(alive);
  t.deepEqual([passed, seen], [false, "no result within 0.05 s"]);
});

test("a table for people, with the remedy of what failed; JSON for programs", (t) => {
  const common = { expected: "running", remedy: "start it", seconds: 0.1 };
  const report = {
    stack: "dev",
    url: "http://x",
    verdicts: [
      { name: "one", ...common, ...passed("active") },
      { name: "three", ...common, passed: false, seen: "dead" },
    ],
  };
  t.is(
    renderTable(report),
    `dev: http://x

✔ one    active
✘ three  dead
    expected: running
    remedy: start it

1 passed, 1 failed
`,
  );
  const json: unknown = JSON.parse(renderJson(report));
  t.like(json, { stack: "dev", passed: false, checks: [{ passed: true }, { seen: "dead" }] });
});

test("outputs of another form are named, field by field", (t) => {
  const error = t.throws(() => parseEndpoints({ ...sampleOutput, url: 5, ports: { web: 80 } }));
  const [first = "", ...rest] = error.message.split("\n");
  t.regex(first, /^endpoints\.url: /);
  t.regex(rest.join("\n"), /^endpoints\.ports\.loadBalancer: [^\n]*$/);
});
