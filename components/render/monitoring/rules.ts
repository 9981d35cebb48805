/** Alerts as Prometheus reads them. */
import { writtenByTrilithon } from "../application-unit";
import { type Alert, type AlertNeed, alertsFor } from "./alerts";

/** YAML takes JSON's text for text. */
export const quoted = (text: string) => JSON.stringify(text);

export function renderRules(needs: readonly AlertNeed[]): string {
  return `${writtenByTrilithon}
# What each of these means stands in docs/alerts.md.
groups:
  - name: trilithon
    rules:
${alertsFor(new Set(needs)).map(renderRule).join("")}`;
}

function renderRule(alert: Alert): string {
  const { name, expression, lasts, severity, scope, labels = {} } = alert;
  const { cause, effect, firstStep } = alert;
  const further = Object.entries(labels).map(
    ([label, value]) => `          ${label}: ${quoted(value)}\n`,
  );
  return `      - alert: ${name}
        expr: ${quoted(expression)}
        for: ${lasts}
        labels:
          severity: ${severity}
          scope: ${scope}
${further.join("")}        annotations:
          cause: ${quoted(cause)}
          effect: ${quoted(effect)}
          first_step: ${quoted(firstStep)}
`;
}
