/** The monitoring of a stack, where hosts have that role: what is on which host, and what is asked from outside. */
import * as pulumi from "@pulumi/pulumi";
import type { StackApplications } from "./applications";
import type { Backup } from "./backup";
import type { BalancerMetrics } from "./balancer-metrics";
import type { createDatabase } from "./create-database";
import { isHere } from "./host";
import type { StackHost, StackHosts } from "./hosts";
import type { Listen } from "./listens";
import type { LoadBalancer } from "./load-balancer";
import {
  createMonitoringKeys,
  Monitoring,
  type MonitoringKeys,
  type WatchedHost,
} from "./monitoring";
import { acmeFiles } from "./render/acme";
import { edgeFiles } from "./render/edge-script";
import { leaveAddressFile } from "./render/keepalived";
import type { AlertNeed } from "./render/monitoring/alerts";
import { databaseMetrics, exporters } from "./render/monitoring/exporters";
import type { Facts } from "./render/monitoring/facts";
import { nameModule, type Probe, siteModule } from "./render/monitoring/prometheus";
import { mysqlCertificates } from "./render/mysql-certificates";
import { roleCheck } from "./render/mysql-role";
import { nginxFiles, webStatusPath } from "./render/nginx";
import type { StackSettings } from "./settings";
import type { StackDns } from "./stack-dns";
import type { WebMetrics } from "./web-metrics";
import type { WebServer } from "./web-server";

interface Place {
  readonly settings: StackSettings;
  readonly hosts: StackHosts;
  readonly database: ReturnType<typeof createDatabase>;
  readonly applications: StackApplications;
  readonly webServers: readonly WebServer[];
  readonly loadBalancer: LoadBalancer;
  readonly dns: StackDns;
  readonly backup: Backup | undefined;
  readonly keys: MonitoringKeys | undefined;
}

/** Made first, as load balancers need them. */
export function createKeys(
  { monitoring: { authorityKeeper: keeper } }: StackSettings,
  { all, monitors }: StackHosts,
): MonitoringKeys | undefined {
  return monitors.length === 0 ? undefined : createMonitoringKeys("monitoring", all, { keeper });
}

/** What a load balancer is told. */
export function balancerMetrics(
  keys: MonitoringKeys | undefined,
  { monitors }: StackHosts,
): { readonly metrics?: BalancerMetrics } {
  return keys ? { metrics: { keys, hosts: monitors.map(({ name }) => name) } } : {};
}

/** What a web server is told. */
export function webMetrics(
  keys: MonitoringKeys | undefined,
  { monitors }: StackHosts,
  { first, others }: StackApplications,
  host: StackHost,
): { readonly metrics?: WebMetrics } {
  const applications = [first, ...others].flatMap(({ hosts, metricsPath: path, application }) => {
    const { port, unit } = application;
    if (path === undefined || !hosts.includes(host)) return [];
    return [{ name: unit.replace(/\.service$/, ""), port, path }];
  });
  if (keys === undefined || applications.length === 0) return {};
  return { metrics: { keys, hosts: monitors.map(({ name }) => name), applications } };
}

export function createMonitoring(
  place: Place,
  listens: pulumi.Output<readonly Listen[]>,
  opts: pulumi.ComponentResourceOptions,
): Monitoring | undefined {
  const { settings, hosts, database, applications, webServers, loadBalancer, dns, keys } = place;
  if (keys === undefined) return undefined;
  const { authorityKeeper: _, ...options } = settings.monitoring;
  const account = database?.addLocalAccount(databaseMetrics);
  const watched = hosts.all.map(
    (host): WatchedHost => ({
      ...{ host, facts: factsOf(host, place, listens), nginxStatus: nginxStatusOf(host, place) },
      databaseAccount: isMember(host) ? account : undefined,
    }),
  );
  const site = {
    ...{ domain: settings.domain, ca: loadBalancer.ca, names: dns.nameServer?.zones ?? [] },
    probes: probesOf(place),
  };
  return new Monitoring(
    "monitoring",
    {
      hosts: hosts.monitors,
      ...{ watched, keys, listens, site, needs: needsOf(place) },
      after: [
        ...applications.all,
        ...webServers,
        loadBalancer,
        ...(dns.nameServer ? [dns.nameServer] : []),
      ],
      ...options,
    },
    opts,
  );
}

function isMember({ roles }: StackHost): boolean {
  return roles.some((role) => role.startsWith("database"));
}

function nginxStatusOf(
  { name }: StackHost,
  { webServers }: Place,
): pulumi.Output<string> | undefined {
  const server = webServers.find(({ host }) => host.name === name);
  return server && pulumi.interpolate`http://127.0.0.1:${server.port}${webStatusPath}`;
}

function factsOf(
  host: StackHost,
  { settings, loadBalancer, applications }: Place,
  listens: pulumi.Output<readonly Listen[]>,
): pulumi.Output<Facts> {
  const { roles, name } = host;
  const isBalancer = roles.includes("load-balancer");
  const placed = [applications.first, ...applications.others].filter(({ hosts }) =>
    hosts.some((one) => one.name === name),
  );
  const { virtualAddress } = settings.loadBalancer;
  const hasOneInCharge = virtualAddress !== undefined || loadBalancer.hasCommand;
  const known = {
    certificates: [
      exporters.node.certificate,
      ...(isMember(host) ? [mysqlCertificates.certificate] : []),
      ...(roles.includes("web") ? [nginxFiles.certificate] : []),
      ...(isBalancer && loadBalancer.hasAcme ? [acmeFiles.certificate] : []),
    ],
    drainFiles: [
      ...(isBalancer && hasOneInCharge ? [leaveAddressFile] : []),
      ...placed.map(({ application }) => application.drainFile),
    ],
    closedFile: isBalancer ? edgeFiles.maintenance : undefined,
    virtualAddress: isBalancer ? virtualAddress : undefined,
    releases: Object.fromEntries(
      placed.map(({ application: { unit } }) => {
        const application = unit.replace(/\.service$/, "");
        return [application, `/srv/${application}/current`];
      }),
    ),
  };
  return pulumi.all([listens, host.address]).apply(([listens, address]) => ({
    ...known,
    units: unitsOn(name, listens),
    role: isMember(host) ? `${address}:${roleCheck.port}` : undefined,
  }));
}

function unitsOn(name: string, listens: readonly Listen[]): readonly string[] {
  const units = listens.flatMap(({ host, unit }) => (host === name && unit ? [unit] : []));
  return [...new Set(units)].sort();
}

/** As visitors reach it: by the address that moves, or by each load balancer. */
function probesOf({ settings, hosts, loadBalancer, dns }: Place): pulumi.Output<readonly Probe[]> {
  const { virtualAddress } = settings.loadBalancer;
  const asked =
    virtualAddress === undefined
      ? hosts.loadBalancers.filter(isHere).map(({ name, address }) => ({ name, address }))
      : [{ name: settings.domain, address: virtualAddress }];
  const nameServers = (dns.nameServer?.hosts ?? []).filter(isHere);
  return pulumi
    .output({ asked, port: loadBalancer.port, httpsPort: loadBalancer.httpsPort })
    .apply(({ asked, port, httpsPort }) =>
      asked.map(({ name: host, address }) => {
        const scheme = httpsPort === undefined ? "http" : "https";
        const target = `${scheme}://${address}:${httpsPort ?? port}/`;
        return { job: "site" as const, module: siteModule, host, target };
      }),
    )
    .apply((site) =>
      pulumi
        .output(nameServers.map(({ name, address }) => ({ name, address })))
        .apply((servers) => [
          ...site,
          ...servers.flatMap(({ name: host, address: target }) =>
            (dns.nameServer?.zones ?? []).map((zone) => ({
              ...{ job: "name-server" as const, module: nameModule(zone), host, target },
            })),
          ),
        ]),
    );
}

function needsOf(place: Place): readonly AlertNeed[] {
  const { settings, hosts, loadBalancer, dns, backup, applications } = place;
  const { database } = hosts;
  const all = [applications.first, ...applications.others];
  const isPair = database?.topology === "pair" && database.replicas.length > 0;
  return [
    ...(database ? (["database"] as const) : []),
    ...(isPair ? (["pair"] as const) : []),
    ...(database?.topology === "group" ? (["group"] as const) : []),
    ...(settings.loadBalancer.virtualAddress === undefined ? [] : (["virtual address"] as const)),
    ...(settings.https === undefined ? [] : (["https"] as const)),
    ...(loadBalancer.hasAcme ? (["acme"] as const) : []),
    ...(all.some(({ metricsPath }) => metricsPath) ? (["application metrics"] as const) : []),
    ...(dns.nameServer ? (["name server"] as const) : []),
    ...(backup ? (["backup"] as const) : []),
  ];
}
