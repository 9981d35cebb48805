/**
 * Containers that a killed `up` was making: the official `docker` plugin completes them without anyone to tell, Pulumi
 * does not know them, and the next `up` fails at their names. The stand-in takes them over by itself.
 */
import { existsSync } from "node:fs";
import * as v from "valibot";
import { type StackPlace, standInsMarker } from "./environment";
import { listLabelled } from "./labelled";
import { capture, must } from "./run";
import { capturePulumi } from "./stack";
import { isLocked, removeStaleLocks } from "./stale-lock";

const resource = v.object({
  type: v.string(),
  id: v.optional(v.string()),
  inputs: v.optional(v.record(v.string(), v.unknown()), {}),
  outputs: v.optional(v.record(v.string(), v.unknown()), {}),
});

const exported = v.object({
  deployment: v.object({
    resources: v.optional(v.array(resource), []),
    pending_operations: v.optional(v.array(v.object({ type: v.string(), resource })), []),
  }),
});

const inspected = v.array(
  v.object({ Id: v.string(), Name: v.string(), State: v.object({ Status: v.string() }) }),
);

export interface Engine {
  /** What `docker container inspect` says of the stack's containers. */
  readonly containers: unknown;
  /** What stands in the file of the host key's public half; empty where there is none. */
  readonly hostKeyOf: (id: string) => Promise<string>;
}

/** Answers how many there were. */
export async function removeHalfMade(place: StackPlace): Promise<number> {
  const { stack } = place;
  if (existsSync(standInsMarker)) return 0;
  await removeStaleLocks(place);
  const { containers } = await listLabelled(stack);
  if (containers.length === 0 || (await isLocked(place))) return 0;
  const doing = `stack ${stack}`;
  const { status, stdout, stderr } = await capturePulumi(place, [
    ...["stack", "export", "--stack", stack],
  ]);
  if (status !== 0) throw new Error(`${doing}: ${stderr.trim()}`);
  const about = await must(doing, "docker", ["container", "inspect", ...containers]);
  const found = await halfMade(JSON.parse(stdout), {
    containers: JSON.parse(about),
    hostKeyOf: async (id) =>
      (await capture("docker", ["cp", `${id}:/etc/ssh/ssh_host_ed25519_key.pub`, "-"])).stdout,
  });
  if (found.length > 0) await must(doing, "docker", ["rm", "--force", "--volumes", ...found]);
  return found.length;
}

/**
 * Nothing stands on them yet: Pulumi was told that each was begun, and never that it was done. One that runs has a host
 * key of this very state, so that none of another checkout's stack of the same name is taken for it.
 */
export async function halfMade(state: unknown, engine: Engine): Promise<readonly string[]> {
  const { resources, pending_operations } = v.parse(exported, state).deployment;
  const known = new Set(resources.filter(isContainer).map(({ id }) => id));
  const begun = pending_operations
    .filter((operation) => operation.type === "creating" && isContainer(operation.resource))
    .map((operation) => operation.resource.inputs.name);
  const keys = resources
    .filter(({ type }) => type === "trilithon:index:SshKey")
    .flatMap(({ outputs: { publicKey } }) => (typeof publicKey === "string" ? [publicKey] : []));
  const candidates = v
    .parse(inspected, engine.containers)
    .filter(({ Id, Name }) => !known.has(Id) && begun.includes(Name.replace(/^\//, "")));
  const ours = await Promise.all(
    candidates.map(async ({ Id, State }) => {
      if (State.Status === "created") return [Id];
      const hostKey = await engine.hostKeyOf(Id);
      return keys.some((key) => hostKey.includes(key)) ? [Id] : [];
    }),
  );
  return ours.flat();
}

function isContainer({ type }: v.InferOutput<typeof resource>): boolean {
  return type === "docker:index/container:Container";
}
