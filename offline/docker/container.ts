/** `docker.Container`: made whole or not at all, and what an interrupted `up` left half-made is made again. */

import type Engine from "dockerode";
import type { ContainerInspectInfo, Container as Handle } from "dockerode";
import type { Kind } from "../../provider/kind";
import { hasUnknown, unknown } from "../../provider/protocol/values";
import { checkServed } from "../served";
import { withHolder } from "./conflict";
import { agrees } from "./container-agreement";
import { parseContainer } from "./container-answer";
import { type Container, containerSchema } from "./container-args";
import { type ContainerStep, differencesOf, planContainer } from "./container-plan";
import { renderEndpoint, renderLimits, renderRequest, renderUploads } from "./container-request";
import { asking, askingFor, EngineError } from "./engine";
import { isExactly, isOurs } from "./ownership";
import { docker } from "./stand-in";
import { renderTar } from "./tar";

export const container: Kind<Container, ContainerStep> = {
  type: "docker:index/container:Container",
  computedOutputs: ["id", "networkDatas"],
  check: (inputs) => checkServed(docker, containerSchema, inputs),
  id: ({ id, name }) => id ?? name,
  hosts: () => [],
  diff: differencesOf,
  plan: planContainer,

  foresee: (live, wanted) => ({
    hostname: wanted.hostname ?? live?.hostname ?? unknown,
    mustRun: true,
    ...(wanted.ports && { ports: foreseenPorts(live, wanted.ports) }),
  }),

  async read(expected) {
    // Its id is its identity: before it has one, it is not there.
    if (expected.id === undefined) return undefined;
    const seen = await inspected(expected.id, `reading container ${expected.name}`);
    return seen && parseContainer(seen, expected);
  },

  async apply(steps, live, wanted, { progress }) {
    if (live?.id === undefined) {
      progress(`making container ${wanted.name}`);
      return parseContainer(await made(wanted), wanted);
    }
    const { id } = live;
    for (const { action, sentence } of steps) {
      await asking(`${wanted.name}: ${sentence}`, async (engine) => {
        const handle = engine.getContainer(id);
        if (action === "limit") await handle.update(renderLimits(wanted));
        if (action === "start") await handle.start();
        if (action === "replace") throw new Error("only a new resource can make it true");
      });
    }
    const seen = await asking(`reading container ${wanted.name}`, (engine) =>
      engine.getContainer(id).inspect(),
    );
    return parseContainer(seen, wanted);
  },

  async remove({ id, name, destroyGraceSeconds }) {
    if (id === undefined) return;
    if (takenOver.has(id)) {
      throw new Error(
        `container ${name}: made for this very resource by an interrupted run, and therefore kept: to replace it, set deleteBeforeReplace`,
      );
    }
    await askingFor(`removing container ${name}`, async (engine) => {
      const handle = engine.getContainer(id);
      if (destroyGraceSeconds) await stopped(handle, destroyGraceSeconds);
      await handle.remove({ force: true, v: true });
    });
  },
};

/** What this process found complete, and so did not make: removing it would remove what the resource is now. */
const takenOver = new Set<string>();

/** The engine chooses the port outside where none is given. */
function foreseenPorts(live: Container | undefined, ports: NonNullable<Container["ports"]>) {
  if (live?.ports && !hasUnknown(ports) && agrees("ports", live.ports, ports)) return live.ports;
  return ports.map((port) => ({ ...port, external: port.external ?? unknown }));
}

async function made(args: Container): Promise<ContainerInspectInfo> {
  const former = await inspected(args.name, `looking for a container named ${args.name}`);
  if (former !== undefined && isExactly(former.Config.Labels, args) && wasStarted(former)) {
    takenOver.add(former.Id);
    return started(former.Id, args);
  }
  if (former !== undefined) await cleared(former, args);
  const handle = await created(args);
  try {
    await asking(`preparing container ${args.name}`, (engine) => prepared(engine, handle, args));
    return await started(handle.id, args);
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
      `container ${args.name}: the engine has no image ${args.image}: run "npm start", which builds it`,
    );
  }
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

async function stopped(handle: Handle, seconds: number): Promise<void> {
  await handle.stop({ t: seconds }).catch(unlessAlready);
}

/** https://docs.docker.com/reference/api/engine/: 304 says that it was so already. */
function unlessAlready(error: unknown): void {
  if (error instanceof Error && Reflect.get(error, "statusCode") === 304) return;
  throw error;
}

function inspected(id: string, doing: string): Promise<ContainerInspectInfo | undefined> {
  return askingFor(doing, (engine) => engine.getContainer(id).inspect());
}

function wasStarted({ State }: ContainerInspectInfo): boolean {
  return State.Status !== "created";
}
