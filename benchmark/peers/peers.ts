/** The same stack by this project, by Ansible and by pyinfra: one after the other, never at the same time. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { localFolder } from "../../scripts/setup/environment";
import { say } from "../../scripts/setup/say";
import { breakDown } from "../breakdown";
import { cpuByPart, type Recorded } from "../recorded";
import type { Figure, PeersResult, ToolResult } from "../results";
import { median } from "../statistics";
import type { Usage } from "../usage";
import { makeAnsible } from "./ansible";
import { moveTo } from "./description";
import { makeHostSet, makeNetwork, removeHosts, runOnHosts } from "./hosts";
import { makePyinfra } from "./pyinfra";
import { preparePython } from "./python";
import { checkServing } from "./serving";
import type { Tool } from "./tool";
import { makeTrilithon, type Trilithon } from "./trilithon";

/** Ansible's modules are Python on the hosts; the two others need no more than a shell there. */
const ansibleNeeds =
  "apt-get update -qq && apt-get install -qqy --no-install-recommends python3 >/dev/null && rm -rf /var/lib/apt/lists/*";

const repeated = ["preview", "change", "noop"] as const;
type Repeated = (typeof repeated)[number];

export async function measurePeers(runs: number): Promise<PeersResult> {
  const folder = join(localFolder, "benchmark");
  await rm(folder, { recursive: true, force: true });
  await makeNetwork();
  try {
    const { ours, tools, provisions } = await provisionAll(folder);
    for (const tool of tools) await checkServing(tool);
    const samples = await repeatAll(tools, runs);
    const results = tools.map(
      (tool): ToolResult => ({
        name: tool.name,
        version: tool.version,
        figures: {
          provision: figureOf(provisions.get(tool) ?? []),
          preview: figureOf(samples.get(`${tool.name} preview`) ?? []),
          change: figureOf(samples.get(`${tool.name} change`) ?? []),
          noop: figureOf(samples.get(`${tool.name} noop`) ?? []),
        },
      }),
    );
    const middle = await recordNoop(ours, runs);
    return { tools: results, breakdown: breakDown(middle), cpuByPart: cpuByPart(middle) };
  } finally {
    // Nothing may hide what went wrong before.
    await removeHosts().catch((error: unknown) => say("hosts", String(error)));
  }
}

/** This project first: what the others describe is read from its state. */
async function provisionAll(folder: string) {
  const python = await preparePython();
  const provisions = new Map<Tool, readonly Usage[]>();
  const provision = async (tool: Tool) => {
    say(tool.name, "provisioning fresh hosts");
    provisions.set(tool, [await tool.provision()]);
  };
  const ours = await makeTrilithon(
    await makeHostSet("trilithon", 0, join(folder, "keys-trilithon")),
    join(folder, "trilithon"),
  );
  await provision(ours);
  const described = await ours.describeStack();
  const makers = [makeAnsible, makePyinfra];
  const peers: Tool[] = [];
  for (const [index, make] of makers.entries()) {
    const name = ["ansible", "pyinfra"][index] ?? "";
    const hosts = await makeHostSet(name, index + 1, join(folder, `keys-${name}`));
    if (make === makeAnsible) await runOnHosts(name, ansibleNeeds);
    const description = moveTo(described, ours.hosts, hosts);
    const tool = await make({ hosts, description, python, folder: join(folder, name) });
    await provision(tool);
    peers.push(tool);
  }
  return { ours, tools: [ours, ...peers], provisions };
}

/** Each round has every tool do each thing once; the order of the tools alternates. */
async function repeatAll(tools: readonly Tool[], runs: number): Promise<Map<string, Usage[]>> {
  const samples = new Map<string, Usage[]>();
  for (let round = 0; round <= runs; round += 1) {
    say("round", round === 0 ? "0, which does not count" : `${round} of ${runs}`);
    const order = round % 2 === 0 ? tools : [...tools].reverse();
    for (const operation of repeated) {
      for (const tool of order) {
        if (operation === "change") await tool.describe(11 + round);
        const usage = await attempt(tool, operation);
        if (round === 0 || usage === undefined) continue;
        const key = `${tool.name} ${operation}`;
        samples.set(key, [...(samples.get(key) ?? []), usage]);
      }
    }
  }
  return samples;
}

/** A preview that a tool cannot make is a finding. Anything else that fails ends the benchmark. */
async function attempt(tool: Tool, operation: Repeated): Promise<Usage | undefined> {
  try {
    return await tool[operation]();
  } catch (error) {
    if (operation !== "preview") throw error;
    const [first] = (error instanceof Error ? error.message : String(error)).split("\n");
    say(tool.name, `its preview of an unchanged stack failed: ${first}`);
    return undefined;
  }
}

function figureOf(samples: readonly Usage[]): Figure | "failed" {
  if (samples.length === 0) return "failed";
  const walls = samples.map(({ wallSeconds }) => wallSeconds);
  return {
    wallSeconds: median(walls),
    cpuSeconds: median(samples.map(({ cpuSeconds }) => cpuSeconds)),
    rangeSeconds: [Math.min(...walls), Math.max(...walls)],
    runs: samples.length,
  };
}

/** The run of the median length: its stretches add up to it. */
async function recordNoop(ours: Trilithon, runs: number): Promise<Recorded> {
  say(ours.name, "recording where the time of a no-op goes");
  const recorded: Recorded[] = [];
  for (let run = 0; run < runs; run += 1) recorded.push(await ours.recordNoop());
  recorded.sort((a, b) => a.wallSeconds - b.wallSeconds);
  const middle = recorded[Math.floor(recorded.length / 2)];
  if (middle === undefined) throw new Error("no run was recorded");
  return middle;
}
