/** By which certificates exporters and Prometheus know each other. */
import type * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "../provider/resources/generated";
import type { Host } from "./host";
import { createOwnAuthority, createOwnCertificate, type OwnCertificate } from "./own-certificates";

/**
 * Two authorities: one for who tells, one for who may ask. So what a host has to show that it is itself does not let it ask the
 * others.
 */
export interface MonitoringKeys {
  /** Signs exporters' certificates. */
  readonly exporters: CertificateAuthority;
  /** Signs those of Prometheus and Alertmanager. */
  readonly clients: CertificateAuthority;
  /** Host name to what its exporters show. */
  readonly exporterOf: ReadonlyMap<string, OwnCertificate>;
}

export interface KeysOptions {
  /** Any text: another one than before makes other authorities, and new certificates. The former ones are trusted for a week beside them. */
  readonly keeper?: pulumi.Input<string> | undefined;
  readonly parent?: pulumi.Resource | undefined;
}

export function createMonitoringKeys(
  name: string,
  hosts: readonly Host[],
  { keeper, parent }: KeysOptions = {},
): MonitoringKeys {
  const exporters = createOwnAuthority(`${name}-exporters`, keeper, parent);
  const clients = createOwnAuthority(`${name}-clients`, keeper, parent);
  const exporterOf = new Map(
    hosts.map(({ name: host, address }) => [
      host,
      createOwnCertificate(
        exporters,
        `${name}-exporters-${host}`,
        { name: host, addresses: [address, host] },
        exporters,
      ),
    ]),
  );
  return { exporters, clients, exporterOf };
}
