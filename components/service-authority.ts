/** How an application verifies a private service on another host: it has the certificates of its authority there. */
import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import { Service } from "../provider/resources/service";
import { type Host, onHost } from "./host";
import type { ReachedService } from "./private-service";

interface Verifying {
  readonly name: string;
  readonly services?: readonly ReachedService[] | undefined;
}

/** Whom an application has to trust for a service. */
export interface ServiceAuthority {
  /** Of the service: `cache`. */
  readonly name: string;
  /** Begins its variables: `CACHE`. */
  readonly prefix: string;
  /** PEM. */
  readonly certificates: pulumi.Output<string>;
}

/** Read by the application and by its jobs. It holds nothing secret. */
function authorityPath(application: string, service: string): string {
  return `/etc/${application}/${service}-authority.pem`;
}

function authoritiesOf({ services = [] }: Verifying, host: Pick<Host, "name">) {
  return services.flatMap((service) => {
    const authority = service.authorityFor?.(host);
    return authority === undefined ? [] : [{ service, ...authority }];
  });
}

/** The variables of all of its services, as this application on that host has them. */
export function serviceVariables(
  application: Verifying,
  host: Pick<Host, "name">,
): Record<string, pulumi.Input<string>> {
  const { name: own, services = [] } = application;
  const verified = authoritiesOf(application, host).map(({ name, prefix, certificates }) => ({
    [`${prefix}_SSL`]: "verify",
    [`${prefix}_SSL_CA`]: authorityPath(own, name),
    // Many read the file only when they start: other certificates are another value, which restarts them.
    [`${prefix}_SSL_CA_SHA256`]: certificates.apply(digestOf),
  }));
  return Object.assign({}, ...services.map((one) => one.environmentFor(host)), ...verified);
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Resources of their own: a release command may ask a service before any file of the release is in place. One for each service, as what
 * is taken out is removed only when all releases are done: until then an application may read it.
 */
export function createServiceAuthorities(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  application: Verifying,
): readonly Service[] {
  return authoritiesOf(application, host).map(({ service, name: named, certificates }) => {
    const files = { [authorityPath(application.name, named)]: { content: certificates } };
    const args = { host: host.host, name: `${application.name}-authority-of-${named}`, files };
    return new Service(
      `${name}-authority-of-${named}`,
      args,
      onHost(host, parent, [service.ready]),
    );
  });
}
