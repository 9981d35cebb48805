/**
 * What the load balancer costs: requests per second through it, with TLS all the way, to the web servers alone, and nowhere, and of one
 * Nginx asked directly, in turn on one stack.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { localFolder } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { say } from "../../scripts/setup/say";
import { stackDomain } from "../peers/description";
import { benchmarkStack, makeHostSet, makeNetwork, removeHosts } from "../peers/hosts";
import { checkServing } from "../peers/serving";
import { makeTrilithon, type Trilithon } from "../peers/trilithon";
import type { Rates, TrafficResult } from "../results";
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
    // Nginx is asked by the client as well.
    const firewall = { "trilithon:firewall": { allow: [{ port: 80 }] } };
    const ours = await makeTrilithon(hosts, join(folder, "trilithon"), firewall);
    say(ours.name, "provisioning fresh hosts");
    await Promise.all([ours.provision(), makeClient()]);
    await checkServing(ours);
    const page = await (await fetch(hosts.url)).text();
    const [file = ""] = /\/static\/[^"]+\.css/.exec(page) ?? [];
    const address = (role: "load-balancer" | "web") =>
      hosts.hosts.find(({ roles }) => roles.some((one) => one === role))?.address ?? "";
    const targets = { through: address("load-balancer"), direct: address("web") };
    const [ofFile, ofPage] = await compare({ ours, targets, paths: [file, "/"], runs });
    if (ofFile === undefined || ofPage === undefined) throw new Error("nothing was measured");
    return { connections, file: ofFile, page: ofPage };
  } finally {
    await removeHosts().catch((error: unknown) => say("hosts", String(error)));
  }
}

interface Comparison {
  readonly ours: Trilithon;
  readonly targets: { readonly through: string; readonly direct: string };
  readonly paths: readonly string[];
  readonly runs: number;
}

/** The order alternates, and the first round does not count. */
async function compare({ ours, targets, paths, runs }: Comparison): Promise<readonly Rates[]> {
  const rates = paths.map(() => emptyRates());
  for (let round = 0; round <= runs; round += 1) {
    say("requests", round === 0 ? "round 0, which does not count" : `round ${round} of ${runs}`);
    for (const way of inOrder(round, ways)) {
      await ours.set("trilithon:https", way.visitors === "https" ? "own-ca" : undefined);
      await ours.set("trilithon:loadBalancer.backendProtocol", way.webServers);
      await ours.change();
      for (const [at, path] of paths.entries()) {
        for (const rate of inOrder(round, [way.rate, "direct"] as const)) {
          const base =
            rate === "direct" ? `http://${targets.direct}` : `${way.visitors}://${targets.through}`;
          const measured = await load(`${base}${path}`);
          if (round > 0) rates[at]?.[rate].push(measured);
        }
      }
    }
  }
  return rates.map(({ through, throughWithoutTls, throughWithTls, direct }) => ({
    through: median(through),
    throughWithoutTls: median(throughWithoutTls),
    throughWithTls: median(throughWithTls),
    direct: median(direct),
  }));
}

/** By what each of the two hops is encrypted. */
const ways = [
  { rate: "throughWithTls", visitors: "https", webServers: "https" },
  { rate: "through", visitors: "http", webServers: "https" },
  { rate: "throughWithoutTls", visitors: "http", webServers: "http" },
] as const;

function emptyRates(): Record<keyof Rates, number[]> {
  return { through: [], throughWithoutTls: [], throughWithTls: [], direct: [] };
}

function inOrder<Item>(round: number, items: readonly Item[]): readonly Item[] {
  return round % 2 === 0 ? items : [...items].reverse();
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
