/** The machines of the stack, by what they are for. Nothing after this knows where they came from. */
import * as pulumi from "@pulumi/pulumi";
import { ContainerHosts } from "./container-hosts";
import { ExistingHost } from "./existing-host";
import { type Host, isHere } from "./host";
import { defaultPorts } from "./options";
import { withPackagePolicy } from "./packages";
import type { HostSettings, Role, Settings } from "./settings";

export interface StackHost extends Host {
  readonly roles: readonly Role[];
}

export interface StackHosts {
  readonly all: readonly StackHost[];
  readonly loadBalancers: readonly StackHost[];
  readonly web: readonly StackHost[];
  /** Who keeps the data; a stack may have no database. */
  readonly database:
    | { readonly primary: StackHost; readonly replicas: readonly StackHost[] }
    | undefined;
  /** What everything else waits for: a wrong machine stops all before any is changed. */
  readonly machines: pulumi.Resource[];
  /** Where a browser reaches the page from here: of several load balancers by the address that they share, by the first of them or by DNS. */
  readonly url: string;
  /** Host name to where its load balancer answers from here. */
  readonly loadBalancerUrls: Readonly<Record<string, string>>;
}

type MachineSettings = Omit<Settings, "application">;

export function createHosts(settings: MachineSettings): StackHosts {
  const all = createMachines(settings).map((host) => withPackagePolicy(host, settings.packages));
  for (const { name } of all.filter((host) => !isHere(host))) {
    pulumi.log.warn(`${name} is away: nothing is asked of it, and nothing on it is changed`);
  }
  const having = (role: Role) => all.filter(({ roles }) => roles.includes(role));
  const loadBalancers = having("load-balancer");
  return {
    all,
    loadBalancers,
    web: having("web"),
    database: pairOf(
      [...having("database-primary"), ...having("database"), ...having("database-replica")],
      settings.database.primary,
    ),
    machines: all.map(({ machine }) => machine),
    url: urlOf(settings),
    loadBalancerUrls: urlsOf(settings),
  };
}

/** The first takes the writes, unless the settings say who does. */
function pairOf(members: readonly StackHost[], wished: string | undefined): StackHosts["database"] {
  const primary = members.find(({ name }) => name === wished) ?? members[0];
  if (primary === undefined) return undefined;
  return { primary, replicas: members.filter((member) => member !== primary) };
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
  { name, roles, away = false, ...settings }: HostSettings,
  // That each has a host key and a private one was checked with the settings.
  commonKey = "",
): StackHost {
  const { hostKey = "", privateKey = commonKey, ...rest } = settings;
  const { address, host, machine } = new ExistingHost(name, { ...rest, hostKey, privateKey });
  return { name, roles, away, address, host, machine };
}

/** Of containers without a shared address it is the first load balancer that is there. */
function urlOf(settings: MachineSettings): string {
  const { domain, hosts, containers, loadBalancer } = settings;
  const port = portSuffix(loadBalancer.port);
  if (containers === undefined) return `http://${domain}${port}`;
  // The network of the containers is this machine's own.
  const { virtualAddress } = loadBalancer;
  if (virtualAddress !== undefined) return `http://${virtualAddress}${port}`;
  const first = hosts.find((host) => host.roles.includes("load-balancer") && isHere(host));
  return urlsOf(settings)[first?.name ?? ""] ?? "";
}

function urlsOf(settings: MachineSettings): Readonly<Record<string, string>> {
  const { hosts, containers, loadBalancer } = settings;
  const balancing = hosts.filter(({ roles }) => roles.includes("load-balancer"));
  return Object.fromEntries(
    balancing.map(({ name, address }, index) => [
      name,
      containers
        ? `http://127.0.0.1:${containers.publish + index}`
        : `http://${address}${portSuffix(loadBalancer.port)}`,
    ]),
  );
}

function portSuffix(port: number = defaultPorts.loadBalancer): string {
  return port === 80 ? "" : `:${port}`;
}
