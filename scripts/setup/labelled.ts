/** Containers and networks of a stack, found by the label that each of them carries. */
import { capture, must } from "./run";

interface Labelled {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

export async function listLabelled(stack: string): Promise<Labelled> {
  return {
    containers: await listIds(stack, "container", "ls", "--all"),
    networks: await listIds(stack, "network", "ls"),
    volumes: await listIds(stack, "volume", "ls"),
  };
}

/** Starts again what was stopped by hand, save hosts that are away; answers how many there were. */
export async function startStopped(stack: string, away: readonly string[]): Promise<number> {
  const label = (name: string) => listIds(stack, "container", "ls", "--all", ...hostFilter(name));
  const left = new Set((await Promise.all(away.map(label))).flat());
  const exited = await listIds(stack, "container", "ls", "--filter", "status=exited");
  const stopped = exited.filter((id) => !left.has(id));
  if (stopped.length > 0) await must(`stack ${stack}`, "docker", ["start", ...stopped]);
  return stopped.length;
}

/** Answers how many there were. */
export async function removeLabelled(stack: string): Promise<number> {
  const { containers, networks, volumes } = await listLabelled(stack);
  const remove = async (ids: readonly string[], ...args: readonly string[]) => {
    if (ids.length > 0) await must(`stack ${stack}`, "docker", [...args, ...ids]);
  };
  await remove(containers, "container", "rm", "--force", "--volumes");
  await remove(networks, "network", "rm");
  await remove(volumes, "volume", "rm");
  return containers.length + networks.length + volumes.length;
}

function hostFilter(name: string): readonly string[] {
  return ["--filter", `label=trilithon.host=${name}`];
}

async function listIds(stack: string, ...args: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await capture("docker", [
    ...[...args, "--quiet", "--filter", `label=trilithon.stack=${stack}`],
  ]);
  return stdout.split("\n").filter((id) => id !== "");
}
