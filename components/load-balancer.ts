/** HAProxy on one host, before all web servers. */
import * as pulumi from "@pulumi/pulumi";
import { Service } from "../provider/resources/service";
import { checkArgs } from "./check-args";
import { type Fault, unexpected } from "./expectation";
import { type Host, onHost } from "./host";
import { defaultPorts, loadBalancerOptions } from "./options";
import {
  haproxyFiles,
  renderHaproxy,
  renderHaproxyUnit,
  renderUnavailable,
} from "./render/haproxy";
import { list, shape, text } from "./rule";
import { address, domain, host, port, urlPath } from "./rules";

/** A web server to send requests to: a `WebServer`, or one that this program did not make. */
export interface BalancedServer {
  /** `name`: letters, digits and `. _ : -`, as in HAProxy's statistics. `address`: IPv4. */
  readonly host: { readonly name: string; readonly address: string };
  /** Where it answers over HTTP. */
  readonly port: number;
  /** What has to be there before it gets requests. */
  readonly service?: pulumi.Resource;
}

export interface LoadBalancerArgs {
  /** Where HAProxy runs. */
  readonly host: Host;
  /** One or more, which get the requests in turn. */
  readonly servers: readonly BalancedServer[];
  /** The host name of the page: sent with the health checks, and shown when no server is left. */
  readonly domain: string;
  /** Answers 200 when a server can serve, and 404 when it is to get nothing new. Asked every second. */
  readonly healthPath: string;
  /** On all addresses of the host. Default 80. */
  readonly port?: number;
  /** Statistics, and `/metrics` for Prometheus, on the host's private address. Default 8404. */
  readonly statsPort?: number;
  /** How long a server may take to answer. Default 65: Nginx gives up first, after 60, and its log says so. */
  readonly responseTimeoutSeconds?: number;
  /**
   * Networks of proxies before this one that speak TLS with the visitors, as `203.0.113.0/24`: their `X-Forwarded-For`, `-Proto`,
   * `-Host` and `-Port` are believed, and health checks say `X-Forwarded-Proto: https`. Of all others nothing is. Default none.
   */
  readonly trustedProxies?: readonly string[];
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
  /** Where it answers, on all addresses of its host. */
  readonly port: number;
  /** Statistics for people, and `metrics` below it for Prometheus: on the host's private address only. */
  readonly statsUrl: string;

  constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:LoadBalancer", name, {}, opts);
    const complete = withDefaults(args);
    checkArgs(`LoadBalancer ${name}`, entries, args, () => checkAgreement(complete));
    const { host, port, statsPort } = complete;
    this.port = port;
    this.statsUrl = `http://${host.address}:${statsPort}/`;
    createService(this, name, complete);
    this.registerOutputs({ port, statsUrl: this.statsUrl });
  }
}

function withDefaults(args: LoadBalancerArgs) {
  const {
    port = defaultPorts.loadBalancer,
    statsPort = defaultPorts.statistics,
    responseTimeoutSeconds = 65,
    trustedProxies = [],
    rawLines = {},
  } = args;
  return { ...args, port, statsPort, responseTimeoutSeconds, trustedProxies, rawLines };
}

/** How visitors reach the page: a proxy that is trusted speaks TLS with them. */
export function schemeBehind(trustedProxies: readonly string[] = []): "http" | "https" {
  return trustedProxies.length > 0 ? "https" : "http";
}

type Complete = ReturnType<typeof withDefaults>;

/** What stands in HAProxy's configuration as a server's name. */
const serverName = text("a name of letters, digits and . _ : -", (value) =>
  /^[A-Za-z0-9._:-]+$/.test(value),
);
const server = shape("a server with host and port", {
  host: shape("an object with name and address", { name: serverName, address }),
  port,
});

const entries = {
  ...loadBalancerOptions,
  host,
  servers: list("a list of servers", server, 1),
  domain,
  healthPath: urlPath,
};

function checkAgreement({ servers, port, statsPort }: Complete): readonly Fault[] {
  const names = servers.map(({ host }) => host.name);
  const twice = servers.flatMap((_, index) => {
    const name = names[index];
    const message = unexpected("a name that no other server has", name);
    const isTwice = names.indexOf(name ?? "") !== index;
    return isTwice ? [{ path: `servers[${index}].host.name`, message }] : [];
  });
  const clash = { path: "statsPort", message: unexpected("a port other than port", statsPort) };
  return [...twice, ...(statsPort === port ? [clash] : [])];
}

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
      port: parent.port,
      reloadNote: "WebSockets go on for 1 hour",
      // One that cannot bind an address keeps its former worker, and answers as before.
      reloaded: { newWorker: true },
    },
    onHost(host, parent, [packages, ...ready]),
  );
}

function renderFiles({ host, servers, domain, ...rest }: Complete) {
  const config = renderHaproxy({
    ...rest,
    domain,
    address: host.address,
    servers: servers.map(({ host: { name, address }, port }) => ({ name, address, port })),
  });
  return {
    [haproxyFiles.config]: { content: config },
    [haproxyFiles.unavailable]: { content: renderUnavailable(domain) },
    [haproxyFiles.unit]: { content: renderHaproxyUnit() },
  };
}
