/** A stack of the growing program, with the real plugin or with one that answers at once. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Host } from "../../provider/kind";
import { pulumiEnvironment, root } from "../../scripts/setup/environment";
import { buildPlugin } from "../../scripts/setup/plugin-bundles";
import { must } from "../../scripts/setup/run";
import { selectStack } from "../../scripts/setup/stack";
import { type Recorded, record } from "../recorded";
import { contentOf } from "./answer";

export interface GrowthStack {
  /** A no-op: everything is read, nothing is to be done. */
  noop(): Promise<Recorded>;
  remove(): Promise<void>;
}

export interface GrowthStackArgs {
  readonly folder: string;
  readonly plugin: "real" | "instant";
  readonly hosts: readonly Host[];
  readonly resources: number;
}

const instantFolder = join("dist", "benchmark", "instant-plugin");

export async function buildInstantPlugin(): Promise<void> {
  await buildPlugin({
    entry: "benchmark/growth/instant-plugin.ts",
    folder: instantFolder,
    executable: "pulumi-resource-trilithon",
  });
}

/** Brought up, so that what follows is a no-op. */
export async function makeGrowthStack(args: GrowthStackArgs): Promise<GrowthStack> {
  const { folder, plugin } = args;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const program = relative(folder, join(__dirname, "program"));
  const pluginFolder = plugin === "real" ? join("dist", "plugin") : instantFolder;
  await writeFile(
    join(folder, "Pulumi.yaml"),
    renderProject(program, relative(folder, join(root, pluginFolder))),
  );
  const input = join(folder, "program.json");
  await writeFile(
    input,
    JSON.stringify({ hosts: args.hosts, resources: describe(args.resources) }),
  );
  const place = { stack: "growth", project: folder, backend: join(folder, "state") };
  const at = { cwd: folder, env: { ...pulumiEnvironment(place), BENCHMARK_PROGRAM: input } };
  await selectStack(place);
  const up = ["up", "--skip-preview", "--yes", "--color", "never"];
  await must("growth", "pulumi", up, at);
  return {
    noop: () => record(["pulumi", ...up, "--expect-no-changes"], at),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function renderProject(program: string, plugin: string): string {
  return `name: growth
runtime: { name: nodejs, options: { typescript: false } }
main: ${program}
plugins:
  providers:
    - { name: trilithon, path: ${plugin} }
`;
}

function describe(count: number) {
  return Array.from({ length: count }, (_, index) => {
    const file = `/etc/benchmark/${index}.conf`;
    return { name: `service-${index}`, file, content: contentOf(file) };
  });
}
