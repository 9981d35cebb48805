/** HAProxy on one or more hosts, each before all web servers. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { Service } from "../provider/resources/service";
import { type ArgsCheck, checkArgs, checkUnique, whenKnown } from "./check-args";
import { type Fault, unexpected } from "./expectation";
import { type Host, isHere, onHost } from "./host";
import { allOfIpv4, declareListens, type OwnListen } from "./listens";
import { defaultPorts, defaultResponseSeconds, loadBalancerOptions } from "./options";
import { createPackages, withDefaults as packagesWithDefaults } from "./packages";
import {
  balancerHealthPath,
  haproxyFiles,
  haproxyOverrides,
  hasShared,
  renderHaproxy,
  renderHaproxyUnit,
  renderUnavailable,
} from "./render/haproxy";
import { keepalivedFiles, leaveAddressFile } from "./render/keepalived";
import { nothingPassed } from "./render/probes";
import { list, shape, text } from "./rule";
import { address, domain, host, port, siteName, urlPath, webPath } from "./rules";
import { createVirtualAddress, stackMark, virtualAddressListens } from "./virtual-address";

/** A web server to send requests to: a `WebServer`, or one that this program did not make. */
export interface BalancedServer {
  /** `name`: letters, digits and `. _ : -`, as in HAProxy's statistics. `address`: IPv4. */
  readonly host: {
    readonly name: string;
    readonly address: pulumi.Input<string>;
    /** It gets no requests then. Default false. */
    readonly away?: boolean;
  };
  /** Where it answers over HTTP. */
  readonly port: pulumi.Input<number>;
  /** What has to be there before it gets requests. */
  readonly service?: pulumi.Resource;
}

/** A further application, with host names of its own, or with paths of those of another one. */
export interface BalancedApplication {
  /** Names its backend: lower-case letters, digits and hyphens. */
  readonly name: string;
  /** One or more. The first is sent with the health checks. */
  readonly domains: readonly string[];
  /** It gets what is below these paths, as `/shop`, of the site of `under`; `domains` are that site's then. Default: all of its domains. */
  readonly paths?: readonly string[];
  /** The name of another one of the applications. Default: the one that gets what is for no other. */
  readonly under?: string | undefined;
  /** One or more, which get its requests in turn. */
  readonly servers: readonly BalancedServer[];
  /** As of the first. */
  readonly sharedPaths?: readonly string[];
}

export interface LoadBalancerArgs {
  /** Where HAProxy runs: one or more. Each serves on its own; a change goes through them in this order. */
  readonly hosts: readonly Host[];
  /** One or more, which get the requests in turn. */
  readonly servers: readonly BalancedServer[];
  /** Further applications; `servers` get the requests for all host names that none of them has. Default none. */
  readonly applications?: readonly BalancedApplication[];
  /**
   * Paths of files that servers have from each other, as `/uploads`: where one answers 404 below them, another one is asked as well.
   * Default none.
   */
  readonly sharedPaths?: readonly string[];
  /** The host name of the page: sent with the health checks, and shown when no server is left. */
  readonly domain: pulumi.Input<string>;
  /** Answers 200 when a server can serve, and 404 when it is to get nothing new. Asked every second. */
  readonly healthPath: pulumi.Input<string>;
  /** On all addresses of each host. Default 80. */
  readonly port?: pulumi.Input<number>;
  /** Statistics, and `/metrics` for Prometheus, on the host's private address. Default 8404. */
  readonly statsPort?: pulumi.Input<number>;
  /** How long a server may take to answer. Default 65: Nginx gives up first, after 60, and its log says so. */
  readonly responseTimeoutSeconds?: pulumi.Input<number>;
  /**
   * Networks of proxies before this one that speak TLS with the visitors, as `203.0.113.0/24`: their `X-Forwarded-For`, `-Proto`,
   * `-Host` and `-Port` are believed, and health checks say `X-Forwarded-Proto: https`. Of all others nothing is. Default none.
   */
  readonly trustedProxies?: pulumi.Input<readonly pulumi.Input<string>[]>;
  /**
   * An IPv4 address of the hosts' network that no host has. One of the load balancers answers at it, and another one takes it
   * over within a second when that HAProxy or its host is gone. Default: each answers at its own addresses only.
   */
  readonly virtualAddress?: pulumi.Input<string>;
  /**
   * A command as words, run as root on the load balancer that becomes the one in charge, with `HOST_NAME`, `HOST_ADDRESS` and
   * `VIRTUAL_ADDRESS` (which may be empty): for clouds where an address moves by a call of the provider's API. Run again up to five times
   * until it ends with 0, for 30 seconds each. Default none.
   */
  readonly onMove?: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** HAProxy's version, and packages besides it: Debian package to `present`, a version or a pattern such as `3.2.*`. */
  readonly packages?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /** Lines that end a section of HAProxy's configuration, as they are. */
  readonly rawLines?: pulumi.Input<{
    readonly global?: readonly string[];
    readonly frontend?: readonly string[];
    readonly backend?: readonly string[];
  }>;
}

/**
 * HAProxy with health checks, draining and reloads that drop no connection.
 *
 *     new LoadBalancer("lb", { hosts: [a, b], servers: [web1, web2], domain: "www.example.com", healthPath: "/healthz" });
 */
export class LoadBalancer extends pulumi.ComponentResource {
  /** Where HAProxy runs. */
  readonly hosts: readonly Host[];
  /** Where it answers, on all addresses of its hosts. */
  readonly port: pulumi.Output<number>;
  /** The address that the load balancers share, if they do. */
  readonly virtualAddress: pulumi.Output<string | undefined>;
  /** Whether a command leads visitors to the one that is in charge. */
  readonly hasCommand: boolean;
  /**
   * Host name to its statistics for people, and `metrics` below it for Prometheus: on the host's private address only.
   */
  readonly statsUrls: Readonly<Record<string, pulumi.Output<string>>>;
  readonly listens: pulumi.Output<readonly OwnListen[]>;

  constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:LoadBalancer", name, {}, opts);
    const complete = withDefaults(args);
    const check = { component: `LoadBalancer ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () => checkAgreement(complete));
    this.hosts = args.hosts;
    const known = readValues(check, complete);
    this.port = known.port;
    this.virtualAddress = known.virtualAddress;
    this.hasCommand = args.onMove !== undefined;
    this.statsUrls = Object.fromEntries(
      args.hosts.map((host) => [
        host.name,
        pulumi.interpolate`http://${host.address}:${known.statsPort}/`,
      ]),
    );
    this.listens = declareListens([
      ...haproxyListens(args.hosts, known),
      ...(isShared(args) ? virtualAddressListens(args.hosts) : []),
    ]);
    const services = createServices(this, name, complete, known);
    if (isShared(args)) {
      const servers = pulumi
        .all([known.servers, known.applications])
        .apply(([first, applications]) =>
          uniqueServers([...first, ...applications.flatMap(({ servers }) => servers)]).map(
            ({ host: { address }, port }) => ({ address, port }),
          ),
        );
      createVirtualAddress(this, name, {
        ...{ hosts: args.hosts, servers, balancers: services },
        ...{ port: known.port, virtualAddress: known.virtualAddress, onMove: known.onMove },
      });
    }
    this.registerOutputs({ port: this.port, statsUrls: this.statsUrls });
  }
}

/** Applications ask the statistics whether another server can serve. */
function haproxyListens(hosts: readonly Host[], { port, statsPort }: Values) {
  const audience = { operators: true, clients: ["applications"] } as const;
  return hosts.flatMap(({ name: host, address }) => {
    const haproxy = { host, protocol: "tcp", unit: haproxyUnit } as const;
    return [
      { ...haproxy, address: allOfIpv4, port, what: "page", for: { anyone: true } as const },
      { ...haproxy, address, port: statsPort, what: "statistics", for: audience },
    ];
  });
}

const haproxyUnit = "haproxy.service";

/** Whether one of the load balancers is in charge. */
function isShared({ virtualAddress, onMove }: LoadBalancerArgs): boolean {
  return virtualAddress !== undefined || onMove !== undefined;
}

function withDefaults(args: LoadBalancerArgs) {
  const {
    port = defaultPorts.loadBalancer,
    statsPort = defaultPorts.statistics,
    responseTimeoutSeconds = defaultResponseSeconds.loadBalancer,
    trustedProxies = [],
    rawLines = {},
  } = args;
  const servers = serversHere(args.servers);
  const applications = (args.applications ?? []).map((application) => ({
    ...application,
    servers: serversHere(application.servers),
  }));
  return {
    ...args,
    servers,
    applications,
    port,
    statsPort,
    responseTimeoutSeconds,
    trustedProxies,
    rawLines,
  };
}

function serversHere(servers: readonly BalancedServer[]): readonly BalancedServer[] {
  return servers.filter(({ host }) => isHere(host));
}

/** Each once, by its name. */
function uniqueServers<Server extends { readonly host: { readonly name: string } }>(
  servers: readonly Server[],
): readonly Server[] {
  const names = servers.map(({ host }) => host.name);
  return servers.filter(({ host }, index) => names.indexOf(host.name) === index);
}

/** How visitors reach the page: a proxy that is trusted speaks TLS with them. */
export function schemeBehind(trustedProxies: readonly string[] = []): "http" | "https" {
  return trustedProxies.length > 0 ? "https" : "http";
}

type Complete = ReturnType<typeof withDefaults>;

/** What stands in HAProxy's configuration as a server's name. */
const serverName = text("a name of letters, digits and . _ : -", (value) =>
  /^[A-Za-z0-9._:-]+$/.test(value),
);
const server = shape("a server with host and port", {
  host: shape("an object with name and address", { name: serverName, address }),
  port,
});

/** They say which there are, and the hosts name resources. */
const plainArgs = [
  ...["hosts", "hosts.name", "servers", "servers.host", "servers.host.name"],
  ...["applications", "applications.name", "applications.domains", "applications.servers"],
  ...["applications.paths", "applications.under", "applications.sharedPaths", "sharedPaths"],
  ...["applications.servers.host", "applications.servers.host.name"],
];

const sharedPaths = v.optional(list("a list of paths", urlPath));

const entries = {
  ...loadBalancerOptions,
  sharedPaths,
  hosts: list("a list of hosts", host, 1),
  servers: list("a list of servers", server, 1),
  applications: v.optional(
    list(
      "a list of applications",
      shape("an object with name, domains and servers", {
        name: siteName,
        domains: list("a list of domains", domain, 1),
        paths: v.optional(list("a list of paths", webPath)),
        under: v.optional(siteName),
        sharedPaths,
        servers: list("a list of servers", server, 1),
      }),
    ),
  ),
  domain,
  healthPath: urlPath,
};

function checkAgreement(args: Complete): readonly Fault[] {
  const { hosts, servers, applications, port, statsPort, virtualAddress } = args;
  const all = [...servers, ...applications.flatMap((one) => one.servers)];
  const taken = [...hosts, ...all.map(({ host }) => host)].map(({ address }) => address);
  const held = {
    path: "virtualAddress",
    message: unexpected("an address that no host has", virtualAddress),
  };
  const clash = { path: "statsPort", message: unexpected("a port other than port", statsPort) };
  return [
    ...checkUnique("hosts", "a host that is not in the list before", hosts),
    ...checkUnique(
      "servers",
      "a name that no other server has",
      servers.map((one) => one.host),
      ".host.name",
    ),
    ...checkUnique("applications", "a name that no other application has", applications, ".name"),
    ...(statsPort === port ? [clash] : []),
    ...(virtualAddress !== undefined && taken.includes(virtualAddress) ? [held] : []),
  ];
}

function readValues(check: ArgsCheck<typeof entries>, args: Complete) {
  const { domain, healthPath, port, statsPort, responseTimeoutSeconds } = args;
  const { trustedProxies, virtualAddress, onMove, rawLines, sharedPaths = [] } = args;
  const servers = plainServers(args.servers);
  const applications = args.applications.map((one) => ({
    ...one,
    servers: plainServers(one.servers),
  }));
  return whenKnown(check, {
    ...{ domain, healthPath, port, statsPort, responseTimeoutSeconds },
    ...{ trustedProxies, virtualAddress, onMove, rawLines, servers, applications, sharedPaths },
  });
}

/** Without the resources that have to be there before. */
function plainServers(servers: readonly BalancedServer[]) {
  return servers.map(({ host: { name, address }, port }) => ({ host: { name, address }, port }));
}

type Values = ReturnType<typeof readValues>;

/** One host after the other: a change that fails reaches one of them only. */
function createServices(
  parent: LoadBalancer,
  name: string,
  args: Complete,
  values: Values,
): readonly Service[] {
  const services: Service[] = [];
  for (const [index, host] of args.hosts.entries()) {
    // Once there was one host, and no host in its resources' names.
    const formerly = index === 0 ? [name] : [];
    const service = createService(
      parent,
      { name, host, formerly },
      args,
      values,
      services.slice(-1),
    );
    services.push(service);
  }
  return services;
}

interface Place {
  readonly name: string;
  readonly host: Host;
  /** Names that began the resources' names before. */
  readonly formerly: readonly string[];
}

function createService(
  parent: LoadBalancer,
  { name, host, formerly }: Place,
  args: Complete,
  values: Values,
  before: readonly Service[],
): Service {
  const { servers, applications } = args;
  const all = uniqueServers([...servers, ...applications.flatMap((one) => one.servers)]);
  const aliases = (suffix: string) => formerly.map((former) => ({ name: `${former}-${suffix}` }));
  const packages = createPackages(parent, `${name}-${host.name}-packages`, host, {
    name: "haproxy-packages",
    // socat carries what HAProxy knows of its servers over a reload.
    packages: packagesWithDefaults({ haproxy: "present", socat: "present" }, args.packages),
    formerNames: formerly.map((former) => `${former}-packages`),
  });
  // No server gets requests before it can answer them.
  const ready = all.flatMap(({ service }) => (service ? [service] : []));
  return new Service(
    `${name}-${host.name}-service`,
    {
      host: host.host,
      unit: haproxyUnit,
      files: renderFiles(host, args, values),
      runsWith: packages.versions,
      // Its master process starts the new program as it reloads.
      onUpgrade: "reload",
      check: ["haproxy", "-c", "-f", haproxyFiles.config],
      // Debian's unit takes further options from there.
      configurationFiles: ["/etc/default/haproxy"],
      onChange: "reload",
      ready: isShared(args)
        ? { http: pulumi.interpolate`http://127.0.0.1:${parent.port}${balancerHealthPath}` }
        : { tcp: parent.port },
      port: parent.port,
      reloadNote: "WebSockets go on for 1 hour",
      overrides: haproxyOverrides,
      // One that cannot bind an address keeps its former worker, and answers as before.
      reloaded: { newWorker: true },
      ...(isShared(args) && args.hosts.length > 1 && { drain: drainOf(host, args, values) }),
    },
    { ...onHost(host, parent, [packages, ...ready, ...before]), aliases: aliases("service") },
  );
}

/** keepalived looks for the file once a second, and believes the second good look. */
const leaveSeconds = 4;

/** Another load balancer has the address before this one restarts. */
function drainOf(host: Host, args: Complete, { port, statsPort }: Values) {
  const { hosts, applications } = args;
  const others = hosts.filter((other) => other !== host);
  return {
    file: leaveAddressFile,
    seconds: leaveSeconds,
    allowed: others.map(({ address }) => ({
      http: pulumi.interpolate`http://${address}:${port}${balancerHealthPath}`,
    })),
    // One that is drained, or whose keepalived does not run, serves as well.
    takenCommand: [keepalivedFiles.script, "taken"],
    finished: pulumi
      .output({
        address: host.address,
        statsPort,
        applications: [
          { hasShared: hasShared(args) },
          ...applications.map((one) => ({ name: one.name, hasShared: hasShared(one) })),
        ],
      })
      .apply(nothingPassed),
  };
}

function renderFiles({ address }: Host, args: Complete, values: Values) {
  const { virtualAddress: _, onMove: __, ...rendered } = values;
  const config = pulumi
    .output({ ...rendered, address })
    .apply(({ servers, applications, ...rest }) =>
      renderHaproxy({
        ...rest,
        mark: isShared(args) ? stackMark() : undefined,
        servers: flat(servers),
        applications: applications.map((one) => ({ ...one, servers: flat(one.servers) })),
      }),
    );
  const pages = args.applications.map(({ name, domains: [domain = ""] }) => [
    haproxyFiles.unavailableOf(name),
    { content: renderUnavailable(domain) },
  ]);
  return {
    [haproxyFiles.config]: { content: config },
    [haproxyFiles.unavailable]: { content: values.domain.apply(renderUnavailable) },
    ...Object.fromEntries(pages),
    [haproxyFiles.unit]: { content: renderHaproxyUnit() },
  };
}

function flat(
  servers: readonly {
    readonly host: { readonly name: string; readonly address: string };
    readonly port: number;
  }[],
) {
  return servers.map(({ host: { name, address }, port }) => ({ name, address, port }));
}
