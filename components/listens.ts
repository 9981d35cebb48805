/**
 * What components listen on, as data. Whatever checks, draws or closes ports is made of this list and writes no port of its own.
 */
import * as pulumi from "@pulumi/pulumi";

export interface Listen {
  /** Its name. */
  readonly host: string;
  /**
   * As it is bound: an IPv4 address, `0.0.0.0` for all of IPv4, an IPv6 address in brackets, `[::]` for all of IPv6, or `*` for all of
   * both where the host has them.
   */
  readonly address: string;
  /** VRRP has none. */
  readonly port?: number | undefined;
  /** `vrrp`: protocol 112 of IP. */
  readonly protocol: "tcp" | "udp" | "vrrp";
  /** In a word or two. */
  readonly what: string;
  /** Whose process listens. Left out where that is the machine's own: the sshd of an existing one. */
  readonly unit?: string | undefined;
  readonly for: Audience;
  /** There where it tells metrics, over TLS and to Prometheus alone: what of. */
  readonly metrics?: string | undefined;
  /** Where. Default `/metrics`. */
  readonly metricsPaths?: readonly string[] | undefined;
}

/** Who is to reach it, besides its own host. Empty: nobody. */
export interface Audience {
  readonly anyone?: true | undefined;
  /** Who looks after the stack. */
  readonly operators?: true | undefined;
  /** Their names. */
  readonly hosts?: readonly string[] | undefined;
}

/** Hosts that a component does not know: those of the load balancers, and those of the applications that use it. */
export type Clients = "load balancers" | "applications";

/** As a component declares it; the stack says who its clients are. */
export interface OwnListen extends Omit<Listen, "for"> {
  readonly for: Audience & { readonly clients?: readonly Clients[] | undefined };
}

export interface OwnListenArgs extends Omit<OwnListen, "address" | "port"> {
  readonly address: pulumi.Input<string>;
  readonly port?: pulumi.Input<number> | undefined;
}

/** What a host's own sshd is called in the list. */
export const ssh = "SSH";

export const allOfIpv4 = "0.0.0.0";
export const allOfIpv6 = "[::]";
export const allAddresses = "*";
export const loopback = "127.0.0.1";

export function declareListens(
  listens: readonly OwnListenArgs[],
): pulumi.Output<readonly OwnListen[]> {
  return pulumi.all(
    listens.map(({ address, port, ...rest }) =>
      pulumi
        .all([address, port])
        .apply(([address, port]) => ({ ...rest, address, ...(port !== undefined && { port }) })),
    ),
  );
}

/** With the hosts that its clients are. */
export function listensInStack(
  listens: readonly OwnListen[],
  hostsOf: Readonly<Record<Clients, readonly string[]>>,
): readonly Listen[] {
  return listens.map(({ for: { clients = [], hosts = [], ...audience }, ...listen }) => {
    const all = new Set([...hosts, ...clients.flatMap((client) => hostsOf[client])]);
    all.delete(listen.host);
    return { ...listen, for: { ...audience, ...(all.size > 0 && { hosts: [...all] }) } };
  });
}
