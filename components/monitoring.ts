/** Prometheus and Alertmanager on one or two hosts, and what tells them how each host of a stack fares. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { Packages } from "../provider/resources/packages";
import type { Service } from "../provider/resources/service";
import { checkArgs, checkUnique } from "./check-args";
import { type Host, isHere } from "./host";
import {
  allOfIpv4,
  declareListens,
  type Listen,
  loopback,
  type OwnListen,
  type OwnListenArgs,
} from "./listens";
import {
  createExporters,
  exporterListens,
  exporterPackages,
  type WatchedHost,
} from "./monitoring-exporters";
import type { MonitoringKeys } from "./monitoring-keys";
import { type EmailArgs, monitoringOptions, type WebhookArgs } from "./monitoring-options";
import {
  createMonitor,
  type Monitored,
  monitorPackages,
  monitorUnits,
} from "./monitoring-services";
import { createOwnCertificate } from "./own-certificates";
import { createPackages } from "./packages";
import type { AlertNeed } from "./render/monitoring/alerts";
import { exporters } from "./render/monitoring/exporters";
import { monitoringPorts, type Probe, type Target } from "./render/monitoring/prometheus";
import { list } from "./rule";
import { host, present } from "./rules";

export type { WatchedHost } from "./monitoring-exporters";
export { createMonitoringKeys, type MonitoringKeys } from "./monitoring-keys";
export type { EmailArgs, WebhookArgs } from "./monitoring-options";

export interface MonitoringArgs {
  /** Where Prometheus, Alertmanager and the blackbox exporter run: one, or two that do the same. A change goes through them in this order. */
  readonly hosts: readonly Host[];
  /** All hosts that are looked at, with what runs on them. */
  readonly watched: readonly WatchedHost[];
  /** By which exporters and Prometheus know each other: `createMonitoringKeys` makes them, of all hosts that are watched. */
  readonly keys: MonitoringKeys;
  /** What listens on these hosts: Prometheus asks whatever of it has `metrics`. It may come later than the component. */
  readonly listens: pulumi.Input<readonly Listen[]>;
  /** How the site, and its name servers, are asked from outside. */
  readonly site: MonitoredSite;
  /** What the stack has, so that no alert is about something else. */
  readonly needs: readonly AlertNeed[];
  /** How long what was seen is kept, 1 to 3650. Default 30. */
  readonly retentionDays?: number;
  /** How much of it is kept at most, 1 to 10000. Default 5. */
  readonly retentionGigabytes?: number;
  /** Is sent each alert, as Alertmanager's webhooks are. Default: nobody. */
  readonly webhook?: WebhookArgs;
  /** Is asked each minute as long as all of this works: a service that raises the alarm when it is not. Default: nobody. */
  readonly watchdog?: WebhookArgs;
  /** Is sent each alert by e-mail. Default: nobody. */
  readonly email?: EmailArgs;
  /** Prometheus starts once these are there, as nobody is to be told of what is not made yet. Default: it waits for nothing. */
  readonly after?: readonly pulumi.Resource[];
  /** Versions, and packages besides them: Debian package to `present`, a version or a pattern. */
  readonly packages?: Readonly<Record<string, string>>;
}

export interface MonitoredSite {
  readonly domain: pulumi.Input<string>;
  readonly probes: pulumi.Input<readonly Probe[]>;
  /** PEM: whom to trust for its certificate, where systems do not by themselves. */
  readonly ca?: pulumi.Output<string | undefined> | undefined;
  /** Names that its name servers are asked for. */
  readonly names: readonly string[];
}

/**
 * Prometheus, Alertmanager and the blackbox exporter of Debian, exporters on each host, and alerts that were thought of for a site like this
 * one. All of it speaks TLS and answers nobody else; the pages of Prometheus and Alertmanager are at their host's 127.0.0.1. Destroying it stops it;
 * packages and what was seen stay.
 *
 *     new Monitoring("monitoring", { hosts: [a], watched, keys, listens, site, needs: ["database"] });
 */
export class Monitoring extends pulumi.ComponentResource {
  readonly hosts: readonly Host[];
  readonly listens: pulumi.Output<readonly OwnListen[]>;

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:Monitoring", name, {}, opts);
    const check = { component: `Monitoring ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () =>
      checkUnique("hosts", "a host that is not in the list before", args.hosts),
    );
    const { hosts, watched, keys } = args;
    this.hosts = hosts;
    const names = hosts.map(({ name }) => name);
    this.listens = declareListens([
      ...watched.flatMap((one) => exporterListens(one, names)),
      ...hosts.flatMap((one) => monitorListens(one, hosts)),
    ]);
    const packages = new Map(
      watched.map((one) => [one.host.name, createPackagesOn(this, name, one, args)]),
    );
    const packagesOf = (host: string) => known(packages.get(host), host);
    const told = watched.map((one) =>
      createExporters(this, name, one, { keys, packages: packagesOf(one.host.name) }),
    );
    const monitored = monitoredOf(args);
    let before: readonly Service[] = [];
    for (const one of hosts) {
      const { address } = one;
      const of = { name: one.name, addresses: [address, one.name] };
      const certificate = createOwnCertificate(
        this,
        `${name}-${one.name}-client`,
        of,
        keys.clients,
      );
      const monitor = createMonitor(this, `${name}-${one.name}`, one, {
        ...{ args, monitored, certificate, packages: packagesOf(one.name) },
        after: [...told, ...before],
      });
      before = [monitor];
    }
    this.registerOutputs({});
  }
}

const entries = {
  ...monitoringOptions,
  hosts: list("a list of hosts", host, 1),
  watched: list("a list of hosts that are watched", present, 1),
  keys: present,
  listens: v.any(),
  site: present,
  needs: v.any(),
  after: v.any(),
};

/** They name resources, and say which there are. */
const plainArgs = [
  "hosts",
  "hosts.name",
  "watched",
  "needs",
  "after",
  "webhook",
  "watchdog",
  "email",
];

/** All of a host in one: what its exporters need, and what asks them. */
function createPackagesOn(
  parent: Monitoring,
  name: string,
  watched: WatchedHost,
  { hosts, packages: wanted = {} }: MonitoringArgs,
): Packages {
  const { host } = watched;
  const isMonitor = hosts.some((one) => one.name === host.name);
  const needed = [...exporterPackages(watched), ...(isMonitor ? monitorPackages : [])];
  const ofExporters = Object.values(exporters).map((one) => one.package);
  const further = Object.keys(wanted).filter((one) => !ofExporters.includes(one));
  const names = new Set([...needed, ...(isMonitor ? further : [])]);
  return createPackages(parent, `${name}-${host.name}-packages`, host, {
    name: "monitoring-packages",
    packages: Object.fromEntries([...names].map((one) => [one, wanted[one] ?? "present"])),
  });
}

function known(packages: Packages | undefined, host: string): Packages {
  if (packages !== undefined) return packages;
  throw new Error(`monitoring: ${host} is among hosts and not among watched`);
}

/** Of a host that is away nobody expects an answer. */
function monitoredOf({ listens, watched, site }: MonitoringArgs): pulumi.Output<Monitored> {
  const here = watched.map(({ host }) => host).filter(isHere);
  const addresses = pulumi.all(here.map(({ address }) => address));
  return pulumi
    .all([listens, site.domain, site.probes, site.ca, addresses])
    .apply(([listens, domain, probes, ca, addresses]) => ({
      targets: targetsOf(
        listens.filter(({ host }) => here.some(({ name }) => name === host)),
        new Map(here.map(({ name }, place) => [name, addresses[place] ?? ""])),
      ),
      ...{ domain, probes, ca },
    }));
}

/** Whatever tells metrics. A port on all addresses is asked at its host's own. */
export function targetsOf(
  listens: readonly Listen[],
  addressOf: ReadonlyMap<string, string>,
): readonly Target[] {
  return listens.flatMap(({ metrics: job, metricsPaths = [undefined], host, address, port }) => {
    if (job === undefined) return [];
    const at = address === allOfIpv4 ? addressOf.get(host) : address;
    return metricsPaths.map((path) => ({ job, host, address: `${at}:${port}`, path }));
  });
}

function monitorListens(
  { name: host, address }: Host,
  all: readonly Host[],
): readonly OwnListenArgs[] {
  const others = all.map(({ name }) => name).filter((name) => name !== host);
  const own = { host, protocol: "tcp", address: loopback, for: {} } as const;
  const { prometheus, alertmanager, blackbox, cluster } = monitoringPorts;
  return [
    { ...own, port: prometheus, what: "Prometheus", unit: monitorUnits.prometheus },
    { ...own, port: alertmanager, what: "Alertmanager", unit: monitorUnits.alertmanager },
    { ...own, port: blackbox, what: "blackbox exporter", unit: monitorUnits.blackbox },
    ...(others.length === 0
      ? []
      : [
          {
            ...{ ...own, address, port: cluster, what: "Alertmanagers of each other" },
            ...{ unit: monitorUnits.alertmanager, for: { hosts: others } },
          },
        ]),
  ];
}
