/** What docs/alerts.md has of trials: how long each alert took to be told, and to be taken back. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/setup/environment";
import { type Measured, measuredFile, readMeasured } from "../../support/alerts-page";

/** With `UPDATE_GOLDEN=1`. Rows of other alerts stay as they are. */
export function keepMeasured(row: Measured): void {
  if (!process.env.UPDATE_GOLDEN) return;
  const others = readMeasured().filter(({ alert }) => alert !== row.alert);
  const rows = [...others, row].sort((a, b) => a.alert.localeCompare(b.alert));
  writeFileSync(join(root, measuredFile), `${JSON.stringify(rows, undefined, 2)}\n`);
}
