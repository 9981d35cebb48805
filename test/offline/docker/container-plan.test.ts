import test from "ava";
import type { Container } from "../../../offline/docker/container-args";
import { differencesOf, planContainer } from "../../../offline/docker/container-plan";
import type { Difference } from "../../../provider/kind";
import { unknown } from "../../../provider/protocol/values";

const basis = { name: "lb-01", image: "host:latest" };

const cases: {
  name: string;
  live: Partial<Container>;
  wanted: Partial<Container>;
  is: Difference[];
}[] = [
  { name: "nothing", live: {}, wanted: {}, is: [] },
  {
    name: "the order of lists that have none",
    live: { securityOpts: ["a", "b"], labels: [label("x"), label("y")] },
    wanted: { securityOpts: ["b", "a"], labels: [label("y"), label("x")] },
    is: [],
  },
  {
    name: "two names of a capability",
    live: { capabilities: { adds: ["CAP_NET_ADMIN"] } },
    wanted: { capabilities: { adds: ["net_admin"], drops: [] } },
    is: [],
  },
  {
    name: "a running container that need not be started",
    live: { mustRun: true },
    wanted: { mustRun: false, start: false },
    is: [],
  },
  {
    name: "a port that the engine chose",
    live: { ports: [{ internal: 80, external: 49153, ip: "0.0.0.0", protocol: "tcp" }] },
    wanted: { ports: [{ internal: 80 }] },
    is: [],
  },
  {
    name: "another port",
    live: { ports: [{ internal: 80, external: 8080, ip: "0.0.0.0", protocol: "tcp" }] },
    wanted: { ports: [{ internal: 80, external: 8081 }] },
    is: [{ path: ["ports"], kind: "update", replace: true }],
  },
  {
    name: "the hostname that the engine chose",
    live: { hostname: "0123456789ab", mustRun: true },
    wanted: {},
    is: [],
  },
  {
    name: "a setting taken away",
    live: { sysctls: { "net.core.somaxconn": "1024" } },
    wanted: {},
    is: [{ path: ["sysctls"], kind: "delete", replace: true }],
  },
  {
    name: "a command of another order",
    live: { command: ["a", "b"] },
    wanted: { command: ["b", "a"] },
    is: [{ path: ["command"], kind: "update", replace: true }],
  },
  {
    name: "what is not known yet",
    live: { hostname: "lb-01" },
    wanted: { hostname: unknown },
    is: [{ path: ["hostname"], kind: "update", replace: true }],
  },
  {
    name: "memory, which is changed in place",
    live: { memory: 512 },
    wanted: { memory: 1024 },
    is: [{ path: ["memory"], kind: "update" }],
  },
  {
    name: "memory without a limit, which is not",
    live: { memory: 512 },
    wanted: {},
    is: [{ path: ["memory"], kind: "delete", replace: true }],
  },
  {
    name: "a stopped container that may be stopped",
    live: { mustRun: false },
    wanted: { mustRun: false },
    is: [],
  },
];

for (const { name, live, wanted, is } of cases) {
  test(`compares ${name}`, (t) => {
    const [old, now] = [
      { ...basis, ...live },
      { ...basis, ...wanted },
    ];
    t.deepEqual(differencesOf(old, now), is);
    t.is(planContainer(old, now).length === 0, is.length === 0);
  });
}

function label(name: string) {
  return { label: name, value: name };
}
