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
