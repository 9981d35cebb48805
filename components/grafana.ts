/** Grafana on a host with Prometheus, at its 127.0.0.1: with a dashboard of what the stack has. */
import * as pulumi from "@pulumi/pulumi";
import type { Packages } from "../provider/resources/packages";
import { type FileArgs, Service } from "../provider/resources/service";
import { type Host, onHost } from "./host";
import type { AlertNeed } from "./render/monitoring/alerts";
import {
  grafana,
  renderDashboard,
  renderDashboardProvider,
  renderDataSource,
  renderGrafana,
  renderGrafanaDropIn,
} from "./render/monitoring/grafana";
import { monitoringPorts } from "./render/monitoring/prometheus";
import { createSecretPassword } from "./secret-password";

/** The same on all hosts that have it. */
export interface GrafanaSecrets {
  /** Of its user `admin`, who is made at the first start. */
  readonly adminPassword: pulumi.Output<string>;
  /** By which it hides passwords of data sources that somebody adds. */
  readonly key: pulumi.Output<string>;
}

export function createGrafanaSecrets(parent: pulumi.Resource, name: string): GrafanaSecrets {
  return {
    adminPassword: createSecretPassword(parent, `${name}-grafana-admin`, undefined),
    key: createSecretPassword(parent, `${name}-grafana-key`, undefined),
  };
}

interface Parts {
  readonly secrets: GrafanaSecrets;
  readonly needs: readonly AlertNeed[];
  readonly packages: Packages;
  readonly after: readonly pulumi.Resource[];
}

/** The first start makes its database. */
const readySeconds = 180;

export function createGrafana(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  { secrets, needs, packages, after }: Parts,
): Service {
  const { config, dropIn, dataSource, provider, dashboard, adminPassword, secretKey } = grafana;
  return new Service(
    name,
    {
      ...{ host: host.host, unit: grafana.unit, onChange: "restart" },
      runsWith: packages.versions.apply((versions) => ({
        [grafana.package]: versions[grafana.package] ?? "",
      })),
      files: {
        [config]: own(renderGrafana()),
        [dataSource]: own(renderDataSource()),
        [provider]: own(renderDashboardProvider()),
        // It sees by itself that another one is there.
        [dashboard]: { ...own(renderDashboard(needs)), onChange: "nothing" },
        [adminPassword]: { ...own(pulumi.secret(secrets.adminPassword)), onChange: "nothing" },
        [secretKey]: own(pulumi.secret(secrets.key)),
        [dropIn]: { content: renderGrafanaDropIn() },
      },
      ready: {
        http: `http://127.0.0.1:${monitoringPorts.grafana}/api/health`,
        deadlineSeconds: readySeconds,
      },
    },
    onHost(host, parent, [packages, ...after]),
  );
}

/** As its package has all of its files. */
function own(content: pulumi.Input<string>): FileArgs {
  return { content, mode: "0640", group: grafana.group };
}
