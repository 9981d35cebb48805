/** The web servers before which load balancers are, and how each is asked: over TLS, unless it is on the same host. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { type Fault, unexpected } from "./expectation";
import { isHere } from "./host";
import type { HaproxyServer } from "./render/haproxy";
import { haproxyFiles } from "./render/haproxy-files";
import { shape, text } from "./rule";
import { address, port } from "./rules";

/** A web server to send requests to: a `WebServer`, or one that this program did not make. */
export interface BalancedServer {
  /** `name`: letters, digits and `. _ : -`, as in HAProxy's statistics. `address`: IPv4. */
  readonly host: {
    readonly name: string;
    readonly address: pulumi.Input<string>;
    /** It gets no requests then. Default false. */
    readonly away?: boolean;
  };
  /** Where it answers over HTTP. */
  readonly port: pulumi.Input<number>;
  /** Where it speaks TLS and shows a certificate for its host's name to a client that asks for none, and whom to trust for that (PEM). Default: it does not. */
  readonly tls?:
    | { readonly port: pulumi.Input<number>; readonly authority: pulumi.Input<string> }
    | undefined;
  /** What has to be there before it gets requests. */
  readonly service?: pulumi.Resource;
}

/** What stands in HAProxy's configuration as a server's name. */
const serverName = text("a name of letters, digits and . _ : -", (value) =>
  /^[A-Za-z0-9._:-]+$/.test(value),
);
const certificates = "certificates (PEM)";

export const balancedServer = shape("a server with host and port", {
  host: shape("an object with name and address", { name: serverName, address }),
  port,
  tls: v.optional(
    shape("an object with port and authority", {
      port,
      // That there is one is checked by `checkAuthorities`: what it is may be known later than all else.
      authority: v.optional(text(certificates, (value) => value.includes("BEGIN CERTIFICATE-"))),
    }),
  ),
});

export function checkAuthorities(
  path: string,
  servers: readonly BalancedServer[],
): readonly Fault[] {
  return servers.flatMap(({ tls }, place) =>
    tls === undefined || tls.authority !== undefined
      ? []
      : [{ path: `${path}[${place}].tls.authority`, message: unexpected(certificates, undefined) }],
  );
}

/** Those that take part, as they are asked. */
export function serversAsked(
  servers: readonly BalancedServer[],
  protocol: "https" | "http",
): readonly BalancedServer[] {
  return servers
    .filter(({ host }) => isHere(host))
    .map(({ host, port, tls, service }) => ({
      ...{ host, port, tls: protocol === "https" ? tls : undefined },
      ...(service && { service }),
    }));
}

/** Each once, by its name. */
export function uniqueServers<Server extends { readonly host: { readonly name: string } }>(
  servers: readonly Server[],
): readonly Server[] {
  const names = servers.map(({ host }) => host.name);
  return servers.filter(({ host }, index) => names.indexOf(host.name) === index);
}

/** Without the resources that have to be there before, and the certificates: a file holds them. */
export function plainServers(servers: readonly BalancedServer[]) {
  return servers.map(({ host: { name, address }, port, tls }) => ({
    ...{ host: { name, address }, port },
    tls: tls && { port: tls.port },
  }));
}

interface PlainServer {
  readonly host: { readonly name: string; readonly address: string };
  readonly port: number;
  readonly tls?: { readonly port: number } | undefined;
}

/** As a load balancer at the address `own` asks them: what stays on its host needs no TLS. */
export function flatServers(
  servers: readonly PlainServer[],
  own?: string,
): readonly HaproxyServer[] {
  return servers.map(({ host: { name, address }, port, tls }) =>
    tls === undefined || address === own
      ? { name, address, port }
      : { name, address, port: tls.port, isTls: true },
  );
}

/** HAProxy's: those who sign the servers' certificates. */
export function authorityFiles(servers: readonly BalancedServer[]) {
  const authorities = servers.flatMap(({ tls }) => (tls ? [tls.authority] : []));
  if (authorities.length === 0) return {};
  const content = pulumi.all(authorities).apply((known) => [...new Set(known)].join(""));
  return { [haproxyFiles.authorities]: { content } };
}
