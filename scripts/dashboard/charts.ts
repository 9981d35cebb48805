/** What Prometheus on a host of the stack has seen over time, for the panels that Grafana shows as well. */
import * as v from "valibot";
import { expressionOver, listPanels, type Panel } from "../../components/render/monitoring/panels";
import { type Endpoints, hostsWith } from "../verify/endpoints";
import { prometheusPort } from "../verify/monitoring";
import { loopbackScript, parseLoopback } from "./loopback";
import type { Chart, ChartSeries, Charts, Picture } from "./picture";
import type { Watch } from "./watch";

const ranges = {
  hour: { seconds: 3600, step: 15 },
  "6 hours": { seconds: 6 * 3600, step: 90 },
  day: { seconds: 86_400, step: 360 },
  week: { seconds: 7 * 86_400, step: 2520 },
  month: { seconds: 30 * 86_400, step: 10_800 },
} as const;
export type Range = keyof typeof ranges;

/** A rate needs some scrapes, which are 15 seconds apart. */
const leastRateSeconds = 60;
const askSeconds = 20;

type PanelNeed = NonNullable<Panel["needs"]>[number];

export type ReadCharts = (range: Range) => Promise<Charts>;

export function isRange(text: string): text is Range {
  return Object.hasOwn(ranges, text);
}

/** Asks the first host with the role `monitoring` whose Prometheus answers. */
export function chartReader(
  watch: Pick<Watch, "endpoints" | "readers"> & { picture(): Pick<Picture, "hosts"> },
): ReadCharts {
  const { endpoints, readers } = watch;
  const monitors = hostsWith(endpoints, "monitoring");
  // One that is silent would keep the charts of another one back.
  const silentLast = () => {
    const { hosts } = watch.picture();
    const silent = hosts.flatMap(({ name, health }) => (health === "silent" ? [name] : []));
    return monitors.toSorted(
      (one, other) => Number(silent.includes(one.name)) - Number(silent.includes(other.name)),
    );
  };
  const panels = listPanels(needsOf(endpoints));
  return async (range) => {
    if (monitors.length === 0) return { charts: [], reason: null };
    const { seconds, step } = ranges[range];
    const end = Math.floor(Date.now() / 1000 / step) * step;
    const window = { start: end - seconds, end, step };
    const questions = panels.flatMap((panel) =>
      panel.queries.map((query) => ({ panel, query, path: pathOf(query, window) })),
    );
    const script = loopbackScript(
      prometheusPort,
      questions.map(({ path }) => path),
      askSeconds,
    );
    let reason = "";
    for (const { name } of silentLast()) {
      try {
        const said = await readers.get(name)?.askSlowly(script, askSeconds);
        const answers = parseLoopback(said ?? "");
        const good = answers.filter(({ status }) => status === 200);
        if (good.length === 0) throw new Error("Prometheus there does not answer");
        const found = questions.map(({ panel, query }, at) => {
          const { status, body } = answers[at] ?? { status: 0, body: "" };
          return { panel, series: status === 200 ? seriesOf(body, query.legend, window) : [] };
        });
        const left = questions.length - good.length;
        return {
          charts: panels.flatMap((panel) => chartOf(panel, found, window)),
          reason: left === 0 ? null : `${name}: ${left} of ${questions.length} queries failed`,
        };
      } catch (error) {
        reason = `${name}: ${error instanceof Error ? error.message : error}`;
      }
    }
    return { charts: [], reason };
  };
}

interface Window {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

function pathOf(query: Panel["queries"][number], { start, end, step }: Window): string {
  const expression = expressionOver(query, `${Math.max(leastRateSeconds, 2 * step)}s`);
  const values = { query: expression, start, end, step };
  const words = Object.entries(values).map(
    ([name, value]) => `${name}=${encodeURIComponent(value)}`,
  );
  return `/api/v1/query_range?${words.join("&")}`;
}

/** What of it a stack does not tell, such as metrics of applications, is asked for, and not shown where there is none. */
function needsOf(endpoints: Endpoints): ReadonlySet<PanelNeed> {
  const isPair = hostsWith(endpoints, "database-replica").length > 0;
  const isGroup = hostsWith(endpoints, "database").length > 0;
  const has: Readonly<Record<PanelNeed, boolean>> = {
    database: endpoints.database !== undefined,
    pair: isPair,
    group: isGroup,
    "virtual address": endpoints.virtualAddress !== undefined,
    https: endpoints.tlsPort !== undefined,
    acme: endpoints.certificateUnit !== undefined,
    "name server": hostsWith(endpoints, "name-server").length > 0,
    backup: endpoints.backup !== undefined,
    "database backup": endpoints.backup !== undefined && endpoints.database !== undefined,
    "application metrics": true,
  };
  const entries = Object.entries(has) as [PanelNeed, boolean][];
  return new Set(entries.flatMap(([need, is]) => (is ? [need] : [])));
}

const answer = v.object({
  data: v.object({
    result: v.array(
      v.object({
        metric: v.record(v.string(), v.string()),
        values: v.array(v.tuple([v.number(), v.string()])),
      }),
    ),
  }),
});

/** A value for each step; `null` where nothing was seen. */
export function seriesOf(
  body: string,
  legend: string,
  { start, end, step }: Window,
): readonly ChartSeries[] {
  const { data } = v.parse(answer, JSON.parse(body));
  return data.result.map(({ metric, values }) => {
    const seen = new Map(values.map(([at, value]) => [Math.round((at - start) / step), value]));
    return {
      legend: legend.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => metric[label] ?? ""),
      values: Array.from({ length: (end - start) / step + 1 }, (_, at) => numberOf(seen.get(at))),
    };
  });
}

/** Prometheus writes `NaN` and `+Inf` as well. */
function numberOf(text: string | undefined): number | null {
  const value = Number(text);
  return text === undefined || !Number.isFinite(value) ? null : value;
}

function chartOf(
  panel: Panel,
  found: readonly { readonly panel: Panel; readonly series: readonly ChartSeries[] }[],
  { start, end, step }: Window,
): readonly Chart[] {
  const series = found.flatMap((one) => (one.panel === panel ? one.series : []));
  if (series.length === 0) return [];
  const { id, title, part, unit } = panel;
  const times = Array.from({ length: (end - start) / step + 1 }, (_, at) => start + at * step);
  return [{ id, title, part, unit, times, series }];
}
