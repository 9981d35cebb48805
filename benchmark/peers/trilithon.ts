/** This project: its own program, on a stack of its own that has the hosts as existing machines. */
import { pulumiEnvironment, type StackPlace } from "../../scripts/setup/environment";
import { must } from "../../scripts/setup/run";
import { writeSideStack } from "../../scripts/setup/side-stack";
import { selectStack } from "../../scripts/setup/stack";
import { cliVersion } from "../../scripts/setup/versions";
import { type Recorded, record } from "../recorded";
import { measure } from "../usage";
import {
  applicationSettings,
  type Description,
  parseDescription,
  stackDomain,
} from "./description";
import { benchmarkStack, type HostSet } from "./hosts";
import type { Tool } from "./tool";

export interface Trilithon extends Tool {
  /** What the other tools are to describe. */
  describeStack(): Promise<Description>;
  /** A setting, which the next `change` brings; without a value it is taken out. */
  set(path: string, value?: string): Promise<void>;
  recordNoop(): Promise<Recorded>;
}

export async function makeTrilithon(
  hosts: HostSet,
  folder: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Trilithon> {
  const place = await writeStack(hosts, folder, more);
  const run = (...args: readonly string[]) =>
    measure(["pulumi", ...args, "--color", "never"], at(place));
  const up = ["up", "--skip-preview", "--yes"];
  const set = async (path: string, value?: string) => {
    const args = value === undefined ? ["rm", "--path", path] : ["set", "--path", path, value];
    await must("setting the line", "pulumi", ["config", ...args], at(place));
  };
  return {
    name: "trilithon",
    version: `Pulumi ${cliVersion}`,
    hosts,
    provision: () => run(...up),
    preview: () => run("preview", "--expect-no-changes"),
    set,
    describe: (seconds) =>
      set("trilithon:loadBalancer.rawLines.backend[0]", `timeout queue ${seconds}s`),
    change: () => run(...up),
    noop: () => run(...up, "--expect-no-changes"),
    describeStack: async () => {
      const args = ["stack", "export", "--show-secrets"];
      return parseDescription(await must("reading the stack", "pulumi", args, at(place)));
    },
    recordNoop: () =>
      record(["pulumi", ...up, "--expect-no-changes", "--color", "never"], at(place)),
  };
}

async function writeStack(
  set: HostSet,
  folder: string,
  more: Readonly<Record<string, unknown>>,
): Promise<StackPlace> {
  const hosts = set.hosts.map(({ name, address, roles, sshPort, hostKey }) => ({
    ...{ name, address, roles, hostKey },
    ...{ sshAddress: "127.0.0.1", port: sshPort },
  }));
  const settings = {
    "trilithon:domain": stackDomain,
    "trilithon:hosts": hosts,
    "trilithon:application": applicationSettings,
    ...more,
  };
  const place = await writeSideStack({ stack: benchmarkStack, folder, settings });
  await selectStack(place);
  const script = 'pulumi config set --secret trilithon:privateKey <"$1"';
  await must("setting the key", "sh", ["-c", script, "sh", set.privateKeyFile], at(place));
  return place;
}

function at(place: StackPlace) {
  return { cwd: place.project, env: pulumiEnvironment(place) };
}
