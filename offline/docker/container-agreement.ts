/** When two writings of a container's property mean the same. Pure. */

import { isSame } from "../../provider/difference";
import type { ContainerArgs } from "./container-args";

type Key = keyof ContainerArgs;
type Agreement<Value> = (live: Value, wanted: Value) => boolean;
type Given<K extends Key> = NonNullable<ContainerArgs[K]>;

/** Whether a live property is as wanted. What is not wanted and not there agrees too. */
export function agrees<K extends Key>(
  key: K,
  live: ContainerArgs[K],
  wanted: ContainerArgs[K],
): boolean {
  if (isNothing(live) || isNothing(wanted)) return isNothing(live) && isNothing(wanted);
  if (live === undefined || wanted === undefined) return false;
  const agreement: Agreement<Given<K>> | undefined = agreements[key];
  return (agreement ?? isSame)(live, wanted);
}

const agreements: { readonly [K in Key]?: Agreement<Given<K>> } = {
  capabilities: by(({ adds = [], drops = [] }) => [
    bag(adds.map(capability)),
    bag(drops.map(capability)),
  ]),
  securityOpts: by(bag),
  // The image's own variables stand beside those asked for.
  envs: (live, wanted) => wanted.every((variable) => live.includes(variable)),
  volumes: by((volumes) =>
    bag(
      volumes.map(({ hostPath, volumeName, containerPath, readOnly }) => [
        hostPath || volumeName,
        containerPath,
        readOnly || false,
      ]),
    ),
  ),
  networksAdvanced: by((networks) =>
    bag(
      networks.map(({ name, ipv4Address = "", ipv6Address = "", aliases = [] }) => [
        ...[name, ipv4Address, ipv6Address, bag(aliases)],
      ]),
    ),
  ),
  networkMode: () => true,
  // The official plugin's state has empty texts where nothing was said.
  uploads: by((uploads) =>
    bag(
      uploads.map(({ file, content, contentBase64, executable, permissions }) => [
        ...[file, content || "", contentBase64 || "", executable || false, permissions || ""],
      ]),
    ),
  ),
  labels: by((labels) => bag(labels.map(({ label, value }) => [label, value]))),
  ports: (live, wanted) => {
    const free = new Set(wanted.filter(({ external }) => external === undefined).map(place));
    const plain = by((ports: Given<"ports">) =>
      bag(ports.map((port) => [place(port), free.has(place(port)) ? 0 : port.external])),
    );
    return plain(live, wanted);
  },
};

/** The end of a published port inside the container, and where it listens outside. */
export function place(port: Given<"ports">[number]): string {
  return `${port.ip ?? "0.0.0.0"} ${port.internal}/${port.protocol ?? "tcp"}`;
}

function by<Value>(meaning: (value: Value) => unknown): Agreement<Value> {
  return (live, wanted) => isSame(meaning(live), meaning(wanted));
}

function bag(items: readonly unknown[]): string[] {
  return items.map((item) => JSON.stringify(item)).sort();
}

function capability(name: string): string {
  return `CAP_${name.toUpperCase().replace(/^CAP_/, "")}`;
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
