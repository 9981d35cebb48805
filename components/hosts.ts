/** The machines of the stack, by what they are for. Nothing after this knows where they came from. */
import * as pulumi from "@pulumi/pulumi";
import { ContainerHosts } from "./container-hosts";
import { ExistingHost } from "./existing-host";
import type { Host } from "./host";
import { defaultPorts } from "./options";
import type { HostSettings, Role, Settings } from "./settings";

export interface StackHost extends Host {
  readonly roles: readonly Role[];
}

export interface StackHosts {
  readonly all: readonly StackHost[];
  readonly loadBalancer: StackHost;
  readonly web: readonly StackHost[];
  readonly databasePrimary: StackHost;
  readonly databaseReplicas: readonly StackHost[];
  /** What everything else waits for: a wrong machine stops all before any is changed. */
  readonly machines: pulumi.Resource[];
  /** Where a browser reaches the load balancer from here. */
  readonly url: string;
}

type MachineSettings = Omit<Settings, "application">;

export function createHosts(settings: MachineSettings): StackHosts {
  const all = createMachines(settings);
  const having = (role: Role) => all.filter(({ roles }) => roles.includes(role));
  const one = (role: Role) => {
    const [host] = having(role);
    // The settings were checked for it.
    if (host === undefined) throw new pulumi.RunError(`no host has the role ${role}`);
    return host;
  };
  return {
    all,
    loadBalancer: one("load-balancer"),
    web: having("web"),
    databasePrimary: one("database-primary"),
    databaseReplicas: having("database-replica"),
    machines: all.map(({ machine }) => machine),
    url: urlOf(settings),
  };
}

function createMachines({
  hosts,
  containers,
  privateKey,
  loadBalancer,
}: MachineSettings): readonly StackHost[] {
  if (containers === undefined) {
    return hosts.map((settings) => createExisting(settings, privateKey));
  }
  const publishedPort = loadBalancer.port ?? defaultPorts.loadBalancer;
  return new ContainerHosts("hosts", { hosts, containers, publishedPort }).hosts;
}

function createExisting(
  { name, roles, ...settings }: HostSettings,
  // That each has a host key and a private one was checked with the settings.
  commonKey = "",
): StackHost {
  const { hostKey = "", privateKey = commonKey, ...rest } = settings;
  const { address, host, machine } = new ExistingHost(name, { ...rest, hostKey, privateKey });
  return { name, roles, address, host, machine };
}

function urlOf({ domain, containers, loadBalancer }: MachineSettings): string {
  if (containers) return `http://127.0.0.1:${containers.publish}`;
  const port = loadBalancer.port ?? defaultPorts.loadBalancer;
  return port === 80 ? `http://${domain}` : `http://${domain}:${port}`;
}
