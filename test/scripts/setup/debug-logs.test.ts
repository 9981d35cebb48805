import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { preventDebugLogs } from "../../../scripts/setup/debug-logs";

test("where logs were kept, a file says how to see them", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-logs-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const logs = join(folder, "home", "logs");
  mkdirSync(logs, { recursive: true });
  writeFileSync(join(logs, "pulumi.log"), "");

  await preventDebugLogs(logs);
  await preventDebugLogs(logs);
  t.true(readFileSync(logs, "utf8").includes("--logtostderr"));
});
