/** The files of HAProxy. */

import {
  type HaproxyEdge,
  renderAdmission,
  renderConnectionLimit,
  renderEdgeSections,
  renderLimits,
} from "./edge";
import { edgeFiles } from "./edge-script";
import { forwardingHeaders } from "./forwarding-headers";
import { adminSocket, backendOf, haproxyFiles, serverState } from "./haproxy-files";
import { renderNames, schemeOf, siteOf } from "./haproxy-names";
import { httpLogFormat } from "./http-log-format";
import { renderHttp3Binds, renderHttp3Global } from "./http3";
import { renderHaproxyMetrics } from "./monitoring/haproxy-metrics";
import { renderRestartAlways } from "./restart-always";
import { renderTlsProfile } from "./tls-profile";
import type { UnknownHost } from "./unknown-host";
import { insideDomain, nameInside } from "./web-paths";

export interface HaproxyConfig {
  /** Sent with the health checks: a web server may serve several domains. */
  readonly domain: string;
  /** Further names of the same site. Default none. */
  readonly aliases?: readonly string[] | undefined;
  /** The load balancer's private address, which alone answers for statistics. */
  readonly address: string;
  readonly port: number;
  /** Whether it answers on all IPv6 addresses as well. */
  readonly isIpv6?: boolean | undefined;
  readonly statsPort: number;
  /** Where Prometheus asks, over TLS. Default: nowhere. */
  readonly metricsPort?: number | undefined;
  readonly healthPath: string;
  readonly responseTimeoutSeconds: number;
  readonly servers: readonly HaproxyServer[];
  /** Below these paths are files that one server may have a moment before the others. Default none. */
  readonly sharedPaths?: readonly string[];
  /** Further applications, each with the requests for its domains. All others are for `servers`. */
  readonly applications: readonly HaproxyApplication[];
  /** A word that names the load balancers of one stack: it answers for itself then, at `balancerHealthPath` and `balancerMarkPath`. */
  readonly mark?: string | undefined;
  /** Networks of proxies before this one, whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: readonly string[];
  /** It ends TLS itself then, and leads everybody there. */
  readonly https?: HaproxyHttps | undefined;
  /** A host name to the one that visitors are led to from there. Default none. */
  readonly redirects?: Readonly<Record<string, string>> | undefined;
  /** What becomes of requests for host names that nobody has. Default `serve`. */
  readonly unknownHost?: UnknownHost | undefined;
  /** What it refuses by itself, whom it lets in, and what answers tell browsers. Default: nothing of that. */
  readonly edge?: HaproxyEdge | undefined;
  /** Lines that end a section, as they are. */
  readonly rawLines: {
    readonly global?: readonly string[];
    readonly frontend?: readonly string[];
    readonly backend?: readonly string[];
  };
}

export interface HaproxyHttps {
  readonly port: number;
  /** Browsers are to come by TLS alone for so long. */
  readonly hsts?:
    | {
        readonly days: number;
        readonly includeSubDomains?: boolean | undefined;
        readonly preload?: boolean | undefined;
      }
    | undefined;
  /** Spoken at the same port over UDP. */
  readonly http3?: boolean | undefined;
  /** Paths that are answered without TLS as well, besides the health check's. */
  readonly plainPaths: readonly string[];
  /** Of the account at the authority that is asked for certificates, if one is: by it each challenge is answered. */
  readonly acmeThumbprint?: string | undefined;
}

export interface HaproxyApplication {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string;
  /** One or more; the first is sent with the health checks. */
  readonly domains: readonly string[];
  /** It has these paths of a site: of the application `under`, or of that which has all other requests. Default: its domains. */
  readonly paths?: readonly string[];
  readonly under?: string | undefined;
  readonly servers: readonly HaproxyServer[];
  readonly sharedPaths?: readonly string[];
}

export interface HaproxyServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Asked over TLS: it is to show a certificate for its name, of one of the authorities in `haproxyFiles.authorities`. Default false. */
  readonly isTls?: boolean;
}

/** HAProxy's own health, whatever becomes of the web servers. */
export const balancerHealthPath = "/.trilithon/load-balancer";
/** Whose it is: of load balancers that share an address all answer the same word. */
export const balancerMarkPath = "/.trilithon/mark";

/** Whether there is another server to ask for a file. */
export function hasShared({
  servers,
  sharedPaths = [],
}: {
  readonly servers: readonly unknown[];
  readonly sharedPaths?: readonly string[];
}): boolean {
  return servers.length > 1 && sharedPaths.length > 0;
}

function isShared(sharedPaths: readonly string[] = []): string {
  return `{ path_beg ${sharedPaths.map((path) => `${path}/`).join(" ")} }`;
}

/** How long a WebSocket may be idle, and how long one lives on after a reload. */
const webSocketHours = 1;
/** How long a visitor who comes back need not shake hands anew. */
const sessionSeconds = 3600;

export function renderHaproxy(config: HaproxyConfig): string {
  const { address, statsPort, rawLines, applications, https, edge, trustedProxies } = config;
  const { metricsPort } = config;
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.

global
    log stdout format raw daemon
    chroot /var/lib/haproxy
    user haproxy
    group haproxy
    # A reload takes the listening sockets over from the process before it: no connection is refused.
    stats socket ${adminSocket} mode 600 level admin expose-fd listeners
    # A process that a reload replaced ends by then, with the WebSockets and streams that it still carries.
    hard-stop-after ${webSocketHours}h
    # The headers of a request or an answer have to fit into one buffer.
    tune.bufsize 65536
    # What is known of each server's health outlives a reload, so that none gets requests that is down.
    server-state-file ${serverState}
${https ? renderTlsProfile({ sessionSeconds }) : ""}${https?.http3 ? renderHttp3Global() : ""}${indent(rawLines.global)}
defaults
    mode http
    log global
    option httplog
    # Nginx logs each request; here stand failures and servers that come and go.
    option dontlog-normal
    option dontlognull
    # What an application sends is passed on at once: events, streams.
    option http-no-delay
    # Clients that idle during a reload are answered once more before their connection ends.
    option idle-close-on-response
    option redispatch 1
    retries 3
    timeout connect 2s
    timeout client 30s
    timeout client-fin 10s
    timeout http-request 10s
    timeout http-keep-alive 10s
    timeout queue 10s
    timeout server ${config.responseTimeoutSeconds}s
    timeout check 2s
    # WebSockets.
    timeout tunnel ${webSocketHours}h
    load-server-state-from-file global
    http-error ${unavailable(haproxyFiles.unavailable)}
${edge ? renderEdgeSections(edge) : ""}
frontend web
${renderBinds(config)}${edge ? renderConnectionLimit(edge, trustedProxies) : ""}${
  config.mark !== undefined
    ? `    # Asked where load balancers share an address: an answer of HAProxy's own, whatever becomes of the web servers.
    monitor-uri ${balancerHealthPath}
    http-request return content-type text/plain string ${config.mark} if { path ${balancerMarkPath} }
`
    : ""
}    unique-id-format %[uuid()]
    # As httplog, with the request's ID: Nginx and the application have it too.
    log-format "${httpLogFormat} %ID"
${renderForwarding(trustedProxies)}${edge ? renderLimits(edge) : ""}${renderNames(config)}${edge ? renderAdmission(edge, siteOf(config)) : ""}${renderChoices(applications)}    http-request set-header X-Request-ID %[unique-id]
    # Nginx says by this that no application was reached, on any server by now.
    http-response return ${unavailable(haproxyFiles.unavailable)} if { status 425 }
${applications.map(renderUse).join("")}    use_backend web_servers_once unless { method GET HEAD }
${hasShared(config) ? `    use_backend ${backendOf().shared} if ${isShared(config.sharedPaths)}\n` : ""}    default_backend web_servers
${indent(rawLines.frontend)}
${renderBackends(config)}${applications.map((application) => renderBackends(config, application)).join("")}frontend statistics
    bind ${address}:${statsPort}
    http-request use-service prometheus-exporter if { path /metrics }
    stats enable
    stats uri /
    stats refresh 5s
${metricsPort === undefined ? "" : renderHaproxyMetrics({ address, port: metricsPort })}`;
}

/** A socket for each family: so the address of a visitor over IPv4 is told as such. */
function renderBinds({ port, https, isIpv6 = false }: HaproxyConfig): string {
  const tls = `ssl crt-list ${haproxyFiles.certificates} alpn h2,http/1.1`;
  return [
    `    bind :${port}\n`,
    isIpv6 ? `    bind [::]:${port} v6only\n` : "",
    https ? `    bind :${https.port} ${tls}\n` : "",
    https && isIpv6 ? `    bind [::]:${https.port} v6only ${tls}\n` : "",
    https?.http3
      ? renderHttp3Binds(https.port, { isIpv6, certificates: haproxyFiles.certificates })
      : "",
  ].join("");
}

/** Which application is asked goes by the name that was asked for, and by the path: the longest that fits counts. */
function renderChoices(applications: readonly HaproxyApplication[]): string {
  const byPath = applications.flatMap((application) =>
    (application.paths ?? []).map((path) => ({ path, application })),
  );
  byPath.sort((a, b) => b.path.length - a.path.length);
  return [
    ...(byPath.length > 0
      ? [
          `    # Web servers are asked by such names, and by the load balancers alone.
    http-request deny deny_status 404 if { req.hdr(Host),field(1,:),lower -m end ${insideDomain} }
`,
        ]
      : []),
    ...applications
      .filter(({ paths = [] }) => paths.length === 0)
      .map(({ name, domains }) =>
        renderChoice(name, `{ req.hdr(Host),field(1,:),lower -m str ${domains.join(" ")} }`),
      ),
    ...byPath.map(({ path, application: { name, under } }) => {
      const site =
        under === undefined
          ? "!{ var(txn.application) -m found }"
          : `{ var(txn.application) -m str ${under} }`;
      return renderChoice(name, `${site} { path -m str ${path} } or ${site} { path_beg ${path}/ }`);
    }),
  ].join("");
}

function renderChoice(name: string, condition: string): string {
  return `    http-request set-var(txn.application) str(${name}) if ${condition}
`;
}

function renderUse(application: HaproxyApplication): string {
  const { name, sharedPaths } = application;
  const { backend, once, shared } = backendOf(name);
  const isChosen = `{ var(txn.application) -m str ${name} }`;
  return `    use_backend ${once} if ${isChosen} !{ method GET HEAD }
${hasShared(application) ? `    use_backend ${shared} if ${isChosen} ${isShared(sharedPaths)}\n` : ""}    use_backend ${backend} if ${isChosen}
`;
}

function unavailable(file: string): string {
  return `status 503 content-type "text/html; charset=utf-8" hdr "Retry-After" "5" hdr "Cache-Control" "no-store" file ${file}`;
}

/** Of the application that has all requests which are no other's, or of another one. */
function renderBackends(config: HaproxyConfig, application?: HaproxyApplication): string {
  const { healthPath, rawLines } = config;
  const { servers } = application ?? config;
  const isInside = application !== undefined && (application.paths ?? []).length > 0;
  const domain = isInside
    ? nameInside(application.name)
    : (application?.domains.at(0) ?? config.domain);
  // Web servers tell by the name who is asked; what visitors asked for is in X-Forwarded-Host.
  const host = isInside ? `    http-request set-header Host ${domain}\n` : "";
  const scheme = schemeOf(config);
  const { backend, once, shared } = backendOf(application?.name);
  const page = application ? renderPage(haproxyFiles.unavailableOf(application.name)) : "";
  const tracking = servers
    .map((server) => `${renderServer(server)} track ${backend}/${server.name}`)
    .join("\n");
  const sharedBackend = hasShared(application ?? config)
    ? `# GET and HEAD of what servers share: a file that one of them does not have yet another one may have.
backend ${shared}
    balance roundrobin
    http-check disable-on-404
    retry-on conn-failure 425 404
    retries 1
    default-server slowstart 10s
${host}${page}${tracking}
${indent(rawLines.backend)}
`
    : "";
  return `# GET and HEAD: connections to the servers are used again. Should a server close one just as a request is sent on it, the
# client's connection is closed in turn, and clients send such a request once more by themselves.
backend ${backend}
    balance roundrobin
    option httpchk
    http-check send meth GET uri ${healthPath} ver HTTP/1.1 hdr Host ${domain} hdr X-Forwarded-Proto ${scheme}
    http-check expect status 200-299
    # A server that answers 404 is being drained: it finishes what it has and gets nothing new.
    http-check disable-on-404
    # Only what cannot have reached an application is tried on another server: no connection, or Nginx without one.
    # HAProxy 2.6 and 3.0 cannot try again on 421, which would mean just this.
    retry-on conn-failure 425
    # Down after 2 s of failures, over TLS 3 s; back at full share 10 s after it recovers, its caches being cold.
    default-server check inter 1s fastinter 500ms fall 2 rise 2 slowstart 10s
${host}${page}${servers.map(renderCheckedServer).join("\n")}
${indent(rawLines.backend)}
# All other methods: a connection per request. What is not idempotent must not be lost on one that is just being closed,
# as nobody may send it once more.
backend ${once}
    balance roundrobin
    option http-server-close
    http-reuse never
    http-check disable-on-404
    retry-on conn-failure 425
    default-server slowstart 10s
${host}${page}${tracking}
${indent(rawLines.backend)}
${sharedBackend}`;
}

/**
 * No name is asked for: of a certificate for another name than the one asked for, HAProxy believes that the visitor chose it, and asks no
 * other server. An expression without a value says so in all versions: without one 3.3 asks for the visitor's name, and what keeps it from
 * that (`no-sni-auto`) former ones do not know.
 */
function renderServer({ name, address, port, isTls = false }: HaproxyServer): string {
  const tls = ` ssl ssl-min-ver TLSv1.3 verify required ca-file ${haproxyFiles.authorities} sni var(txn.none) verifyhost ${name}`;
  return `    server ${name} ${address}:${port}${isTls ? tls : ""}`;
}

/**
 * A handshake has to end within `inter`, and needs a server that gets to run, which a plain connection does not. So it has as long as an
 * answer has (`timeout check`): a server may be as busy as without TLS. A check looks at the certificate each time, and leaves no session:
 * HAProxy 3.0 and 3.2 would resume it for requests, with the name that the check asked for.
 */
function renderCheckedServer(server: HaproxyServer): string {
  const tls = ` no-ssl-reuse check-sni ${server.name} inter 2s downinter 1s`;
  return `${renderServer(server)}${server.isTls ? tls : ""}`;
}

/** What it shows when none of its servers is left. */
function renderPage(file: string): string {
  return `    http-error ${unavailable(file)}
    http-response return ${unavailable(file)} if { status 425 }
`;
}

/** Who the client is and what it asked for, in headers that no client can forge. */
function renderForwarding(trustedProxies: readonly string[]): string {
  const remove = forwardingHeaders.map((name) => `    http-request del-header ${name}\n`).join("");
  const source = trustedProxies.join(" ");
  const isTrusted = "{ var(txn.trusted) -m bool }";
  if (trustedProxies.length === 0) {
    return `    # What a client says of itself in these is not to be believed.
${remove}    http-request del-header X-Forwarded- -m beg
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https if { ssl_fc }
    http-request set-header X-Forwarded-Proto http unless { ssl_fc }
    http-request set-header X-Forwarded-Host %[req.hdr(Host)]
    http-request set-header X-Forwarded-Port %[dst_port]
`;
  }
  // The client is the last address that no trusted proxy has; up to three of them may stand in a row.
  const hops = [-1, -2, -3].map(
    (hop) =>
      `    http-request set-src req.hdr_ip(X-Forwarded-For,${hop}) if { src ${source} } { req.hdr_ip(X-Forwarded-For,${hop}) -m found }\n`,
  );
  return `    # What a client says of itself in these is not to be believed; what a trusted proxy says, is.
    http-request set-var(txn.trusted) bool(true) if { src ${source} }
    http-request set-var(txn.proto) str(http)
    http-request set-var(txn.proto) str(https) if { ssl_fc }
    http-request set-var(txn.proto) str(https) if ${isTrusted} { req.hdr(X-Forwarded-Proto,-1) -i https }
    http-request set-var(txn.host) req.hdr(Host)
    http-request set-var(txn.host) req.hdr(X-Forwarded-Host,-1) if ${isTrusted} { req.hdr(X-Forwarded-Host) -m found }
    http-request set-var(txn.port) dst_port
    http-request set-var(txn.port) req.hdr(X-Forwarded-Port,-1) if ${isTrusted} { req.hdr(X-Forwarded-Port) -m found }
${hops.join("")}${remove}    http-request del-header X-Forwarded- -m beg
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto %[var(txn.proto)]
    http-request set-header X-Forwarded-Host %[var(txn.host)]
    http-request set-header X-Forwarded-Port %[var(txn.port)]
`;
}

/**
 * Saves what is known of the servers before each reload, and forgets it at a start: it may be old by then. The lists that HAProxy reads are
 * there before it looks at its configuration.
 */
export function renderHaproxyUnit(): string {
  return `${renderRestartAlways()}ExecStartPre=
ExecStartPre=${edgeFiles.script} prepare
ExecStartPre=/usr/sbin/haproxy -Ws -f $CONFIG -c -q $EXTRAOPTS
ExecStartPre=-/bin/rm -f ${serverState}
ExecReload=
ExecReload=${edgeFiles.script} prepare
ExecReload=/usr/sbin/haproxy -Ws -f $CONFIG -c -q $EXTRAOPTS
ExecReload=-${haproxyFiles.stateScript}
ExecReload=/bin/sh -c 'kill -USR2 $MAINPID'
`;
}

/** What a browser shows when no server is left. */
export function renderUnavailable(domain: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10">
<title>${domain} is not available</title>
<style>
  :root { color-scheme: light dark }
  body { max-width: 30rem; margin: 20vh auto 0; padding: 0 1rem; font: 1.1rem/1.5 system-ui, sans-serif }
</style>
<h1>Back in a moment</h1>
<p>${domain} cannot answer just now. This page tries again every ten seconds.</p>
`;
}

function indent(lines: readonly string[] = []): string {
  return lines.map((line) => `    ${line}\n`).join("");
}
