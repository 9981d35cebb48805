/** Metrics of applications over TLS, for Prometheus alone: these listen on loopback, so Nginx passes the question on. */
import { writtenByTrilithon } from "../application-unit";

export const nginxMetricsFiles = {
  config: "/etc/nginx/conf.d/trilithon-metrics.conf",
  certificate: "/etc/nginx/trilithon/metrics.pem",
  privateKey: "/etc/nginx/trilithon/metrics-key.pem",
  clients: "/etc/nginx/trilithon/metrics-clients.pem",
};

export interface ApplicationMetrics {
  /** Names it at Prometheus as well. */
  readonly name: string;
  /** On 127.0.0.1. */
  readonly port: number;
  /** Where it tells them. */
  readonly path: string;
}

export function renderNginxMetrics(
  port: number,
  applications: readonly ApplicationMetrics[],
): string {
  const { certificate, privateKey, clients } = nginxMetricsFiles;
  return `${writtenByTrilithon}
server {
    listen ${port} ssl;
    ssl_certificate ${certificate};
    ssl_certificate_key ${privateKey};
    ssl_protocols TLSv1.3;
    # Who shows no certificate of Prometheus' own is not answered.
    ssl_client_certificate ${clients};
    ssl_verify_client on;
    access_log off;
    server_tokens off;

${applications.map(renderLocation).join("")}    location / {
        return 404;
    }
}
`;
}

function renderLocation({ name, port, path }: ApplicationMetrics): string {
  return `    location = /${name} {
        proxy_pass http://127.0.0.1:${port}${path};
    }
`;
}
