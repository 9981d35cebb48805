/** `npm run bench`: measures, prints tables, and keeps the figures and drawings that docs/performance.md shows. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runMain } from "../scripts/setup/say";
import { setUp, setUpPulumi } from "../scripts/setup/setup";
import { measureBackup } from "./backup/backup";
import { measureHosts, measureResources } from "./growth/growth";
import { type BenchmarkOptions, parseOptions, usage } from "./options";
import { measurePeers } from "./peers/peers";
import { measureRelease } from "./release/release";
import { renderChart } from "./report/chart";
import { renderGrowthChart } from "./report/growth-chart";
import { renderTables } from "./report/table";
import { describeMachine, keepResults, type Results, resultsFolder } from "./results";
import { measureTraffic } from "./traffic/traffic";

runMain(async () => {
  const args = process.argv.slice(2);
  if (args.includes("--help")) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const options = parseOptions(args);
  const needsHosts = options.parts.some((part) =>
    ["peers", "traffic", "release", "backup"].includes(part),
  );
  await (needsHosts ? setUp() : setUpPulumi());
  await measureParts(options);
});

/** What was measured is kept as soon as it is there. */
async function measureParts({ parts, runs }: BenchmarkOptions): Promise<void> {
  const machine = describeMachine();
  for (const part of parts) {
    const now: Results =
      part === "peers"
        ? { machine, peers: await measurePeers(runs) }
        : part === "hosts"
          ? { machine, hosts: await measureHosts(runs) }
          : part === "resources"
            ? { machine, resources: await measureResources(runs) }
            : part === "traffic"
              ? { machine, traffic: await measureTraffic(runs) }
              : part === "release"
                ? { machine, release: await measureRelease(runs) }
                : { machine, backup: await measureBackup(runs) };
    process.stdout.write(`\n${renderTables(now)}\n`);
    await draw(await keepResults(now));
  }
}

async function draw({ peers, hosts, resources }: Results): Promise<void> {
  const drawings = {
    "peers.svg": peers && renderChart(peers),
    "hosts.svg":
      hosts &&
      renderGrowthChart(hosts, {
        title: "A no-op over hosts, with a resource on each",
        over: "hosts",
      }),
    "resources.svg":
      resources &&
      renderGrowthChart(resources, {
        title: "A no-op over resources, on 3 hosts",
        over: "resources",
      }),
  };
  for (const [name, drawing] of Object.entries(drawings)) {
    if (drawing !== undefined) await writeFile(join(resultsFolder, name), drawing);
  }
}
