import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { removeStaleLocks } from "../../../scripts/setup/stale-lock";

const deadPid = spawnSync("true").pid;

test("removes only the lock of a process of this machine that is gone", async (t) => {
  const backend = mkdtempSync(join(tmpdir(), "state-"));
  const folder = join(backend, ".pulumi", "locks", "organization", "trilithon", "dev");
  const other = join(backend, ".pulumi", "locks", "organization", "trilithon", "prod");
  mkdirSync(folder, { recursive: true });
  mkdirSync(other, { recursive: true });
  const lock = (pid: number, host = hostname()) => JSON.stringify({ pid, hostname: host });
  writeFileSync(join(folder, "dead.json"), lock(deadPid));
  writeFileSync(join(folder, "dead.json.attrs"), "{}");
  writeFileSync(join(folder, "alive.json"), lock(process.pid));
  writeFileSync(join(folder, "elsewhere.json"), lock(deadPid, "another-machine"));
  writeFileSync(join(folder, "broken.json"), "{");
  writeFileSync(join(other, "dead.json"), lock(deadPid));

  await removeStaleLocks({ stack: "dev", project: "/p", backend });

  t.deepEqual(readdirSync(folder).sort(), ["alive.json", "broken.json", "elsewhere.json"]);
  t.deepEqual(readdirSync(other), ["dead.json"]);
});
