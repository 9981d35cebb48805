/** The dashboard as Grafana elsewhere imports it, and as Grafana's own types have it. */
import { readFileSync, writeFileSync } from "node:fs";
import type {
  Dashboard,
  GraphFieldConfig,
  OptionsWithLegend,
  OptionsWithTooltip,
} from "@grafana/schema";
import test from "ava";
import type { AlertNeed } from "../../components/render/monitoring/alerts";
import { dashboardOf, renderDashboard } from "../../components/render/monitoring/grafana";
import { listPanels, panels, rangeMark } from "../../components/render/monitoring/panels";

const page = "docs/grafana-dashboard.json";
const everything = [...new Set(panels.flatMap(({ needs = [] }) => needs))];

test(`${page} has every panel as it is; \`npm run docs\` writes it`, (t) => {
  const text = renderDashboard(everything);
  if (process.env.UPDATE_GOLDEN) writeFileSync(page, text);
  t.is(readFileSync(page, "utf8"), text);
  t.false(text.includes(rangeMark));
});

/** What JSON has of a type: an enum's text is any text like it. */
type Json<Type> = Type extends string
  ? `${Type}`
  : Type extends object
    ? { [Key in keyof Type]: Json<Type[Key]> }
    : Type;

test("it is a dashboard by Grafana's own types", (t) => {
  const dashboard = dashboardOf(everything);
  const typed: Json<Dashboard> = dashboard;
  t.is(typed.schemaVersion, 39);
  const charts = dashboard.panels.flatMap((panel) => (panel.type === "timeseries" ? panel : []));
  t.is(charts.length, panels.length);
  for (const { options, fieldConfig } of charts) {
    const typedOptions: Json<OptionsWithLegend & OptionsWithTooltip> = options;
    const custom: Json<GraphFieldConfig> = fieldConfig.defaults.custom;
    t.truthy(typedOptions);
    t.truthy(custom);
  }
});

test("no panel lies on another one, and each has a number of its own", (t) => {
  const placed = dashboardOf(everything).panels;
  t.is(new Set(placed.map(({ id }) => id)).size, placed.length);
  const cells = placed.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
  );
  t.is(new Set(cells).size, cells.length);
  for (const { gridPos } of placed) t.true(gridPos.x + gridPos.w <= 24);
});

test("a stack has the panels of what it has", (t) => {
  const ids = (needs: readonly AlertNeed[]) => listPanels(new Set(needs)).map(({ id }) => id);
  t.true(ids([]).includes("requests"));
  t.false(ids([]).includes("lag"));
  t.true(ids(["pair"]).includes("lag"));
  t.false(ids(["backup"]).includes("restore-test-age"));
  t.true(ids(["backup", "database"]).includes("restore-test-age"));
  t.deepEqual([...new Set(panels.map(({ id }) => id))].length, panels.length);
});
