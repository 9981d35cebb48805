/** What tells metrics on one host: exporters over TLS, for Prometheus alone, and a timer that writes what none of them knows. */
import * as pulumi from "@pulumi/pulumi";
import { type FileArgs, Service } from "../provider/resources/service";
import { type Host, onHost } from "./host";
import type { OwnListenArgs } from "./listens";
import type { MonitoringArgs } from "./monitoring";
import type { MonitoringKeys } from "./monitoring-keys";
import { createPackages } from "./packages";
import {
  databaseMetrics,
  type Exporter,
  type ExporterName,
  exporters,
  metricsPorts,
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

export function createExporters(
  parent: pulumi.Resource,
  prefix: string,
  watched: WatchedHost,
  { keys, packages: wanted = {} }: Pick<MonitoringArgs, "keys" | "packages">,
): readonly Service[] {
  const { host, databaseAccount } = watched;
  const name = `${prefix}-${host.name}`;
  const all = exportersOn(watched);
  const needed = [...all.map((one) => exporters[one].package), "openssl"];
  const packages = createPackages(parent, `${name}-exporter-packages`, host, {
    name: "exporter-packages",
    packages: Object.fromEntries(needed.map((one) => [one, wanted[one] ?? "present"])),
  });
  const facts = createFacts(parent, name, watched, packages);
  const made = all.map((one) => {
    const after = one === "mysqld" && databaseAccount ? [databaseAccount] : [];
    return new Service(
      `${name}-${one}-exporter`,
      {
        host: host.host,
        unit: exporters[one].unit,
        ...(one === "mysqld" && { users: { [databaseMetrics.user]: databaseMetrics.home } }),
        files: {
          ...keyFiles(host, exporters[one], keys),
          [exporters[one].dropIn]: { content: renderDropIn(one, watched) },
          ...(one === "mysqld" && {
            [exporters.mysqld.options]: { content: renderMysqldOptions() },
          }),
        },
        runsWith: packages.versions,
        onChange: "restart",
        // Nobody but Prometheus is answered: that it stays is what can be asked from here.
        ready: { staySeconds: 2 },
      },
      onHost(host, parent, [packages, facts, ...after]),
    );
  });
  return [facts, ...made];
}

function renderDropIn(name: ExporterName, { host, nginxStatus = "" }: WatchedHost) {
  return pulumi.all([host.address, nginxStatus]).apply(([address, status]) => {
    const flags = { node: nodeFlags, mysqld: mysqldFlags, nginx: () => nginxFlags(status) }[name]();
    return renderExporterDropIn(exporters[name], { address, port: metricsPorts[name], flags });
  });
}

/** Read with each connection. */
function keyFiles(
  { name }: Host,
  { web, certificate, privateKey, clients, user }: Exporter,
  { exporterOf, clients: authority }: MonitoringKeys,
): Readonly<Record<string, FileArgs>> {
  const own = exporterOf.get(name);
  if (own === undefined)
    throw new Error(
      `monitoring: ${name} has no key, as it was not among the hosts when they were made`,
    );
  const asIs = { onChange: "nothing" } as const;
  return {
    [web]: { content: renderWebConfig({ certificate, privateKey, clients }), ...asIs },
    [certificate]: { content: own.chain, ...asIs },
    [privateKey]: { content: own.privateKey, mode: "0600", owner: user, group: user, ...asIs },
    [clients]: { content: authority.trustedCertificates, ...asIs },
  };
}

function createFacts(
  parent: pulumi.Resource,
  name: string,
  { host, facts }: WatchedHost,
  packages: pulumi.Resource,
): Service {
  return new Service(
    `${name}-facts`,
    {
      host: host.host,
      unit: `${factsUnit}.timer`,
      files: {
        [factsFiles.script]: { content: renderFactsScript(), mode: "0755", onChange: "nothing" },
        [factsFiles.config]: {
          content: pulumi.output(facts).apply(renderFactsConfig),
          onChange: "nothing",
        },
        [factsFiles.service]: { content: renderFactsService() },
        [factsFiles.timer]: { content: renderFactsTimer() },
      },
      onChange: "restart",
    },
    onHost(host, parent, [packages]),
  );
}
