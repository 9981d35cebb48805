/** What the stand-in serves of `docker.Container`, under the official plugin's names. */

import * as v from "valibot";
import { integer, text } from "../../provider/check";

const list = v.array(v.string());
const texts = v.record(v.string(), v.string());
const name = text(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/, "a container's name");

const volume = v.strictObject({
  hostPath: v.optional(v.string()),
  containerPath: v.string(),
  volumeName: v.optional(v.string()),
  readOnly: v.optional(v.boolean()),
});

const upload = v.strictObject({
  file: text(/^\/./, "an absolute path"),
  content: v.optional(v.string()),
  contentBase64: v.optional(v.string()),
  executable: v.optional(v.boolean()),
  permissions: v.optional(text(/^[0-7]{3,4}$/, 'an octal mode such as "0600"')),
});

const port = v.strictObject({
  internal: integer(1, 65535),
  external: v.optional(integer(1, 65535)),
  ip: v.optional(v.string()),
  protocol: v.optional(v.picklist(["tcp", "udp"])),
});

const network = v.strictObject({
  name: v.string(),
  ipv4Address: v.optional(v.string()),
  ipv6Address: v.optional(v.string()),
  aliases: v.optional(list),
});

const inputs = {
  name,
  image: v.string(),
  hostname: v.optional(v.string()),
  command: v.optional(list),
  capabilities: v.optional(v.strictObject({ adds: v.optional(list), drops: v.optional(list) })),
  securityOpts: v.optional(list),
  tmpfs: v.optional(texts),
  envs: v.optional(list),
  cgroupnsMode: v.optional(v.picklist(["private", "host"])),
  volumes: v.optional(v.array(volume)),
  networksAdvanced: v.optional(v.array(network)),
  /** Accepted as the official plugin's state has it; which networks there are, `networksAdvanced` says. */
  networkMode: v.optional(v.string()),
  uploads: v.optional(v.array(upload)),
  ports: v.optional(v.array(port)),
  labels: v.optional(v.array(v.strictObject({ label: v.string(), value: v.string() }))),
  memory: v.optional(integer(6, 1024 * 1024)),
  /** Megabytes of memory and swap together; the engine's own choice is twice the memory. */
  memorySwap: v.optional(integer(-1, 2 * 1024 * 1024)),
  sysctls: v.optional(texts),
  dns: v.optional(list),
  restart: v.optional(v.picklist(["no", "on-failure", "always", "unless-stopped"])),
  stopSignal: v.optional(v.string()),
  stopTimeout: v.optional(integer(0, 3600)),
  destroyGraceSeconds: v.optional(integer(0, 3600)),
  mustRun: v.optional(v.boolean()),
  /** `false`: it is only made, and started by whoever wants it. */
  start: v.optional(v.boolean()),
};

export const containerSchema = v.strictObject(inputs);
export type ContainerArgs = v.InferOutput<typeof containerSchema>;

export interface NetworkData {
  readonly networkName: string;
  readonly ipAddress: string;
  readonly ipPrefixLength: number;
  readonly gateway: string;
  readonly macAddress: string;
}

/** A container as it was made: its inputs, and what the engine alone knew. */
export interface Container extends ContainerArgs {
  readonly id?: string;
  readonly networkDatas?: readonly NetworkData[];
}

export const isInput = (key: string): key is keyof ContainerArgs => key in inputs;
