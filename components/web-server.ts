/** Nginx on one host: static files by itself, the rest by the application beside it. */
import * as pulumi from "@pulumi/pulumi";
import { Service } from "../provider/resources/service";
import type { Application } from "./application";
import { checkArgs } from "./check-args";
import { type Host, onHost } from "./host";
import { defaultPorts, webServerOptions } from "./options";
import { renderNginx } from "./render/nginx";
import { list } from "./rule";
import { address, domain } from "./rules";

export interface WebServerArgs {
  readonly host: Host;
  readonly application: Application;
  readonly domain: string;
  /** Addresses of the load balancers: theirs is the word on who the client is. */
  readonly loadBalancers: readonly string[];
  /** Default 80. */
  readonly port?: number;
  /** Default 10. */
  readonly uploadLimitMegabytes?: number;
  /** How long the application may take to answer. Default 60, less than the load balancer's patience. */
  readonly responseTimeoutSeconds?: number;
  /** Lines for Nginx's `server` block, as they are. */
  readonly rawLines?: readonly string[];
}

/**
 * Nginx for one site on one host.
 *
 *     new WebServer("web-01", { host, application, domain: "www.example.com", loadBalancers: ["10.0.0.11"] });
 */
export class WebServer extends pulumi.ComponentResource {
  readonly host: Host;
  readonly port: number;
  /** Wait for it, and with it for the application, to send requests there. */
  readonly service: Service;

  constructor(name: string, args: WebServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:WebServer", name, {}, opts);
    const loadBalancers = list("a list of addresses", address);
    checkArgs(`WebServer ${name}`, { ...webServerOptions, domain, loadBalancers }, args);
    this.host = args.host;
    this.port = args.port ?? defaultPorts.web;
    this.service = createService(this, name, args);
    this.registerOutputs({ port: this.port });
  }
}

function createService(parent: WebServer, name: string, args: WebServerArgs): Service {
  const { host, application, uploadLimitMegabytes = 10, responseTimeoutSeconds = 60 } = args;
  const packages = new Service(
    `${name}-nginx-packages`,
    { host: host.host, name: "nginx-packages", packages: { nginx: "present" } },
    onHost(host, parent),
  );
  const content = renderNginx({
    domain: args.domain,
    hostName: host.name,
    port: parent.port,
    loadBalancers: args.loadBalancers,
    application,
    uploadLimitMegabytes,
    responseTimeoutSeconds,
    rawLines: args.rawLines ?? [],
  });
  const release = application.releases[host.name];
  return new Service(
    `${name}-nginx-service`,
    {
      host: host.host,
      unit: "nginx.service",
      files: { "/etc/nginx/conf.d/trilithon.conf": { content } },
      // Debian's welcome page would be the default server.
      absent: ["/etc/nginx/sites-enabled/default"],
      check: ["nginx", "-t"],
      onChange: "reload",
      ready: { tcp: parent.port },
    },
    // A web server in service has an application to pass requests to.
    onHost(host, parent, [packages, ...(release ? [release] : [])]),
  );
}
