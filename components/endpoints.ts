/** What the stack tells the outside, as the outputs `endpoints` and `sshKeys`: all that scripts and checks may rely on. */
import * as pulumi from "@pulumi/pulumi";
import type { PlacedApplication, StackApplications } from "./applications";
import type { Backup } from "./backup";
import type { MysqlPair } from "./database";
import type { DatabaseProxy } from "./database-proxy";
import type { DnsRecord } from "./dns";
import { isHere } from "./host";
import type { StackHost, StackHosts } from "./hosts";
import { type Listen, listensInStack, type OwnListen } from "./listens";
import type { LoadBalancer } from "./load-balancer";
import type { Monitoring } from "./monitoring";
import { MysqlGroup } from "./mysql-group";
import type { NameServer } from "./name-server";
import { defaultPorts } from "./options";
import type { PlacedService } from "./private-services";
import { acmeUnit } from "./render/acme";
import { edgeFiles } from "./render/edge-script";
import { firewallScript } from "./render/firewall";
import { leaveAddressFile } from "./render/keepalived";
import { kernelFiles } from "./render/kernel";
import { roleCheck } from "./render/mysql-role";
import { webStatusPath } from "./render/nginx";
import type { PrivateServiceKind } from "./render/private-service";
import { sshdFiles } from "./render/sshd";
import type { Role, StackSettings } from "./settings";
import { isGuestBook } from "./source-folder";
import type { StackDns } from "./stack-dns";
import type { WebServer } from "./web-server";

/**
 * `pulumi stack output endpoints --json`. Holds no secret. The private keys are in a secret output of their own:
 * `pulumi stack output sshKeys --show-secrets --json`, host name to private key.
 */
export interface Endpoints {
  readonly stack: string;
  /** The page, as reached from the machine where the program runs. */
  readonly url: string;
  /** The site's name, and how visitors reach it: sent as `Host` and `X-Forwarded-Proto` where its health is asked. */
  readonly domain: string;
  readonly scheme: "http" | "https";
  /**
   * PEM: whom to trust for the page's certificate, where systems do not by themselves. The certificate has the site's name, also where
   * `url` has an address.
   */
  readonly ca?: string | undefined;
  /**
   * What gets their certificates from an authority, on each load balancer by itself: `NAME.service`, started by `NAME.timer`. Not there
   * without `https.acme`.
   */
  readonly certificateUnit?: string | undefined;
  /** The address that the load balancers share, of which one has it: what the domain's name should lead to. */
  readonly virtualAddress?: string | undefined;
  /** The IPv6 address that moves with it. */
  readonly virtualAddress6?: string | undefined;
  /** There where the program's command leads visitors to the load balancer that is in charge. */
  readonly onMove?: true | undefined;
  /** The site's records in the DNS: for a program that keeps them at a provider. */
  readonly dns: readonly DnsRecord[];
  /** Host name to the name server on it, which answers with these records: what the zone's registrar is told. Left out where there are none. */
  readonly nameServers?: Readonly<Record<string, NameServerEndpoint>> | undefined;
  /** What is copied where, if anything is: of each machine's repositories a secret output, `backupKeys`, tells. */
  readonly backup?: BackupEndpoint | undefined;
  /** Who else is asked for these records by `npm run verify`, as the settings say. */
  readonly resolvers?: readonly string[] | undefined;
  /** While this file is there, a load balancer's host leaves that address, or being in charge, to another one. */
  readonly leaveAddressFile: string;
  /** Host name to a load balancer of its own. */
  readonly loadBalancers: Readonly<Record<string, LoadBalancerEndpoint>>;
  readonly hosts: Readonly<Record<string, HostEndpoint>>;
  /** There where the hosts are containers of the stack's own: what listens on them is the stack's. */
  readonly areContainers?: true | undefined;
  /** On each host, by `differs open` and `differs declared`, it tells what of the firewall's rules is not in effect. Not there without a firewall. */
  readonly firewallCommand?: string | undefined;
  /** On each load balancer it closes the site for maintenance, by `maintenance on`, and lets in who shows a pass, by `pass`. */
  readonly edgeCommand: string;
  /** There where hosts are hardened. */
  readonly hardening?: HardeningEndpoint | undefined;
  /** All that listens on the hosts, and for whom. */
  readonly listens: readonly Listen[];
  /** Where the daemons listen on their hosts' private addresses. */
  readonly ports: {
    readonly loadBalancer: number;
    /** There where it ends TLS. */
    readonly loadBalancerTls?: number | undefined;
    readonly web: number;
    /** Without a database there is none. */
    readonly database?: number | undefined;
    /** Of what tells each member's role over HTTP: `/primary`, `/replica`. */
    readonly databaseRole?: number | undefined;
    /** On 127.0.0.1 of each host with the role `web` for writes, on 127.0.0.2 for reads. */
    readonly databaseProxy?: number | undefined;
  };
  /** The one that has `domain`, and all that is for no other. */
  readonly application: ApplicationEndpoint & {
    /** On each web server, asked from itself: Nginx's counters, among them the requests under way. */
    readonly statusPath: string;
  };
  /** Further ones by name; left out where there are none. */
  readonly applications?:
    | Readonly<
        Record<
          string,
          ApplicationEndpoint & {
            readonly domains: readonly string[];
            /** Of these domains it has what is below these paths; left out where it has all. */
            readonly paths?: readonly string[] | undefined;
          }
        >
      >
    | undefined;
  /** Private services by name; left out where there are none. */
  readonly services?:
    | Readonly<
        Record<
          string,
          {
            readonly kind: PrivateServiceKind;
            readonly unit: string;
            /** On 127.0.0.1 and the private address of each of its hosts. */
            readonly port: number;
            readonly hosts: readonly string[];
          }
        >
      >
    | undefined;
  /** Not there where the stack has no database. */
  readonly database?:
    | {
        /** Host names. Who is the primary as the settings say: the members know it in truth. */
        readonly primary: string;
        /** There where the settings want that member of a group: `up` switches to it. */
        readonly isPrimaryWanted?: true | undefined;
        readonly replicas: readonly string[];
        readonly name: string;
        /** Of a group the members elect the primary; a pair may be one that is alone. */
        readonly topology: "pair" | "group";
      }
    | undefined;
}

export interface ApplicationEndpoint {
  /** On 127.0.0.1 of each of its hosts; left out where it is asked over a socket, as PHP-FPM is. */
  readonly port?: number | undefined;
  readonly healthPath: string;
  /** A file that Nginx serves itself, if there is one. */
  readonly staticPath?: string | undefined;
  readonly unit: string;
  /** While this file is there its host's health check answers 404, and load balancers send it nothing new. */
  readonly drainFile: string;
  /** The interactive program of `npm run console`, as words, if it names one. */
  readonly console?: readonly string[] | undefined;
  /** Whether it is the sample in `app/`, whose pages and entries can be checked: `verify.json` in its source says so. */
  readonly isGuestBook: boolean;
  /** Names of the hosts where it runs; left out where these are all with the role `web`. */
  readonly hosts?: readonly string[] | undefined;
  /** Its database's name in MySQL; left out where it is the stack's, or there is none. */
  readonly database?: string | undefined;
}

/** What is there of it. */
export interface HardeningEndpoint {
  /** On each host it prints, by `check`, what keeps sshd from doing what the stack wants. */
  readonly sshdCommand?: string | undefined;
  /** On each host it prints, by `differs`, which settings are not in effect, and by `forbidden` which cannot be changed there. */
  readonly kernelCommand?: string | undefined;
  /** chrony keeps the time. */
  readonly time?: true | undefined;
}

export interface NameServerEndpoint {
  /** `lb-01.ns.foobar.com` */
  readonly name: string;
  readonly address: string;
  /** Left out where it has none. */
  readonly address6?: string | undefined;
}

export interface BackupEndpoint {
  /** Names of the hosts that keep repositories. */
  readonly hosts: readonly string[];
  /** Names of those that are copied. */
  readonly machines: readonly string[];
  /** Where copies go, as `backupKeys` names it. */
  readonly places: readonly string[];
}

export interface LoadBalancerEndpoint {
  /** The page by this load balancer, as reached from the machine where the program runs. */
  readonly url: string;
  /** HAProxy's statistics, and `metrics` below it: on the private side only. */
  readonly statsUrl: string;
}

export interface HostEndpoint {
  /** On the private network: where the other hosts reach it. */
  readonly address: string;
  /** IPv6 at which the internet reaches it; left out where it has none. */
  readonly address6?: string | undefined;
  /** Where its sshd answers from here, with `sshPort`. */
  readonly sshAddress: string;
  readonly sshPort: number;
  /** `root`, or a user with password-less `sudo`. */
  readonly user: string;
  /** `ssh-ed25519 AAAA...` */
  readonly hostKey: string;
  readonly roles: readonly Role[];
  /** Debian package to the version or pattern that the settings hold it at; left out where there is none. */
  readonly pinned?: Readonly<Record<string, string>> | undefined;
  /** Nothing is asked of it. */
  readonly away?: boolean | undefined;
}

interface Parts {
  readonly settings: StackSettings;
  readonly scheme: "http" | "https";
  readonly hosts: StackHosts;
  readonly database: MysqlPair | MysqlGroup | undefined;
  readonly databaseProxy: DatabaseProxy | undefined;
  readonly applications: StackApplications;
  readonly services: readonly PlacedService[];
  readonly webServers: readonly WebServer[];
  readonly loadBalancer: LoadBalancer;
  readonly dns: StackDns;
  readonly backup: Backup | undefined;
  readonly monitoring: Monitoring | undefined;
}

export function describeEndpoints(parts: Parts): pulumi.Output<Endpoints> {
  const { settings, scheme, hosts, database, databaseProxy } = parts;
  const { applications, services, webServers, loadBalancer, dns, backup } = parts;
  const { first, others } = applications;
  const endpoints = {
    stack: pulumi.getStack(),
    url: hosts.url,
    domain: settings.domain,
    scheme,
    ...(settings.https !== undefined && { ca: loadBalancer.ca }),
    ...(loadBalancer.hasAcme && { certificateUnit: acmeUnit }),
    virtualAddress: loadBalancer.virtualAddress,
    ...(settings.loadBalancer.virtualAddress6 !== undefined && {
      virtualAddress6: loadBalancer.virtualAddress6,
    }),
    ...(loadBalancer.hasCommand && { onMove: true as const }),
    dns: dns.records,
    ...(dns.nameServer && { nameServers: describeNameServers(dns.nameServer) }),
    ...(backup && { backup: describeBackup(backup) }),
    ...(settings.dns.resolvers && { resolvers: settings.dns.resolvers }),
    leaveAddressFile,
    loadBalancers: byName(hosts.loadBalancers.filter(isHere), ({ name }) => ({
      url: hosts.loadBalancerUrls[name] ?? hosts.url,
      statsUrl: loadBalancer.statsUrls[name] ?? "",
    })),
    hosts: byName(hosts.all, (host) => describeHost(host, parts)),
    ...(settings.containers && { areContainers: true as const }),
    ...(hosts.firewall && { firewallCommand: firewallScript }),
    edgeCommand: edgeFiles.script,
    ...(settings.hardening && { hardening: describeHardening(settings.hardening) }),
    listens: describeListens(parts),
    ports: {
      loadBalancer: loadBalancer.port,
      ...(settings.https !== undefined && { loadBalancerTls: loadBalancer.httpsPort }),
      web: webServers[0]?.port ?? defaultPorts.web,
      ...(database && { database: database.port, databaseRole: roleCheck.port }),
      ...(databaseProxy && { databaseProxy: databaseProxy.port }),
    },
    application: { ...describeApplication(first, parts), statusPath: webStatusPath },
    ...(others.length > 0 && {
      applications: Object.fromEntries(
        others.map((one) => [
          one.name,
          {
            ...describeApplication(one, parts),
            domains: one.domains,
            ...(one.paths.length > 0 && { paths: one.paths }),
          },
        ]),
      ),
    }),
    ...(services.length > 0 && {
      services: Object.fromEntries(
        services.map(({ name, kind, service: { unit, port, hosts } }) => [
          name,
          { kind, unit, port, hosts: hosts.map((host) => host.name) },
        ]),
      ),
    }),
    database: database && {
      primary: database.primary.name,
      ...(database instanceof MysqlGroup &&
        settings.database.primary === database.primary.name && { isPrimaryWanted: true as const }),
      replicas: database.replicas.map(({ name }) => name),
      name: database.databaseName,
      topology: database instanceof MysqlGroup ? ("group" as const) : ("pair" as const),
    },
  };
  return pulumi.output(endpoints);
}

export function describeListens(parts: Parts): pulumi.Output<readonly Listen[]> {
  const { hosts, database, databaseProxy, applications, services } = parts;
  const { webServers, loadBalancer, dns, backup, monitoring } = parts;
  const namesOf = (those: readonly StackHost[]) => those.map(({ name }) => name);
  const listensOf = (
    { listens }: { readonly listens: pulumi.Output<readonly OwnListen[]> },
    users: readonly StackHost[],
  ) => {
    const clients = {
      applications: namesOf(users),
      "load balancers": namesOf(hosts.loadBalancers),
    };
    return listens.apply((own) => listensInStack(own, clients));
  };
  const components = [hosts, loadBalancer, ...webServers, ...applications.all];
  return pulumi
    .all<readonly Listen[]>([
      ...[...components, databaseProxy, database, dns.nameServer, backup, monitoring].flatMap(
        (one) => (one === undefined ? [] : [listensOf(one, hosts.web)]),
      ),
      ...services.map((placed) =>
        listensOf(
          placed.service,
          [applications.first, ...applications.others]
            .filter(({ name }) => placed.applications?.includes(name) ?? true)
            .flatMap((one) => one.hosts),
        ),
      ),
    ])
    .apply((all) => all.flat());
}

function describeNameServers({ hosts, names }: NameServer) {
  return Object.fromEntries(
    hosts.map(({ name, address, publicAddress = address, address6 }) => [
      name,
      { name: names[name] ?? "", address: publicAddress, ...(address6 && { address6 }) },
    ]),
  );
}

function describeBackup({ hosts, machines, places }: Backup): BackupEndpoint {
  return {
    hosts: hosts.map(({ name }) => name),
    machines: machines.map(({ host }) => host.name),
    places,
  };
}

/** Host name to private key. Secret. */
export function describeSshKeys({ all }: StackHosts): pulumi.Output<Record<string, string>> {
  return pulumi.secret(byName(all, ({ host }) => host.privateKey));
}

function describeHardening({
  sshd,
  kernel,
  time,
}: NonNullable<StackSettings["hardening"]>): HardeningEndpoint {
  return {
    ...(sshd !== undefined && { sshdCommand: sshdFiles.script }),
    ...(kernel !== undefined && { kernelCommand: kernelFiles.script }),
    ...(time !== undefined && { time: true }),
  };
}

function describeApplication(
  { application, source, hosts, console, databaseName }: PlacedApplication,
  parts: Parts,
) {
  const { port, fastCgi, healthPath, staticPath, unit, drainFile } = application;
  return {
    ...(fastCgi === undefined && { port }),
    ...{ healthPath, staticPath, unit, drainFile, console },
    isGuestBook: isGuestBook(source),
    ...(hosts.length < parts.hosts.web.length && { hosts: hosts.map(({ name }) => name) }),
    ...(databaseName !== undefined && { database: databaseName }),
  };
}

function describeHost(
  stackHost: StackHost,
  { database, settings }: Parts,
): pulumi.Input<HostEndpoint> {
  const { name, address, address6, host, roles, away } = stackHost;
  const { address: sshAddress, port: sshPort, user, hostKey } = host;
  // While the primary is away, another member is the primary.
  const present = roles.map((role) => {
    if (!role.startsWith("database-")) return role;
    return database?.primary.name === name ? "database-primary" : "database-replica";
  });
  const more = {
    ...(address6 && { address6 }),
    ...pinnedOn(stackHost, settings),
    ...(away && { away }),
  };
  return pulumi.output({ address, sshAddress, sshPort, user, hostKey, roles: present, ...more });
}

/** Of what runs on a host. */
function pinnedOn(
  { name, roles }: StackHost,
  settings: StackSettings,
): Pick<HostEndpoint, "pinned"> {
  const { loadBalancer, web, application, applications, services, database, dns } = settings;
  const { backup, monitoring } = settings;
  const ofServices = Object.values(services)
    .filter(({ hosts }) => hosts.includes(name))
    .map(({ packages = {} }) => packages);
  const ofApplications = [application, ...Object.values(applications)]
    .filter(({ hosts }) => hosts?.includes(name) ?? true)
    .map(({ packages = {} }) => packages);
  const packages: Record<string, string> = {
    ...(roles.includes("load-balancer") && loadBalancer.packages),
    ...(roles.includes("web") && {
      ...web.packages,
      ...Object.fromEntries(ofApplications.flatMap(Object.entries<string>)),
    }),
    ...(roles.some((role) => role.startsWith("database")) && database.packages),
    ...(roles.includes("name-server") && dns.packages),
    ...(roles.includes("backup") && backup.packages),
    ...monitoring.packages,
    ...Object.fromEntries(ofServices.flatMap(Object.entries<string>)),
  };
  const pinned = Object.entries(packages).filter(([, version]) => version !== "present");
  return pinned.length > 0 ? { pinned: Object.fromEntries(pinned) } : {};
}

function byName<Value>(
  hosts: readonly StackHost[],
  describe: (host: StackHost) => Value,
): Record<string, Value> {
  return Object.fromEntries(hosts.map((host) => [host.name, describe(host)]));
}
