/** What visitors notice of a full copy, and how long copies and restores take beside mysqldump and mydumper, of the same data. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { localFolder } from "../../scripts/setup/environment";
import { say } from "../../scripts/setup/say";
import { makeHostSet, makeNetwork, removeHosts } from "../peers/hosts";
import { checkServing } from "../peers/serving";
import { makeTrilithon } from "../peers/trilithon";
import type { BackupResult } from "../results";
import { median } from "../statistics";
import { fill } from "./fill";
import { forgetCopies, onHost, secondsOf } from "./host";
import { visitDuring } from "./visits";
import { measureWays } from "./ways";

const bytes = 1e9;
const requestsPerSecond = 40;
const quietSeconds = 40;

export async function measureBackup(runs: number): Promise<BackupResult> {
  const folder = join(localFolder, "benchmark");
  await rm(folder, { recursive: true, force: true });
  await makeNetwork();
  try {
    const made = await makeHostSet("backup", 0, join(folder, "keys-backup"));
    const ours = await makeTrilithon(made, join(folder, "backup"), {
      // Containers see the memory of the whole machine.
      "trilithon:database": { rawLines: ["innodb_buffer_pool_size = 512M"] },
      "trilithon:hosts": made.hosts.map(({ name, address, roles, sshPort, hostKey }) => ({
        ...{ name, address, hostKey, sshAddress: "127.0.0.1", port: sshPort },
        roles: name === "lb-01" ? [...roles, "backup"] : roles,
      })),
    });
    say(ours.name, "provisioning fresh hosts");
    await ours.provision();
    await checkServing(ours);
    say("data", `writing ${bytes / 1e6} MB`);
    await fill(bytes);
    // Where binary logs were purged, one is made at once: it is over before anything is measured.
    await onHost("web-02", "systemctl start trilithon-backup");
    const megabytes = Number(
      await onHost("web-02", "du -sm --exclude='binlog*' /var/lib/mysql | cut -f 1"),
    );
    const visits = await measureVisits(made.url, runs);
    return { megabytes, requestsPerSecond, ...visits, ways: await measureWays(runs) };
  } finally {
    await removeHosts().catch((error: unknown) => say("hosts", String(error)));
  }
}

/** In turns; the first round does not count. */
async function measureVisits(url: string, runs: number) {
  const [quiet, copying]: [(readonly number[])[], (readonly number[])[]] = [[], []];
  for (let round = 0; round <= runs; round += 1) {
    say("visits", round === 0 ? "round 0, which does not count" : `round ${round} of ${runs}`);
    await forgetCopies();
    const load = { url, perSecond: requestsPerSecond };
    const without = await visitDuring(load, () => sleep(quietSeconds * 1000));
    const during = await visitDuring(load, () =>
      secondsOf("web-02", "systemctl start trilithon-backup"),
    );
    say(
      "visits",
      `p99 ${percentile(without, 99).toFixed(1)} ms, ${percentile(during, 99).toFixed(1)} ms while a copy is made`,
    );
    if (round > 0) {
      quiet.push(without);
      copying.push(during);
    }
  }
  const of = (rounds: readonly (readonly number[])[]) => ({
    p50Milliseconds: median(rounds.map((one) => percentile(one, 50))),
    p99Milliseconds: median(rounds.map((one) => percentile(one, 99))),
  });
  return { quiet: of(quiet), copying: of(copying) };
}

export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (found === undefined) throw new Error("a percentile of nothing");
  return found;
}
