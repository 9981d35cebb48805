/** Grafana: what it listens on, where it finds Prometheus, and a dashboard of all panels. */
import { writtenByTrilithon } from "../application-unit";
import { renderRestartAlways } from "../restart-always";
import type { AlertNeed } from "./alerts";
import { expressionOver, listPanels, type Panel, type PanelUnit, panelParts } from "./panels";
import { monitoringPorts } from "./prometheus";

const folder = "/etc/grafana";

export const grafana = {
  package: "grafana",
  unit: "grafana-server.service",
  /** Its package makes all files in its folder `root:grafana` 0640 with each upgrade, so they are from the beginning. */
  group: "grafana",
  admin: "admin",
  config: `${folder}/grafana.ini`,
  dropIn: "/etc/systemd/system/grafana-server.service.d/trilithon.conf",
  dataSource: `${folder}/provisioning/datasources/trilithon.yaml`,
  provider: `${folder}/provisioning/dashboards/trilithon.yaml`,
  dashboards: `${folder}/trilithon`,
  dashboard: `${folder}/trilithon/dashboard.json`,
  adminPassword: `${folder}/trilithon-admin-password`,
  secretKey: `${folder}/trilithon-secret-key`,
};

/** It asks nobody outside: no news, no updates, no plugins. Alerts are Alertmanager's. */
export function renderGrafana(): string {
  return `${writtenByTrilithon}
[server]
protocol = http
http_addr = 127.0.0.1
http_port = ${monitoringPorts.grafana}

[log]
mode = console

[security]
admin_user = ${grafana.admin}
# Read at the first start alone.
admin_password = $__file{${grafana.adminPassword}}
secret_key = $__file{${grafana.secretKey}}
disable_gravatar = true
cookie_samesite = strict

[users]
allow_sign_up = false

[auth.anonymous]
enabled = false

[analytics]
reporting_enabled = false
check_for_updates = false
check_for_plugin_updates = false
feedback_links_enabled = false

[news]
news_feed_enabled = false

[snapshots]
external_enabled = false

[plugins]
preinstall_disabled = true

[unified_alerting]
enabled = false

[dashboards]
default_home_dashboard_path = ${grafana.dashboard}
`;
}

export function renderGrafanaDropIn(): string {
  return renderRestartAlways();
}

export function renderDataSource(): string {
  return `${writtenByTrilithon}
apiVersion: 1
datasources:
  - name: Prometheus
    uid: trilithon-prometheus
    type: prometheus
    access: proxy
    url: http://127.0.0.1:${monitoringPorts.prometheus}
    isDefault: true
    editable: false
    jsonData:
      httpMethod: POST
      timeInterval: 15s
`;
}

/** It looks for changes by itself. */
export function renderDashboardProvider(): string {
  return `${writtenByTrilithon}
apiVersion: 1
providers:
  - name: trilithon
    type: file
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: ${grafana.dashboards}
`;
}

const columns = 24;
const perLine = 3;
const height = 8;
const width = columns / perLine;

/** Of Grafana 11 or later, in the model that files are read in: later ones move it on by themselves. */
const schemaVersion = 39;

export function renderDashboard(needs: readonly AlertNeed[]): string {
  return `${JSON.stringify(dashboardOf(needs), undefined, 2)}\n`;
}

export function dashboardOf(needs: readonly AlertNeed[]) {
  return {
    uid: "trilithon",
    title: "trilithon",
    tags: ["trilithon"],
    editable: true,
    // A point in time is shown in all panels.
    graphTooltip: 1,
    schemaVersion,
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    templating: { list: [dataSourceVariable] },
    annotations: { list: [] },
    panels: placed(listPanels(new Set(needs))),
  };
}

/** So the same file is read by a Grafana elsewhere, which has a Prometheus of another name. */
const dataSourceVariable = {
  name: "datasource",
  label: "Prometheus",
  type: "datasource" as const,
  query: "prometheus",
  ...{ hide: 0, includeAll: false, multi: false, options: [], refresh: 1, regex: "" },
};

const dataSource = { type: "prometheus", uid: `\${${dataSourceVariable.name}}` };

/** Each part of the stack is a row. */
function placed(panels: readonly Panel[]) {
  let y = 0;
  let id = 0;
  const next = () => {
    id += 1;
    return id;
  };
  return panelParts.flatMap((part) => {
    const own = panels.filter((panel) => panel.part === part);
    if (own.length === 0) return [];
    const row = {
      ...{ id: next(), type: "row" as const, title: titleOf(part), collapsed: false, panels: [] },
      gridPos: { x: 0, y, w: columns, h: 1 },
    };
    const top = y + 1;
    y = top + Math.ceil(own.length / perLine) * height;
    return [
      row,
      ...own.map((panel, index) => {
        const [line, column] = [Math.floor(index / perLine), index % perLine];
        const gridPos = { x: column * width, y: top + line * height, w: width, h: height };
        return { id: next(), gridPos, ...chartOf(panel) };
      }),
    ];
  });
}

const titleOf = (part: string) => `${part.charAt(0).toUpperCase()}${part.slice(1)}`;

/** As Grafana names them. */
const units: Readonly<Record<PanelUnit, string>> = {
  "per second": "ops",
  ratio: "percentunit",
  seconds: "s",
  bytes: "bytes",
  "bytes per second": "binBps",
  count: "short",
};

function chartOf({ title, unit, queries }: Panel) {
  return {
    type: "timeseries",
    title,
    datasource: dataSource,
    targets: queries.map((query, index) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + index),
      datasource: dataSource,
      expr: expressionOver(query, "$__rate_interval"),
      legendFormat: query.legend,
      range: true,
    })),
    fieldConfig: {
      defaults: {
        unit: units[unit],
        min: 0,
        custom: { lineWidth: 1, fillOpacity: 10, showPoints: "never" as const },
      },
      overrides: [],
    },
    options: {
      legend: {
        displayMode: "list" as const,
        placement: "bottom" as const,
        showLegend: true,
        calcs: [],
      },
      tooltip: { mode: "multi" as const, sort: "desc" as const },
    },
  };
}
