/** The private services of a stack, and which application is told of which. */
import type * as pulumi from "@pulumi/pulumi";
import type { StackHosts } from "./hosts";
import { PrivateService } from "./private-service";
import type { PrivateServiceKind } from "./render/private-service";
import type { Settings } from "./settings";

export interface PlacedService {
  readonly name: string;
  readonly kind: PrivateServiceKind;
  readonly service: PrivateService;
  /** Names of those that are told of it. `undefined`: all. */
  readonly applications: readonly string[] | undefined;
}

export function createServices(
  { services }: Pick<Settings, "services">,
  { all }: StackHosts,
  opts: pulumi.ComponentResourceOptions,
): readonly PlacedService[] {
  return Object.entries(services).map(([name, { hosts: names, applications, ...options }]) => {
    const hosts = all.filter((host) => names.includes(host.name));
    const service = new PrivateService(`service-${name}`, { name, hosts, ...options }, opts);
    return { name, kind: options.kind, service, applications };
  });
}

export function servicesOf(
  application: string,
  services: readonly PlacedService[],
): readonly PrivateService[] {
  return services
    .filter(({ applications }) => applications?.includes(application) ?? true)
    .map(({ service }) => service);
}
