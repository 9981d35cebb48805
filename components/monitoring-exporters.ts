/** What tells metrics on one host: exporters over TLS, for Prometheus alone, and a timer that writes what none of them knows. */
import * as pulumi from "@pulumi/pulumi";
import type { Packages } from "../provider/resources/packages";
import { type FileArgs, Service } from "../provider/resources/service";
import { type Host, onHost } from "./host";
import type { OwnListenArgs } from "./listens";
import type { MonitoringKeys } from "./monitoring-keys";
import { afterNetwork } from "./render/after-network";
import {
  databaseMetrics,
  type ExporterName,
  exporterFiles,
  exporters,
  metricsPorts,
  metricsUser,
  mysqldFlags,
  nginxFlags,
  nodeFlags,
  renderExporterDropIn,
  renderMysqldOptions,
  renderWebConfig,
} from "./render/monitoring/exporters";
import {
  type Facts,
  factsFiles,
  factsUnit,
  renderFactsConfig,
  renderFactsScript,
  renderFactsService,
  renderFactsTimer,
} from "./render/monitoring/facts";

export interface WatchedHost {
  readonly host: Host;
  readonly facts: pulumi.Input<Facts>;
  /** URL of Nginx's own counters on it, where it has Nginx. */
  readonly nginxStatus?: pulumi.Input<string> | undefined;
  /** What makes the account that MySQL's exporter logs in with, where it has MySQL. */
  readonly databaseAccount?: pulumi.Resource | undefined;
}

export function exporterListens(
  watched: WatchedHost,
  monitors: readonly string[],
): readonly OwnListenArgs[] {
  const { name: host, address } = watched.host;
  return exportersOn(watched).map((name) => ({
    ...{ host, address, port: metricsPorts[name], protocol: "tcp", metrics: name },
    ...{ what: `metrics of ${whose[name]}`, unit: exporters[name].unit, for: { hosts: monitors } },
  }));
}

const whose: Readonly<Record<ExporterName, string>> = {
  node: "the host",
  mysqld: "MySQL",
  nginx: "Nginx",
};

function exportersOn({ nginxStatus, databaseAccount }: WatchedHost): readonly ExporterName[] {
  return [
    "node",
    ...(databaseAccount === undefined ? [] : (["mysqld"] as const)),
    ...(nginxStatus === undefined ? [] : (["nginx"] as const)),
  ];
}

/** All of a host's exporters, and the timer of facts: they have their key and their certificate in common. */
export function createExporters(
  parent: pulumi.Resource,
  prefix: string,
  watched: WatchedHost,
  { keys, packages }: { readonly keys: MonitoringKeys; readonly packages: Packages },
): Service {
  const { host, databaseAccount } = watched;
  const all = exportersOn(watched);
  const [first = "node", ...others] = all;
  const stays = { ready: { staySeconds } };
  return new Service(
    `${prefix}-${host.name}-exporters`,
    {
      host: host.host,
      name: "exporters",
      unit: exporters[first].unit,
      moreUnits: {
        ...Object.fromEntries(others.map((one) => [exporters[one].unit, stays])),
        [`${factsUnit}.timer`]: stays,
      },
      ...(databaseAccount && { users: { [databaseMetrics.user]: databaseMetrics.home } }),
      files: {
        ...keyFiles(host, keys),
        ...Object.fromEntries(
          all.map((one) => [exporters[one].dropIn, { content: renderDropIn(one, watched) }]),
        ),
        ...Object.assign({}, ...all.map((one) => afterNetwork(exporters[one].unit))),
        ...(databaseAccount && {
          [exporterFiles.mysqlOptions]: { content: renderMysqldOptions() },
        }),
        ...filesOfFacts(watched),
      },
      runsWith: packages.versions.apply((versions) =>
        Object.fromEntries(
          all.map((one) => exporters[one].package).map((one) => [one, versions[one] ?? ""]),
        ),
      ),
      onChange: "restart",
      // Nobody but Prometheus is answered: that it stays is what can be asked from here.
      ...stays,
    },
    onHost(host, parent, [packages, ...(databaseAccount ? [databaseAccount] : [])]),
  );
}

const staySeconds = 2;

/** Debian packages of what is on it. */
export function exporterPackages(watched: WatchedHost): readonly string[] {
  return [...exportersOn(watched).map((one) => exporters[one].package), "openssl"];
}

function renderDropIn(name: ExporterName, { host, nginxStatus = "" }: WatchedHost) {
  return pulumi.all([host.address, nginxStatus]).apply(([address, status]) => {
    const flags = { node: nodeFlags, mysqld: mysqldFlags, nginx: () => nginxFlags(status) }[name]();
    return renderExporterDropIn(exporters[name], { address, port: metricsPorts[name], flags });
  });
}

function keyFiles(
  { name }: Host,
  { exporterOf, clients: authority }: MonitoringKeys,
): Readonly<Record<string, FileArgs>> {
  const own = exporterOf.get(name);
  if (own === undefined)
    throw new Error(
      `monitoring: ${name} has no key, as it was not among the hosts when they were made`,
    );
  const { web, certificate, privateKey, clients } = exporterFiles;
  const asIs = { onChange: "nothing" } as const;
  return {
    [web]: { content: renderWebConfig(), ...asIs },
    [certificate]: { content: own.chain, ...asIs },
    [privateKey]: { content: own.privateKey, mode: "0640", group: metricsUser, ...asIs },
    [clients]: { content: authority.trustedCertificates, ...asIs },
  };
}

function filesOfFacts({ facts }: WatchedHost): Readonly<Record<string, FileArgs>> {
  return {
    [factsFiles.script]: { content: renderFactsScript(), mode: "0755", onChange: "nothing" },
    [factsFiles.config]: {
      content: pulumi.output(facts).apply(renderFactsConfig),
      onChange: "nothing",
    },
    [factsFiles.service]: { content: renderFactsService() },
    [factsFiles.timer]: { content: renderFactsTimer() },
  };
}
