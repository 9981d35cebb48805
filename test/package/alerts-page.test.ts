import { readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { alerts } from "../../components/render/monitoring/alerts";
import { alertsPage, renderAlertsPage } from "../support/alerts-page";

test("docs/alerts.md has every alert as it is; `npm run docs` writes it", (t) => {
  const page = renderAlertsPage();
  if (process.env.UPDATE_GOLDEN) writeFileSync(alertsPage, page);
  t.is(readFileSync(alertsPage, "utf8"), page);
});

test("each alert has a name of its own, and says what somebody is to do", (t) => {
  const names = alerts.map(({ name }) => name);
  t.deepEqual([...new Set(names)], names);
  for (const { name, cause, effect, firstStep } of alerts) {
    for (const text of [cause, effect, firstStep]) t.regex(text, /\w/, name);
  }
});
