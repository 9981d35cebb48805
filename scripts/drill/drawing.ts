/** A drill as a drawing: per fault, how long nobody was answered, reads above and writes below. */
import { type Drill, type Summary, summarize } from "./report";

const width = 760;
const labelWidth = 190;
const rowHeight = 40;
const top = 64;

/** Fits light and dark pages. */
export function renderDrawing(drill: Drill): string {
  const summaries = summarize(drill.rounds);
  const most = Math.max(
    1,
    ...summaries.flatMap(({ reads, writes }) => [reads.longest, writes.longest]),
  );
  const scale = (width - labelWidth - 130) / most;
  const height = top + summaries.length * rowHeight + 12;
  const rows = summaries.map((summary, index) =>
    renderRow(summary, top + index * rowHeight, scale),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Seconds without an answer, by fault">
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .small { font-size: 12px; fill: #57606a }
  .reads { fill: #0969da } .writes { fill: #9a6700 } .longest { opacity: .35 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .reads { fill: #4493f8 } .writes { fill: #d29922 }
  }
</style>
<text x="${labelWidth}" y="22">Seconds without an answer: median, and the longest (pale)</text>
<rect class="reads" x="${labelWidth}" y="34" width="12" height="12" rx="2"/><text class="small" x="${labelWidth + 18}" y="45">reads</text>
<rect class="writes" x="${labelWidth + 70}" y="34" width="12" height="12" rx="2"/><text class="small" x="${labelWidth + 88}" y="45">writes</text>
${rows.join("\n")}
</svg>
`;
}

function renderRow({ kind, rounds, reads, writes }: Summary, y: number, scale: number): string {
  const bars = [
    { name: "reads", ...reads, y },
    { name: "writes", ...writes, y: y + 15 },
  ];
  return [
    `<text x="${labelWidth - 10}" y="${y + 17}" text-anchor="end">${kind} ×${rounds}</text>`,
    ...bars.map(({ name, median, longest, y }) => {
      const length = (seconds: number) => Math.max(1, seconds * scale).toFixed(1);
      const end = labelWidth + Math.max(1, longest * scale) + 6;
      return `<rect class="${name} longest" x="${labelWidth}" y="${y}" width="${length(longest)}" height="12" rx="2"/><rect class="${name}" x="${labelWidth}" y="${y}" width="${length(median)}" height="12" rx="2"/><text class="small" x="${end.toFixed(1)}" y="${y + 11}">${median.toFixed(1)} / ${longest.toFixed(1)}</text>`;
    }),
  ].join("");
}
