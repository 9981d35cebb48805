/** Certificates that each load balancer gets by itself from an authority that speaks ACME: lego beside HAProxy, by a timer. */
import * as pulumi from "@pulumi/pulumi";
import { AcmeAccountKey } from "../provider/resources/generated";
import { Service } from "../provider/resources/service";
import { type Host, onHost } from "./host";
import type { AcmeArgs } from "./https";
import { createPackages } from "./packages";
import { acmeFiles, renderAcmeConfig, renderAcmeService, renderAcmeTimer } from "./render/acme";

/** What the hosts have in common: one account, so that each of them can answer a challenge of any other. */
export interface AcmeCertificates {
  readonly accountKey: pulumi.Output<string>;
  readonly thumbprint: pulumi.Output<string>;
  readonly config: pulumi.Output<string>;
  readonly directoryCa: pulumi.Input<string> | undefined;
}

export const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";

/** What an authority calls itself in CAA records (RFC 8659), where it is known: by nobody but itself are others named. */
export function caaIssuerOf({
  directory = letsEncrypt,
}: {
  readonly directory?: string;
}): string | undefined {
  return /(^|\.)letsencrypt\.org$/.test(new URL(directory).hostname)
    ? "letsencrypt.org"
    : undefined;
}

export function makeAcme(
  parent: pulumi.Resource,
  name: string,
  { email, directory = letsEncrypt, directoryCa }: AcmeArgs,
  names: pulumi.Input<readonly string[]>,
): AcmeCertificates {
  const { privateKey, thumbprint } = new AcmeAccountKey(`${name}-acme-account`, {}, { parent });
  const config = pulumi
    .all([email, directory, names])
    .apply(([email, directory, names]) => renderAcmeConfig({ email, directory, names }));
  return { accountKey: privateKey, thumbprint, config, directoryCa };
}

/** Started when all load balancers can answer a challenge: it may come to any of them. */
export function createAcmeTimer(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  {
    acme: { accountKey, config, directoryCa },
    balancers,
  }: { readonly acme: AcmeCertificates; readonly balancers: readonly Service[] },
): Service {
  const packages = createPackages(parent, `${name}-${host.name}-acme-packages`, host, {
    name: "acme-packages",
    packages: { lego: "present", "ca-certificates": "present" },
  });
  return new Service(
    `${name}-${host.name}-acme-service`,
    {
      host: host.host,
      unit: "trilithon-acme.timer",
      files: {
        [acmeFiles.config]: { content: config },
        [acmeFiles.accountKey]: { content: accountKey, mode: "0600" },
        ...(directoryCa !== undefined && { [acmeFiles.directoryCa]: { content: directoryCa } }),
        [acmeFiles.service]: { content: renderAcmeService() },
        [acmeFiles.timer]: { content: renderAcmeTimer() },
      },
      onChange: "restart",
    },
    onHost(host, parent, [packages, ...balancers]),
  );
}
