/** A Valkey, Redis or Memcached for the applications of a stack, reached over the private network alone. */
import * as pulumi from "@pulumi/pulumi";
import { Password } from "../provider/resources/generated";
import { Service } from "../provider/resources/service";
import { checkArgs, checkUnique, type Known, whenKnown } from "./check-args";
import { type Fault, unexpected } from "./expectation";
import { type Host, isHere, onHost } from "./host";
import { inTurn } from "./in-turn";
import { declareListens, loopback, type OwnListen } from "./listens";
import { privateServiceOptions } from "./options";
import { createPackages, withDefaults } from "./packages";
import {
  type PrivateServiceKind,
  privateServiceFiles,
  privateServices,
  renderPrivateServiceConfig,
  renderPrivateServicePassword,
  renderPrivateServiceReady,
  renderPrivateServiceUnit,
} from "./render/private-service";
import { list } from "./rule";
import { host } from "./rules";

export interface PrivateServiceArgs {
  /** Begins the variables by which applications reach it: `cache` is told as `CACHE_HOST`, `CACHE_PORT`, `CACHE_PASSWORD` and `CACHE_URL`. */
  readonly name: string;
  /** From Debian's packages. Memcached has no password: whoever reaches the hosts' network reads it. */
  readonly kind: PrivateServiceKind;
  /**
   * Where it runs. On several hosts each has one of its own, which know nothing of each other: an application is told the one on its host, or
   * else the first that is not away.
   */
  readonly hosts: readonly Host[];
  /** On the host's private address and on 127.0.0.1. Default 6379, of Memcached 11211. */
  readonly port?: pulumi.Input<number>;
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
  readonly port: pulumi.Output<number>;
  readonly hosts: readonly Host[];
  readonly ready: pulumi.Resource;
  /** A secret, made once. Memcached has none. */
  readonly password: pulumi.Output<string> | undefined;
  readonly listens: pulumi.Output<readonly OwnListen[]>;
  readonly #prefix: string;

  constructor(name: string, args: PrivateServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:PrivateService", name, {}, opts);
    const check = { component: `PrivateService ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () => checkAgreement(args));
    const { kind } = args;
    const { memoryMegabytes = 64, persistent = false, port = privateServices[kind].port } = args;
    const options = whenKnown(check, { memoryMegabytes, persistent, port });
    this.hosts = args.hosts;
    this.unit = privateServiceFiles(kind).unit;
    this.port = options.port;
    this.listens = declareListens(serviceListens(this, kind));
    this.#prefix = args.name.replaceAll("-", "_").toUpperCase();
    this.password = kind === "memcached" ? undefined : createPassword(this, name);
    const { password } = this;
    inTurn(args.hosts, (host, before: Service | undefined) =>
      createService(this, `${name}-${host.name}`, host, { args, options, password, before }),
    );
    // Whoever waits for it waits for all of them.
    this.ready = this;
    this.registerOutputs({ port: this.port });
  }

  environmentFor(host: { readonly name: string }): Record<string, pulumi.Input<string>> {
    const own = this.hosts.find(({ name }) => name === host.name);
    const nearest = own ?? this.hosts.find(isHere) ?? this.hosts[0];
    const address = own ? "127.0.0.1" : (nearest?.address ?? "127.0.0.1");
    const { password, port } = this;
    const at = pulumi.interpolate`${address}:${port}`;
    return {
      [`${this.#prefix}_HOST`]: address,
      [`${this.#prefix}_PORT`]: pulumi.interpolate`${port}`,
      ...(password && { [`${this.#prefix}_PASSWORD`]: password }),
      [`${this.#prefix}_URL`]: password
        ? pulumi.interpolate`redis://:${password}@${at}/0`
        : pulumi.interpolate`memcached://${at}`,
    };
  }
}

function serviceListens({ hosts, port, unit }: PrivateService, kind: PrivateServiceKind) {
  return hosts.flatMap(({ name: host, address }) => {
    const service = { host, port, protocol: "tcp", what: kind, unit } as const;
    return [
      { ...service, address: loopback, for: {} },
      { ...service, address, for: { clients: ["applications"] } as const },
    ];
  });
}

const entries = { ...privateServiceOptions, hosts: list("a list of hosts", host, 1) };

function checkAgreement({ hosts, kind, persistent }: PrivateServiceArgs): readonly Fault[] {
  const kept = unexpected("false, as Memcached keeps nothing", persistent);
  return [
    ...checkUnique("hosts", "a host that is not in the list before", hosts),
    ...(kind === "memcached" && persistent === true ? [{ path: "persistent", message: kept }] : []),
  ];
}

/** They name units, files and variables. */
const plainArgs = ["hosts", "hosts.name", "name", "kind"];

function createPassword(parent: PrivateService, name: string): pulumi.Output<string> {
  // Marked here as well: as long as it is not known, Pulumi does not take it for a secret.
  return pulumi.secret(new Password(`${name}-password`, {}, { parent }).value);
}

interface Place {
  readonly args: PrivateServiceArgs;
  readonly options: Known<{ memoryMegabytes: number; persistent: boolean; port: number }>;
  readonly password: pulumi.Output<string> | undefined;
  readonly before: Service | undefined;
}

function createService(
  parent: PrivateService,
  name: string,
  host: Host,
  { args: { kind, packages: wanted }, options, password, before }: Place,
): Service {
  const { package: debianPackage, user } = privateServices[kind];
  const packages = createPackages(parent, `${name}-packages`, host, {
    name: `${kind}-packages`,
    packages: withDefaults({ [debianPackage]: "present" }, wanted),
  });
  const { unit, dropIn, config, password: passwordFile } = privateServiceFiles(kind);
  const known = pulumi.output({ ...options, address: host.address });
  const all = known.apply((one) => ({ ...one, kind }));
  return new Service(
    `${name}-service`,
    {
      host: host.host,
      unit,
      files: {
        [dropIn]: { content: all.apply(renderPrivateServiceUnit) },
        ...(password && {
          [config]: { content: all.apply(renderPrivateServiceConfig) },
          [passwordFile]: {
            content: pulumi.secret(password.apply(renderPrivateServicePassword)),
            ...{ mode: "0640", group: user },
          },
        }),
      },
      runsWith: packages.versions,
      onChange: "restart",
      restartNote: options.persistent.apply((isKept) =>
        isKept ? "it does not answer meanwhile" : "what it holds is lost",
      ),
      port: options.port,
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
