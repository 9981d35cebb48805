/** Hosts that are containers of this machine's Docker engine: systemd, sshd, and addresses of their own. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { SshKey } from "../provider/resources/generated";
import { Machine } from "../provider/resources/machine";
import { firstAddress6 } from "./address6";
import { type ClientKey, createClientKey } from "./client-key";
import type { Host } from "./host";
import { allAddresses, declareListens, type OwnListen, ssh } from "./listens";
import { defaultPorts } from "./options";
import type { ContainerSettings, HostSettings } from "./settings";
import { firstAddress, lastByte } from "./settings/subnet";

/** How systemd may run in a container without being given the whole machine. */
const systemdArgs = {
  command: ["/sbin/init"],
  capabilities: { adds: ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"] },
  securityOpts: ["seccomp=unconfined", "apparmor=unconfined"],
  tmpfs: { "/run": "", "/run/lock": "" },
  envs: ["container=docker"],
  cgroupnsMode: "host",
  // What tells systemd to shut down, and lets requests under way end.
  stopSignal: "SIGRTMIN+3",
  destroyGraceSeconds: 30,
};

export interface ContainerHostsArgs {
  readonly hosts: readonly HostSettings[];
  readonly containers: ContainerSettings;
  /** The load balancers' port: the first one's is published as `containers.publish`, the next ones' at the ports after it. */
  readonly publishedPort: number;
}

/** A network of the stack's own with a container for each host. */
export class ContainerHosts extends pulumi.ComponentResource {
  readonly hosts: readonly (HostSettings & Host)[];
  readonly privateKey: pulumi.Output<string>;
  /** Public keys that are to be let in no more, where there are any. */
  readonly retiredKeys: pulumi.Output<readonly string[]> | undefined;
  /** Each one's sshd. */
  readonly listens: pulumi.Output<readonly OwnListen[]>;

  constructor(name: string, args: ContainerHostsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:ContainerHosts", name, {}, opts);
    const { containers, publishedPort } = args;
    const key = createClientKey(this, name, containers.keyKeeper);
    const network = createNetwork(this, name, containers);
    this.privateKey = key.privateKey;
    this.retiredKeys = key.retired;
    const balancing = args.hosts.filter(({ roles }) => roles.includes("load-balancer"));
    this.hosts = args.hosts.map((settings) => {
      const turn = balancing.indexOf(settings);
      const published =
        turn < 0 ? [] : [{ internal: publishedPort, external: containers.publish + turn }];
      return createHost(this, { settings, containers, network, key, published });
    });
    this.listens = declareListens(args.hosts.flatMap((host) => sshListens(host, containers)));
    this.registerOutputs({});
  }
}

/** From where this machine reaches them: the addresses that the engine has in their network. */
export function operatorsOfContainers({ subnet, subnet6 }: ContainerSettings): readonly string[] {
  const own6 = subnet6 === undefined ? [] : [`${firstAddress6(subnet6)}/128`];
  return [`${firstAddress(subnet)}/32`, ...own6];
}

function sshListens(settings: HostSettings, containers: ContainerSettings) {
  const sshd = {
    address: allAddresses,
    protocol: "tcp",
    what: ssh,
    unit: "ssh.service",
  } as const;
  const audience = { operators: true } as const;
  return sshPorts(settings, containers).map((port) => ({
    ...{ host: settings.name, ...sshd, port, for: audience },
  }));
}

function createNetwork(
  parent: pulumi.Resource,
  name: string,
  { subnet, subnet6, mtu = readMtu() }: ContainerSettings,
): docker.Network {
  const args = {
    name: `trilithon-${pulumi.getStack()}`,
    ipamConfigs: [{ subnet }, ...(subnet6 === undefined ? [] : [{ subnet: subnet6 }])],
    ...(subnet6 !== undefined && { ipv6: true }),
    labels: [{ label: "trilithon.stack", value: pulumi.getStack() }],
    ...(mtu !== undefined && { options: { "com.docker.network.driver.mtu": String(mtu) } }),
  };
  return new docker.Network(`${name}-network`, args, { parent, deleteBeforeReplace: true });
}

interface HostParts {
  readonly settings: HostSettings;
  readonly containers: ContainerSettings;
  readonly network: docker.Network;
  readonly key: ClientKey;
  /** Ports of the host that answer on this machine as well. */
  readonly published: readonly { readonly internal: number; readonly external: number }[];
}

function createHost(parent: pulumi.Resource, parts: HostParts): HostSettings & Host {
  const { settings, containers, key } = parts;
  const { name } = settings;
  const hostKey = new SshKey(`${name}-host-key`, {}, { parent });
  const container = createContainer(parent, parts, hostKey);
  const host = {
    name,
    address: "127.0.0.1",
    port: sshPort(settings, containers),
    user: "root",
    hostKey: hostKey.publicKey,
    privateKey: key.privateKey,
    ...(key.formerPrivateKeys.length > 0 && { formerPrivateKeys: [...key.formerPrivateKeys] }),
    instance: container.id,
  };
  const machine = new Machine(name, { host }, { parent, deletedWith: container });
  return { ...settings, host, machine, deletedWith: container };
}

function createContainer(
  parent: pulumi.Resource,
  { settings, containers, network, key, published }: HostParts,
  hostKey: SshKey,
): docker.Container {
  const { name, address, address6, roles, away = false } = settings;
  const stack = pulumi.getStack();
  const port = sshPort(settings, containers);
  const ports = sshPorts(settings, containers);
  const args: docker.ContainerArgs = {
    ...systemdArgs,
    name: `trilithon-${stack}-${name}`,
    hostname: name,
    image: containers.image,
    memory: containers.memoryMegabytes,
    // The engine's own choice, said: the official plugin else takes it for a change.
    memorySwap: 2 * containers.memoryMegabytes,
    restart: "unless-stopped",
    // The official plugin keeps of a stopped container that must run that it has no ports, and can then only make it
    // anew, also once it runs again: there `npm start` starts it. One that is away is left as it is, running or not.
    ...((away || !standInServes()) && { mustRun: false }),
    ...(away && { start: false }),
    volumes: [
      { hostPath: containers.cgroupPath ?? findCgroupPath(), containerPath: "/sys/fs/cgroup" },
    ],
    networksAdvanced: [
      { name: network.name, ipv4Address: address, ...(address6 && { ipv6Address: address6 }) },
    ],
    uploads: renderUploads(key.first, hostKey, ports),
    ports: [
      // The same port inside, so that the host's own address answers there as well.
      { internal: port, external: port, ip: "127.0.0.1" },
      ...published.map((ports) => ({ ...ports, ip: "127.0.0.1" })),
    ],
    labels: [
      { label: "trilithon.host", value: name },
      { label: "trilithon.stack", value: stack },
    ],
  };
  // Its data goes with it: Pulumi refuses to remove or replace it until `pulumi state unprotect` names it.
  const protect = roles.some((role) => role.startsWith("database"));
  return new docker.Container(name, args, {
    ...{ parent, deleteBeforeReplace: true, protect },
    // The stand-in makes a container in its network, the official plugin puts it there afterwards; it is the same then.
    ignoreChanges: ["networkMode"],
  });
}

/** The keys are there before sshd first answers, so that the first connection is already verified. */
function renderUploads(key: SshKey, hostKey: SshKey, ports: readonly number[]) {
  return [
    { file: "/etc/ssh/ssh_host_ed25519_key", content: hostKey.privateKey, permissions: "0600" },
    { file: "/etc/ssh/ssh_host_ed25519_key.pub", content: hostKey.publicKey, permissions: "0644" },
    { file: "/root/.ssh/authorized_keys", content: key.publicKey, permissions: "0600" },
    {
      file: "/etc/ssh/sshd_config.d/trilithon-port.conf",
      content: ports.map((port) => `Port ${port}\n`).join(""),
      permissions: "0644",
    },
  ];
}

/** The second one is published. */
function sshPorts(settings: HostSettings, containers: ContainerSettings): readonly number[] {
  return [defaultPorts.ssh, sshPort(settings, containers)];
}

/** Follows from the address alone: no port moves when a host is added. */
function sshPort({ address }: HostSettings, { sshPortBase }: ContainerSettings): number {
  return sshPortBase + lastByte(address);
}

/** Set-up writes this file where the stand-ins of `offline/` serve (`scripts/setup/environment.ts`). */
function standInServes(): boolean {
  const home = process.env.PULUMI_HOME || join(homedir(), ".pulumi");
  return existsSync(join(home, "stand-ins.json"));
}

/** Machines with both versions of control groups mount the second one here. */
function findCgroupPath(): string {
  const hybrid = "/sys/fs/cgroup/unified";
  return existsSync(hybrid) ? hybrid : "/sys/fs/cgroup";
}

/** A network in a tunnel has smaller packets than Docker assumes; larger ones would be lost. */
function readMtu(): number | undefined {
  const routes = "/proc/net/route";
  if (!existsSync(routes)) return undefined;
  const [device] = readFileSync(routes, "utf8")
    .split("\n")
    .map((line) => line.split("\t"))
    .flatMap(([name, destination]) => (destination === "00000000" && name ? [name] : []));
  const file = `/sys/class/net/${device}/mtu`;
  const mtu = device && existsSync(file) ? Number(readFileSync(file, "utf8")) : 1500;
  return mtu < 1500 ? mtu : undefined;
}
