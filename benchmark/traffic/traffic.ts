/** What the load balancer costs: requests per second through it, and of one Nginx asked directly, in turn on one stack. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { localFolder } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { say } from "../../scripts/setup/say";
import { stackDomain } from "../peers/description";
import { benchmarkStack, makeHostSet, makeNetwork, removeHosts } from "../peers/hosts";
import { checkServing } from "../peers/serving";
import { makeTrilithon } from "../peers/trilithon";
import type { TrafficResult } from "../results";
import { median } from "../statistics";
import { parseRate } from "./wrk";

const network = `trilithon-${benchmarkStack}`;
const client = `${network}-client`;
const seconds = 5;
const connections = 16;

export async function measureTraffic(runs: number): Promise<TrafficResult> {
  const folder = join(localFolder, "benchmark");
  await rm(folder, { recursive: true, force: true });
  await makeNetwork();
  try {
    const hosts = await makeHostSet("trilithon", 0, join(folder, "keys-trilithon"));
    const ours = await makeTrilithon(hosts, join(folder, "trilithon"));
    say(ours.name, "provisioning fresh hosts");
    await Promise.all([ours.provision(), makeClient()]);
    await checkServing(ours);
    const page = await (await fetch(hosts.url)).text();
    const [file = ""] = /\/static\/[^"]+\.css/.exec(page) ?? [];
    const address = (role: "load-balancer" | "web") =>
      hosts.hosts.find(({ roles }) => roles.some((one) => one === role))?.address ?? "";
    const targets = { through: address("load-balancer"), direct: address("web") };
    return {
      connections,
      file: await compare(targets, file, runs),
      page: await compare(targets, "/", runs),
    };
  } finally {
    await removeHosts().catch((error: unknown) => say("hosts", String(error)));
  }
}

/** The order alternates, and the first round does not count. */
async function compare(targets: { through: string; direct: string }, path: string, runs: number) {
  const rates = { through: [] as number[], direct: [] as number[] };
  for (let round = 0; round <= runs; round += 1) {
    say(path, round === 0 ? "round 0, which does not count" : `round ${round} of ${runs}`);
    const order = ["through", "direct"] as const;
    for (const way of round % 2 === 0 ? order : [...order].reverse()) {
      const rate = await load(`http://${targets[way]}:80${path}`);
      if (round > 0) rates[way].push(rate);
    }
  }
  return { through: median(rates.through), direct: median(rates.direct) };
}

async function load(url: string): Promise<number> {
  const said = await must(url, "docker", [
    ...["exec", client, "wrk", "--threads", "1", "--connections", String(connections)],
    ...["--duration", `${seconds}s`, "--header", `Host: ${stackDomain}`, url],
  ]);
  return parseRate(said);
}

/** A host of its own, but for the processors. */
async function makeClient(): Promise<void> {
  await must(client, "docker", [
    ...["run", "--detach", "--name", client, "--network", network],
    ...["--label", `trilithon.stack=${benchmarkStack}`, "--entrypoint", "sleep"],
    ...["trilithon-host:latest", "infinity"],
  ]);
  const install =
    "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends wrk >/dev/null";
  await must(client, "docker", ["exec", client, "sh", "-ec", install]);
}
