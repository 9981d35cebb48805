/** The results as tables on a terminal. */
import {
  type BackupResult,
  type Figure,
  type GrowthResult,
  type Operation,
  operations,
  type PeersResult,
  type Rates,
  type ReleaseResult,
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

export function renderTables({
  peers,
  hosts,
  resources,
  traffic,
  release,
  backup,
}: Results): string {
  return [
    peers && renderPeers(peers),
    peers && renderBreakdown(peers),
    hosts && `Growth with hosts, a resource on each\n${renderGrowth(hosts)}`,
    resources && `Growth with resources, on 3 hosts\n${renderGrowth(resources)}`,
    traffic && renderTraffic(traffic),
    release && renderRelease(release),
    backup && renderBackup(backup),
  ]
    .filter((part) => part !== undefined)
    .join("\n\n");
}

function renderTraffic({ connections, file, page }: TrafficResult): string {
  const row = (title: string, { through, throughWithTls, throughWithoutTls, direct }: Rates) => [
    title,
    throughWithTls?.toFixed(0) ?? "",
    through.toFixed(0),
    throughWithoutTls?.toFixed(0) ?? "",
    direct.toFixed(0),
    (through / direct).toFixed(2),
  ];
  return renderRows([
    [
      ...[`requests per second, ${connections} connections`, "TLS all the way"],
      ...["TLS to Nginx", "without TLS", "Nginx directly", "ratio"],
    ],
    row("static file", file),
    row("page", page),
  ]);
}

/** In brackets, how many times as long this project took. */
function renderRelease(result: ReleaseResult): string {
  const { files, bytes, changed, ways, readSeconds, nameSeconds, megabytesOfMemory } = result;
  const [ours] = ways;
  const row = (title: string, which: "first" | "changed" | "resumed") => [
    title,
    ...ways.map((way) => {
      const { seconds: took, megabytes } = way[which];
      const times = ours === way ? "" : ` (${((ours?.[which].seconds ?? 0) / took).toFixed(2)})`;
      return `${took.toFixed(1)} s${times}, ${megabytes.toFixed(1)} MB`;
    }),
  ];
  return [
    renderRows([
      [
        `a release of ${files} files, ${Math.round(bytes / 1e6)} MB`,
        ...ways.map(({ name }) => name),
      ],
      row("to a host that has none", "first"),
      row(`with ${changed} other files`, "changed"),
      row("the rest, where it was killed half-way", "resumed"),
    ]),
    `named in ${nameSeconds.toFixed(1)} s, compared at a preview in ${readSeconds.toFixed(1)} s, sent with ${Math.round(megabytesOfMemory)} MB of memory`,
  ].join("\n");
}

function renderBackup({
  megabytes,
  requestsPerSecond,
  quiet,
  copying,
  ways,
}: BackupResult): string {
  const row = (title: string, of: "p50Milliseconds" | "p99Milliseconds") => [
    ...[title, `${quiet[of].toFixed(1)} ms`, `${copying[of].toFixed(1)} ms`],
    (copying[of] / quiet[of]).toFixed(2),
  ];
  return [
    renderRows([
      [`answers, ${requestsPerSecond} requests per second`, "no copy", "a full copy", "ratio"],
      row("half within", "p50Milliseconds"),
      row("99 % within", "p99Milliseconds"),
    ]),
    renderRows([
      [`${Math.round(megabytes)} MB of data`, "copied in", "stored", "restored in"],
      ...ways.map(({ name, copySeconds, megabytes: stored, restoreSeconds }) => [
        ...[name, `${copySeconds.toFixed(1)} s`, `${Math.round(stored)} MB`],
        `${restoreSeconds.toFixed(1)} s`,
      ]),
    ]),
  ].join("\n\n");
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
