/** `docker.Network`: a bridge with a fixed subnet. It holds nothing, so what an interrupted `up` left is made again. */

import type { NetworkInspectInfo } from "dockerode";
import * as v from "valibot";
import { differences } from "../../provider/difference";
import type { Difference, Kind, Step } from "../../provider/kind";
import { checkServed } from "../served";
import { isOverlapping } from "./conflict";
import { asking, askingFor, dockerEngine } from "./engine";
import { networkDefaults } from "./official-outputs";
import { isOurs, labelled } from "./ownership";
import { docker } from "./stand-in";

const subnet = v.optional(v.string());

const networkSchema = v.strictObject({
  name: v.string(),
  driver: v.optional(v.string()),
  internal: v.optional(v.boolean()),
  ipv6: v.optional(v.boolean()),
  ipamConfigs: v.optional(v.array(v.strictObject({ subnet, gateway: subnet, ipRange: subnet }))),
  labels: v.optional(v.array(v.strictObject({ label: v.string(), value: v.string() }))),
  options: v.optional(v.record(v.string(), v.string())),
});

type NetworkArgs = v.InferOutput<typeof networkSchema>;

export interface Network extends NetworkArgs {
  readonly id?: string;
  readonly scope?: string;
}

const inputs: readonly string[] = Object.keys(networkSchema.entries);

export const network: Kind<Network> = {
  keeps: "properties only",
  type: "docker:index/network:Network",
  computedOutputs: ["id", "scope"],
  check: (given) => checkServed(docker, networkSchema, given),
  id: ({ id, name }) => id ?? name,
  hosts: () => [],
  diff,
  plan,

  async read(expected) {
    const { id } = expected;
    if (id === undefined) return undefined;
    const seen = await askingFor(`reading network ${expected.name}`, (engine) =>
      engine.getNetwork(id).inspect(),
    );
    return seen && parseNetwork(seen, expected);
  },

  async apply(_steps, live, wanted) {
    if (live !== undefined) throw new Error(`network ${wanted.name}: it can only be made anew`);
    return parseNetwork(await made(wanted), wanted);
  },

  async remove({ id, name }) {
    if (id === undefined) return;
    await askingFor(`removing network ${name}`, (engine) => engine.getNetwork(id).remove());
  },
};

function diff(live: Network, wanted: Network): Difference[] {
  const [old, now] = [live, wanted].map((side) => new Map(Object.entries(asked(side))));
  if (old === undefined || now === undefined) return [];
  return inputs
    .filter((key) => now.has(key) || (old.has(key) && !hasDefault.includes(key)))
    .flatMap((key) => differences([key], old.get(key), now.get(key)))
    .map((difference) => ({ ...difference, replace: true }));
}

/** Told by the engine, and by former states, also where nothing is asked. */
const hasDefault = ["driver", "internal", "ipv6"];

/** Without what stands for nothing: an empty text, or what only the official plugin keeps. */
function asked(network: Network): Network {
  const { ipamConfigs } = network;
  if (ipamConfigs === undefined) return network;
  return {
    ...network,
    ipamConfigs: ipamConfigs.map(({ subnet, gateway, ipRange }) => ({
      ...(subnet && { subnet }),
      ...(gateway && { gateway }),
      ...(ipRange && { ipRange }),
    })),
  };
}

function plan(live: Network | undefined, wanted: Network): Step[] {
  const { name } = wanted;
  if (live === undefined) return [{ action: "create", sentence: `create network ${name}` }];
  if (diff(live, wanted).length === 0) return [];
  return [{ action: "replace", sentence: `make network ${name} anew` }];
}

async function made(args: Network): Promise<NetworkInspectInfo> {
  const doing = `making network ${args.name}`;
  const found = await asking(doing, (engine) =>
    engine.listNetworks({ filters: { name: [args.name] } }),
  );
  const former = found.find(({ Name }) => Name === args.name);
  if (former !== undefined) await cleared(former, args);
  try {
    const created = await asking(doing, (engine) => engine.createNetwork(renderRequest(args)));
    return await inspected(created.id, args);
  } catch (error) {
    throw await withOverlap(error, args);
  }
}

async function cleared(former: NetworkInspectInfo, args: Network): Promise<void> {
  const { Containers = {} } = await inspected(former.Id, args);
  if (isOurs(former.Labels, args.labels) && Object.keys(Containers).length === 0) {
    await asking(`removing the former network ${args.name}`, (engine) =>
      engine.getNetwork(former.Id).remove(),
    );
    return;
  }
  throw new Error(
    `network ${args.name}: there is one of this name that is not of this stack (${former.Id.slice(0, 12)}): remove it with "docker network rm ${args.name}", or choose another name`,
  );
}

function inspected(id: string, { name }: Network): Promise<NetworkInspectInfo> {
  return asking(`reading network ${name}`, (engine) => engine.getNetwork(id).inspect());
}

function renderRequest(args: Network) {
  return {
    Name: args.name,
    CheckDuplicate: true,
    Driver: args.driver ?? "bridge",
    Internal: args.internal ?? false,
    EnableIPv6: args.ipv6 ?? false,
    Options: args.options ?? {},
    Labels: labelled(args),
    ...(args.ipamConfigs && {
      IPAM: {
        Config: args.ipamConfigs.map(({ subnet: Subnet, gateway: Gateway, ipRange: IPRange }) => ({
          Subnet,
          Gateway,
          IPRange,
        })),
      },
    }),
  };
}

/** Of what the engine adds on its own (a gateway, say) only what was expected is told. */
function parseNetwork(seen: NetworkInspectInfo, expected: Network): Network {
  const ipamConfigs = (seen.IPAM?.Config ?? []).map((config, at) => {
    const { gateway, ipRange } = expected.ipamConfigs?.[at] ?? {};
    // What was not asked for is an empty text, as the official plugin has it.
    return {
      subnet: config.Subnet ?? "",
      gateway: (gateway && config.Gateway) || "",
      ipRange: (ipRange && config.IPRange) || "",
    };
  });
  const labels = (expected.labels ?? []).flatMap(({ label }) => {
    const value = seen.Labels?.[label];
    return value === undefined ? [] : [{ label, value }];
  });
  const options = Object.entries(seen.Options ?? {}).filter(
    ([key]) => key in (expected.options ?? {}),
  );
  return {
    ...networkDefaults,
    name: seen.Name,
    driver: seen.Driver,
    internal: seen.Internal,
    ipv6: seen.EnableIPv6,
    ...(expected.ipamConfigs && { ipamConfigs }),
    ...(expected.labels && { labels }),
    ...(expected.options && { options: Object.fromEntries(options) }),
    id: seen.Id,
    scope: seen.Scope,
  };
}

async function withOverlap(error: unknown, { ipamConfigs = [] }: Network): Promise<unknown> {
  if (!(error instanceof Error)) return error;
  const engine = await dockerEngine();
  // The engine's own message stands in any case: a failing question after it would only hide it.
  const others = await engine.listNetworks().catch(() => []);
  const holders = others.flatMap(({ Name, IPAM }) =>
    (IPAM?.Config ?? [])
      .flatMap(({ Subnet = "" }) => Subnet)
      .filter((held) => ipamConfigs.some(({ subnet: asked = "" }) => isOverlapping(held, asked)))
      .map((held) => `network ${Name} has ${held}`),
  );
  return holders.length === 0 ? error : new Error(`${error.message}: ${holders.join(", ")}`);
}
