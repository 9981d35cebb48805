/** The applications of a stack, and what web servers and load balancers are told of them. */
import type * as pulumi from "@pulumi/pulumi";
import { Application, type ApplicationArgs } from "./application";
import type { BalancedServer } from "./balanced-server";
import type { createDatabase } from "./create-database";
import type { DatabaseProxy } from "./database-proxy";
import { isHere } from "./host";
import type { StackHost, StackHosts } from "./hosts";
import type { BalancedApplication } from "./load-balancer";
import { type PlacedService, servicesOf } from "./private-services";
import { backendOf } from "./render/haproxy-files";
import type { FurtherApplication, StackSettings } from "./settings";
import { databaseNameOf } from "./settings/applications";
import type { WebServer, WebSite } from "./web-server";

/** An application where it is to be found. */
export interface PlacedApplication {
  /** Names it beside the others. */
  readonly name: string;
  /** The first is sent with health checks. */
  readonly domains: readonly [string, ...string[]];
  /** Of those domains it has these paths alone, and the application `under`, or the first, has all others. */
  readonly paths: readonly string[];
  readonly under: string | undefined;
  readonly hosts: readonly StackHost[];
  readonly source: string;
  readonly console: readonly string[] | undefined;
  /** Where it tells metrics, if it does. */
  readonly metricsPath: string | undefined;
  readonly application: Application;
  /** Of a database of its own. */
  readonly databaseName: string | undefined;
}

export interface StackApplications {
  /** Has what is for no other. */
  readonly first: PlacedApplication;
  readonly others: readonly PlacedApplication[];
  readonly all: readonly Application[];
}

interface Place {
  readonly settings: StackSettings;
  readonly hosts: StackHosts;
  readonly scheme: "http" | "https";
  readonly database: ReturnType<typeof createDatabase>;
  readonly databaseProxy: DatabaseProxy | undefined;
  readonly services: readonly PlacedService[];
}

export function createApplications(
  place: Place,
  opts: pulumi.ComponentResourceOptions,
): StackApplications {
  const { settings, databaseProxy } = place;
  const { application, applications, domain } = settings;
  const others = Object.entries(applications);
  const webServer = others.length > 0 ? ("shared" as const) : undefined;
  const first = createApplication(
    "application",
    { ...application, domains: [domain] },
    { ...place, more: { database: databaseProxy, webServer } },
    opts,
  );
  const placed = others.map(([name, one]) => {
    const more = { database: databaseFor(name, one, place), webServer, ...backendOf(name) };
    return createApplication(name, { ...one, name }, { ...place, more }, opts);
  });
  const all = [first, ...placed].map(({ application }) => application);
  return { first, others: placed, all };
}

type Settings = FurtherApplication & { readonly name: string };

function createApplication(
  resource: string,
  { domains, under, hosts: names, metrics: metricsPath, database: _, ...options }: Settings,
  {
    settings,
    hosts,
    scheme,
    services,
    more,
  }: Place & { readonly more: Pick<ApplicationArgs, "database" | "backend" | "webServer"> },
  opts: pulumi.ComponentResourceOptions,
): PlacedApplication {
  const [domain = settings.domain, ...furtherDomains] = domains;
  const on = runningOn(names, hosts);
  const loadBalancers = hosts.loadBalancers
    .filter(isHere)
    .map(({ address, host }) => ({ ...settings.loadBalancer, address, host }));
  const { database, backend, webServer } = more;
  const application = new Application(
    resource,
    {
      ...{ hosts: on, domain, scheme, webPort: settings.web.port, loadBalancers },
      uploadLimitMegabytes: settings.web.uploadLimitMegabytes,
      ...{ database, backend, webServer, services: servicesOf(options.name, services) },
      ...options,
    },
    opts,
  );
  const { name, source, console, paths = [] } = options;
  const databaseName = backend === undefined ? undefined : database?.databaseName;
  return {
    ...{ name, domains: [domain, ...furtherDomains], hosts: on, source, application },
    ...{ console, databaseName, paths, under, metricsPath },
  };
}

/** A database of its own, unless it wants none. */
function databaseFor(
  name: string,
  { database: wanted, hosts: names }: FurtherApplication,
  { database, databaseProxy, hosts }: Place,
) {
  if (database === undefined || databaseProxy === undefined || wanted === false) return undefined;
  const clients = runningOn(names, hosts);
  return databaseProxy.leadTo(
    database.addDatabase(databaseNameOf(name, wanted), [databaseProxy], clients),
  );
}

/** By its settings; without any on all. */
function runningOn(names: readonly string[] | undefined, { web }: Pick<StackHosts, "web">) {
  return web.filter(({ name }) => names?.includes(name) ?? true);
}

/** Each application with a database has its part of the connections; that of the stack's first is made with the cluster. */
export function sharedDatabase(
  { database, application, applications }: StackSettings,
  hosts: Pick<StackHosts, "web">,
) {
  const further = Object.values(applications).filter(({ database }) => database !== false);
  const clients = runningOn(application.hosts, hosts);
  return { ...database, sharedBy: 1 + further.length, clients };
}

/** For the web server of a host: the first of its applications has what is for no other. */
export function servedOn(host: StackHost, { first, others }: StackApplications) {
  const [main = first, ...sites] = [first, ...others].filter(({ hosts }) => hosts.includes(host));
  return {
    application: main.application,
    domain: main.domains[0],
    sites: sites.map(({ name, domains, application }): WebSite => ({ name, domains, application })),
  };
}

/** For the load balancers. */
export function balanced({ first, others }: StackApplications, webServers: readonly WebServer[]) {
  const serversOf = ({ hosts }: PlacedApplication): readonly BalancedServer[] =>
    webServers.filter((server) => hosts.some(({ name }) => name === server.host.name));
  return {
    domain: first.domains[0],
    servers: serversOf(first),
    sharedPaths: first.application.sharedPaths,
    // So a host can ask for them that speaks no TLS.
    plainPaths: [first, ...others].map(({ application }) => application.healthPath),
    applications: others.map((placed): BalancedApplication => {
      const { name, domains, paths, under, application } = placed;
      const { sharedPaths } = application;
      return { name, domains, servers: serversOf(placed), paths, under, sharedPaths };
    }),
  };
}
