/** The Debian packages of a component on one host, as the host's policy says. */
import * as pulumi from "@pulumi/pulumi";
import { Packages } from "../provider/resources/packages";
import { type Host, onHost } from "./host";

/** A package source, as in a deb822 file of sources.list(5). */
export interface PackageSource {
  /** `https://deb.nodesource.com/node_24.x` */
  readonly uris: readonly string[];
  /** `trixie`, or a path that ends with `/` for a repository without suites. */
  readonly suites: readonly string[];
  /** `main`. Default none, which only a path as suite allows. */
  readonly components?: readonly string[];
  /** `amd64`. Default: the host's own. */
  readonly architectures?: readonly string[];
  /** The public key that signs it: armoured text, or a file's path on the host. Default: any key that the host trusts. */
  readonly key?: string;
}

/** What holds for all packages on a host. */
export interface PackagePolicy {
  /** Package sources besides the host's own, by name. */
  readonly sources?: Readonly<Record<string, PackageSource>>;
  /** Whether packages for which a version is set are kept from upgrades by others (apt-mark hold). Default false. */
  readonly hold?: boolean;
  /** Packages that may be removed, or become older, for others. Default none: such an installation is refused. */
  readonly allowRemoval?: readonly string[];
}

interface ComponentPackages {
  /** Names the set on its host: `nginx-packages`. */
  readonly name: string;
  /** Debian package to `present`, a version or a pattern. */
  readonly packages: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /** Names of the resource before. */
  readonly formerNames?: readonly string[];
  /** Units that their packages stop to be upgraded. */
  readonly mayStop?: readonly string[];
}

/** As a component is given them. */
export type WantedPackages =
  | pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>
  | undefined;

/** What a component needs, with what its argument says besides or instead. */
export function withDefaults(
  defaults: Readonly<Record<string, string>>,
  given: ComponentPackages["packages"] = {},
): pulumi.Output<Readonly<Record<string, string>>> {
  return pulumi.output(given).apply((known) => ({ ...defaults, ...known }));
}

const formerType = "trilithon:index:Service";

export function createPackages(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  { packages, mayStop = [], formerNames = [], ...named }: ComponentPackages,
  dependsOn: readonly pulumi.Resource[] = [],
): Packages {
  const { hold = false, allowRemoval = [] } = host.packagePolicy ?? {};
  const pinned = pulumi
    .output(packages)
    .apply((known) => Object.keys(known).filter((one) => known[one] !== "present"));
  const names = [undefined, ...formerNames];
  // All that is to be installed on a host comes at once. What it brings is started by services.
  const options = onHost({ ...host, opened: [] }, parent, dependsOn);
  return new Packages(
    name,
    {
      ...named,
      host: host.host,
      packages,
      hostSources: sourcesOf(host.packagePolicy),
      ...(hold && { hold: pinned }),
      allowRemoval: [...allowRemoval],
      mayStop: [...mayStop],
    },
    // Until 0.1.0 it was a Service without a unit.
    {
      ...options,
      aliases: names.map((former) => ({ ...(former && { name: former }), type: formerType })),
    },
  );
}

/** A host whose packages follow the policy; everything on it waits for its package sources, and these for all machines. */
export function withPackagePolicy<SomeHost extends Host>(
  host: SomeHost,
  policy: PackagePolicy | undefined,
  machines: readonly pulumi.Resource[],
): SomeHost {
  if (policy === undefined) return host;
  const sources = sourcesOf(policy);
  if (Object.keys(sources).length === 0) return { ...host, packagePolicy: policy };
  const args = { host: host.host, name: "package-sources", sources };
  const options = {
    dependsOn: [...machines],
    ...(host.deletedWith && { deletedWith: host.deletedWith }),
  };
  const packageSources = new Packages(`${host.name}-package-sources`, args, options);
  return { ...host, packagePolicy: policy, packageSources };
}

function sourcesOf({ sources = {} }: PackagePolicy = {}) {
  const entries = Object.entries(sources).map(([name, source]) => {
    const { uris, suites, components = [], architectures, key } = source;
    const more = {
      ...(architectures && { architectures: [...architectures] }),
      ...(key && { key }),
    };
    const lists = { uris: [...uris], suites: [...suites], components: [...components] };
    return [name, { ...lists, ...more }] as const;
  });
  return Object.fromEntries(entries);
}
