/** docs/alerts.md, of the alerts as data and of what the trial saw. */
import { readFileSync } from "node:fs";
import {
  type Alert,
  type AlertNeed,
  alerts,
  watchdog,
} from "../../components/render/monitoring/alerts";

export const alertsPage = "docs/alerts.md";
/** Written by the trials of monitoring with `UPDATE_GOLDEN=1`. */
export const measuredFile = "test/trouble/monitoring/measured.json";

export interface Measured {
  readonly alert: string;
  /** What was done to the stack. */
  readonly cause: string;
  readonly firedSeconds: number;
  /** After the repair. */
  readonly resolvedSeconds: number;
}

const needs: Readonly<Record<AlertNeed, string>> = {
  database: "a database",
  pair: "a database with a replica",
  group: "a database that is a group",
  "virtual address": "`loadBalancer.virtualAddress`",
  https: "`https`",
  acme: "`https.acme`",
  "application metrics": "an application with `metrics`",
  "name server": "a host with the role `name-server`",
  backup: "backups",
  "database backup": "a database and backups",
};

export function renderAlertsPage(measured: readonly Measured[] = readMeasured()): string {
  return `# Alerts

\`npm run docs\` makes this page of \`components/render/monitoring/alerts.ts\`. Hosts with the role \`monitoring\` have these alerts ([settings.md](settings.md)). What each of them says
has its cause, its effect and the first step in it. \`page\`: somebody has to look now. \`note\`: in working hours.
While \`npm run maintain\` works, those that are about one of several parts are silent; while \`npm run drill\` works, all but ${"`Watchdog`"}.

${alerts.map(renderAlert).join("\n")}${renderMeasured(measured)}`;
}

export function readMeasured(): readonly Measured[] {
  return JSON.parse(readFileSync(measuredFile, "utf8")) as readonly Measured[];
}

function renderAlert(alert: Alert): string {
  const { name, severity, scope, lasts, cause, effect, firstStep, expression } = alert;
  const needed = alert.needs === undefined ? "" : `- Where the stack has: ${needs[alert.needs]}.\n`;
  return `## ${name}

${severity}, about ${scope === "site" ? "the site" : "one part"}, once it was so for ${lasts}.

- Cause: ${plain(cause)}
- Effect: ${plain(effect)}
- First step: ${plain(firstStep)}
${needed}
\`\`\`
${expression}
\`\`\`
`;
}

/** Prometheus' templates as words in italics. */
function plain(text: string): string {
  return text
    .replace(/\{\{ \$labels\.(\w+) \}\}/g, "*$1*")
    .replace(/\{\{ \$value[^}]*\}\}/g, "*so much*");
}

function renderMeasured(measured: readonly Measured[]): string {
  if (measured.length === 0) return "";
  const rows = measured.map(
    ({ alert, cause, firedSeconds, resolvedSeconds }) =>
      `| ${alert} | ${cause} | ${firedSeconds} | ${resolvedSeconds} |\n`,
  );
  const seen = new Set([watchdog, ...measured.map(({ alert }) => alert)]);
  const others = alerts.flatMap(({ name }) => (seen.has(name) ? [] : [name]));
  const rest =
    others.length === 0
      ? ""
      : `\nTested as rules alone, by \`promtool test rules\`: ${others.join(", ")}.\n`;
  return `
## Seen to fire

By \`npm run trouble -- test/trouble/monitoring.test.ts\`: from the cause until the webhook had it, and from the repair until it was told that all is well.

| alert | what was done | fired after (s) | resolved after (s) |
|---|---|---|---|
${rows.join("")}${rest}`;
}
