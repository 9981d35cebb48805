/** A Valkey, Redis or Memcached for the applications of a stack, reached over the private network alone. */
import * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "../provider/resources/generated";
import { Service } from "../provider/resources/service";
import { checkArgs, checkUnique, type Known, whenKnown } from "./check-args";
import { type Fault, unexpected } from "./expectation";
import { type Host, isHere, onHost } from "./host";
import { inTurn } from "./in-turn";
import { declareListens, loopback, type OwnListen } from "./listens";
import { privateServiceOptions } from "./options";
import { createOwnAuthority } from "./own-certificates";
import { createPackages, withDefaults } from "./packages";
import { createCertificateFiles } from "./private-service-certificates";
import { createRetirement } from "./private-service-retirement";
import { afterNetwork } from "./render/after-network";
import {
  type PrivateServiceKind,
  privateServiceFiles,
  privateServices,
  renderPrivateServiceConfig,
  renderPrivateServicePassword,
  renderPrivateServiceReady,
  renderPrivateServiceUnit,
  tlsPortBeside,
} from "./render/private-service";
import {
  renderPrivateServiceScript,
  renderPrivateServiceTls,
  tlsIsNew,
} from "./render/private-service-tls";
import { list } from "./rule";
import { host } from "./rules";
import { createSecretPassword } from "./secret-password";
import type { ServiceAuthority } from "./service-authority";

export type PrivateServiceProtocol = "tls" | "plain";

export interface PrivateServiceArgs {
  /** Begins the variables by which applications reach it: `cache` is told as `CACHE_HOST`, `CACHE_PORT`, `CACHE_PASSWORD` and `CACHE_URL`. */
  readonly name: string;
  /** From Debian's packages. Memcached has no password: whoever reaches it reads it. */
  readonly kind: PrivateServiceKind;
  /**
   * Where it runs. On several hosts each has one of its own, which know nothing of each other: an application is told the one on its host, or
   * else the first that is not away.
   */
  readonly hosts: readonly Host[];
  /** Without TLS, for its own host. Default 6379, of Memcached 11211. */
  readonly port?: pulumi.Input<number>;
  /** Over TLS, on the host's private address. Default 7379, of Memcached 12211: `port` and 1000 more, or less where that is no port. */
  readonly tlsPort?: pulumi.Input<number>;
  /**
   * How applications on other hosts ask it: `tls`, and they verify who answers, or `plain`, for clients that have no TLS. On its own host
   * it is asked without. Default `tls`.
   */
  readonly protocol?: PrivateServiceProtocol;
  /** Any text: another one than before makes a new password. Applications are let in by both until all have the new one. */
  readonly passwordKeeper?: pulumi.Input<string>;
  /** Any text: another one than before makes a new authority and certificates. The former one is trusted for a week beside it. */
  readonly authorityKeeper?: pulumi.Input<string>;
  /** What it may hold. Default 64. */
  readonly memoryMegabytes?: pulumi.Input<number>;
  /**
   * Whether what it holds outlives a restart, and a write is refused where the memory is full: for queues and sessions. Default false, a cache.
   * Memcached cannot.
   */
  readonly persistent?: pulumi.Input<boolean>;
  /** Its version, and packages besides it: Debian package to `present`, a version or a pattern. */
  readonly packages?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
}

/** What an application needs of a service: the variables by which it is reached, and what to wait for. */
export interface ReachedService {
  environmentFor(host: { readonly name: string }): Record<string, pulumi.Input<string>>;
  /** Where that host asks it over TLS: whom to trust for it. */
  authorityFor?(host: { readonly name: string }): ServiceAuthority | undefined;
  readonly ready: pulumi.Resource;
}

/**
 * A service that only the hosts of the stack reach. Destroying it stops it; its packages and what it wrote to the disk stay.
 *
 *     const cache = new PrivateService("cache", { name: "cache", kind: "valkey", hosts: [hosts.a] });
 *     new Application("shop", { hosts, services: [cache], ... });
 */
export class PrivateService extends pulumi.ComponentResource implements ReachedService {
  /** `valkey-server.service` */
  readonly unit: string;
  readonly kind: PrivateServiceKind;
  readonly port: pulumi.Output<number>;
  readonly tlsPort: pulumi.Output<number>;
  readonly protocol: PrivateServiceProtocol;
  readonly hosts: readonly Host[];
  readonly ready: pulumi.Resource;
  /** A secret, made once. Memcached has none. */
  readonly password: pulumi.Output<string> | undefined;
  /** PEM: whom applications on other hosts trust for it. */
  readonly authority: pulumi.Output<string>;
  readonly listens: pulumi.Output<readonly OwnListen[]>;
  readonly #resource: string;
  readonly #name: string;
  readonly #prefix: string;

  constructor(name: string, args: PrivateServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:PrivateService", name, {}, opts);
    const check = { component: `PrivateService ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () => checkAgreement(args));
    const { kind, protocol = "tls" } = args;
    const { memoryMegabytes = 64, persistent = false, port = privateServices[kind].port } = args;
    const tlsPort = args.tlsPort ?? pulumi.output(port).apply(tlsPortBeside);
    const options = whenKnown(check, { memoryMegabytes, persistent, port, tlsPort });
    this.kind = kind;
    this.hosts = args.hosts;
    this.unit = privateServiceFiles(kind).unit;
    this.port = options.port;
    this.tlsPort = options.tlsPort;
    this.protocol = protocol;
    this.listens = declareListens(serviceListens(this));
    this.#resource = name;
    this.#name = args.name;
    this.#prefix = args.name.replaceAll("-", "_").toUpperCase();
    const authority = createOwnAuthority(name, args.authorityKeeper, this);
    this.authority = authority.trustedCertificates;
    this.password =
      kind === "memcached"
        ? undefined
        : createSecretPassword(this, `${name}-password`, args.passwordKeeper);
    const { password } = this;
    inTurn(args.hosts, (host, before: Service | undefined) => {
      const place = { args, options, password, authority, before };
      return createService(this, `${name}-${host.name}`, host, place);
    });
    // Whoever waits for it waits for all of them.
    this.ready = this;
    this.registerOutputs({ port: this.port });
  }

  environmentFor(host: { readonly name: string }): Record<string, pulumi.Input<string>> {
    const { address, isOverTls } = this.#placeFor(host);
    const { password, kind } = this;
    const port = isOverTls ? this.tlsPort : this.port;
    const at = pulumi.interpolate`${address}:${port}`;
    const scheme = schemes[kind][isOverTls ? "tls" : "plain"];
    return {
      [`${this.#prefix}_HOST`]: address,
      [`${this.#prefix}_PORT`]: pulumi.interpolate`${port}`,
      ...(password && { [`${this.#prefix}_PASSWORD`]: password }),
      [`${this.#prefix}_URL`]: password
        ? pulumi.interpolate`${scheme}://:${password}@${at}/0`
        : pulumi.interpolate`${scheme}://${at}`,
    };
  }

  authorityFor(host: { readonly name: string }): ServiceAuthority | undefined {
    if (!this.#placeFor(host).isOverTls) return undefined;
    return { name: this.#name, prefix: this.#prefix, certificates: this.authority };
  }

  /** Ends a former password once all of `users` (applications, say) run with the new one. Call it once. */
  retireFormerPassword(users: readonly pulumi.Resource[]): readonly Service[] {
    const { kind, password, ready } = this;
    if (kind === "memcached" || password === undefined) return [];
    const retirement = { kind, password, after: [ready, ...users] };
    return this.hosts.map((host) =>
      createRetirement(`${this.#resource}-${host.name}`, host, retirement),
    );
  }

  /** Over loopback there is nobody to hear it. */
  #placeFor({ name: asking }: { readonly name: string }) {
    if (this.hosts.some(({ name }) => name === asking)) {
      return { address: loopback, isOverTls: false };
    }
    const nearest = this.hosts.find(isHere) ?? this.hosts[0];
    return { address: nearest?.address ?? loopback, isOverTls: this.protocol === "tls" };
  }
}

/** The ways of URLs: for Memcached there is no custom, and clients take its host and port. */
const schemes = {
  valkey: { tls: "rediss", plain: "redis" },
  redis: { tls: "rediss", plain: "redis" },
  memcached: { tls: "memcacheds", plain: "memcached" },
} as const satisfies Record<PrivateServiceKind, Record<PrivateServiceProtocol, string>>;

/** Valkey and Redis have one list of addresses for both ports. Who may reach each of them is up to the firewall. */
function serviceListens({ kind, hosts, port, tlsPort, unit, protocol }: PrivateService) {
  const applications = { clients: ["applications"] } as const;
  const [plain, tls] = protocol === "tls" ? [{}, applications] : [applications, {}];
  return hosts.flatMap(({ name: host, address }) => {
    const service = { host, port, protocol: "tcp", what: kind, unit } as const;
    const overTls = { ...service, port: tlsPort, what: `${kind} over TLS` };
    return [
      { ...service, address: loopback, for: {} },
      { ...service, address, for: plain },
      ...(kind === "memcached" ? [] : [{ ...overTls, address: loopback, for: {} }]),
      { ...overTls, address, for: tls },
    ];
  });
}

const entries = { ...privateServiceOptions, hosts: list("a list of hosts", host, 1) };

function checkAgreement(args: PrivateServiceArgs): readonly Fault[] {
  const { hosts, kind, persistent, passwordKeeper } = args;
  const kept = unexpected("false, as Memcached keeps nothing", persistent);
  return [
    ...checkUnique("hosts", "a host that is not in the list before", hosts),
    ...(kind === "memcached" && persistent === true ? [{ path: "persistent", message: kept }] : []),
    ...checkPassword(kind, passwordKeeper),
    ...checkTlsPort(args),
  ];
}

function checkTlsPort({ kind, tlsPort, port = privateServices[kind].port }: PrivateServiceArgs) {
  if (tlsPort === undefined || tlsPort !== port) return [];
  return [{ path: "tlsPort", message: unexpected("a port other than port", tlsPort) }];
}

function checkPassword(kind: PrivateServiceKind, keeper: unknown): readonly Fault[] {
  if (kind !== "memcached" || keeper === undefined) return [];
  return [
    { path: "passwordKeeper", message: unexpected("nothing", keeper, "Memcached has no password") },
  ];
}

/** They name units, files and variables, or say which there are. */
const plainArgs = ["hosts", "hosts.name", "name", "kind", "protocol"];

interface Place {
  readonly args: PrivateServiceArgs;
  readonly options: Known<{
    memoryMegabytes: number;
    persistent: boolean;
    port: number;
    tlsPort: number;
  }>;
  readonly password: pulumi.Output<string> | undefined;
  readonly authority: CertificateAuthority;
  readonly before: Service | undefined;
}

function createService(
  parent: PrivateService,
  name: string,
  host: Host,
  { args: { kind, packages: wanted }, options, password, authority, before }: Place,
): Service {
  const { package: debianPackage, user } = privateServices[kind];
  const packages = createPackages(parent, `${name}-packages`, host, {
    name: `${kind}-packages`,
    packages: withDefaults({ [debianPackage]: "present" }, wanted),
  });
  const { unit, dropIn, config, tls, script, password: passwordFile } = privateServiceFiles(kind);
  const known = pulumi.output({ ...options, address: host.address });
  const all = known.apply((one) => ({ ...one, kind }));
  return new Service(
    `${name}-service`,
    {
      host: host.host,
      unit,
      files: {
        ...afterNetwork(unit),
        [dropIn]: {
          content: all.apply(renderPrivateServiceUnit),
          // Memcached has all of its options there.
          ...(kind !== "memcached" && { onChange: "reload" as const }),
        },
        [script]: {
          content: options.port.apply((port) => renderPrivateServiceScript(kind, port)),
          ...{ mode: "0755", onChange: "nothing" as const },
        },
        ...createCertificateFiles(parent, name, host, { kind, authority }),
        ...(kind !== "memcached" &&
          password && {
            [config]: { content: all.apply(renderPrivateServiceConfig) },
            [tls]: {
              content: options.tlsPort.apply((port) => renderPrivateServiceTls(kind, port)),
              onChange: "reload" as const,
            },
            [passwordFile]: {
              content: pulumi.secret(password.apply(renderPrivateServicePassword)),
              ...{ mode: "0640", group: user, onChange: "reload" as const },
            },
          }),
      },
      runsWith: packages.versions,
      onChange: "restart",
      restartNote: options.persistent.apply((isKept) =>
        isKept ? "it does not answer meanwhile" : "what it holds is lost",
      ),
      port: options.port,
      ...(parent.protocol === "tls" && {
        forewarningCommand: known.apply((ports) => tlsIsNew(kind, ports)),
      }),
      ready:
        kind === "memcached"
          ? { tcp: options.port }
          : {
              command: options.port.apply((port) => [
                ...["sh", "-c", renderPrivateServiceReady(kind, port)],
              ]),
              // One that keeps much reads it all.
              deadlineSeconds: 300,
            },
    },
    onHost(host, parent, [packages, ...(before ? [before] : [])]),
  );
}
