/** Makes a container whole or not at all, and completes what an interrupted `up` left of it. */

import type Engine from "dockerode";
import type { ContainerInspectInfo, Container as Handle } from "dockerode";
import { withHolder } from "./conflict";
import type { Container } from "./container-args";
import { renderEndpoint, renderRequest, renderUploads } from "./container-request";
import { asking, askingFor, EngineError } from "./engine";
import { isExactly, isOurs } from "./ownership";
import { renderTar } from "./tar";

/** What this process found complete, and so did not make: removing it would remove what the resource is now. */
export const takenOver = new Set<string>();

/** What the engine then says of it. */
export async function makeContainer(args: Container): Promise<ContainerInspectInfo> {
  const former = await inspected(args.name, `looking for a container named ${args.name}`);
  if (former !== undefined && isExactly(former.Config.Labels, args) && wasStarted(former)) {
    takenOver.add(former.Id);
    return started(former.Id, args);
  }
  if (former !== undefined) await cleared(former, args);
  const handle = await created(args);
  try {
    await asking(`preparing container ${args.name}`, (engine) => prepared(engine, handle, args));
    return await (args.start === false ? handle.inspect() : started(handle.id, args));
  } catch (error) {
    await handle.remove({ force: true, v: true }).catch(() => {});
    throw await withHolder(error, args);
  }
}

async function cleared(former: ContainerInspectInfo, args: Container): Promise<void> {
  if (isOurs(former.Config.Labels, args.labels) && !wasStarted(former)) {
    await asking(`removing the half-made container ${args.name}`, (engine) =>
      engine.getContainer(former.Id).remove({ force: true, v: true }),
    );
    return;
  }
  throw new Error(
    `container ${args.name}: there is one of this name that is not of this stack (${former.Id.slice(0, 12)}, made ${former.Created}): remove it with "docker rm -f ${args.name}", or choose another name`,
  );
}

async function created(args: Container): Promise<Handle> {
  try {
    return await asking(`making container ${args.name}`, (engine) =>
      engine.createContainer(renderRequest(args)),
    );
  } catch (error) {
    if (!(error instanceof EngineError && /no such image/i.test(error.message))) throw error;
    throw new Error(
      `container ${args.name}: the engine has no image ${args.image}: run "npm start${stackOf(args)}", which builds it`,
    );
  }
}

/** The stack that the container is labelled with, as an argument. */
function stackOf({ labels = [] }: Container): string {
  const found = labels.find(({ label }) => label === "trilithon.stack");
  return found === undefined ? "" : ` ${found.value}`;
}

async function prepared(engine: Engine, handle: Handle, args: Container): Promise<void> {
  for (const network of (args.networksAdvanced ?? []).slice(1)) {
    const endpoint = { Container: handle.id, EndpointConfig: renderEndpoint(network) };
    await engine.getNetwork(network.name).connect(endpoint);
  }
  const files = renderUploads(args);
  if (files.length > 0) await handle.putArchive(renderTar(files), { path: "/" });
}

async function started(id: string, args: Container): Promise<ContainerInspectInfo> {
  return asking(`starting container ${args.name}`, async (engine) => {
    const handle = engine.getContainer(id);
    await handle.start().catch(unlessAlready);
    return handle.inspect();
  });
}

/** https://docs.docker.com/reference/api/engine/: 304 says that it was so already. */
export function unlessAlready(error: unknown): void {
  if (error instanceof Error && Reflect.get(error, "statusCode") === 304) return;
  throw error;
}

/** `undefined` where there is none of that name or id. */
export function inspected(id: string, doing: string): Promise<ContainerInspectInfo | undefined> {
  return askingFor(doing, (engine) => engine.getContainer(id).inspect());
}

function wasStarted({ State }: ContainerInspectInfo): boolean {
  return State.Status !== "created";
}
