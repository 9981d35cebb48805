import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { leaveCommand } from "../../../scripts/preview-comment/monitors";

test("what a check found is left as metrics, with the host's own time", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "found-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const command = leaveCommand({ changes: 2, unchecked: 1 }).replaceAll(
    "/var/lib/trilithon-metrics",
    folder,
  );
  execFileSync("sh", ["-c", command]);
  const lines = readFileSync(join(folder, "trilithon-drift.prom"), "utf8").split("\n");
  t.true(lines.includes("trilithon_drift_found 2"));
  t.true(lines.includes("trilithon_drift_unchecked 1"));
  t.regex(lines.join("\n"), /^trilithon_drift_check_seconds \d{10}$/m);
});
