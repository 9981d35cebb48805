/** Nginx on one host: static files by itself, the rest by the application beside it. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { Service } from "../provider/resources/service";
import { type ArgsCheck, checkArgs, refuse, whenKnown } from "./check-args";
import { type Fault, unexpected } from "./expectation";
import { type Host, onHost } from "./host";
import { defaultPorts, webServerOptions } from "./options";
import { createPackages, withDefaults } from "./packages";
import type { FastCgi } from "./render/fastcgi";
import { nginxFiles, renderNginx, webHealthPath } from "./render/nginx";
import { renderRestartAlways } from "./render/restart-always";
import { list, oneOf, shape, text } from "./rule";
import { address, domain, host, port, present, urlPath } from "./rules";

/** What Nginx passes requests to on its own host: an `Application`, or one that this program did not make. */
export interface ServedApplication {
  /** On 127.0.0.1. */
  readonly port: pulumi.Input<number>;
  /** Answers 200 when it can serve. */
  readonly healthPath: pulumi.Input<string>;
  /** The folder on the host whose files Nginx serves itself. */
  readonly publicFolder: pulumi.Input<string>;
  /** Folders for files that `publicFolder` has not, such as those of the version before. Default none. */
  readonly otherPublicFolders?: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** While this file is there the health path answers 404, and the host gets nothing new. */
  readonly drainFile: pulumi.Input<string>;
  /** How it is asked over FastCGI instead: a unix socket, and the scripts that are run beside `index.php`. Default: over HTTP. */
  readonly fastCgi?: FastCgi | undefined;
  /** Host name to what has to be there before Nginx starts. */
  readonly releases?: Readonly<Record<string, pulumi.Resource>>;
}

export interface WebServerArgs {
  /** Where Nginx runs. */
  readonly host: Host;
  /** What answers the requests for which there is no file. */
  readonly application: ServedApplication;
  /** The host name of the page. */
  readonly domain: pulumi.Input<string>;
  /** IPv4 addresses of the load balancers: who the client is, is believed of them alone. */
  readonly loadBalancers: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** On all addresses of the host. Default 80. */
  readonly port?: pulumi.Input<number>;
  /** The largest body of a request. Default 10, at most 10240. */
  readonly uploadLimitMegabytes?: pulumi.Input<number>;
  /** How long the application may take to answer. Default 60. For more give the load balancer more as well. */
  readonly responseTimeoutSeconds?: pulumi.Input<number>;
  /** Changed before this one: one web server after the other, and none after one that does not become healthy. Default: at once. */
  readonly after?: WebServer;
  /** How visitors reach the page: told to the application when it is asked for its health. Default `http`. */
  readonly scheme?: pulumi.Input<"http" | "https">;
  /** Nginx's version, and packages besides it: Debian package to `present`, a version or a pattern such as `1.30.*`. */
  readonly packages?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /** Lines for Nginx's `server` block, as they are. */
  readonly rawLines?: pulumi.Input<readonly string[]>;
}

/**
 * Nginx for one site on one host.
 *
 *     new WebServer("web-01", { host, application, domain: "www.example.com", loadBalancers: ["10.0.0.11"] });
 */
export class WebServer extends pulumi.ComponentResource {
  readonly host: Host;
  readonly port: pulumi.Output<number>;
  /** What a load balancer asks: the application's health, and 404 while the host is drained. */
  readonly healthPath = webHealthPath;
  /** Wait for it, and with it for the application, to send requests there. */
  readonly service: Service;

  constructor(name: string, args: WebServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:WebServer", name, {}, opts);
    const check = {
      component: `WebServer ${name}`,
      entries,
      plain: ["host", "host.name", "application", "after"],
    };
    checkArgs(check, args, () => checkAgreement(args));
    this.host = args.host;
    const values = readValues(check, args);
    this.port = values.port;
    this.service = createService(this, name, args, values);
    this.registerOutputs({ port: this.port });
  }
}

const folder = text("an absolute path of letters, digits and . _ ~ / -", (value) =>
  /^\/[A-Za-z0-9._~/-]+$/.test(value),
);

const entries = {
  ...webServerOptions,
  host,
  application: shape("an application, as an Application is", {
    port,
    healthPath: urlPath,
    publicFolder: folder,
    otherPublicFolders: v.optional(list("a list of folders", folder)),
    drainFile: folder,
    fastCgi: v.optional(present),
    releases: v.optional(present),
  }),
  domain,
  loadBalancers: list("a list of addresses", address),
  after: v.optional(shape("a WebServer", { service: present })),
  scheme: v.optional(oneOf("http", "https")),
};

function checkAgreement({ host, application, port }: WebServerArgs): readonly Fault[] {
  const { releases } = application;
  const expected = `a host of the application (${Object.keys(releases ?? {}).join(", ")})`;
  const elsewhere = { path: "host", message: unexpected(expected, host.name) };
  return [
    ...(releases && !releases[host.name] ? [elsewhere] : []),
    ...checkPort(port ?? defaultPorts.web, application.port),
  ];
}

function checkPort(
  port: pulumi.Input<number>,
  ofApplication: pulumi.Input<number>,
): readonly Fault[] {
  const message = unexpected("a port other than the application's", port);
  return port === ofApplication ? [{ path: "port", message }] : [];
}

function readValues(check: ArgsCheck<typeof entries>, args: WebServerArgs) {
  const { port, healthPath, publicFolder, otherPublicFolders = [], drainFile } = args.application;
  const { fastCgi } = args.application;
  return whenKnown(check, {
    application: { port, healthPath, publicFolder, otherPublicFolders, drainFile, fastCgi },
    domain: args.domain,
    loadBalancers: args.loadBalancers,
    port: args.port ?? defaultPorts.web,
    uploadLimitMegabytes: args.uploadLimitMegabytes ?? 10,
    responseTimeoutSeconds: args.responseTimeoutSeconds ?? 60,
    rawLines: args.rawLines ?? [],
  });
}

/** The load balancer finds such a host out by its next two checks, and the change is taken back. */
function noteOf(rawLines: readonly string[]): string | undefined {
  if (rawLines.length === 0) return undefined;
  return "should rawLines refuse requests this host does so for some seconds";
}

function createService(
  parent: WebServer,
  name: string,
  args: WebServerArgs,
  values: ReturnType<typeof readValues>,
): Service {
  const { host, application } = args;
  const packages = createPackages(parent, `${name}-nginx-packages`, host, {
    name: "nginx-packages",
    packages: withDefaults({ nginx: "present" }, args.packages),
  });
  const content = pulumi.output(values).apply((known) => {
    refuse(`WebServer ${name}`, checkPort(known.port, known.application.port));
    return renderNginx({ ...known, hostName: host.name });
  });
  const release = application.releases?.[host.name];
  return new Service(
    `${name}-nginx-service`,
    {
      host: host.host,
      unit: "nginx.service",
      files: {
        [nginxFiles.site]: { content },
        [nginxFiles.unit]: { content: renderRestartAlways() },
      },
      // Debian's welcome page would be the default server.
      absent: ["/etc/nginx/sites-enabled/default"],
      runsWith: packages.versions,
      check: ["nginx", "-t"],
      onChange: "reload",
      reloadNote: values.rawLines.apply(noteOf),
      // What the load balancer asks, and as it asks it.
      ready: {
        http: pulumi.interpolate`http://127.0.0.1:${parent.port}${webHealthPath}`,
        headers: { Host: args.domain, "X-Forwarded-Proto": args.scheme ?? "http" },
      },
      port: parent.port,
      // One that cannot bind an address keeps its former workers, and says why in its own log.
      reloaded: { newWorker: true },
      log: "/var/log/nginx/error.log",
      configurationCommand: ["nginx", "-T"],
    },
    // A web server in service has an application to pass requests to.
    onHost(host, parent, [
      packages,
      ...(release ? [release] : []),
      // What breaks one web server must not reach the next.
      ...(args.after ? [args.after.service] : []),
    ]),
  );
}
