/** Nginx on one host: static files by itself, the rest by the applications beside it. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { CertificateAuthority } from "../provider/resources/generated";
import { Service } from "../provider/resources/service";
import { type ArgsCheck, checkArgs, checkUnique, refuse, whenKnown } from "./check-args";
import { type Fault, unexpected } from "./expectation";
import { type Host, onHost } from "./host";
import { allOfIpv4, declareListens, type OwnListen, type OwnListenArgs } from "./listens";
import { defaultPorts, defaultResponseSeconds, webServerOptions } from "./options";
import { createPackages, withDefaults } from "./packages";
import type { FastCgi } from "./render/fastcgi";
import { nginxFiles, renderNginx, renderNginxSite, webHealthPath } from "./render/nginx";
import { renderRestartAlways } from "./render/restart-always";
import { list, oneOf, rule, shape, text } from "./rule";
import {
  address,
  domain,
  host,
  immutablePath,
  port,
  present,
  siteName,
  urlPath,
  webPath,
} from "./rules";
import { createCertificateFiles } from "./web-certificates";
import { type WebMetrics, webMetricsFiles, webMetricsListens } from "./web-metrics";

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
  /** Addresses of files that never change under their name, as `/assets/*`. Default: names that end as esbuild's do. */
  readonly immutablePaths?: pulumi.Input<readonly pulumi.Input<string>[]> | undefined;
  /**
   * Paths below which it answers, if others have the rest of the site, as `/shop`: load balancers then ask for it by the name
   * `NAME.trilithon.internal`. Default: it has a site of its own.
   */
  readonly paths?: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** Paths below which the application writes files itself, as `/uploads`: only `publicFolder` has them. Default none. */
  readonly writtenPaths?: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** While this file is there the health path answers 404, and the host gets nothing new. */
  readonly drainFile: pulumi.Input<string>;
  /** How it is asked over FastCGI instead: a unix socket, and the scripts that are run beside `index.php`. Default: over HTTP. */
  readonly fastCgi?: FastCgi | undefined;
  /** Where its requests are noted. Default `/var/log/nginx/trilithon.access.log`, of a site `trilithon-NAME.access.log` there. */
  readonly accessLog?: pulumi.Input<string>;
  /** Host name to what has to be there before Nginx starts. */
  readonly releases?: Readonly<Record<string, pulumi.Resource>>;
  /** Nginx of each host waits for all of them: meanwhile no host answers that it is healthy. Default false. */
  readonly isReleasedTogether?: boolean;
}

/** A further application on the host, with host names of its own, or with paths of those of another one. */
export interface WebSite {
  /** Names its file: lower-case letters, digits and hyphens. */
  readonly name: string;
  /** One or more. */
  readonly domains: readonly string[];
  /** What answers the requests for which there is no file. */
  readonly application: ServedApplication;
}

export interface WebServerArgs {
  /** Where Nginx runs. */
  readonly host: Host;
  /** What answers the requests for which there is no file, for all host names that no site has. */
  readonly application: ServedApplication;
  /** Further applications. Default none. */
  readonly sites?: readonly WebSite[];
  /** The host name of the page. */
  readonly domain: pulumi.Input<string>;
  /** IPv4 addresses of the load balancers: who the client is, is believed of them alone. */
  readonly loadBalancers: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** On all addresses of the host. Default 80. */
  readonly port?: pulumi.Input<number>;
  /** Signs a certificate for it: it speaks TLS as well then, at `tlsPort`, for load balancers on other hosts. Default none. */
  readonly authority?: CertificateAuthority | undefined;
  /** On all addresses of the host. Default 4443. */
  readonly tlsPort?: pulumi.Input<number>;
  /** The largest body of a request. Default 10, at most 10240. */
  readonly uploadLimitMegabytes?: pulumi.Input<number>;
  /** How long the application may take to answer. Default 60. For more give the load balancer more as well. */
  readonly responseTimeoutSeconds?: pulumi.Input<number>;
  /** Changed before this one: one web server after the other, and none after one that does not become healthy. Default: at once. */
  readonly after?: WebServer;
  /** How visitors reach the page: told to the application when it is asked for its health. Default `http`. */
  readonly scheme?: pulumi.Input<"http" | "https">;
  /** Tells Prometheus what these applications tell, over TLS. Default: nothing of that. */
  readonly metrics?: WebMetrics;
  /** Nginx's version, and packages besides it: Debian package to `present`, a version or a pattern such as `1.30.*`. */
  readonly packages?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /** Lines for Nginx's `server` block, as they are. */
  readonly rawLines?: pulumi.Input<readonly string[]>;
}

/**
 * Nginx on one host.
 *
 *     new WebServer("web-01", { host, application, domain: "www.example.com", loadBalancers: ["10.0.0.11"] });
 */
export class WebServer extends pulumi.ComponentResource {
  readonly host: Host;
  readonly port: pulumi.Output<number>;
  /** Where it speaks TLS, if it does, and whom to trust for its certificate, which has the name of its host. */
  readonly tls:
    | { readonly port: pulumi.Output<number>; readonly authority: pulumi.Output<string> }
    | undefined;
  /** What a load balancer asks: the application's health, and 404 while the host is drained. */
  readonly healthPath = webHealthPath;
  /** Wait for it, and with it for the application, to send requests there. */
  readonly service: Service;
  readonly listens: pulumi.Output<readonly OwnListen[]>;

  constructor(name: string, args: WebServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:WebServer", name, {}, opts);
    const check = {
      component: `WebServer ${name}`,
      entries,
      plain: [
        ...["host", "host.name", "application", "sites", "sites.name", "sites.domains"],
        ...["after", "authority"],
      ],
    };
    checkArgs(check, args, () => checkAgreement(args));
    this.host = args.host;
    const values = readValues(check, args);
    this.port = values.port;
    const { authority } = args;
    this.tls = authority && { port: values.tlsPort, authority: authority.trustedCertificates };
    this.listens = declareListens([
      ...nginxListens(this),
      ...(args.metrics ? webMetricsListens(args.host, args.metrics, nginxUnit) : []),
    ]);
    this.service = createService(this, name, args, values);
    this.registerOutputs({ port: this.port });
  }
}

/** A load balancer that was not changed yet, or is to speak HTTP, asks without TLS: so either change has no order to keep. */
function nginxListens({ host, port, tls }: WebServer): readonly OwnListenArgs[] {
  const clients = ["load balancers"] as const;
  const nginx = {
    ...({ host: host.name, address: allOfIpv4, protocol: "tcp" } as const),
    ...{ unit: nginxUnit, for: { clients } },
  };
  return [
    { ...nginx, port, what: "Nginx" },
    ...(tls === undefined ? [] : [{ ...nginx, port: tls.port, what: "Nginx over TLS" }]),
  ];
}

const nginxUnit = "nginx.service";

const isTrueOrFalse = rule(
  "true or false",
  (value): value is boolean => typeof value === "boolean",
);
const folder = text("an absolute path of letters, digits and . _ ~ / -", (value) =>
  /^\/[A-Za-z0-9._~/-]+$/.test(value),
);

const application = shape("an application, as an Application is", {
  port,
  healthPath: urlPath,
  publicFolder: folder,
  otherPublicFolders: v.optional(list("a list of folders", folder)),
  paths: v.optional(list("a list of paths", webPath)),
  writtenPaths: v.optional(list("a list of paths", folder)),
  immutablePaths: v.optional(list("a list of addresses", immutablePath)),
  drainFile: folder,
  fastCgi: v.optional(present),
  accessLog: v.optional(folder),
  releases: v.optional(present),
  isReleasedTogether: v.optional(isTrueOrFalse),
});

const entries = {
  ...webServerOptions,
  host,
  application,
  sites: v.optional(
    list(
      "a list of sites",
      shape("an object with name, domains and application", {
        name: siteName,
        domains: list("a list of domains", domain, 1),
        application,
      }),
    ),
  ),
  domain,
  loadBalancers: list("a list of addresses", address),
  after: v.optional(shape("a WebServer", { service: present })),
  authority: v.optional(
    shape("a CertificateAuthority", { certificate: present, trustedCertificates: present }),
  ),
  scheme: v.optional(oneOf("http", "https")),
  metrics: v.optional(present),
};

function checkAgreement(args: WebServerArgs): readonly Fault[] {
  const { host, application, sites = [] } = args;
  const elsewhere = [application, ...sites.map((site) => site.application)].flatMap(
    ({ releases }) => {
      if (releases === undefined || releases[host.name]) return [];
      const expected = `a host of the application (${Object.keys(releases).join(", ")})`;
      return [{ path: "host", message: unexpected(expected, host.name) }];
    },
  );
  return [
    ...elsewhere,
    ...checkUnique("sites", "a name that no other site has", sites, ".name"),
    ...checkPorts({ ...args, ofApplication: application.port }),
  ];
}

function checkPorts({
  port = defaultPorts.web,
  tlsPort = defaultPorts.webTls,
  authority,
  ofApplication,
}: Pick<WebServerArgs, "port" | "tlsPort" | "authority"> & {
  readonly ofApplication: pulumi.Input<number>;
}): readonly Fault[] {
  const other = (path: string, expected: string, given: pulumi.Input<number>) => ({
    path,
    message: unexpected(`a port other than ${expected}`, given),
  });
  const isTlsTaken = tlsPort === port || tlsPort === ofApplication;
  return [
    ...(port === ofApplication ? [other("port", "the application's", port)] : []),
    ...(authority !== undefined && isTlsTaken
      ? [other("tlsPort", "port and the application's", tlsPort)]
      : []),
  ];
}

function readValues(check: ArgsCheck<typeof entries>, args: WebServerArgs) {
  const { sites = [] } = args;
  return whenKnown(check, {
    application: served(args.application, nginxFiles.accessLog),
    sites: sites.map((site) => ({
      ...site,
      application: served(site.application, nginxFiles.accessLogOf(site.name)),
    })),
    domain: args.domain,
    loadBalancers: args.loadBalancers,
    port: args.port ?? defaultPorts.web,
    tlsPort: args.tlsPort ?? defaultPorts.webTls,
    uploadLimitMegabytes: args.uploadLimitMegabytes ?? 10,
    responseTimeoutSeconds: args.responseTimeoutSeconds ?? defaultResponseSeconds.web,
    rawLines: args.rawLines ?? [],
  });
}

/** Without the resources that have to be there before. */
function served(application: ServedApplication, ownLog: string) {
  const { port, healthPath, publicFolder, drainFile, accessLog = ownLog, fastCgi } = application;
  const { otherPublicFolders = [], writtenPaths = [], immutablePaths, paths = [] } = application;
  return {
    ...{ port, healthPath, publicFolder, drainFile, accessLog, fastCgi },
    ...{ otherPublicFolders, writtenPaths, immutablePaths, paths },
  };
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
  const { host, application, sites = [], authority } = args;
  const packages = createPackages(parent, `${name}-nginx-packages`, host, {
    name: "nginx-packages",
    packages: withDefaults({ nginx: "present" }, args.packages),
  });
  const rendered = pulumi.output(values).apply(({ tlsPort, ...known }) => {
    const ports = { port: known.port, tlsPort, authority, ofApplication: known.application.port };
    refuse(`WebServer ${name}`, checkPorts(ports));
    return { ...known, hostName: host.name, ...(authority && { tlsPort }) };
  });
  const content = rendered.apply(renderNginx);
  const siteFiles = sites.map(({ name: site }, index) => {
    const content = rendered.apply((known) => {
      const one = known.sites[index];
      if (one === undefined) throw new Error(`${site}: is not known`);
      return renderNginxSite(known, one);
    });
    return [nginxFiles.siteOf(site), { content }] as const;
  });
  const awaited = [application, ...sites.map((site) => site.application)].flatMap(
    ({ releases = {}, isReleasedTogether = false }) =>
      isReleasedTogether ? Object.values(releases) : (releases[host.name] ?? []),
  );
  return new Service(
    `${name}-nginx-service`,
    {
      host: host.host,
      unit: nginxUnit,
      files: {
        [nginxFiles.site]: { content },
        ...Object.fromEntries(siteFiles),
        ...(authority && createCertificateFiles(parent, name, host, authority)),
        ...webMetricsFiles(host, args.metrics),
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
      ...awaited,
      // What breaks one web server must not reach the next.
      ...(args.after ? [args.after.service] : []),
    ]),
  );
}
