/** What the engine says of a container, in the properties of its arguments. Pure. */

import type { ContainerInspectInfo } from "dockerode";
import { agrees, place } from "./container-agreement";
import type { Container, ContainerArgs, NetworkData } from "./container-args";
import { containerDefaults } from "./official-outputs";

const bytesPerMegabyte = 1024 * 1024;

type Ports = NonNullable<ContainerArgs["ports"]>;

/**
 * The container as it is. Of what the engine adds on its own (an image's variables, say) only what was expected is
 * told, and in the words in which it was expected where both mean the same.
 */
export function parseContainer(seen: ContainerInspectInfo, expected: ContainerArgs): Container {
  const live = liveArgs(seen, expected);
  const word = <K extends keyof ContainerArgs>(key: K): ContainerArgs[K] =>
    agrees(key, live[key], expected[key]) ? expected[key] : live[key];
  return {
    ...containerDefaults,
    ...live,
    capabilities: word("capabilities"),
    securityOpts: word("securityOpts"),
    envs: word("envs"),
    volumes: word("volumes"),
    networksAdvanced: word("networksAdvanced"),
    labels: word("labels"),
    id: seen.Id,
    networkDatas: Object.entries(seen.NetworkSettings.Networks).map(parseNetwork),
  };
}

function liveArgs(seen: ContainerInspectInfo, expected: ContainerArgs): ContainerArgs {
  const { Config: config, HostConfig: host } = seen;
  const extra: Record<string, unknown> = { ...host, ...config };
  return {
    name: seen.Name.replace(/^\//, ""),
    image: config.Image,
    hostname: config.Hostname,
    mustRun: seen.State.Running,
    command: expected.command && config.Cmd,
    capabilities: expected.capabilities && {
      adds: host.CapAdd ?? [],
      drops: host.CapDrop ?? [],
    },
    securityOpts: expected.securityOpts && (host.SecurityOpt ?? []),
    tmpfs: expected.tmpfs && (host.Tmpfs ?? {}),
    envs: expected.envs && config.Env.filter((variable) => isAsked(variable, expected)),
    cgroupnsMode: expected.cgroupnsMode && (extra.CgroupnsMode === "host" ? "host" : "private"),
    volumes: expected.volumes && (host.Binds ?? []).map(parseBind),
    networksAdvanced: expected.networksAdvanced && parseNetworks(seen, expected),
    ports: expected.ports && parsePorts(seen, expected.ports),
    labels: expected.labels?.flatMap(({ label }) => {
      const value = config.Labels[label];
      return value === undefined ? [] : [{ label, value }];
    }),
    memory: expected.memory && (host.Memory ?? 0) / bytesPerMegabyte,
    memorySwap: expected.memory && toMegabytes(host.MemorySwap ?? 0),
    sysctls: expected.sysctls && (host.Sysctls ?? {}),
    dns: expected.dns && (host.Dns ?? []),
    restart: expected.restart && parseRestart(host.RestartPolicy?.Name),
    stopSignal: expected.stopSignal && String(extra.StopSignal ?? "SIGTERM"),
    stopTimeout: expected.stopTimeout === undefined ? undefined : Number(extra.StopTimeout ?? 0),
    // The engine keeps neither: files are put in once, before the start, and are the machine's own from then on.
    uploads: expected.uploads,
    destroyGraceSeconds: expected.destroyGraceSeconds,
  };
}

function toMegabytes(bytes: number): number {
  return bytes < 0 ? -1 : bytes / bytesPerMegabyte;
}

function isAsked(variable: string, { envs = [] }: ContainerArgs): boolean {
  const prefix = `${variable.split("=")[0]}=`;
  return envs.some((asked) => asked.startsWith(prefix));
}

function parseBind(bind: string): NonNullable<ContainerArgs["volumes"]>[number] {
  const [source = "", containerPath = "", mode = "rw"] = bind.split(":");
  const from = source.startsWith("/") ? { hostPath: source } : { volumeName: source };
  return { ...from, containerPath, readOnly: mode.split(",").includes("ro") };
}

function parseNetworks(seen: ContainerInspectInfo, expected: ContainerArgs) {
  return (expected.networksAdvanced ?? []).flatMap(({ name, aliases: asked = [] }) => {
    const found = Object.entries(seen.NetworkSettings.Networks).find(
      ([label, { NetworkID }]) => label === name || NetworkID === name,
    );
    if (found === undefined) return [];
    const { IPv4Address: address, IPv6Address: address6 } = Object(found[1].IPAMConfig);
    const aliases = (found[1].Aliases ?? []).filter((alias: string) => asked.includes(alias));
    return [
      {
        name,
        ...(typeof address === "string" && { ipv4Address: address }),
        ...(typeof address6 === "string" && { ipv6Address: address6 }),
        aliases,
      },
    ];
  });
}

function parsePorts(seen: ContainerInspectInfo, expected: Ports): Ports {
  const places = expected.map(place);
  return Object.entries<{ HostIp: string; HostPort: string }[]>(seen.HostConfig.PortBindings ?? {})
    .flatMap(([key, bindings]) => {
      const [internal, protocol] = key.split("/");
      return bindings.map(({ HostIp, HostPort }, at) => {
        const assigned = seen.NetworkSettings.Ports[key]?.[at]?.HostPort;
        const external = Number(HostPort || assigned || 0);
        return {
          internal: Number(internal),
          ...(external > 0 && { external }),
          ip: HostIp || "0.0.0.0",
          protocol: protocol === "udp" ? ("udp" as const) : ("tcp" as const),
        };
      });
    })
    .sort((one, other) => places.indexOf(place(one)) - places.indexOf(place(other)));
}

function parseRestart(name: string | undefined): NonNullable<ContainerArgs["restart"]> {
  return name === "always" || name === "on-failure" || name === "unless-stopped" ? name : "no";
}

function parseNetwork([networkName, network]: [
  string,
  ContainerInspectInfo["NetworkSettings"]["Networks"][string],
]): NetworkData {
  return {
    networkName,
    ipAddress: network.IPAddress,
    ipPrefixLength: network.IPPrefixLen,
    gateway: network.Gateway,
    macAddress: network.MacAddress,
  };
}
