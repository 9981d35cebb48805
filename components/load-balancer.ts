/** HAProxy on one host, before all web servers. */
import * as pulumi from "@pulumi/pulumi";
import { Service } from "../provider/resources/service";
import { checkArgs } from "./check-args";
import { type Host, onHost } from "./host";
import { defaultPorts, loadBalancerOptions } from "./options";
import {
  haproxyFiles,
  renderHaproxy,
  renderHaproxyUnit,
  renderUnavailable,
} from "./render/haproxy";
import { domain, urlPath } from "./rules";

/** A web server to send requests to: a `WebServer`, or one that this program did not make. */
export interface BalancedServer {
  readonly host: { readonly name: string; readonly address: string };
  readonly port: number;
  /** What has to be there before it gets requests. */
  readonly service?: pulumi.Resource;
}

export interface LoadBalancerArgs {
  readonly host: Host;
  readonly servers: readonly BalancedServer[];
  readonly domain: string;
  /** Answers 200 when a server can serve, and 404 when it is to get nothing new. */
  readonly healthPath: string;
  /** Default 80. */
  readonly port?: number;
  /** Statistics, and `/metrics` for Prometheus, on the host's private address. Default 8404. */
  readonly statsPort?: number;
  /** Lines that end a section of HAProxy's configuration, as they are. */
  readonly rawLines?: {
    readonly global?: readonly string[];
    readonly frontend?: readonly string[];
    readonly backend?: readonly string[];
  };
}

/**
 * HAProxy with health checks, draining and reloads that drop no connection.
 *
 *     new LoadBalancer("lb", { host, servers: [web1, web2], domain: "www.example.com", healthPath: "/healthz" });
 */
export class LoadBalancer extends pulumi.ComponentResource {
  readonly port: number;
  readonly statsUrl: string;

  constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:LoadBalancer", name, {}, opts);
    checkArgs(
      `LoadBalancer ${name}`,
      { ...loadBalancerOptions, domain, healthPath: urlPath },
      args,
    );
    checkServers(name, args.servers);
    const { host, port = defaultPorts.loadBalancer, statsPort = defaultPorts.statistics } = args;
    this.port = port;
    this.statsUrl = `http://${host.address}:${statsPort}/`;
    createService(this, name, { ...args, port, statsPort });
    this.registerOutputs({ port, statsUrl: this.statsUrl });
  }
}

function checkServers(name: string, servers: readonly BalancedServer[]): void {
  if (servers.length > 0) return;
  throw new pulumi.RunError(
    `LoadBalancer ${name}: servers: expected a list of servers, got an empty list`,
  );
}

type Complete = LoadBalancerArgs & { readonly port: number; readonly statsPort: number };

function createService(parent: LoadBalancer, name: string, args: Complete): Service {
  const { host, servers } = args;
  const packages = new Service(
    `${name}-packages`,
    // socat carries what HAProxy knows of its servers over a reload.
    {
      host: host.host,
      name: "haproxy-packages",
      packages: { haproxy: "present", socat: "present" },
    },
    onHost(host, parent),
  );
  // No server gets requests before it can answer them.
  const ready = servers.flatMap(({ service }) => (service ? [service] : []));
  return new Service(
    `${name}-service`,
    {
      host: host.host,
      unit: "haproxy.service",
      files: renderFiles(args),
      check: ["haproxy", "-c", "-f", haproxyFiles.config],
      onChange: "reload",
      ready: { tcp: parent.port },
    },
    onHost(host, parent, [packages, ...ready]),
  );
}

function renderFiles({ host, servers, domain, healthPath, port, statsPort, rawLines }: Complete) {
  const config = renderHaproxy({
    domain,
    address: host.address,
    port,
    statsPort,
    healthPath,
    servers: servers.map(({ host: { name, address }, port }) => ({ name, address, port })),
    rawLines: rawLines ?? {},
  });
  return {
    [haproxyFiles.config]: { content: config },
    [haproxyFiles.unavailable]: { content: renderUnavailable(domain) },
    [haproxyFiles.unit]: { content: renderHaproxyUnit() },
  };
}
