/** Prometheus, Alertmanager and the blackbox exporter on one host. */
import * as pulumi from "@pulumi/pulumi";
import { type FileArgs, Service } from "../provider/resources/service";
import { createGrafana, type GrafanaSecrets } from "./grafana";
import { type Host, onHost } from "./host";
import type { MonitoringArgs } from "./monitoring";
import type { EmailArgs } from "./monitoring-options";
import type { OwnCertificate } from "./own-certificates";
import { createPackages } from "./packages";
import {
  alertmanagerFiles,
  type Email,
  renderAlertmanager,
  renderAlertmanagerCluster,
  renderAlertmanagerDropIn,
} from "./render/monitoring/alertmanager";
import { exporters, metricsUser } from "./render/monitoring/exporters";
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
  readonly grafana: GrafanaSecrets | undefined;
  readonly after: readonly pulumi.Resource[];
}

/** Months of what it saw are read at a start. */
const readySeconds = 120;

export function createMonitor(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  { args, monitored, certificate, grafana: secrets, after }: Parts,
): readonly Service[] {
  const packages = createPackages(parent, `${name}-packages`, host, {
    name: "monitoring-packages",
    packages: packagesOf(args),
  });
  const { prometheus, alertmanager, blackbox } = monitoringPorts;
  const own = { host: host.host, runsWith: packages.versions, onChange: "reload" as const };
  const asker = new Service(
    `${name}-blackbox`,
    {
      ...{ ...own, unit: monitorUnits.blackbox, files: blackboxFilesOf(args, monitored) },
      check: [
        ...["/usr/bin/prometheus-blackbox-exporter", `--config.file=${blackboxFiles.config}`],
        "--config.check",
      ],
      ready: { http: `http://127.0.0.1:${blackbox}/-/healthy` },
    },
    onHost(host, parent, [packages, ...after]),
  );
  const teller = new Service(
    `${name}-alertmanager`,
    {
      ...{ ...own, unit: monitorUnits.alertmanager },
      files: alertmanagerFilesOf(host, args, certificate),
      check: ["amtool", "check-config", alertmanagerFiles.config],
      ready: { http: `http://127.0.0.1:${alertmanager}/-/ready` },
    },
    onHost(host, parent, [packages, ...after]),
  );
  const store = new Service(
    `${name}-prometheus`,
    {
      ...{ ...own, unit: monitorUnits.prometheus },
      files: prometheusFilesOf(host, args, monitored),
      // It reads the rules that it names as well.
      check: ["promtool", "check", "config", prometheusFiles.config],
      ready: { http: `http://127.0.0.1:${prometheus}/-/ready`, deadlineSeconds: readySeconds },
    },
    onHost(host, parent, [packages, asker, teller, ...(args.after ?? [])]),
  );
  const charts =
    secrets &&
    createGrafana(parent, `${name}-grafana`, host, {
      ...{ secrets, needs: args.needs, packages, after: [store] },
    });
  return [asker, teller, store, ...(charts ? [charts] : [])];
}

const needed = [
  ...["prometheus", "prometheus-alertmanager", "prometheus-blackbox-exporter"],
  // The site's certificate may be of an authority that systems trust by themselves.
  "ca-certificates",
];

/** Those of exporters are on other hosts as well. */
function packagesOf({
  packages: wanted = {},
  grafana: hasGrafana,
}: Pick<MonitoringArgs, "packages" | "grafana">): Readonly<Record<string, string>> {
  const ofExporters = Object.values(exporters).map((one) => one.package);
  const given = Object.entries(wanted).filter(([name]) => !ofExporters.includes(name));
  return {
    ...Object.fromEntries(needed.map((name) => [name, "present"])),
    ...(hasGrafana && { [grafana.package]: "present" }),
    ...Object.fromEntries(given),
  };
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
