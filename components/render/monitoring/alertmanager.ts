/** Alertmanager: who is told of an alert, and how often. */
import { writtenByTrilithon } from "../application-unit";
import { hostDown, watchdog } from "./alerts";
import { monitoringPorts, prometheusFiles, renderProgram } from "./prometheus";
import { quoted } from "./rules";

export const alertmanagerFiles = {
  config: "/etc/prometheus/alertmanager.yml",
  dropIn: "/etc/systemd/system/prometheus-alertmanager.service.d/trilithon.conf",
  /** How Alertmanagers speak with each other. */
  cluster: "/etc/prometheus/trilithon-alertmanager-cluster.yml",
  clients: "/etc/prometheus/trilithon-clients.pem",
  webhook: "/etc/prometheus/trilithon-webhook-url",
  watchdog: "/etc/prometheus/trilithon-watchdog-url",
  emailPassword: "/etc/prometheus/trilithon-email-password",
};

export interface Email {
  readonly to: string;
  readonly from: string;
  /** `mail.example.net:587` */
  readonly server: string;
  readonly user?: string | undefined;
  /** Whether TLS is insisted on. */
  readonly requireTls: boolean;
}

export interface AlertmanagerConfig {
  readonly email?: Email | undefined;
  /** Its URL stands in a file of its own, as it is often all that a stranger needs. */
  readonly hasWebhook: boolean;
  readonly hasWatchdog: boolean;
}

export function renderAlertmanager(config: AlertmanagerConfig): string {
  const { email, hasWebhook, hasWatchdog } = config;
  return `${writtenByTrilithon}
${email ? renderEmailServer(email) : ""}route:
  receiver: operators
  group_by: [alertname, host]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 4h
  routes:
    - matchers: ["alertname = ${watchdog}"]
      receiver: watchdog
      group_wait: 0s
      group_interval: 1m
      # Less than that, as it would be asked every other minute otherwise.
      repeat_interval: 50s

# A host that is gone is told once.
inhibit_rules:
  - source_matchers: ["alertname = ${hostDown}"]
    target_matchers: ["alertname != ${hostDown}", "scope = part"]
    equal: [host]

receivers:
  - name: operators
${hasWebhook ? renderWebhook(alertmanagerFiles.webhook, { isResolutionSent: true }) : ""}${email ? renderEmail(email) : ""}  - name: watchdog
${hasWatchdog ? renderWebhook(alertmanagerFiles.watchdog, { isResolutionSent: false }) : ""}`;
}

function renderEmailServer({ from, server, user, requireTls }: Email): string {
  return `global:
  smtp_smarthost: ${quoted(server)}
  smtp_from: ${quoted(from)}
  smtp_require_tls: ${requireTls}
${
  user === undefined
    ? ""
    : `  smtp_auth_username: ${quoted(user)}
  smtp_auth_password_file: ${alertmanagerFiles.emailPassword}
`
}
`;
}

function renderWebhook(
  file: string,
  { isResolutionSent }: { readonly isResolutionSent: boolean },
): string {
  return `    webhook_configs:
      - url_file: ${file}
        send_resolved: ${isResolutionSent}
`;
}

const subject =
  "[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }}{{ if .CommonLabels.host }} on {{ .CommonLabels.host }}{{ end }}";
const text = `{{ range .Alerts }}{{ .Labels.alertname }}: {{ .Annotations.cause }}
Effect: {{ .Annotations.effect }}
First step: {{ .Annotations.first_step }}
Since {{ .StartsAt }}

{{ end }}`;

function renderEmail({ to }: Email): string {
  return `    email_configs:
      - to: ${quoted(to)}
        send_resolved: true
        headers: { Subject: ${quoted(subject)} }
        html: ""
        text: ${quoted(text)}
`;
}

/** `peers`: addresses of the other Alertmanagers. */
export function renderAlertmanagerDropIn({
  address,
  peers,
}: {
  readonly address: string;
  readonly peers: readonly string[];
}): string {
  const { alertmanager, cluster } = monitoringPorts;
  return renderProgram("/usr/bin/prometheus-alertmanager", [
    `--config.file=${alertmanagerFiles.config}`,
    "--storage.path=/var/lib/prometheus/alertmanager",
    `--web.listen-address=127.0.0.1:${alertmanager}`,
    ...(peers.length === 0
      ? ["--cluster.listen-address="]
      : [
          `--cluster.listen-address=${address}:${cluster}`,
          `--cluster.advertise-address=${address}:${cluster}`,
          `--cluster.tls-config=${alertmanagerFiles.cluster}`,
          ...peers.map((peer) => `--cluster.peer=${peer}:${cluster}`),
        ]),
  ]);
}

/** Both show a certificate that none but they have. */
export function renderAlertmanagerCluster(): string {
  const { certificate, privateKey } = prometheusFiles;
  const { clients } = alertmanagerFiles;
  return `${writtenByTrilithon}
tls_server_config:
  cert_file: ${certificate}
  key_file: ${privateKey}
  client_ca_file: ${clients}
  client_auth_type: RequireAndVerifyClientCert
tls_client_config:
  cert_file: ${certificate}
  key_file: ${privateKey}
  ca_file: ${clients}
`;
}
