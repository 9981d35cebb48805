/** How the cost of a no-op grows, with hosts and with resources, over that of a plugin that answers at once. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { localFolder } from "../../scripts/setup/environment";
import { say } from "../../scripts/setup/say";
import { isPlugin, type Recorded } from "../recorded";
import type { GrowthFit, GrowthPoint, GrowthResult } from "../results";
import { fitLine, median } from "../statistics";
import { type GrowthHosts, startHosts } from "./hosts";
import { buildInstantPlugin, makeGrowthStack } from "./stack";

interface Size {
  readonly hosts: number;
  readonly resources: number;
  readonly roundTripMilliseconds: number;
}

const hostCounts = [3, 10, 30, 100];
const roundTrips = [0, 20, 80];
const resourceCounts = [10, 100, 1000];
const fewHosts = 3;
/** A resource on each host: what more of them cost is measured by themselves. */
const resourcesPerHost = 1;

export function measureHosts(runs: number): Promise<GrowthResult> {
  const sizes = roundTrips.flatMap((roundTripMilliseconds) =>
    hostCounts.map((hosts) => ({
      hosts,
      resources: hosts * resourcesPerHost,
      roundTripMilliseconds,
    })),
  );
  return measureSizes(sizes, runs, ({ hosts }) => hosts);
}

export function measureResources(runs: number): Promise<GrowthResult> {
  const sizes = resourceCounts.map((resources) => ({
    hosts: fewHosts,
    resources,
    roundTripMilliseconds: 0,
  }));
  return measureSizes(sizes, runs, ({ resources }) => resources);
}

async function measureSizes(
  sizes: readonly Size[],
  runs: number,
  over: (size: Size) => number,
): Promise<GrowthResult> {
  await buildInstantPlugin();
  const points: GrowthPoint[] = [];
  for (const size of sizes) points.push(await measureSize(size, runs));
  return { points, fits: fitPoints(points, over) };
}

async function measureSize(size: Size, runs: number): Promise<GrowthPoint> {
  say(
    "growth",
    `${size.hosts} hosts, ${size.resources} resources, ${size.roundTripMilliseconds} ms`,
  );
  const servers = await startHosts(size.hosts, size.roundTripMilliseconds);
  try {
    const floor = medians(await repeat("instant", size, servers, runs));
    const real = await repeat("real", size, servers, runs);
    return {
      ...size,
      ...medians(real),
      floorWallSeconds: floor.wallSeconds,
      floorCpuSeconds: floor.cpuSeconds,
      // Of the last run.
      ...servers.takeCounts(),
    };
  } finally {
    await servers.stop();
  }
}

async function repeat(
  plugin: "real" | "instant",
  { resources }: Size,
  servers: GrowthHosts,
  runs: number,
): Promise<readonly Recorded[]> {
  const folder = join(localFolder, "benchmark", `growth-${plugin}`);
  const stack = await makeGrowthStack({ folder, plugin, hosts: servers.hosts, resources });
  const recorded: Recorded[] = [];
  for (let run = 0; run < runs; run += 1) {
    servers.takeCounts();
    recorded.push(await stack.noop());
  }
  await rm(folder, { recursive: true, force: true });
  return recorded;
}

function medians(runs: readonly Recorded[]) {
  const largest = ({ processes }: Recorded) =>
    Math.max(...processes.filter(isPlugin).map(({ megabytes }) => megabytes));
  return {
    wallSeconds: median(runs.map(({ wallSeconds }) => wallSeconds)),
    cpuSeconds: median(runs.map(({ cpuSeconds }) => cpuSeconds)),
    pluginMegabytes: median(runs.map(largest)),
  };
}

export function fitPoints(
  points: readonly GrowthPoint[],
  over: (size: Size) => number,
): readonly GrowthFit[] {
  const delays = [...new Set(points.map((point) => point.roundTripMilliseconds))];
  return delays.map((roundTripMilliseconds) => {
    const these = points.filter((point) => point.roundTripMilliseconds === roundTripMilliseconds);
    const lineOf = (value: (point: GrowthPoint) => number) =>
      fitLine(these.map((point) => ({ x: over(point), y: value(point) })));
    return {
      roundTripMilliseconds,
      totalWall: lineOf(({ wallSeconds }) => wallSeconds),
      totalCpu: lineOf(({ cpuSeconds }) => cpuSeconds),
      ownWall: lineOf(({ wallSeconds, floorWallSeconds }) => wallSeconds - floorWallSeconds),
      ownCpu: lineOf(({ cpuSeconds, floorCpuSeconds }) => cpuSeconds - floorCpuSeconds),
    };
  });
}
