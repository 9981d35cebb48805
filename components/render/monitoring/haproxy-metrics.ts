/** HAProxy's own metrics over TLS, for Prometheus alone. */

export const haproxyMetricsFiles = {
  certificate: "/etc/haproxy/metrics.pem",
  clients: "/etc/haproxy/metrics-clients.pem",
};

export interface HaproxyMetrics {
  readonly address: string;
  readonly port: number;
}

/** A section. Statistics stay where they are. */
export function renderHaproxyMetrics({ address, port }: HaproxyMetrics): string {
  const { certificate, clients } = haproxyMetricsFiles;
  return `
# Who shows no certificate of Prometheus' own is not answered.
frontend metrics
    bind ${address}:${port} ssl crt ${certificate} ca-file ${clients} verify required ssl-min-ver TLSv1.3
    http-request use-service prometheus-exporter if { path /metrics }
    http-request deny deny_status 404
`;
}
