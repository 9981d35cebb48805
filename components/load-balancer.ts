/** HAProxy on one or more hosts, each before all web servers. */
import * as pulumi from "@pulumi/pulumi";
import { Service } from "../provider/resources/service";
import { createAcmeTimer } from "./acme";
import { authorityFiles, type BalancedServer, flatServers, uniqueServers } from "./balanced-server";
import { type BalancerMetrics, metricsFiles, metricsListens } from "./balancer-metrics";
import { checkArgs } from "./check-args";
import { defaultMaintenanceText, type EdgeArgs, warnOfPlainPasswords } from "./edge";
import { type Host, onHost } from "./host";
import {
  type Certificates,
  certificatesOf,
  defaultHttpsPort,
  type HttpsArgs,
  hasHttp3,
} from "./https";
import {
  allOfIpv4,
  allOfIpv6,
  declareListens,
  type OwnListen,
  type OwnListenArgs,
} from "./listens";
import {
  type Complete,
  checkAgreement,
  entries,
  type Known,
  plainArgs,
  readValues,
  withDefaults,
} from "./load-balancer-args";
import { createPackages, withDefaults as packagesWithDefaults } from "./packages";
import { acmeFiles, renderAcmeScript } from "./render/acme";
import { renderMaintenancePage } from "./render/edge";
import { edgeFiles, renderEdgeScript } from "./render/edge-script";
import {
  balancerHealthPath,
  hasShared,
  renderHaproxy,
  renderHaproxyUnit,
  renderUnavailable,
} from "./render/haproxy";
import { adminSocket, haproxyFiles } from "./render/haproxy-files";
import { haproxyOverrides, renderStateScript } from "./render/haproxy-running";
import { http3Check, lackingHttp3 } from "./render/http3";
import { keepalivedFiles, leaveAddressFile } from "./render/keepalived";
import { metricsPorts } from "./render/monitoring/exporters";
import { nothingPassed, reachesOne } from "./render/probes";
import type { UnknownHost } from "./render/unknown-host";
import { createVirtualAddress, stackMark, virtualAddressListens } from "./virtual-address";

export type { BalancedServer } from "./balanced-server";
export type { BalancerMetrics } from "./balancer-metrics";

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
  /** Further host names that are answered as `domain` is, as `www.foobar.org` beside `www.foobar.com`. Default none. */
  readonly aliases?: readonly string[];
  /** Answers 200 when a server can serve, and 404 when it is to get nothing new. Asked every second, over TLS every two. */
  readonly healthPath: pulumi.Input<string>;
  /** On all IPv4 addresses of each host, and on all of IPv6 where it has an `address6`. Default 80. */
  readonly port?: pulumi.Input<number>;
  /**
   * Ends TLS, and leads who comes without it there: `own-ca` has a certificate of an authority of the stack's own. Default: plain HTTP
   * only.
   */
  readonly https?: "own-ca" | HttpsArgs | undefined;
  /** With `https`, paths that are answered without TLS as well, besides `healthPath`: for monitors. Default none. */
  readonly plainPaths?: readonly pulumi.Input<string>[];
  /**
   * `https`: servers with `tls` are asked over TLS and verified, unless they are on the load balancer's own host. `http`: all are asked
   * without TLS. Default `https`.
   */
  readonly backendProtocol?: "https" | "http" | undefined;
  /** Host names to the one that visitors are led to from there, as `foobar.com` to `www.foobar.com`. Default none. */
  readonly redirects?: Readonly<Record<string, string>>;
  /**
   * What becomes of host names that are neither `domain` or one of `aliases`, nor an application's, nor redirected: `refuse` answers 421,
   * `page` a plain page with 404. Default `serve`: `servers` get them.
   */
  readonly unknownHost?: pulumi.Input<UnknownHost>;
  /** What is refused before any server is asked, who is let in, what answers tell browsers, and the page of maintenance. */
  readonly edge?: EdgeArgs;
  /** Statistics, and `/metrics` for Prometheus, on the host's private address. Default 8404. */
  readonly statsPort?: pulumi.Input<number>;
  /** Tells Prometheus over TLS, and nobody else. Default: nobody is told besides those who may see the statistics. */
  readonly metrics?: BalancerMetrics;
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
  /** An IPv6 address that moves with `virtualAddress`. Each of the hosts has an `address6` then, of the same network. Default: none. */
  readonly virtualAddress6?: pulumi.Input<string>;
  /**
   * A command as words, run as root on the load balancer that becomes the one in charge, with `HOST_NAME`, `HOST_ADDRESS` and
   * `VIRTUAL_ADDRESS` (which may be empty; with `virtualAddress6` also `VIRTUAL_ADDRESS6`): for clouds where an address moves by a call of the provider's API. Run again up to five times
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
  /** Where it speaks TLS, if it does. */
  readonly httpsPort: pulumi.Output<number | undefined>;
  /** PEM: whom visitors have to trust, where systems do not by themselves. */
  readonly ca: pulumi.Output<string | undefined>;
  /** The address that the load balancers share, if they do. */
  readonly virtualAddress: pulumi.Output<string | undefined>;
  /** That of IPv6. */
  readonly virtualAddress6: pulumi.Output<string | undefined>;
  /** Whether a command leads visitors to the one that is in charge. */
  readonly hasCommand: boolean;
  /** Whether each of its hosts gets a certificate from an authority by itself. */
  readonly hasAcme: boolean;
  /**
   * Host name to its statistics for people, and `metrics` below it for Prometheus: on the host's private address only.
   */
  readonly statsUrls: Readonly<Record<string, pulumi.Output<string>>>;
  readonly listens: pulumi.Output<readonly OwnListen[]>;
  /** HAProxy on each of its hosts. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:LoadBalancer", name, {}, opts);
    const complete = withDefaults(args);
    const check = { component: `LoadBalancer ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () => checkAgreement(complete));
    warnOfPlainPasswords(name, args);
    this.hosts = args.hosts;
    const known = readValues(check, complete);
    this.port = known.port;
    const certificates = certificatesFor(this, name, complete, known);
    this.httpsPort = known.https.apply((one) => one?.port);
    this.ca = certificates?.ca ?? pulumi.output(undefined);
    this.virtualAddress = known.virtualAddress;
    this.virtualAddress6 = known.virtualAddress6;
    this.hasCommand = args.onMove !== undefined;
    this.hasAcme = certificates?.acme !== undefined;
    this.statsUrls = Object.fromEntries(
      args.hosts.map((host) => [
        host.name,
        pulumi.interpolate`http://${host.address}:${known.statsPort}/`,
      ]),
    );
    this.listens = declareListens([
      ...haproxyListens(complete, known),
      ...(isShared(args) ? virtualAddressListens(args.hosts) : []),
    ]);
    const services = createServices(this, name, complete, { ...known, certificates });
    this.ready = services;
    if (certificates?.acme) {
      const { acme } = certificates;
      for (const [place, host] of args.hosts.entries()) {
        createAcmeTimer(this, name, host, { acme, balancers: services, place });
      }
    }
    if (isShared(args)) {
      const servers = pulumi
        .all([known.servers, known.applications])
        .apply(([first, applications]) =>
          flatServers(uniqueServers([...first, ...applications.flatMap((one) => one.servers)])),
        );
      createVirtualAddress(this, name, {
        ...{ hosts: args.hosts, servers, balancers: services },
        ...{ port: known.port, virtualAddress: known.virtualAddress, onMove: known.onMove },
        virtualAddress6: known.virtualAddress6,
      });
    }
    this.registerOutputs({ port: this.port, statsUrls: this.statsUrls });
  }
}

/** Applications ask the statistics whether another server can serve. */
function haproxyListens(
  { hosts, https, metrics }: Complete,
  { port, statsPort, https: known }: Known,
): readonly OwnListenArgs[] {
  const tlsPort = known.apply((one) => one?.port ?? defaultHttpsPort);
  const audience = { operators: true, clients: ["applications"] } as const;
  const toPrometheus = metrics ? metricsListens(hosts, metrics, haproxyUnit) : [];
  const own = hosts.flatMap(({ name: host, address, address6 }) => {
    const haproxy = { host, protocol: "tcp", unit: haproxyUnit } as const;
    const all = address6 === undefined ? [allOfIpv4] : [allOfIpv4, allOfIpv6];
    const onAll = (
      page: Pick<OwnListenArgs, "port" | "what"> & Partial<Pick<OwnListenArgs, "protocol">>,
    ) => all.map((address) => ({ ...haproxy, ...page, address, for: { anyone: true } as const }));
    return [
      ...onAll({ port, what: "page" }),
      ...(https === undefined ? [] : onAll({ port: tlsPort, what: "page over TLS" })),
      ...(hasHttp3(https)
        ? onAll({ port: tlsPort, protocol: "udp", what: "page over HTTP/3" })
        : []),
      { ...haproxy, address, port: statsPort, what: "statistics", for: audience },
    ];
  });
  return [...own, ...toPrometheus];
}

const haproxyUnit = "haproxy.service";

/** Whether one of the load balancers is in charge. */
function isShared({ virtualAddress, onMove }: LoadBalancerArgs): boolean {
  return virtualAddress !== undefined || onMove !== undefined;
}

/** How visitors reach the page: HAProxy speaks TLS with them, or a proxy that is trusted does. */
export function schemeOf({
  https,
  loadBalancer: { trustedProxies = [] },
}: {
  readonly https?: unknown;
  readonly loadBalancer: { readonly trustedProxies?: readonly string[] };
}): "http" | "https" {
  return https !== undefined || trustedProxies.length > 0 ? "https" : "http";
}

type Values = Known & { readonly certificates: Certificates | undefined };

function certificatesFor(
  parent: LoadBalancer,
  name: string,
  { https, hosts, applications, aliases, redirects }: Complete,
  { domain, virtualAddress, virtualAddress6 }: Known,
): Certificates | undefined {
  if (https === undefined) return undefined;
  const further = applications.flatMap((one) => one.domains);
  const others = [...aliases, ...further, ...Object.keys(redirects)];
  const addresses = pulumi
    .all([
      ...hosts.map(({ address }) => address),
      virtualAddress,
      ...hosts.map(({ address6 }) => address6),
      virtualAddress6,
    ])
    .apply((all) => all.flatMap((one) => one ?? []));
  return certificatesOf(parent, name, https, {
    names: domain.apply((first) => [...new Set([first, ...others])]),
    addresses,
  });
}

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
    packages: packagesWithDefaults(
      {
        ...{ haproxy: "present", socat: "present" },
        ...(values.certificates?.acme && { openssl: "present" }),
      },
      args.packages,
    ),
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
      check: checkOf(host, args, values),
      ...(hasHttp3(args.https) && { forewarningCommand: lackingHttp3 }),
      // Debian's unit takes further options from there.
      configurationFiles: ["/etc/default/haproxy"],
      onChange: "reload",
      ready: isShared(args)
        ? { http: pulumi.interpolate`http://127.0.0.1:${parent.port}${balancerHealthPath}` }
        : { tcp: parent.port },
      port: parent.port,
      reloadNote: "WebSockets go on for 1 hour",
      overrides: haproxyOverrides,
      noticeCommand: [edgeFiles.script, "notice"],
      // One that cannot bind an address keeps its former worker, and answers as before.
      reloaded: { newWorker: true },
      ...(isShared(args) && args.hosts.length > 1 && { drain: drainOf(host, args, values) }),
    },
    { ...onHost(host, parent, [packages, ...ready, ...before]), aliases: aliases("service") },
  );
}

/** What has to hold before it is live. */
function checkOf(
  { address }: Host,
  { https }: Complete,
  { servers, applications, certificates }: Values,
) {
  return pulumi.output({ address, servers, applications }).apply(({ address, ...known }) => {
    const all = [...known.servers, ...known.applications.flatMap((one) => one.servers)];
    const asked = flatServers(uniqueServers(all), address).filter(({ isTls }) => isTls);
    const commands = [
      // It reads these lists at its start.
      `${edgeFiles.script} prepare`,
      // The authority asks HAProxy before it gives a certificate, and HAProxy does not start without one.
      ...(certificates?.acme ? [`${acmeFiles.script} placeholder`] : []),
      ...(hasHttp3(https) ? [http3Check] : []),
      `haproxy -c -f ${haproxyFiles.config}`,
      ...(asked.length > 0 ? [reachesOne(asked)] : []),
    ];
    return ["sh", "-c", commands.join(" && ")];
  });
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

function renderFiles(host: Host, args: Complete, values: Values) {
  const { address, address6 } = host;
  const { virtualAddress: _, virtualAddress6: __, onMove: ___, certificates, ...rendered } = values;
  const acmeThumbprint = certificates?.acme?.thumbprint;
  const config = pulumi
    .output({ ...rendered, address, acmeThumbprint })
    .apply(({ servers, applications, https, plainPaths, acmeThumbprint, ...rest }) =>
      renderHaproxy({
        ...rest,
        metricsPort: args.metrics && metricsPorts.haproxy,
        isIpv6: address6 !== undefined,
        https: https && { ...https, plainPaths, acmeThumbprint },
        mark: isShared(args) ? stackMark() : undefined,
        servers: flatServers(servers, rest.address),
        applications: applications.map((one) => ({
          ...one,
          servers: flatServers(one.servers, rest.address),
        })),
      }),
    );
  const pages = args.applications.map(({ name, domains: [domain = ""] }) => [
    haproxyFiles.unavailableOf(name),
    { content: renderUnavailable(domain) },
  ]);
  return {
    // With users it has hashes of their passwords.
    [haproxyFiles.config]: { content: config, ...(args.edge.users && { mode: "0600" }) },
    ...maintenanceFiles(args, values),
    [haproxyFiles.unavailable]: { content: values.domain.apply(renderUnavailable) },
    ...Object.fromEntries(pages),
    ...(certificates && certificateFiles(certificates)),
    ...metricsFiles(host, args.metrics),
    ...authorityFiles([...args.servers, ...args.applications.flatMap((one) => one.servers)]),
    [haproxyFiles.stateScript]: { content: renderStateScript(), mode: "0755" },
    [haproxyFiles.unit]: { content: renderHaproxyUnit() },
  };
}

function maintenanceFiles({ edge: { maintenance } }: Complete, { domain }: Values) {
  const page = pulumi
    .all([domain, maintenance])
    .apply(([domain, given]) =>
      renderMaintenancePage(domain, given?.text ?? defaultMaintenanceText),
    );
  return {
    [edgeFiles.page]: { content: page },
    [edgeFiles.script]: {
      content: renderEdgeScript(pulumi.getStack(), adminSocket),
      mode: "0755",
      onChange: "nothing" as const,
    },
  };
}

/** Each key is beside its certificate, and only root reads it: HAProxy does before it gives its privileges up. */
function certificateFiles({ pairs, acme }: Certificates) {
  if (acme) {
    return {
      [haproxyFiles.certificates]: { content: `${acmeFiles.certificate}\n` },
      [acmeFiles.script]: { content: renderAcmeScript(), mode: "0755" },
    };
  }
  const paths = pairs.map((_, place) => haproxyFiles.certificate(place));
  const files = pairs.flatMap(({ certificate, key }, place) => {
    const path = haproxyFiles.certificate(place);
    return [
      [path, { content: certificate }],
      [haproxyFiles.keyOf(path), { content: key, mode: "0600" }],
    ] as const;
  });
  return {
    [haproxyFiles.certificates]: { content: `${paths.join("\n")}\n` },
    ...Object.fromEntries<{ content: pulumi.Input<string>; mode?: string }>(files),
  };
}
