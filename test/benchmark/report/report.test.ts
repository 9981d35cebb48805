import test from "ava";
import { renderChart } from "../../../benchmark/report/chart";
import { renderGrowthChart } from "../../../benchmark/report/growth-chart";
import { renderPeers, renderTables } from "../../../benchmark/report/table";
import type { Figure, GrowthResult, PeersResult } from "../../../benchmark/results";

const figure = (wallSeconds: number): Figure => ({
  wallSeconds,
  cpuSeconds: 1,
  rangeSeconds: [wallSeconds, wallSeconds],
  runs: 5,
});
const all = (wallSeconds: number) => ({
  provision: figure(10 * wallSeconds),
  preview: figure(wallSeconds),
  change: figure(wallSeconds),
  noop: figure(wallSeconds),
});
const peers: PeersResult = {
  tools: [
    { name: "trilithon", version: "1", figures: all(2) },
    { name: "A&B", version: "2", figures: { ...all(5), preview: "failed" } },
  ],
  breakdown: [
    { name: "engine", seconds: 1 },
    { name: "hosts", seconds: 3 },
  ],
  cpuByPart: { engine: 1, plugin: 0.5 },
};
const line = { slope: 0.002, intercept: 1, rSquared: 0.999, worst: 0.04 };
const growth: GrowthResult = {
  points: [3, 10].map((hosts) => ({
    ...{ hosts, resources: hosts, roundTripMilliseconds: 20, wallSeconds: hosts, cpuSeconds: 2 },
    ...{ floorWallSeconds: 1, floorCpuSeconds: 1, pluginMegabytes: 99.6 },
    ...{ connections: hosts, roundTrips: hosts },
  })),
  fits: [
    { roundTripMilliseconds: 20, totalWall: line, totalCpu: line, ownWall: line, ownCpu: line },
  ],
};

test("each tool's time stands beside how many times ours it is", (t) => {
  t.is(
    renderPeers(peers),
    [
      "                         trilithon (1)         A&B (2)",
      "fresh provision                20.00 s  50.00 s (2.5×)",
      "preview, nothing to do          2.00 s          failed",
      "one line of haproxy.cfg         2.00 s   5.00 s (2.5×)",
      "no-op                           2.00 s   5.00 s (2.5×)",
    ].join("\n"),
  );
});

test("only what was measured is printed", (t) => {
  const machine = { processors: 2, processor: "x", memoryGigabytes: 4, node: "20" };
  t.is(renderTables({ machine }), "");
  const tables = renderTables({ machine, peers, resources: growth });
  t.true(tables.includes("hosts   3.00 s  75 %"));
  t.true(tables.includes("at 20 ms: wall 2.0 ms (R² 0.999, no point further off than 4 %)"));
  t.false(tables.includes("Growth with hosts"));
});

test("how long a release takes stands beside what rsync takes", (t) => {
  const sent = (seconds: number, megabytes: number) => ({ seconds, megabytes });
  const ways = [
    { name: "trilithon", first: sent(12, 550), changed: sent(6, 1.25), resumed: sent(6, 280) },
    { name: "rsync", first: sent(10, 1000), changed: sent(6, 2), resumed: sent(5, 500) },
  ];
  const machine = { processors: 2, processor: "x", memoryGigabytes: 8, node: "20" };
  const size = { files: 50_000, bytes: 1e9, changed: 50 };
  const costs = { readSeconds: 0.31, nameSeconds: 1.62, megabytesOfMemory: 215.4 };
  t.deepEqual(renderTables({ machine, release: { ...size, ...costs, ways } }).split("\n"), [
    "a release of 50000 files, 1000 MB              trilithon                     rsync",
    "to a host that has none                 12.0 s, 550.0 MB  10.0 s (1.20), 1000.0 MB",
    "with 50 other files                        6.0 s, 1.3 MB      6.0 s (1.00), 2.0 MB",
    "the rest, where it was killed half-way   6.0 s, 280.0 MB    5.0 s (1.20), 500.0 MB",
    "named in 1.6 s, compared at a preview in 0.3 s, sent with 215 MB of memory",
  ]);
});

test("the drawings are well-formed, and leave out what failed", (t) => {
  const chart = renderChart(peers);
  t.true(chart.includes("A&amp;B failed"));
  t.true(chart.includes("trilithon 1.0×"));
  for (const svg of [chart, renderGrowthChart(growth, { title: "Growth", over: "hosts" })]) {
    t.regex(svg, /^<svg xmlns=/);
    t.false(/NaN|undefined|Infinity/.test(svg));
    t.true(svg.includes("prefers-color-scheme: dark"));
  }
});

test("what a copy costs visitors stands beside what it costs others to make one", (t) => {
  const latency = (p50Milliseconds: number, p99Milliseconds: number) => ({
    ...{ p50Milliseconds, p99Milliseconds },
  });
  const ways = [
    { name: "trilithon", copySeconds: 20, megabytes: 700, restoreSeconds: 10 },
    { name: "mydumper", copySeconds: 12, megabytes: 650.4, restoreSeconds: 62.55 },
  ];
  const machine = { processors: 2, processor: "x", memoryGigabytes: 4, node: "20" };
  const backup = { megabytes: 1400, requestsPerSecond: 40, ways };
  const [quiet, copying] = [latency(5, 10), latency(6, 11.5)];
  t.deepEqual(renderTables({ machine, backup: { ...backup, quiet, copying } }).split("\n"), [
    "answers, 40 requests per second  no copy  a full copy  ratio",
    "half within                       5.0 ms       6.0 ms   1.20",
    "99 % within                      10.0 ms      11.5 ms   1.15",
    "",
    "1400 MB of data  copied in  stored  restored in",
    "trilithon           20.0 s  700 MB       10.0 s",
    "mydumper            12.0 s  650 MB       62.5 s",
  ]);
});
