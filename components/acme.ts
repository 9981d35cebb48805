/** Certificates that each load balancer gets by itself from an authority that speaks ACME: lego beside HAProxy, by a timer. */
import * as pulumi from "@pulumi/pulumi";
import { AcmeAccountKey } from "../provider/resources/generated";
import { Service } from "../provider/resources/service";
import { dns01Of, renderVariables } from "./acme-challenge";
import { type Host, onHost } from "./host";
import type { AcmeArgs } from "./https";
import { createPackages } from "./packages";
import {
  acmeFiles,
  acmeUnit,
  renderAcmeConfig,
  renderAcmeService,
  renderAcmeTimer,
} from "./render/acme";

/** What the hosts have in common: one account, so that each of them can answer a challenge of any other. */
export interface AcmeCertificates {
  readonly accountKey: pulumi.Output<string>;
  /** By which HAProxy answers. Not there where the DNS does. */
  readonly thumbprint: pulumi.Output<string> | undefined;
  readonly config: pulumi.Output<string>;
  /** Of whoever has the DNS of the names, if that is asked. */
  readonly variables: pulumi.Output<string> | undefined;
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
  { email, directory = letsEncrypt, directoryCa, challenge }: AcmeArgs,
  names: pulumi.Input<readonly string[]>,
): AcmeCertificates {
  const { privateKey, thumbprint } = new AcmeAccountKey(`${name}-acme-account`, {}, { parent });
  const dns01 = dns01Of(challenge);
  const dnsProvider = dns01?.provider;
  const config = pulumi
    .all([email, directory, names])
    .apply(([email, directory, names]) =>
      renderAcmeConfig({ email, directory, names, dnsProvider }),
    );
  return {
    accountKey: privateKey,
    thumbprint: dns01 === undefined ? thumbprint : undefined,
    config,
    variables: dns01 && renderVariables(`LoadBalancer ${name}`, dns01),
    directoryCa,
  };
}

/**
 * Providers keep one answer for a name, or take those of others away with their own. So with the DNS load balancers ask one after the
 * other, from the first time on.
 */
const dnsTurnSeconds = 600;

/** Started when all load balancers can answer a challenge: it may come to any of them. */
export function createAcmeTimer(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  {
    acme: { accountKey, config, variables, directoryCa },
    balancers,
    place,
  }: {
    readonly acme: AcmeCertificates;
    readonly balancers: readonly Service[];
    /** Among the load balancers, from 0. */
    readonly place: number;
  },
): Service {
  const turnSeconds = variables === undefined ? 0 : place * dnsTurnSeconds;
  const packages = createPackages(parent, `${name}-${host.name}-acme-packages`, host, {
    name: "acme-packages",
    packages: { lego: "present", "ca-certificates": "present" },
  });
  return new Service(
    `${name}-${host.name}-acme-service`,
    {
      host: host.host,
      unit: `${acmeUnit}.timer`,
      files: {
        [acmeFiles.config]: { content: config },
        [acmeFiles.accountKey]: { content: accountKey, mode: "0600" },
        ...(variables && { [acmeFiles.variables]: { content: variables, mode: "0600" } }),
        ...(directoryCa !== undefined && { [acmeFiles.directoryCa]: { content: directoryCa } }),
        [acmeFiles.service]: {
          content: renderAcmeService({ hasVariables: variables !== undefined }),
        },
        [acmeFiles.timer]: { content: renderAcmeTimer({ turnSeconds }) },
      },
      onChange: "restart",
    },
    onHost(host, parent, [packages, ...balancers]),
  );
}
