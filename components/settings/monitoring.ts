/** What the settings of monitoring must agree with. */
import { type Fault, unexpected } from "../expectation";
import { metricsPorts } from "../render/monitoring/exporters";
import { monitoringPorts } from "../render/monitoring/prometheus";
import { isRecord } from "../rule";

interface Having {
  readonly path: string;
  readonly roles: readonly string[];
}

/** Two look at all hosts and at each other; a third would add work, and nothing else. */
const most = 2;

export function checkMonitoring(
  values: Readonly<Record<string, unknown>>,
  hosts: readonly Having[],
): readonly Fault[] {
  const { monitoring } = values;
  const monitors = hosts.filter(isMonitor);
  const tooMany = monitors.slice(most).map(({ path }) => ({
    path: `${path}.roles`,
    message: `expected the role monitoring on ${most} hosts at most, got another one`,
  }));
  const isAlone = monitoring !== undefined && monitors.length === 0 && hosts.length > 0;
  const message = unexpected(
    "nothing, as no host has the role monitoring",
    isRecord(monitoring) ? Object.keys(monitoring).join(", ") : monitoring,
    "give it to one or two hosts",
  );
  return [
    ...tooMany,
    ...checkApplications(values),
    ...(isAlone ? [{ path: "monitoring", message }] : []),
  ];
}

/** PHP-FPM is asked by Nginx alone, and for pages. */
function checkApplications({
  application,
  applications,
}: Readonly<Record<string, unknown>>): readonly Fault[] {
  const further = Object.entries(isRecord(applications) ? applications : {});
  const all = [
    ["application", application] as const,
    ...further.map(([name, one]) => [`applications.${name}`, one] as const),
  ];
  return all.flatMap(([path, one]) => {
    if (!isRecord(one) || one.metrics === undefined) return [];
    const { runtime } = one;
    if (runtime !== "php-fpm" && !(isRecord(runtime) && runtime.name === "php-fpm")) return [];
    const message = unexpected("nothing, as PHP-FPM has no port", one.metrics);
    return [{ path: `${path}.metrics`, message }];
  });
}

function isMonitor({ roles }: Pick<Having, "roles">): boolean {
  return roles.includes("monitoring");
}

/** What listens on a host of a stack that is monitored. */
export function monitoringListeners(
  { roles }: Pick<Having, "roles">,
  hosts: readonly Pick<Having, "roles">[],
  settings: unknown,
): readonly { readonly what: string; readonly port: number }[] {
  if (!hosts.some(isMonitor)) return [];
  const { node, haproxy, mysqld, nginx, application } = metricsPorts;
  const { prometheus, alertmanager, cluster, blackbox, grafana } = monitoringPorts;
  const hasGrafana = isRecord(settings) && settings.grafana === true;
  return [
    { what: "what tells the host's metrics", port: node },
    ...(roles.includes("load-balancer") ? [{ what: "HAProxy's metrics", port: haproxy }] : []),
    ...(roles.some((role) => role.startsWith("database"))
      ? [{ what: "what tells MySQL's metrics", port: mysqld }]
      : []),
    ...(roles.includes("web")
      ? [
          { what: "what tells Nginx's metrics", port: nginx },
          { what: "what tells applications' metrics", port: application },
        ]
      : []),
    ...(isMonitor({ roles })
      ? [
          { what: "Prometheus", port: prometheus },
          { what: "Alertmanager", port: alertmanager },
          { what: "Alertmanagers of each other", port: cluster },
          { what: "the blackbox exporter", port: blackbox },
          ...(hasGrafana ? [{ what: "Grafana", port: grafana }] : []),
        ]
      : []),
  ];
}

/** What must be a secret. */
export function secretsOfMonitoring(
  monitoring: unknown,
): readonly { readonly path: string; readonly value: unknown }[] {
  if (!isRecord(monitoring)) return [];
  const { webhook, watchdog, email } = monitoring;
  return [
    ...(isRecord(webhook) ? [{ path: "webhook.url", value: webhook.url }] : []),
    ...(isRecord(watchdog) ? [{ path: "watchdog.url", value: watchdog.url }] : []),
    ...(isRecord(email) ? [{ path: "email.password", value: email.password }] : []),
  ];
}
