/** `docker.Container`: as in the official plugin nearly every change makes a new one. */

import type { Container as Handle } from "dockerode";
import type { Kind } from "../../provider/kind";
import { hasUnknown, unknown } from "../../provider/protocol/values";
import { checkServed } from "../served";
import { agrees } from "./container-agreement";
import { parseContainer } from "./container-answer";
import { type Container, containerSchema } from "./container-args";
import { inspected, makeContainer, takenOver, unlessAlready } from "./container-making";
import { type ContainerStep, differencesOf, planContainer } from "./container-plan";
import { renderLimits } from "./container-request";
import { asking, askingFor } from "./engine";
import { docker } from "./stand-in";

export const container: Kind<Container, ContainerStep> = {
  keeps: "properties only",
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
      return parseContainer(await makeContainer(wanted), wanted);
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

/** The engine chooses the port outside where none is given. */
function foreseenPorts(live: Container | undefined, ports: NonNullable<Container["ports"]>) {
  const isKept = live?.ports && live.mustRun !== false && !hasUnknown(ports);
  if (isKept && agrees("ports", live.ports, ports)) return live.ports;
  return ports.map((port) => ({ ...port, external: port.external ?? unknown }));
}

async function stopped(handle: Handle, seconds: number): Promise<void> {
  await handle.stop({ t: seconds }).catch(unlessAlready);
}
