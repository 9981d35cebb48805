/** Charts of the last hour to month, each with its numbers as a table beside it. */
import uPlot from "uplot";
import type { Chart, Charts, Picture } from "../picture";
import { byId, type Child, element, fill, table } from "./element";
import { badge } from "./health";
import { isOfDays, rowsOf, scaleOf, stepsOf, summaryOf, timeWords } from "./scale";
import { clockWords, dateWords, valueWords } from "./words";

const ranges = ["hour", "6 hours", "day", "week", "month"] as const;
type Range = (typeof ranges)[number];

const refreshMilliseconds: Readonly<Record<Range, number>> = {
  hour: 15_000,
  "6 hours": 60_000,
  day: 120_000,
  week: 300_000,
  month: 600_000,
};
const againMilliseconds = 5000;
/** The others are opened by who wants them. */
const openParts = ["site", "database", "hosts"];
const height = 170;
const tableRows = 12;

interface Drawn {
  readonly figure: HTMLElement;
  show(chart: Chart): void;
}

let range: Range = "hour";
let timer: ReturnType<typeof setTimeout> | undefined;
let state: HTMLElement | undefined;
const drawn = new Map<string, Drawn>();
const parts = new Map<string, HTMLElement>();

export function showCharts({ monitoring }: Picture): void {
  const place = byId("chart-list");
  const hasCharts = monitoring !== "none";
  fill(place, hasCharts, () => {
    if (!hasCharts) {
      return [
        element(
          "p",
          { class: "nothing" },
          "Charts need Prometheus: give a host the role monitoring in trilithon:hosts, and run up.",
        ),
      ];
    }
    state = element("p", { class: "nothing", role: "status" }, "Prometheus is being asked.");
    const list = element("div", { class: "chart-parts", id: "chart-parts" });
    void refresh();
    return [rangeChoice(), state, list];
  });
}

function rangeChoice(): HTMLElement {
  const choices = ranges.map((one) => {
    const id = `range-${one.replace(" ", "-")}`;
    const input = element("input", { type: "radio", name: "range", id, value: one });
    input.checked = one === range;
    input.addEventListener("change", () => {
      range = one;
      void refresh();
    });
    return element("span", {}, input, element("label", { for: id }, one));
  });
  return element("fieldset", { class: "ranges" }, element("legend", {}, "The last"), ...choices);
}

async function refresh(): Promise<void> {
  clearTimeout(timer);
  const asked = range;
  let pause: number = refreshMilliseconds[asked];
  try {
    if (!document.hidden) await load(asked);
  } catch (error) {
    pause = againMilliseconds;
    // Charts that are there stay.
    state?.replaceChildren(badge("notice", `No new charts: ${wordsOf(error)}`));
  }
  if (asked !== range) return;
  clearTimeout(timer);
  timer = setTimeout(() => void refresh(), pause);
}

async function load(asked: Range): Promise<void> {
  const response = await fetch(`charts?${new URLSearchParams({ range: asked })}`);
  if (!response.ok) throw new Error(await response.text());
  const { charts, reason }: Charts = await response.json();
  if (asked !== range) return;
  if (reason !== null && charts.length === 0) throw new Error(reason);
  show(charts);
  if (reason !== null) state?.replaceChildren(badge("notice", `Not all charts: ${reason}`));
  else if (state) state.textContent = charts.length === 0 ? "Prometheus has seen nothing yet." : "";
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function show(charts: readonly Chart[]): void {
  for (const [id, { figure }] of drawn) {
    if (charts.some((chart) => chart.id === id)) continue;
    figure.remove();
    drawn.delete(id);
  }
  for (const chart of charts) {
    const one = drawn.get(chart.id) ?? draw(chart);
    drawn.set(chart.id, one);
    one.show(chart);
  }
  for (const details of parts.values()) {
    details.hidden = details.querySelector("figure") === null;
  }
}

/** Its figures, as they are made in the order of the panels. */
function partOf(name: string): HTMLElement {
  let details = parts.get(name);
  if (details === undefined) {
    const title = name.charAt(0).toUpperCase() + name.slice(1);
    details = element(
      "details",
      { ...(openParts.includes(name) && { open: "" }) },
      element("summary", {}, element("h3", {}, title)),
      element("div", { class: "charts" }),
    );
    parts.set(name, details);
    byId("chart-parts").append(details);
  }
  return details;
}

function draw({ id, title, part, unit }: Chart): Drawn {
  const canvas = element("div", { class: "canvas", role: "img" });
  const legend = element("ul", { class: "legend", "aria-label": `${title}: series` });
  const numbers = element("div", {});
  const more = element("details", {}, element("summary", {}, "As a table"), numbers);
  const heading = element("h4", { id: `chart-${id}` }, title);
  const figure = element(
    "figure",
    { "aria-labelledby": `chart-${id}` },
    ...[heading, canvas, legend, more],
  );
  partOf(part).querySelector(".charts")?.append(figure);
  let plot: uPlot | undefined;
  let chart: Chart | undefined;
  const legendAt = (at: number | null | undefined) => {
    if (chart === undefined) return;
    for (const [place, { values }] of chart.series.entries()) {
      const value = legend.children[place]?.querySelector(".legend-value");
      const shown = typeof at === "number" ? values[at] : values.findLast((one) => one !== null);
      if (value) value.textContent = valueWords(shown, unit);
    }
  };
  const redraw = () => {
    plot?.destroy();
    plot = undefined;
    const width = canvas.clientWidth;
    if (chart === undefined || width === 0) return;
    plot = makePlot(canvas, { chart, width, legendAt });
  };
  new ResizeObserver(() => {
    if (plot === undefined) redraw();
    else if (canvas.clientWidth > 0) plot.setSize({ width: canvas.clientWidth, height });
  }).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return {
    figure,
    show: (next) => {
      const areSame = JSON.stringify(chart?.series.map((one) => one.legend));
      chart = next;
      canvas.setAttribute("aria-label", summaryOf(next));
      // Many of them scroll.
      if (next.series.length > colourCount) legend.tabIndex = 0;
      else legend.removeAttribute("tabindex");
      fill(
        legend,
        next.series.map((one) => one.legend),
        () => legendOf(next),
      );
      fill(numbers, [next.times.at(-1), next.series.length], () => [tableOf(next)]);
      const isKnown = areSame === JSON.stringify(next.series.map((one) => one.legend));
      if (plot !== undefined && isKnown) plot.setData(columnsOf(next));
      else redraw();
      legendAt(undefined);
    },
  };
}

function columnsOf({ times, series }: Chart): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])];
}

/** After all colours the lines are dashed. */
const dashes = [[], [8, 4], [2, 3]] as const;
const colourCount = 8;

function makePlot(
  place: HTMLElement,
  {
    chart,
    width,
    legendAt,
  }: {
    readonly chart: Chart;
    readonly width: number;
    readonly legendAt: (at: number | null | undefined) => void;
  },
): uPlot {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const font = "11px system-ui, sans-serif";
  const axis = {
    ...{ stroke: colour("--quiet"), font },
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
  };
  const { unit } = chart;
  return new uPlot(
    {
      ...{ width, height, padding: [8, 20, 0, 0] },
      legend: { show: false },
      cursor: { sync: { key: "charts" }, points: { size: 6 }, drag: { x: false, y: false } },
      scales: { y: { range: (_, least, most) => scaleOf(least, most, unit) } },
      axes: [
        {
          ...{ ...axis, space: 60, size: 26 },
          values: (_, ticks) => ticks.map((tick) => timeWords(tick, chart.times)),
        },
        {
          ...{ ...axis, size: 62, space: 32, incrs: [...stepsOf(chart)] },
          values: (_, ticks) => ticks.map((tick) => valueWords(tick, unit)),
        },
      ],
      series: [
        {},
        ...chart.series.map((_, at) => ({
          ...{ stroke: colour(`--line-${(at % colourCount) + 1}`), width: 1.5 },
          dash: [...(dashes[Math.floor(at / colourCount) % dashes.length] ?? [])],
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: { setCursor: [(plot) => legendAt(plot.cursor.idx)] },
    },
    columnsOf(chart),
    place,
  );
}

function legendOf({ series }: Chart): readonly Child[] {
  return series.map(({ legend }, at) =>
    element(
      "li",
      {},
      element("span", {
        ...{ class: "swatch", "aria-hidden": "true" },
        "data-line": String((at % colourCount) + 1),
        "data-dash": String(Math.floor(at / colourCount) % dashes.length),
      }),
      element("span", { class: "legend-name" }, legend),
      element("span", { class: "legend-value" }),
    ),
  );
}

function tableOf({ title, times, series, unit }: Chart): HTMLElement {
  const isLong = isOfDays(times);
  const rows = rowsOf(times, tableRows).map((at) => {
    const milliseconds = (times[at] ?? 0) * 1000;
    return [
      isLong ? dateWords(milliseconds) : clockWords(milliseconds),
      ...series.map(({ values }) => valueWords(values[at], unit)),
    ];
  });
  return table(["Time", ...series.map(({ legend }) => legend)], rows, title);
}
