/** The comparison as a drawing: bars of how many times as long as this project each tool takes. */
import { operations, type PeersResult } from "../results";
import { operationTitles } from "./table";

const width = 720;
const labelWidth = 190;
const barHeight = 18;
const groupGap = 22;
const top = 48;

/** Fits light and dark pages. */
export function renderChart({ tools }: PeersResult): string {
  const groups = operations.map((operation) => {
    const [ours] = tools;
    const base = ours?.figures[operation];
    const bars = tools.map(({ name, figures }) => {
      const figure = figures[operation];
      const isKnown = figure !== "failed" && base !== undefined && base !== "failed";
      return { name, times: isKnown ? figure.wallSeconds / base.wallSeconds : undefined };
    });
    return { title: operationTitles[operation], bars };
  });
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ times = 0 }) => times)));
  const groupHeight = tools.length * barHeight + groupGap;
  const height = top + groups.length * groupHeight;
  const scale = (width - labelWidth - 110) / most;
  const drawn = groups.map(({ title, bars }, group) => {
    const y = top + group * groupHeight;
    const middle = y + (tools.length * barHeight) / 2 + 4;
    const label = `<text x="${labelWidth - 10}" y="${middle}" text-anchor="end">${escapeXml(title)}</text>`;
    return [
      label,
      ...bars.map((bar, index) => renderBar(bar, index, y + index * barHeight, scale)),
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Duration relative to this project">
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .small { font-size: 12px; fill: #57606a }
  .bar0 { fill: #0969da } .bar1 { fill: #afb8c1 } .bar2 { fill: #d0a46a }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .bar0 { fill: #4493f8 } .bar1 { fill: #656c76 } .bar2 { fill: #9e7b4b }
  }
</style>
<text x="${labelWidth}" y="22">Duration relative to this project (shorter is faster)</text>
${drawn.flat().join("\n")}
</svg>
`;
}

interface Bar {
  readonly name: string;
  readonly times: number | undefined;
}

function renderBar({ name, times }: Bar, index: number, y: number, scale: number): string {
  const length = Math.max(2, (times ?? 0) * scale);
  const told = times === undefined ? "failed" : `${times.toFixed(1)}×`;
  return [
    `<rect class="bar${index}" x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight - 3}" rx="2"/>`,
    `<text class="small" x="${(labelWidth + length + 6).toFixed(1)}" y="${y + 12}">${escapeXml(name)} ${told}</text>`,
  ].join("");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
