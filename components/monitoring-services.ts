/** Prometheus, Alertmanager and the blackbox exporter on one host. */
import * as pulumi from "@pulumi/pulumi";
import type { Packages } from "../provider/resources/packages";
import { type FileArgs, Service } from "../provider/resources/service";
import { createGrafana, type GrafanaSecrets } from "./grafana";
import { type Host, onHost } from "./host";
import type { MonitoringArgs } from "./monitoring";
import type { EmailArgs } from "./monitoring-options";
import type { OwnCertificate } from "./own-certificates";
import { afterNetwork } from "./render/after-network";
import {
  alertmanagerFiles,
  type Email,
  renderAlertmanager,
  renderAlertmanagerCluster,
  renderAlertmanagerDropIn,
} from "./render/monitoring/alertmanager";
import { metricsUser } from "./render/monitoring/exporters";
import { grafana } from "./render/monitoring/grafana";
import {
  blackboxFiles,
  monitoringPorts,
  type Probe,
  prometheusFiles,
  renderBlackbox,
  renderBlackboxDropIn,
  renderPrometheus,
  renderPrometheusDropIn,
  type Target,
} from "./render/monitoring/prometheus";
import { renderRules } from "./render/monitoring/rules";

/** What is the same for all hosts that ask. */
export interface Monitored {
  readonly targets: readonly Target[];
  readonly probes: readonly Probe[];
  readonly domain: string;
  readonly ca: string | undefined;
}

export const monitorUnits = {
  prometheus: "prometheus.service",
  alertmanager: "prometheus-alertmanager.service",
  blackbox: "prometheus-blackbox-exporter.service",
  grafana: grafana.unit,
};

interface Parts {
  readonly args: MonitoringArgs;
  readonly monitored: pulumi.Output<Monitored>;
  readonly certificate: OwnCertificate;
  readonly packages: Packages;
  readonly grafana: GrafanaSecrets | undefined;
  readonly after: readonly pulumi.Resource[];
}

/** Months of what it saw are read at a start. */
const readySeconds = 120;

export function createMonitor(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  { args, monitored, certificate, packages, grafana: secrets, after }: Parts,
): readonly Service[] {
  const { prometheus, alertmanager, blackbox } = monitorUnits;
  const ports = monitoringPorts;
  const monitor = new Service(
    name,
    {
      ...{ host: host.host, name: "monitoring", unit: prometheus },
      moreUnits: {
        [alertmanager]: { ready: { http: `http://127.0.0.1:${ports.alertmanager}/-/ready` } },
        [blackbox]: { ready: { http: `http://127.0.0.1:${ports.blackbox}/-/healthy` } },
      },
      files: {
        ...blackboxFilesOf(args, monitored),
        ...alertmanagerFilesOf(host, args, certificate),
        ...prometheusFilesOf(host, args, monitored),
      },
      runsWith: packages.versions.apply((versions) =>
        Object.fromEntries(programs.map((one) => [one, versions[one] ?? ""])),
      ),
      onChange: "reload",
      check: ["sh", "-ec", checks],
      ready: {
        http: `http://127.0.0.1:${ports.prometheus}/-/ready`,
        deadlineSeconds: readySeconds,
      },
    },
    onHost(host, parent, [packages, ...after, ...(args.after ?? [])]),
  );
  const charts =
    secrets &&
    createGrafana(parent, `${name}-grafana`, host, {
      ...{ secrets, needs: args.needs, packages, after: [monitor] },
    });
  return [monitor, ...(charts ? [charts] : [])];
}

/** Prometheus' own reads the rules that its file names as well. */
const checks = `promtool check config ${prometheusFiles.config}
amtool check-config ${alertmanagerFiles.config}
prometheus-blackbox-exporter --config.file=${blackboxFiles.config} --config.check`;

const programs = ["prometheus", "prometheus-alertmanager", "prometheus-blackbox-exporter"];

/** The site's certificate may be of an authority that systems trust by themselves. */
export function monitorPackages({ grafana: hasGrafana }: Pick<MonitoringArgs, "grafana">) {
  return [...programs, "ca-certificates", ...(hasGrafana ? [grafana.package] : [])];
}

function blackboxFilesOf(
  { site: { names } }: MonitoringArgs,
  monitored: pulumi.Output<Monitored>,
): Readonly<Record<string, FileArgs>> {
  const config = monitored.apply(({ domain, ca }) =>
    renderBlackbox({ domain, names, hasOwnAuthority: ca !== undefined }),
  );
  return {
    [blackboxFiles.config]: { content: config },
    [blackboxFiles.siteAuthority]: {
      content: monitored.apply(({ ca = "# Systems trust it by themselves.\n" }) => ca),
    },
    [blackboxFiles.dropIn]: { content: renderBlackboxDropIn(), onChange: "restart" },
  };
}

/** A secret that only Prometheus' own user reads. */
export function hiddenFile(content: pulumi.Input<string>): FileArgs {
  return {
    ...{ content: pulumi.secret(content), mode: "0600", onChange: "nothing" },
    ...{ owner: metricsUser, group: metricsUser },
  };
}

function alertmanagerFilesOf(
  host: Host,
  { hosts, keys, webhook, watchdog, email }: MonitoringArgs,
  certificate: OwnCertificate,
): Readonly<Record<string, FileArgs>> {
  const others = hosts.filter(({ name }) => name !== host.name).map(({ address }) => address);
  const dropIn = pulumi
    .all([host.address, pulumi.all(others)])
    .apply(([address, peers]) => renderAlertmanagerDropIn({ address, peers }));
  const files = alertmanagerFiles;
  const isCluster = others.length > 0;
  return {
    [files.config]: {
      content: renderAlertmanager({
        email: email && mailOf(email),
        hasWebhook: webhook !== undefined,
        hasWatchdog: watchdog !== undefined,
      }),
    },
    [files.dropIn]: { content: dropIn, onChange: "restart" },
    ...afterNetwork(monitorUnits.alertmanager),
    // Read each time when somebody is told.
    ...(webhook && { [files.webhook]: hiddenFile(webhook.url) }),
    ...(watchdog && { [files.watchdog]: hiddenFile(watchdog.url) }),
    ...(email?.password !== undefined && { [files.emailPassword]: hiddenFile(email.password) }),
    ...(isCluster && {
      [files.cluster]: { content: renderAlertmanagerCluster(), onChange: "restart" },
      [files.clients]: { content: keys.clients.trustedCertificates, onChange: "restart" },
    }),
    ...clientFiles(certificate),
  };
}

function mailOf({ to, from, server, user, requireTls = true }: EmailArgs): Email {
  return { to, from, server, user, requireTls };
}

/** Who it is, to exporters and to the other Alertmanager. Read with each connection. */
function clientFiles({ chain, privateKey }: OwnCertificate): Readonly<Record<string, FileArgs>> {
  return {
    [prometheusFiles.certificate]: { content: chain, onChange: "nothing" },
    [prometheusFiles.privateKey]: hiddenFile(privateKey),
  };
}

function prometheusFilesOf(
  host: Host,
  { keys, needs, retentionDays = 30, retentionGigabytes = 5 }: MonitoringArgs,
  monitored: pulumi.Output<Monitored>,
): Readonly<Record<string, FileArgs>> {
  const config = monitored.apply(({ targets, probes }) =>
    renderPrometheus({ targets, probes, host: host.name }),
  );
  const { dropIn } = prometheusFiles;
  return {
    [prometheusFiles.config]: { content: config },
    [prometheusFiles.rules]: { content: renderRules(needs) },
    [prometheusFiles.exporters]: {
      content: keys.exporters.trustedCertificates,
      onChange: "nothing",
    },
    [dropIn]: {
      content: renderPrometheusDropIn({ retentionDays, retentionGigabytes }),
      onChange: "restart",
    },
  };
}
