/** What a load balancer is given: checked, completed, and as outputs. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { checkAliases } from "./aliases";
import {
  type BalancedServer,
  balancedServer,
  checkAuthorities,
  plainServers,
  serversAsked,
} from "./balanced-server";
import { type ArgsCheck, checkUnique, whenKnown } from "./check-args";
import { checkEdge, completeEdge, edge, withHiddenUsers } from "./edge";
import { type Fault, unexpected } from "./expectation";
import { checkHttps, defaultHttpsPort, https, plainHttpsArgs } from "./https";
import type { LoadBalancerArgs } from "./load-balancer";
import { defaultPorts, defaultResponseSeconds, loadBalancerOptions } from "./options";
import { checkRedirects } from "./redirects";
import { list, shape } from "./rule";
import { domain, host, present, siteName, urlPath, webPath } from "./rules";
import { checkVirtualAddress6 } from "./virtual-address6";

export function withDefaults(args: LoadBalancerArgs) {
  const {
    port = defaultPorts.loadBalancer,
    statsPort = defaultPorts.statistics,
    responseTimeoutSeconds = defaultResponseSeconds.loadBalancer,
    trustedProxies = [],
    aliases = [],
    redirects = {},
    unknownHost = "serve",
    backendProtocol = "https",
    rawLines = {},
    edge = {},
  } = args;
  const asked = (all: readonly BalancedServer[]) => serversAsked(all, backendProtocol);
  const servers = asked(args.servers);
  const applications = (args.applications ?? []).map((application) => ({
    ...application,
    servers: asked(application.servers),
  }));
  return {
    ...args,
    servers,
    applications,
    port,
    statsPort,
    responseTimeoutSeconds,
    trustedProxies,
    aliases,
    redirects,
    unknownHost,
    rawLines,
    edge,
  };
}

export type Complete = ReturnType<typeof withDefaults>;

/** They say which there are, and the hosts name resources. */
export const plainArgs = [
  ...["hosts", "hosts.name", "servers", "servers.host", "servers.host.name"],
  ...["applications", "applications.name", "applications.domains", "applications.servers"],
  ...["applications.paths", "applications.under", "applications.sharedPaths", "sharedPaths"],
  ...["applications.servers.host", "applications.servers.host.name", "backendProtocol"],
  ...["aliases", "redirects", "edge", ...plainHttpsArgs],
];

const sharedPaths = v.optional(list("a list of paths", urlPath));

export const entries = {
  ...loadBalancerOptions,
  https: v.exactOptional(https),
  edge: v.exactOptional(edge),
  plainPaths: v.optional(list("a list of paths", urlPath)),
  metrics: v.optional(present),
  sharedPaths,
  hosts: list("a list of hosts", host, 1),
  servers: list("a list of servers", balancedServer, 1),
  applications: v.optional(
    list(
      "a list of applications",
      shape("an object with name, domains and servers", {
        name: siteName,
        domains: list("a list of domains", domain, 1),
        paths: v.optional(list("a list of paths", webPath)),
        under: v.optional(siteName),
        sharedPaths,
        servers: list("a list of servers", balancedServer, 1),
      }),
    ),
  ),
  domain,
  healthPath: urlPath,
};

export function checkAgreement(args: Complete): readonly Fault[] {
  const { hosts, servers, applications, port, statsPort, virtualAddress, virtualAddress6 } = args;
  const all = [...servers, ...applications.flatMap((one) => one.servers)];
  const taken = [...hosts, ...all.map(({ host }) => host)].map(({ address }) => address);
  const held = {
    path: "virtualAddress",
    message: unexpected("an address that no host has", virtualAddress),
  };
  const clash = { path: "statsPort", message: unexpected("a port other than port", statsPort) };
  const served = [...servedNames(args), ...args.aliases];
  return [
    ...checkUnique("hosts", "a host that is not in the list before", hosts),
    ...checkUnique(
      "servers",
      "a name that no other server has",
      servers.map((one) => one.host),
      ".host.name",
    ),
    ...checkUnique("applications", "a name that no other application has", applications, ".name"),
    ...checkAuthorities("servers", servers),
    ...applications.flatMap((one, place) =>
      checkAuthorities(`applications[${place}].servers`, one.servers),
    ),
    ...(statsPort === port ? [clash] : []),
    ...checkHttpsPort(args),
    ...checkAliases(args.aliases, servedNames(args)),
    ...(typeof args.domain === "string" ? checkRedirects(args.redirects, served) : []),
    ...checkHttps(args.https, [...served, ...Object.keys(args.redirects)]),
    ...checkEdge(args.edge),
    ...(virtualAddress !== undefined && taken.includes(virtualAddress) ? [held] : []),
    ...checkVirtualAddress6({ virtualAddress, virtualAddress6, hosts, others: [] }),
  ];
}

/** Without aliases, as far as they are known: the first one may be an output. */
function servedNames({ domain, applications }: Complete): readonly string[] {
  const first = typeof domain === "string" ? [domain] : [];
  return [...new Set([...first, ...applications.flatMap(({ domains }) => domains)])];
}

function checkHttpsPort({ https, port, statsPort }: Complete): readonly Fault[] {
  if (https === undefined) return [];
  const { port: own = defaultHttpsPort } = https === "own-ca" ? {} : https;
  if (own !== port && own !== statsPort) return [];
  return [{ path: "https.port", message: unexpected("a port other than port and statsPort", own) }];
}

export function readValues(check: ArgsCheck<typeof entries>, args: Complete) {
  const { domain, healthPath, port, statsPort, responseTimeoutSeconds } = args;
  const { trustedProxies, virtualAddress, virtualAddress6, onMove, rawLines } = args;
  const { sharedPaths = [] } = args;
  const { aliases, redirects, unknownHost, plainPaths = [] } = args;
  const servers = plainServers(args.servers);
  const applications = args.applications.map((one) => ({
    ...one,
    servers: plainServers(one.servers),
  }));
  const known = whenKnown(check, {
    ...{ domain, healthPath, port, statsPort, responseTimeoutSeconds },
    ...{ trustedProxies, virtualAddress, virtualAddress6, onMove, rawLines, servers },
    ...{ applications, sharedPaths },
    ...{ aliases, redirects, unknownHost, plainPaths, https: plainHttps(args) },
    edge: withHiddenUsers(args.edge),
  });
  const edge = pulumi
    .all([known.edge, known.domain])
    .apply(([given, domain]) => completeEdge(check.component, given, domain));
  return { ...known, edge };
}

/** Without the certificates: their files hold them. */
function plainHttps({ https }: Complete) {
  if (https === undefined) return undefined;
  const { port = defaultHttpsPort, hsts, http3 } = https === "own-ca" ? {} : https;
  return { port, hsts, http3 };
}

export type Known = ReturnType<typeof readValues>;
