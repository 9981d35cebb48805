/** HAProxy's own metrics for Prometheus: where they are told, and to whom. */
import type { FileArgs } from "../provider/resources/service";
import type { Host } from "./host";
import type { OwnListenArgs } from "./listens";
import type { MonitoringKeys } from "./monitoring-keys";
import { haproxyFiles } from "./render/haproxy-files";
import { metricsPorts } from "./render/monitoring/exporters";
import { haproxyMetricsFiles } from "./render/monitoring/haproxy-metrics";

export interface BalancerMetrics {
  readonly keys: MonitoringKeys;
  /** Names of the hosts with Prometheus. */
  readonly hosts: readonly string[];
}

export function metricsListens(
  hosts: readonly Host[],
  { hosts: monitors }: BalancerMetrics,
  unit: string,
): readonly OwnListenArgs[] {
  return hosts.map(({ name: host, address }) => ({
    ...{ host, address, port: metricsPorts.haproxy, protocol: "tcp", what: "metrics of HAProxy" },
    ...{ unit, for: { hosts: monitors }, metrics: "haproxy" },
  }));
}

/** HAProxy reads them at a reload. */
export function metricsFiles(
  { name }: Host,
  metrics: BalancerMetrics | undefined,
): Readonly<Record<string, FileArgs>> {
  const own = metrics?.keys.exporterOf.get(name);
  if (metrics === undefined || own === undefined) return {};
  const { certificate, clients } = haproxyMetricsFiles;
  return {
    [certificate]: { content: own.chain },
    [haproxyFiles.keyOf(certificate)]: { content: own.privateKey, mode: "0600" },
    [clients]: { content: metrics.keys.clients.trustedCertificates },
  };
}
