/** The machines of the stack, by what they are for. Nothing after this knows where they came from. */
import * as pulumi from "@pulumi/pulumi";
import { ContainerHosts, operatorsOfContainers } from "./container-hosts";
import { ExistingHost } from "./existing-host";
import { Firewall } from "./firewall";
import { Hardening } from "./hardening";
import { type Host, isHere } from "./host";
import { defaultHttpsPort } from "./https";
import type { Listen, OwnListen } from "./listens";
import { defaultPorts } from "./options";
import { withPackagePolicy } from "./packages";
import { retiredKeysOf } from "./retired-keys";
import type { HostSettings, Role, Settings } from "./settings";
import { includes } from "./settings/firewall";

export interface StackHost extends Host {
  readonly roles: readonly Role[];
}

export interface StackHosts {
  readonly all: readonly StackHost[];
  readonly loadBalancers: readonly StackHost[];
  readonly web: readonly StackHost[];
  /** A stack may have none. */
  readonly nameServers: readonly StackHost[];
  /** Who keeps backups; a stack may have none. */
  readonly backups: readonly StackHost[];
  /** Where Prometheus runs; a stack may have none. */
  readonly monitors: readonly StackHost[];
  /** Who keeps the data; a stack may have no database. */
  readonly database: DatabaseHosts | undefined;
  /** What everything else waits for: a wrong machine stops all before any is changed. */
  readonly machines: pulumi.Resource[];
  /** On all of them, unless the settings want none. */
  readonly firewall: Firewall | undefined;
  /** Where the settings want any. */
  readonly hardening: Hardening | undefined;
  /** Public keys by which nobody is to be let in over SSH any more, where there are any. */
  readonly retiredKeys: pulumi.Output<readonly string[]> | undefined;
  /** Where a browser reaches the page from here: of several load balancers by the address that they share, by the first of them or by DNS. */
  readonly url: string;
  /** Host name to where its load balancer answers from here. */
  readonly loadBalancerUrls: Readonly<Record<string, string>>;
  /** By themselves, whatever is put on them. */
  readonly listens: pulumi.Output<readonly OwnListen[]>;
}

export type DatabaseHosts =
  | {
      readonly topology: "pair";
      readonly primary: StackHost;
      /** None, where the primary is alone. */
      readonly replicas: readonly StackHost[];
    }
  | {
      readonly topology: "group";
      readonly members: readonly StackHost[];
      /** Where the settings say who it is to be. */
      readonly primary?: StackHost;
    };

type MachineSettings = Omit<Settings, "application" | "applications">;

/** `listening` is all that is to listen on them, which is known when everything is declared. */
export function createHosts(
  settings: MachineSettings,
  listening: pulumi.Output<readonly Listen[]>,
): StackHosts {
  const { hosts, listens, retiredKeys } = createMachines(settings);
  const machines = hosts.map(({ machine }) => machine);
  const reached = hosts.map((host) => withPackagePolicy(host, settings.packages, machines));
  const firewall = createFirewall(settings, reached, listening, { dependsOn: machines });
  const hardening =
    settings.hardening &&
    new Hardening("hardening", { hosts: reached, ...settings.hardening }, { dependsOn: machines });
  const all = reached.map((host) => (firewall ? { ...host, opened: firewall.opened } : host));
  for (const { name } of all.filter((host) => !isHere(host))) {
    pulumi.log.warn(`${name} is away: nothing is asked of it, and nothing on it is changed`);
  }
  const having = (role: Role) => all.filter(({ roles }) => roles.includes(role));
  const loadBalancers = having("load-balancer");
  return {
    all,
    loadBalancers,
    web: having("web"),
    nameServers: having("name-server"),
    backups: having("backup"),
    monitors: having("monitoring"),
    database: databaseHostsOf(
      [...having("database-primary"), ...having("database"), ...having("database-replica")],
      settings.database.primary,
    ),
    ...{ machines, firewall, hardening },
    retiredKeys: retiredKeysOf(settings.retiredKeys, retiredKeys),
    url: urlOf(settings),
    loadBalancerUrls: urlsOf(settings),
    listens,
  };
}

/** Of a stack, unless its settings want none. */
function createFirewall(
  settings: MachineSettings,
  hosts: readonly Host[],
  listens: pulumi.Output<readonly Listen[]>,
  opts: pulumi.ComponentResourceOptions,
): Firewall | undefined {
  const { firewall, containers } = settings;
  if (firewall === "none") return undefined;
  const { operators: named = [] } = firewall;
  const here = containers === undefined ? [] : operatorsOfContainers(containers);
  const apart = here.filter((one) => !named.some((network) => includes(network, one)));
  const operators = [...apart, ...named];
  return new Firewall("firewall", { hosts, listens, ...firewall, operators }, opts);
}

/** A group elects its primary; of a pair the first takes the writes. The settings may wish for one. */
function databaseHostsOf(
  members: readonly StackHost[],
  wished: string | undefined,
): DatabaseHosts | undefined {
  const found = members.find(({ name }) => name === wished);
  if (members.filter(({ roles }) => roles.includes("database")).length > 2) {
    return { topology: "group", members, ...(found && { primary: found }) };
  }
  const primary = found ?? members[0];
  if (primary === undefined) return undefined;
  const replicas = members.filter((member) => member !== primary);
  return { topology: "pair", primary, replicas };
}

function createMachines({
  hosts,
  containers,
  privateKey,
  loadBalancer,
}: MachineSettings): Pick<StackHosts, "listens"> &
  Partial<Pick<StackHosts, "retiredKeys">> & { readonly hosts: readonly StackHost[] } {
  if (containers === undefined) {
    const existing = hosts.map((settings) => createExisting(settings, privateKey));
    const listens = pulumi.all(existing.map((one) => one.listens)).apply((all) => all.flat());
    return { hosts: existing.map(({ host }) => host), listens };
  }
  const publishedPort = loadBalancer.port ?? defaultPorts.loadBalancer;
  return new ContainerHosts("hosts", { hosts, containers, publishedPort });
}

function createExisting(
  { name, roles, away = false, ...settings }: HostSettings,
  // That each has a host key and a private one was checked with the settings.
  commonKey = "",
): { readonly host: StackHost; readonly listens: ExistingHost["listens"] } {
  const { hostKey = "", privateKey = commonKey, ...rest } = settings;
  const existing = new ExistingHost(name, { ...rest, hostKey, privateKey });
  const { address, publicAddress, address6, host, machine, listens } = existing;
  const addresses = { address, publicAddress, ...(address6 && { address6 }) };
  return { host: { name, roles, away, ...addresses, host, machine }, listens };
}

/** Of containers without a shared address it is the first load balancer that is there. */
function urlOf(settings: MachineSettings): string {
  const { domain, hosts, containers, loadBalancer } = settings;
  if (containers === undefined) return pageAt(domain, settings);
  // The network of the containers is this machine's own.
  const { virtualAddress } = loadBalancer;
  if (virtualAddress !== undefined) return pageAt(virtualAddress, settings);
  const first = hosts.find((host) => host.roles.includes("load-balancer") && isHere(host));
  return urlsOf(settings)[first?.name ?? ""] ?? "";
}

function urlsOf(settings: MachineSettings): Readonly<Record<string, string>> {
  const { hosts, containers, https } = settings;
  const balancing = hosts.filter(({ roles }) => roles.includes("load-balancer"));
  return Object.fromEntries(
    balancing.map(({ name, address }, index) => [
      name,
      // Of a container the port of plain HTTP is published, and no other.
      containers && https === undefined
        ? `http://127.0.0.1:${containers.publish + index}`
        : pageAt(address, settings),
    ]),
  );
}

function pageAt(address: string, { https, loadBalancer }: MachineSettings): string {
  if (https === undefined) {
    const { port = defaultPorts.loadBalancer } = loadBalancer;
    return `http://${address}${port === 80 ? "" : `:${port}`}`;
  }
  const { port = defaultHttpsPort } = https === "own-ca" ? {} : https;
  return `https://${address}${port === 443 ? "" : `:${port}`}`;
}
