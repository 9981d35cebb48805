import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import test from "ava";
import { isLocked, removeStaleLocks } from "../../../scripts/setup/stale-lock";

const deadPid = spawnSync("true").pid;

test("removes the locks of every stack, and only of processes of this machine that are gone", async (t) => {
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
  writeFileSync(join(folder, "of-nobody.json"), JSON.stringify({ hostname: hostname() }));
  writeFileSync(join(other, "dead.json"), lock(deadPid));

  await removeStaleLocks({ backend });

  t.deepEqual(readdirSync(folder).sort(), [
    "alive.json",
    "broken.json",
    "elsewhere.json",
    "of-nobody.json",
  ]);
  t.deepEqual(readdirSync(other), []);
});

test("a backend may be the URL of a folder", async (t) => {
  const backend = mkdtempSync(join(tmpdir(), "state "));
  const folder = join(backend, ".pulumi", "locks", "organization", "trilithon", "prod");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "dead.json"), JSON.stringify({ pid: deadPid, hostname: hostname() }));
  await removeStaleLocks({ backend: `${pathToFileURL(backend)}?metadata=skip` });
  t.deepEqual(readdirSync(folder), []);
  await t.notThrowsAsync(removeStaleLocks({ backend: "s3://bucket" }));
});

test("a stack counts as locked by its own lock, and where nobody can tell", async (t) => {
  const backend = mkdtempSync(join(tmpdir(), "state-"));
  const place = { stack: "dev", project: backend, backend };
  t.false(await isLocked(place));
  const locks = join(backend, ".pulumi", "locks", "organization", "trilithon");
  mkdirSync(join(locks, "prod"), { recursive: true });
  writeFileSync(join(locks, "prod", "held.json"), "{}");
  t.false(await isLocked(place));
  mkdirSync(join(locks, "dev"));
  writeFileSync(join(locks, "dev", "held.json"), "{}");
  t.true(await isLocked(place));
  t.true(await isLocked({ ...place, backend: "s3://state" }));
});
