/** Maintenance as verify sees it, how it is set, and the pass by which verify sees the site all the same. */
import test from "ava";
import { setMaintenance } from "../../../scripts/maintenance/closing";
import type { Site } from "../../../scripts/verify/check";
import { edgeChecks, judgeMaintenance } from "../../../scripts/verify/checks/edge";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { makePass } from "../../../scripts/verify/pass";
import { sampleOutput, shopOutput } from "./sample";

const command = "/etc/haproxy/trilithon-edge";
const endpoints = parseEndpoints({ ...shopOutput, edgeCommand: command });

test("each load balancer is asked whether the site is open, where it can be closed", async (t) => {
  t.deepEqual(edgeChecks(parseEndpoints(sampleOutput)), []);
  const checks = edgeChecks(endpoints);
  t.deepEqual(
    checks.map(({ name, remedy }) => [name, remedy]),
    ["lb-01", "lb-02"].map((name) => [
      `the site is open at ${name}`,
      "npm run maintenance -- off --stack prod",
    ]),
  );
  t.deepEqual(judgeMaintenance("off\n"), { passed: true, seen: "open" });
  t.deepEqual(judgeMaintenance("on since 2026-11-30T03:00:00Z by ada@laptop\n"), {
    passed: false,
    seen: "the page of maintenance is on since 2026-11-30T03:00:00Z by ada@laptop",
  });
});

test("a pass is asked for once, of each load balancer, and given back", async (t) => {
  const asked: string[] = [];
  const run: Site["run"] = async (host, script) => {
    asked.push(`${host.name}: ${script.trim()}`);
    if (host.name === "lb-02") throw new Error("down");
    return "";
  };
  const pass = makePass(endpoints, run);
  const [first, second] = await Promise.all([pass.headers(), pass.headers()]);
  const { "X-Trilithon-Pass": token = "" } = first;
  t.regex(token, /^\d{10}-[0-9a-f]{48}$/);
  t.deepEqual(second, first);
  t.is(asked.length, 2);
  t.true(
    asked.every((one) => one.includes(token) && one.endsWith(`| ${command} pass`)),
    asked[0],
  );
  await pass.end();
  t.is(asked.length, 4);
  t.true(asked[3]?.endsWith(" unpass"), asked[3]);
});

test("where it was not wanted, or is not known, nobody is asked for one", async (t) => {
  const run = () => Promise.reject(new Error("asked"));
  await makePass(endpoints, run).end();
  const older = makePass(parseEndpoints(sampleOutput), run);
  t.deepEqual(await older.headers(), {});
  await older.end();
});

function siteOf(answers: Readonly<Record<string, readonly string[]>>): Site {
  const left = new Map(Object.entries(answers).map(([name, all]) => [name, [...all]]));
  return {
    endpoints,
    request: () => Promise.reject(new Error("not asked")),
    run: async ({ name }) => {
      const all = left.get(name) ?? [];
      const [first = ""] = all.length > 1 ? all.splice(0, 1) : all;
      return first;
    },
  };
}

async function set(state: "on" | "off", answers: Readonly<Record<string, readonly string[]>>) {
  const [said, told]: [string[], string[]] = [[], []];
  const isDone = await setMaintenance(siteOf(answers), {
    ...{ state, who: "ada@laptop" },
    say: (line) => void said.push(line),
    tell: (line) => void told.push(line),
  });
  return { isDone, said, told };
}

test("it is so once every load balancer says so, also where a reload came between", async (t) => {
  const on = "on since 2026-11-30T03:00:00Z by ada@laptop";
  t.deepEqual(await set("on", { "lb-01": [on], "lb-02": [`${on}, but HAProxy serves`, on] }), {
    ...{ isDone: true, told: [] },
    said: [`lb-01: ${on}`, `lb-02: ${on}`],
  });
  t.like(await set("off", { "lb-01": ["off"], "lb-02": ["off"] }), {
    ...{ isDone: true, said: ["lb-01: off", "lb-02: off"] },
  });
});

test("a stack of before has no page of maintenance, and says how it comes", async (t) => {
  const site = { ...siteOf({}), endpoints: parseEndpoints(sampleOutput) };
  const options = { state: "on", who: "ada", say: () => {}, tell: () => {} } as const;
  await t.throwsAsync(setMaintenance(site, options), {
    message: "stack dev: no page of maintenance yet: npm start -- --stack dev brings it",
  });
});
