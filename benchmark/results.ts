/** What a run of the benchmark finds: written as JSON, and what table and chart are made of. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { Stretch } from "./breakdown";
import type { Line } from "./statistics";

export const operations = ["provision", "preview", "change", "noop"] as const;
export type Operation = (typeof operations)[number];

/** Medians, in seconds. */
export interface Figure {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** Of the wall time: the shortest and the longest run. */
  readonly rangeSeconds: readonly [number, number];
  readonly runs: number;
}

export interface ToolResult {
  readonly name: string;
  readonly version: string;
  /** `failed`: the tool could not do it. */
  readonly figures: Readonly<Record<Operation, Figure | "failed">>;
}

export interface PeersResult {
  readonly tools: readonly ToolResult[];
  /** This project's no-op, in the order of time. */
  readonly breakdown: readonly Stretch[];
  readonly cpuByPart: Readonly<Record<string, number>>;
}

export interface GrowthPoint {
  readonly hosts: number;
  readonly resources: number;
  readonly roundTripMilliseconds: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** Of the same program with a plugin that answers at once. */
  readonly floorWallSeconds: number;
  readonly floorCpuSeconds: number;
  readonly pluginMegabytes: number;
  readonly connections: number;
  readonly roundTrips: number;
}

export interface GrowthResult {
  readonly points: readonly GrowthPoint[];
  /** Total CPU, own CPU and own wall time over hosts or over resources, by round trip. */
  readonly fits: readonly GrowthFit[];
}

export interface GrowthFit {
  readonly roundTripMilliseconds: number;
  readonly totalWall: Line;
  readonly totalCpu: Line;
  readonly ownWall: Line;
  readonly ownCpu: Line;
}

/** Requests per second, medians: through the load balancer, and of one Nginx asked directly. */
export interface Rates {
  /** Visitors come without TLS, the web servers are asked over it. */
  readonly through: number;
  /** They are asked without. Not there in what was measured before they could be asked otherwise. */
  readonly throughWithoutTls?: number;
  /** Visitors come over TLS as well. Not there in what was measured before they could. */
  readonly throughWithTls?: number;
  readonly direct: number;
}

export interface TrafficResult {
  /** Kept open by the client. */
  readonly connections: number;
  /** A static file. */
  readonly file: Rates;
  /** A page of the application. */
  readonly page: Rates;
}

export interface SentFigure {
  readonly seconds: number;
  /** As the host's network interface counts them. */
  readonly megabytes: number;
}

/** One version sent to a host that has none, one of which `changed` files are others, and the rest of one that was killed half-way. */
export interface ReleaseResult {
  readonly files: number;
  readonly bytes: number;
  readonly changed: number;
  /** Medians; this project is the first. */
  readonly ways: readonly {
    readonly name: string;
    readonly first: SentFigure;
    readonly changed: SentFigure;
    readonly resumed: SentFigure;
  }[];
  /** How long the host takes to say at a preview whether the version is as it was sent. */
  readonly readSeconds: number;
  /** How long the program takes to name the version by its content. */
  readonly nameSeconds: number;
  /** Of a process that sends, at most. */
  readonly megabytesOfMemory: number;
}

/** Of the same data: what visitors notice while a full copy of all of it is made and sent, and what copies and restores take. */
export interface BackupResult {
  /** Of the data directory, without binary logs. */
  readonly megabytes: number;
  readonly requestsPerSecond: number;
  /** Medians of the rounds. */
  readonly quiet: Latency;
  readonly copying: Latency;
  /** Medians; this project is the first. */
  readonly ways: readonly {
    readonly name: string;
    readonly copySeconds: number;
    /** What is stored. */
    readonly megabytes: number;
    /** Until MySQL has the data. */
    readonly restoreSeconds: number;
  }[];
}

export interface Latency {
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
}

export interface Machine {
  readonly processors: number;
  readonly processor: string;
  readonly memoryGigabytes: number;
  readonly node: string;
}

export interface Results {
  readonly machine: Machine;
  readonly peers?: PeersResult;
  readonly hosts?: GrowthResult;
  readonly resources?: GrowthResult;
  readonly traffic?: TrafficResult;
  readonly release?: ReleaseResult;
  readonly backup?: BackupResult;
}

export const resultsFolder = join(__dirname, "results");
const latest = join(resultsFolder, "latest.json");

/** What was measured now replaces what was measured before; other parts stay. */
export async function keepResults(now: Results): Promise<Results> {
  await mkdir(resultsFolder, { recursive: true });
  const before: Results = JSON.parse(await readFile(latest, "utf8").catch(() => "{}"));
  const results = { ...before, ...now };
  await writeFile(latest, `${JSON.stringify(results, rounded, 2)}\n`);
  return results;
}

/** Without names and paths. */
export function describeMachine(): Machine {
  return {
    processors: cpus().length,
    processor: cpus()[0]?.model ?? "unknown",
    memoryGigabytes: Math.round(totalmem() / 1024 ** 3),
    node: process.versions.node,
  };
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}
