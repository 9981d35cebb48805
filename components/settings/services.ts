/** The private services of a stack: which can stand beside each other, and beside the applications. */
import { type Fault, unexpected } from "../expectation";
import {
  type PrivateServiceKind,
  privateServiceFiles,
  privateServices,
  tlsPortBeside,
} from "../render/private-service";
import { isRecord } from "../rule";
import { givenApplications } from "./applications";

type Values = Readonly<Record<string, unknown>>;

/** A service as the settings have it, as far as it is well formed. */
export interface GivenService {
  /** `services.cache` */
  readonly path: string;
  readonly kind: PrivateServiceKind | undefined;
  readonly hosts: readonly unknown[];
  readonly port: unknown;
  readonly tlsPort: unknown;
  readonly values: Values;
}

export function givenServices({ services }: Values): readonly GivenService[] {
  const all = isRecord(services) ? Object.entries(services) : [];
  return all.map(([name, value]) => {
    const values = isRecord(value) ? value : {};
    const kind = kindOf(values.kind);
    const hosts = Array.isArray(values.hosts) ? values.hosts : [];
    const port = values.port ?? (kind && privateServices[kind].port);
    const tlsPort = values.tlsPort ?? (typeof port === "number" ? tlsPortBeside(port) : undefined);
    return { path: `services.${name}`, kind, hosts, port, tlsPort, values };
  });
}

function kindOf(value: unknown): PrivateServiceKind | undefined {
  return Object.keys(privateServices).find((kind): kind is PrivateServiceKind => kind === value);
}

export function checkServices(
  values: Values,
  hosts: readonly { readonly name: string | undefined }[],
): readonly Fault[] {
  const services = givenServices(values);
  const applications = givenApplications(values);
  return [
    ...services.flatMap((service) => checkHosts(service, hosts)),
    ...services.flatMap(({ path, kind, values: { persistent } }) =>
      kind === "memcached" && persistent === true
        ? [fault(`${path}.persistent`, "false, as Memcached keeps nothing", persistent)]
        : [],
    ),
    ...services.flatMap(({ path, kind, values: { passwordKeeper } }) =>
      kind === "memcached" && passwordKeeper !== undefined
        ? [fault(`${path}.passwordKeeper`, "nothing", passwordKeeper, "Memcached has no password")]
        : [],
    ),
    ...checkKinds(services),
    ...services.flatMap(({ path, values: { applications: named } }) =>
      (Array.isArray(named) ? named : []).flatMap((name: unknown, index) => {
        if (applications.some((one) => one.name === name)) return [];
        const names = applications.map((one) => one.name).join(", ");
        return [fault(`${path}.applications[${index}]`, `one of ${names}`, name)];
      }),
    ),
    ...applications.flatMap(({ path, name }) => {
      const taking = services.find(
        ({ kind }) => kind !== undefined && namesOf(kind).includes(name),
      );
      if (taking === undefined) return [];
      const at = path === "application" ? "application.name" : path;
      return [
        fault(at, "a name that no service's unit or user has", name, `${taking.path} has it`),
      ];
    }),
  ];
}

function checkHosts(
  { path, hosts: named }: GivenService,
  hosts: readonly { readonly name: string | undefined }[],
): readonly Fault[] {
  return named.flatMap((name, index) => {
    const at = `${path}.hosts[${index}]`;
    if (!hosts.some((host) => host.name === name)) {
      return [fault(at, "the name of a host", name)];
    }
    return named.indexOf(name) === index ? [] : [fault(at, "each host once", name)];
  });
}

/** Debian has one unit of a kind, with one configuration. */
function checkKinds(services: readonly GivenService[]): readonly Fault[] {
  return services.flatMap(({ path, kind, hosts }, index) => {
    if (kind === undefined) return [];
    const other = services
      .slice(0, index)
      .find((one) => one.kind === kind && one.hosts.some((host) => hosts.includes(host)));
    if (other === undefined) return [];
    const host = hosts.find((one) => other.hosts.includes(one));
    const { unit, dropIn } = privateServiceFiles(kind);
    const expected = `a kind that no other service on ${String(host)} has`;
    const remedy = `${other.path} has ${unit} and ${dropIn} there: give one of them another host or kind`;
    return [fault(`${path}.kind`, expected, kind, remedy)];
  });
}

function namesOf(kind: PrivateServiceKind): readonly string[] {
  const { package: debianPackage, user } = privateServices[kind];
  return [debianPackage, user, kind];
}

function fault(path: string, expected: string, value: unknown, remedy?: string): Fault {
  return { path, message: unexpected(expected, value, remedy) };
}
