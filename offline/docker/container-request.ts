/** A container's arguments as the engine takes them. Pure. */

import type { ContainerCreateOptions, EndpointSettings, HostConfig } from "dockerode";
import type { ContainerArgs } from "./container-args";
import { labelled } from "./ownership";
import type { TarFile } from "./tar";

const bytesPerMegabyte = 1024 * 1024;

type NetworkArgs = NonNullable<ContainerArgs["networksAdvanced"]>[number];

/** All of it but the uploads and the second and further networks, which the engine takes one by one. */
export function renderRequest(args: ContainerArgs): ContainerCreateOptions {
  const network = args.networksAdvanced?.[0];
  return {
    name: args.name,
    Image: args.image,
    Hostname: args.hostname,
    Cmd: args.command,
    Env: args.envs,
    Labels: labelled(args),
    StopSignal: args.stopSignal,
    StopTimeout: args.stopTimeout,
    ExposedPorts: Object.fromEntries((args.ports ?? []).map((port) => [portKey(port), {}])),
    HostConfig: renderHostConfig(args),
    ...(network && {
      NetworkingConfig: { EndpointsConfig: { [network.name]: renderEndpoint(network) } },
    }),
  };
}

export function renderEndpoint(args: NetworkArgs): EndpointSettings {
  const { ipv4Address, ipv6Address, aliases } = args;
  const addresses = {
    ...(ipv4Address !== undefined && { IPv4Address: ipv4Address }),
    ...(ipv6Address !== undefined && { IPv6Address: ipv6Address }),
  };
  return {
    ...(Object.keys(addresses).length > 0 && { IPAMConfig: addresses }),
    ...(aliases !== undefined && { Aliases: aliases }),
  };
}

/** What the engine changes on a container that is there. */
export function renderLimits({ memory, memorySwap, restart }: ContainerArgs): HostConfig {
  return {
    // Twice the memory, as the engine chooses for a new container: memory alone may not grow beyond it.
    ...(memory !== undefined && {
      Memory: memory * bytesPerMegabyte,
      MemorySwap: swapBytes(memorySwap ?? 2 * memory),
    }),
    RestartPolicy: { Name: restart ?? "no" },
  };
}

/** -1 stands for no limit. */
function swapBytes(megabytes: number): number {
  return megabytes < 0 ? -1 : megabytes * bytesPerMegabyte;
}

export function renderUploads(args: ContainerArgs): TarFile[] {
  return (args.uploads ?? []).map(({ file, content, contentBase64, permissions, executable }) => ({
    path: file,
    content: Buffer.from(content ?? contentBase64 ?? "", content === undefined ? "base64" : "utf8"),
    mode: Number.parseInt(permissions ?? (executable ? "0744" : "0644"), 8),
  }));
}

/** `22/tcp` */
export function portKey(port: NonNullable<ContainerArgs["ports"]>[number]): string {
  return `${port.internal}/${port.protocol ?? "tcp"}`;
}

function renderHostConfig(args: ContainerArgs): HostConfig {
  return {
    ...renderLimits(args),
    CapAdd: args.capabilities?.adds,
    CapDrop: args.capabilities?.drops,
    SecurityOpt: args.securityOpts,
    Tmpfs: args.tmpfs,
    Binds: args.volumes?.map(renderBind),
    PortBindings: renderPorts(args),
    NetworkMode: args.networksAdvanced?.[0]?.name,
    Sysctls: args.sysctls,
    Dns: args.dns,
    // The engine's API has it since 1.41; its published types do not.
    ...(args.cgroupnsMode !== undefined && { CgroupnsMode: args.cgroupnsMode }),
  };
}

function renderBind(volume: NonNullable<ContainerArgs["volumes"]>[number]): string {
  const { hostPath, volumeName, containerPath, readOnly } = volume;
  return `${hostPath ?? volumeName}:${containerPath}:${readOnly ? "ro" : "rw"}`;
}

function renderPorts({ ports = [] }: ContainerArgs): Record<string, object[]> {
  const bindings: Record<string, object[]> = {};
  for (const port of ports) {
    const binding = {
      HostIp: port.ip ?? "0.0.0.0",
      HostPort: port.external === undefined ? "" : String(port.external),
    };
    bindings[portKey(port)] = [...(bindings[portKey(port)] ?? []), binding];
  }
  return bindings;
}
