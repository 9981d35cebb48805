/** The growth as a drawing: the wall time of a no-op over hosts or resources, a line for each distance. */
import type { GrowthPoint, GrowthResult } from "../results";

const width = 720;
const height = 320;
const plot = { left: 60, right: 560, top: 48, bottom: 270 };

export interface GrowthChart {
  readonly title: string;
  readonly over: "hosts" | "resources";
}

/** Both axes start at 0: what is linear looks it. */
export function renderGrowthChart({ points }: GrowthResult, { title, over }: GrowthChart): string {
  const most = Math.max(...points.map((point) => point[over]));
  const longest = Math.max(...points.map(({ wallSeconds }) => wallSeconds));
  const place = (x: number, y: number) =>
    [
      plot.left + (x / most) * (plot.right - plot.left),
      plot.bottom - (y / longest) * (plot.bottom - plot.top),
    ]
      .map((value) => value.toFixed(1))
      .join(",");
  const delays = [...new Set(points.map((point) => point.roundTripMilliseconds))];
  const [first = 0] = delays;
  const lineOf = (these: readonly GrowthPoint[], value: (point: GrowthPoint) => number) =>
    these.map((point) => place(point[over], value(point))).join(" ");
  const having = (delay: number) => points.filter((point) => point.roundTripMilliseconds === delay);
  const lines = [
    {
      name: "a plugin that answers at once",
      drawn: lineOf(having(first), ({ floorWallSeconds }) => floorWallSeconds),
    },
    ...delays.map((delay) => ({
      name: `round trip ${delay} ms`,
      drawn: lineOf(having(delay), ({ wallSeconds }) => wallSeconds),
    })),
  ];
  const drawn = lines.map(({ name, drawn: at }, index) => {
    const y = plot.top + 12 + index * 20;
    return `<polyline class="line line${index}" points="${at}"/><line class="line line${index}" x1="${plot.right + 14}" x2="${plot.right + 34}" y1="${y - 4}" y2="${y - 4}"/><text class="small" x="${plot.right + 40}" y="${y}">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width + 60} ${height}" role="img" aria-label="${title}">
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .small { font-size: 12px; fill: #57606a }
  .axis { stroke: #8c959f; fill: none }
  .line { fill: none; stroke-width: 2 }
  .line0 { stroke: #afb8c1; stroke-dasharray: 4 3 } .line1 { stroke: #0969da } .line2 { stroke: #8250df } .line3 { stroke: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .line0 { stroke: #656c76 } .line1 { stroke: #4493f8 } .line2 { stroke: #ab7df8 } .line3 { stroke: #db6d28 }
  }
</style>
<text x="${plot.left}" y="22">${title}</text>
<path class="axis" d="M${plot.left} ${plot.top}V${plot.bottom}H${plot.right}"/>
<text class="small" x="${plot.left - 6}" y="${plot.top + 4}" text-anchor="end">${longest.toFixed(1)} s</text>
<text class="small" x="${plot.left - 6}" y="${plot.bottom}" text-anchor="end">0</text>
<text class="small" x="${plot.right}" y="${plot.bottom + 18}" text-anchor="end">${most} ${over}</text>
${drawn.join("\n")}
</svg>
`;
}
