/** The stack's `endpoints` output, as the scripts read it: the only thing that they know of a stack. */
import * as v from "valibot";
import type { Trust } from "./http";

/** A member of a group has the role `database`: who is the primary, the members know. */
export type Role =
  | "load-balancer"
  | "web"
  | "database"
  | "database-primary"
  | "database-replica"
  | "name-server"
  | "backup"
  | "monitoring";

/** A systemd unit that serves on a host. */
export interface Service {
  readonly role: "load-balancer" | "web-server" | "application" | "database";
  /** `nginx.service` */
  readonly unit: string;
  /** `undefined`: it listens on a socket. */
  readonly port: number | undefined;
}

export interface EndpointHost {
  readonly name: string;
  /** Where the other hosts reach it. */
  readonly address: string;
  /** IPv6, at which the internet reaches it. */
  readonly address6?: string | undefined;
  /** Where this machine reaches its sshd. */
  readonly sshAddress: string;
  readonly sshPort: number;
  readonly user: string;
  /** `ssh-ed25519 AAAA...` */
  readonly hostKey: string;
  readonly roles: readonly Role[];
  /** Debian package to the version or pattern that the stack's settings hold it at. */
  readonly pinned: Readonly<Record<string, string>>;
  readonly services: readonly Service[];
  /** Units beside them: what leads to the database, what tells a member's role, and private services. */
  readonly helpers: readonly string[];
  /** What is to listen there. Empty in what older stacks tell. */
  readonly listens: readonly Listen[];
}

/** What a component of the stack listens on. */
export type Listen = Omit<v.InferOutput<typeof listen>, "host">;

/** An application of the stack, as `asApplication` takes it for the only one. */
export interface ApplicationOfStack {
  /** As in `npm run exec -- --application NAME`. */
  readonly name: string;
  readonly service: Service;
  /** Sent as `Host`: an application may refuse any other. */
  readonly domain: string;
  readonly healthPath: string;
  readonly staticPath: string | undefined;
  readonly drainFile: string;
  readonly isGuestBook: boolean;
  readonly console: readonly string[];
  /** Names of its hosts. `undefined`: all with the role `web`. */
  readonly hosts: readonly string[] | undefined;
  readonly hasDatabase: boolean;
  /** Below which it answers, where others have the rest of its site. */
  readonly paths: readonly string[];
}

/** All records of one name and type in the DNS. */
export type DnsRecord = v.InferOutput<typeof dnsRecord>;

export interface Endpoints {
  readonly stack: string;
  /** The page, through the load balancer, without a slash at its end. */
  readonly url: string;
  /** Sent as `Host`: an application may refuse any other. */
  readonly domain: string;
  /** How visitors reach it, sent as `X-Forwarded-Proto`. */
  readonly scheme: "http" | "https";
  /** PEM: whom to trust for the page, where systems do not by themselves. */
  readonly ca: string | undefined;
  /** `NAME.service` gets each load balancer's certificate from an authority, and `NAME.timer` starts it, if that is so. */
  readonly certificateUnit: string | undefined;
  /** Where the load balancers end TLS, if they do. */
  readonly tlsPort: number | undefined;
  readonly healthPath: string;
  /** A file that Nginx serves itself, if there is one. */
  readonly staticPath: string | undefined;
  /** Makes a web server's health check answer 404. */
  readonly drainFile: string;
  /** Nginx's counters, asked from the web server itself. */
  readonly statusPath: string;
  /** The application's interactive program, as words; empty where it names none. */
  readonly console: readonly string[];
  /** Whether the application is the sample in `app/`. */
  readonly isGuestBook: boolean;
  /** Below which it answers, where others have the rest of the site. */
  readonly paths: readonly string[];
  /** All of them. The first is the one that the other fields tell of. */
  readonly applications: readonly ApplicationOfStack[];
  /** Whether they tell of another one, by `asApplication`. */
  readonly isFurther: boolean;
  /** Those that are not away. */
  readonly hosts: readonly EndpointHost[];
  /** Whether they are containers of the stack's own: what listens there is the stack's. */
  readonly areContainers: boolean;
  /** By which a host tells what of its firewall is not in effect, if there is one. */
  readonly firewallCommand: string | undefined;
  /** By which a load balancer closes the site for maintenance, and lets in who shows a pass. */
  readonly edgeCommand: string | undefined;
  /** What of their hardening the hosts tell, and by which commands. */
  readonly hardening: v.InferOutput<typeof hardening>;
  /** The names of the others: nothing is asked of them. */
  readonly away: readonly string[];
  /** Their roles, as the settings have them. */
  readonly rolesOfAway: Readonly<Record<string, readonly string[]>>;
  /** Host name to the page by its load balancer, as reached from here. */
  readonly loadBalancerUrls: Readonly<Record<string, string>>;
  /** The address that load balancers share, if they do. */
  readonly virtualAddress: string | undefined;
  /** The IPv6 address that moves with it. */
  readonly virtualAddress6: string | undefined;
  /** Whether one of the load balancers is in charge: it has that address, or a command leads visitors there. */
  readonly hasOneInCharge: boolean;
  /** What the DNS is to say of the site. Empty in what older stacks tell. */
  readonly dns: readonly DnsRecord[];
  /** Host name to the name server on it. */
  readonly nameServers: Readonly<
    Record<string, { readonly name: string; readonly address: string }>
  >;
  /** Addresses of those who are asked for these records besides. */
  readonly resolvers: readonly string[];
  /** What is copied where, if anything is. */
  readonly backup: v.InferOutput<typeof backup> | undefined;
  /** While it is there, a load balancer's host leaves that to another one. */
  readonly leaveAddressFile: string;
  /** The database's name in MySQL, if there is a database. */
  readonly database: string | undefined;
  /** The member of a group that is to be its primary, where the settings say it. */
  readonly wantedPrimary: string | undefined;
  /** After this long the load balancer sends nothing more to a web server that stopped. */
  readonly failoverSeconds: number;
}

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));
const host = v.object({
  address: v.string(),
  address6: v.optional(v.string()),
  sshAddress: v.optional(v.string()),
  sshPort: port,
  user: v.string(),
  hostKey: v.string(),
  roles: v.array(
    v.picklist([
      ...(["load-balancer", "web", "database", "database-primary", "database-replica"] as const),
      ...(["name-server", "backup", "monitoring"] as const),
    ]),
  ),
  away: v.optional(v.boolean(), false),
  pinned: v.optional(v.record(v.string(), v.string()), {}),
});
const listen = v.object({
  host: v.string(),
  address: v.string(),
  port: v.optional(port),
  protocol: v.picklist(["tcp", "udp", "vrrp"]),
  what: v.string(),
  unit: v.optional(v.string()),
  for: v.object({
    anyone: v.optional(v.literal(true)),
    operators: v.optional(v.literal(true)),
    hosts: v.optional(v.array(v.string())),
  }),
});
const hardening = v.object({
  sshdCommand: v.optional(v.string()),
  kernelCommand: v.optional(v.string()),
  time: v.optional(v.literal(true)),
});
/** Names: of hosts that keep repositories, of machines that are copied, and of where copies go. */
const backup = v.object({
  hosts: v.array(v.string()),
  machines: v.array(v.string()),
  places: v.array(v.string()),
});
const dnsRecord = v.object({
  name: v.string(),
  type: v.picklist(["A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT"]),
  ttl: v.number(),
  values: v.pipe(v.array(v.string()), v.readonly()),
});
const ports = v.object({
  loadBalancer: port,
  // Not there where they end no TLS.
  loadBalancerTls: v.optional(port),
  web: port,
  database: v.optional(port),
  // Not there in the outputs of older stacks.
  databaseRole: v.optional(port),
  databaseProxy: v.optional(port),
});
const application = v.object({
  port: v.optional(port),
  healthPath: v.string(),
  unit: v.string(),
  staticPath: v.optional(v.string()),
  isGuestBook: v.optional(v.boolean(), false),
  drainFile: v.optional(v.string()),
  console: v.optional(v.array(v.string()), []),
  hosts: v.optional(v.array(v.string())),
  database: v.optional(v.string()),
});
const endpoints = v.object({
  stack: v.string(),
  url: v.pipe(v.string(), v.url()),
  hosts: v.record(v.string(), host),
  areContainers: v.optional(v.literal(true)),
  firewallCommand: v.optional(v.string()),
  // Not there in the outputs of older stacks.
  edgeCommand: v.optional(v.string()),
  hardening: v.optional(hardening, {}),
  // Not there in the outputs of older stacks.
  listens: v.optional(v.array(listen), []),
  // These two, `isGuestBook`, `drainFile`, `statusPath` and `console` are not there in the outputs of older stacks.
  domain: v.optional(v.string()),
  scheme: v.optional(v.picklist(["http", "https"]), "http"),
  // Not there where systems trust the page's certificate by themselves, or there is none.
  ca: v.optional(v.string()),
  certificateUnit: v.optional(v.string()),
  application: v.object({
    ...application.entries,
    statusPath: v.optional(v.string(), "/.trilithon/status"),
  }),
  // Not there where there is one application.
  applications: v.optional(
    v.record(
      v.string(),
      v.object({
        ...application.entries,
        domains: v.pipe(v.array(v.string()), v.minLength(1)),
        paths: v.optional(v.array(v.string()), []),
      }),
    ),
    {},
  ),
  // Not there where the stack has no database.
  database: v.optional(
    v.object({
      ...{ name: v.string(), primary: v.string() },
      topology: v.optional(v.picklist(["pair", "group"]), "pair"),
      isPrimaryWanted: v.optional(v.literal(true)),
    }),
  ),
  // Not there where there are no private services.
  services: v.optional(
    v.record(v.string(), v.object({ unit: v.string(), hosts: v.array(v.string()) })),
    {},
  ),
  // Not there in the outputs of stacks that had one load balancer only.
  loadBalancers: v.optional(v.record(v.string(), v.object({ url: v.string() })), {}),
  // Not there where load balancers share none.
  virtualAddress: v.optional(v.string()),
  virtualAddress6: v.optional(v.string()),
  onMove: v.optional(v.literal(true)),
  // These three are not there in the outputs of older stacks; without name servers and resolvers the last two are not.
  dns: v.optional(v.array(dnsRecord), []),
  nameServers: v.optional(
    v.record(v.string(), v.object({ name: v.string(), address: v.string() })),
    {},
  ),
  resolvers: v.optional(v.array(v.string()), []),
  // Not there where nothing is backed up.
  backup: v.optional(backup),
  leaveAddressFile: v.optional(v.string(), "/run/trilithon/leave-address"),
  ports,
});
type Given = v.InferOutput<typeof endpoints>;

/** HAProxy asks every second, over TLS every two, and believes the second failure; with room for a slow machine. */
const failoverSeconds = 5;

/** Throws one error with a line for each thing that is not as expected. */
export function parseEndpoints(value: unknown): Endpoints {
  const result = v.safeParse(endpoints, value);
  if (!result.success) {
    const faults = result.issues.map(
      (issue) => `endpoints.${v.getDotPath(issue) ?? ""}: ${issue.message.toLowerCase()}`,
    );
    throw new Error(faults.join("\n"));
  }
  const { stack, url, scheme, hosts, application, database, loadBalancers } = result.output;
  const domain = result.output.domain ?? new URL(url).host;
  const first = describeApplication(application, { domain, database: database?.name });
  const applications = [
    first,
    ...Object.values(result.output.applications).map((one) =>
      describeApplication(one, {
        ...{ domain: one.domains[0] ?? domain, database: one.database, paths: one.paths },
      }),
    ),
  ];
  const named = Object.entries(hosts);
  const here = named.filter(([, { away }]) => !away);
  return {
    stack,
    url: url.replace(/\/$/, ""),
    scheme,
    ca: result.output.ca,
    certificateUnit: result.output.certificateUnit,
    tlsPort: result.output.ports.loadBalancerTls,
    ...seenBy(first),
    applications,
    isFurther: false,
    statusPath: application.statusPath,
    loadBalancerUrls: Object.fromEntries(
      Object.entries(loadBalancers).map(([name, { url }]) => [name, url]),
    ),
    virtualAddress: result.output.virtualAddress,
    virtualAddress6: result.output.virtualAddress6,
    hasOneInCharge: hasOneInCharge(result.output),
    dns: result.output.dns,
    nameServers: result.output.nameServers,
    resolvers: result.output.resolvers,
    backup: result.output.backup,
    leaveAddressFile: result.output.leaveAddressFile,
    database: database?.name,
    wantedPrimary: database?.isPrimaryWanted ? database.primary : undefined,
    failoverSeconds,
    areContainers: result.output.areContainers === true,
    firewallCommand: result.output.firewallCommand,
    edgeCommand: result.output.edgeCommand,
    hardening: result.output.hardening,
    away: named.filter(([, { away }]) => away).map(([name]) => name),
    rolesOfAway: Object.fromEntries(
      named.filter(([, { away }]) => away).map(([name, { roles }]) => [name, roles]),
    ),
    hosts: here.map(([name, { sshAddress, away: _, ...given }]) => {
      const roles = given.roles.map((role): Role => {
        if (role !== "database" || database?.topology === "group") return role;
        return name === database?.primary ? "database-primary" : "database-replica";
      });
      return {
        ...given,
        name,
        roles,
        sshAddress: sshAddress ?? given.address,
        services: roles.flatMap((role) =>
          servicesFor(
            role,
            result.output.ports,
            applications.filter(({ hosts }) => hosts?.includes(name) ?? true),
          ),
        ),
        helpers: [
          ...roles.flatMap((role) => helpersFor(role, result.output)),
          ...Object.values(result.output.services)
            .filter((service) => service.hosts.includes(name))
            .map(({ unit }) => unit),
        ],
        listens: result.output.listens.flatMap(({ host, ...listen }) =>
          host === name ? [listen] : [],
        ),
      };
    }),
  };
}

/** How the page is known where it is asked over TLS: it may be asked at an address. */
export function trustOf({ domain, ca }: Pick<Endpoints, "domain" | "ca">): Trust {
  return { name: domain, ca };
}

function hasOneInCharge({ virtualAddress, onMove }: Given): boolean {
  return virtualAddress !== undefined || onMove === true;
}

function describeApplication(
  given: v.InferOutput<typeof application>,
  {
    domain,
    database,
    paths = [],
  }: {
    readonly domain: string;
    readonly database: string | undefined;
    readonly paths?: readonly string[];
  },
): ApplicationOfStack {
  const { unit, port, healthPath, staticPath, isGuestBook, console, hosts } = given;
  const name = unit.replace(/\.service$/, "");
  const drainFile = given.drainFile ?? `/run/${name}.drain`;
  const service = { role: "application" as const, unit, port };
  return {
    ...{ name, service, domain, healthPath, staticPath, drainFile, isGuestBook, console, hosts },
    hasDatabase: database !== undefined,
    paths,
  };
}

/** What a stack is, for one of its applications. */
function seenBy(application: ApplicationOfStack) {
  const { domain, healthPath, staticPath, drainFile, isGuestBook, console, paths } = application;
  return { domain, healthPath, staticPath, drainFile, isGuestBook, console, paths };
}

function servicesFor(
  role: Role,
  ports: Given["ports"],
  applications: readonly ApplicationOfStack[],
): readonly Service[] {
  switch (role) {
    case "load-balancer":
      return [{ role: "load-balancer", unit: "haproxy.service", port: ports.loadBalancer }];
    case "web":
      return [
        { role: "web-server", unit: "nginx.service", port: ports.web },
        ...applications.map(({ service }) => service),
      ];
    case "database":
    case "database-primary":
    case "database-replica":
      return [{ role: "database", unit: "mysql.service", port: ports.database ?? 3306 }];
    case "name-server":
    case "backup":
    case "monitoring":
      // They serve no page: see `helpersFor`.
      return [];
  }
}

/** The stack as if the application were the only one; web servers without it have no service for visitors. Default: the first. */
export function asApplication(endpoints: Endpoints, name?: string): Endpoints {
  const { applications } = endpoints;
  const application =
    name === undefined ? applications[0] : applications.find((one) => one.name === name);
  if (application === undefined) {
    const names = applications.map((one) => one.name).join(", ");
    throw new Error(`expected one of ${names}, got "${name}"`);
  }
  const hosts = endpoints.hosts.map((host) => {
    const isThere = application.hosts?.includes(host.name) ?? true;
    const services = host.services.filter(({ role, unit }) => {
      if (role === "application") return unit === application.service.unit;
      return isThere || role !== "web-server";
    });
    return { ...host, services };
  });
  const isFurther = application !== applications[0];
  return { ...endpoints, ...seenBy(application), applications: [application], isFurther, hosts };
}

function helpersFor(role: Role, given: Given): readonly string[] {
  const { ports } = given;
  switch (role) {
    case "load-balancer":
      return hasOneInCharge(given) ? ["keepalived.service"] : [];
    case "web":
      return ports.databaseProxy === undefined ? [] : ["trilithon-database-proxy.service"];
    case "database":
    case "database-primary":
    case "database-replica":
      return ports.databaseRole === undefined ? [] : ["trilithon-mysql-role.service"];
    case "name-server":
      return ["nsd.service"];
    case "backup":
      return ["trilithon-backup-server.service", "trilithon-backup-keep.timer"];
    case "monitoring":
      return [
        ...["prometheus.service", "prometheus-alertmanager.service"],
        "prometheus-blackbox-exporter.service",
      ];
  }
}

export function hostsWith(endpoints: Endpoints, role: Role): readonly EndpointHost[] {
  return endpoints.hosts.filter(({ roles }) => roles.includes(role));
}

/** The members of the database, whatever they form. */
export function databaseHosts({ hosts }: Endpoints): readonly EndpointHost[] {
  return hosts.filter(({ services }) => services.some(({ role }) => role === "database"));
}

/** Of a host: each drains it of one of its roles, or of one of its applications, while it is there. */
export function drainFilesOf(endpoints: Endpoints, host: EndpointHost): readonly string[] {
  const { hasOneInCharge, leaveAddressFile } = endpoints;
  const isLoadBalancer = host.roles.includes("load-balancer");
  return [
    ...(isLoadBalancer && hasOneInCharge ? [leaveAddressFile] : []),
    ...webDrainFilesOf(endpoints, host),
  ];
}

/** Those of the applications on it. */
export function webDrainFilesOf(
  { applications }: Endpoints,
  { services }: EndpointHost,
): readonly string[] {
  return applications
    .filter(({ service }) => services.some(({ unit }) => unit === service.unit))
    .map(({ drainFile }) => drainFile);
}

/** Those on which a stack's applications run. */
export function applicationHosts({ hosts }: Endpoints): readonly EndpointHost[] {
  return hosts.filter(({ services }) => services.some(({ role }) => role === "application"));
}

export function serviceOf(host: EndpointHost, role: Service["role"]): Service | undefined {
  return host.services.find((service) => service.role === role);
}

/** What brings a stack to what its program says. */
export function startCommand(stack: string): string {
  return `npm start -- --stack ${stack}`;
}
