/** Metrics of a host's applications for Prometheus: where they are told, and to whom. */
import * as pulumi from "@pulumi/pulumi";
import type { FileArgs } from "../provider/resources/service";
import type { Host } from "./host";
import { allOfIpv4, type OwnListenArgs } from "./listens";
import type { MonitoringKeys } from "./monitoring-keys";
import { metricsPorts } from "./render/monitoring/exporters";
import { nginxMetricsFiles, renderNginxMetrics } from "./render/monitoring/nginx-metrics";

export interface WebMetrics {
  readonly keys: MonitoringKeys;
  /** Names of the hosts with Prometheus. */
  readonly hosts: readonly string[];
  /** Those on the host that tell any: one or more. */
  readonly applications: readonly {
    readonly name: string;
    readonly port: pulumi.Input<number>;
    readonly path: string;
  }[];
}

export function webMetricsListens(
  { name: host }: Host,
  { hosts, applications }: WebMetrics,
  unit: string,
): readonly OwnListenArgs[] {
  return [
    {
      ...{ host, address: allOfIpv4, port: metricsPorts.application, protocol: "tcp", unit },
      ...{ what: "metrics of applications", for: { hosts }, metrics: "application" },
      metricsPaths: applications.map(({ name }) => `/${name}`),
    },
  ];
}

export function webMetricsFiles(
  { name }: Host,
  metrics: WebMetrics | undefined,
): Readonly<Record<string, FileArgs>> {
  const own = metrics?.keys.exporterOf.get(name);
  if (metrics === undefined || own === undefined) return {};
  const { config, certificate, privateKey, clients } = nginxMetricsFiles;
  const content = pulumi
    .all(metrics.applications.map((one) => pulumi.output(one)))
    .apply((applications) => renderNginxMetrics(metricsPorts.application, applications));
  return {
    [config]: { content },
    [certificate]: { content: own.chain },
    [privateKey]: { content: own.privateKey, mode: "0600" },
    [clients]: { content: metrics.keys.clients.trustedCertificates },
  };
}
