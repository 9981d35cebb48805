/** The results as tables on a terminal. */
import {
  type Figure,
  type GrowthResult,
  type Operation,
  operations,
  type PeersResult,
  type Rates,
  type Results,
  type TrafficResult,
} from "../results";
import type { Line } from "../statistics";

export const operationTitles: Readonly<Record<Operation, string>> = {
  provision: "fresh provision",
  preview: "preview, nothing to do",
  change: "one line of haproxy.cfg",
  noop: "no-op",
};

export function renderTables({ peers, hosts, resources, traffic }: Results): string {
  return [
    peers && renderPeers(peers),
    peers && renderBreakdown(peers),
    hosts && `Growth with hosts, a resource on each\n${renderGrowth(hosts)}`,
    resources && `Growth with resources, on 3 hosts\n${renderGrowth(resources)}`,
    traffic && renderTraffic(traffic),
  ]
    .filter((part) => part !== undefined)
    .join("\n\n");
}

function renderTraffic({ connections, file, page }: TrafficResult): string {
  const row = (title: string, { through, direct }: Rates) => [
    title,
    through.toFixed(0),
    direct.toFixed(0),
    (through / direct).toFixed(2),
  ];
  return renderRows([
    [`requests per second, ${connections} connections`, "load balancer", "Nginx directly", "ratio"],
    row("static file", file),
    row("page", page),
  ]);
}

/** Seconds, and in brackets how many times as long as this project takes. */
export function renderPeers({ tools }: PeersResult): string {
  const [ours] = tools;
  const rows = operations.map((operation) => [
    operationTitles[operation],
    ...tools.map(({ figures }) => {
      const figure = figures[operation];
      return figure === "failed"
        ? "failed"
        : `${seconds(figure)}${ratio(figure, ours?.figures[operation])}`;
    }),
  ]);
  return renderRows([["", ...tools.map(({ name, version }) => `${name} (${version})`)], ...rows]);
}

function renderBreakdown({ breakdown, cpuByPart }: PeersResult): string {
  const total = breakdown.reduce((sum, stretch) => sum + stretch.seconds, 0);
  const rows = breakdown.map(({ name, seconds: length }) => [
    name,
    `${length.toFixed(2)} s`,
    `${Math.round((100 * length) / total)} %`,
  ]);
  const cpu = Object.entries(cpuByPart).map(([part, used]) => `${part} ${used.toFixed(2)} s`);
  return `Where the time of a no-op goes\n${renderRows(rows)}\nCPU: ${cpu.join(", ")}`;
}

function renderGrowth({ points, fits }: GrowthResult): string {
  const rows = points.map((point) => [
    ...[String(point.hosts), String(point.resources), `${point.roundTripMilliseconds} ms`],
    ...[`${point.wallSeconds.toFixed(2)} s`, `${point.floorWallSeconds.toFixed(2)} s`],
    ...[`${point.cpuSeconds.toFixed(2)} s`, `${point.floorCpuSeconds.toFixed(2)} s`],
    ...[`${Math.round(point.pluginMegabytes)} MB`],
    ...[String(point.connections), String(point.roundTrips)],
  ]);
  const head = [
    ...["hosts", "resources", "round trip", "wall", "floor", "CPU", "floor", "plugin"],
    ...["connections", "round trips"],
  ];
  const lines = fits.map(
    (fit) =>
      `at ${fit.roundTripMilliseconds} ms: wall ${fitted(fit.totalWall)}, CPU ${fitted(fit.totalCpu)}, ` +
      `own wall ${slope(fit.ownWall)}, own CPU ${slope(fit.ownCpu)}`,
  );
  return [renderRows([head, ...rows]), "For each more:", ...lines].join("\n");
}

function fitted(line: Line): string {
  const off = `no point further off than ${Math.round(line.worst * 100)} %`;
  return `${slope(line)} (R² ${line.rSquared.toFixed(3)}, ${off})`;
}

function slope({ slope: perOne }: Line): string {
  return `${(perOne * 1000).toFixed(1)} ms`;
}

function seconds({ wallSeconds }: Figure): string {
  return `${wallSeconds.toFixed(2)} s`;
}

function ratio(figure: Figure, ours: Figure | "failed" | undefined): string {
  if (ours === undefined || ours === "failed" || ours === figure) return "";
  return ` (${(figure.wallSeconds / ours.wallSeconds).toFixed(1)}×)`;
}

function renderRows(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
